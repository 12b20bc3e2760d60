import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, workflowContent } from '../src/source/content.ts';
import { diffContent } from '../src/source/diff.ts';
import { mappingOf } from '../src/source/shape.ts';
import { chatflow, edge, node, secretId, sourceOf, type Dsl } from './dsl.ts';

const fixed = { seed: 20260711, numRuns: 300 };
const nodes = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.nodes ?? [];

describe('diffContent', () => {
  const changed = (change: (dsl: ReturnType<typeof chatflow>) => void) => {
    const dsl = chatflow();
    change(dsl);
    return diffContent(sourceOf(chatflow()).content, sourceOf(dsl).content);
  };

  test('finds nothing between equals', () => {
    expect(changed((dsl) => Object.assign(nodes(dsl)[0] ?? {}, { position: { x: 7, y: 7 } }))).toEqual([]);
  });

  test('names prompts, models, nodes, edges and variables in words of the editor, in the order of the flow', () => {
    const changes = changed((dsl) => {
      const model = { provider: 'langgenius/openai/openai', name: 'gpt-4o-mini', mode: 'chat', completion_params: { temperature: 0.9 } };
      nodes(dsl)[1] = node('llm', 'llm', { model, prompt_template: [{ role: 'system', text: '新的提示' }], context: { enabled: false, variable_selector: ['gone', 'result'] }, vision: { enabled: false } });
      nodes(dsl).push(node('extra', 'code'));
      dsl.workflow.graph?.edges.push(edge('llm', 'extra'));
      dsl.workflow.environment_variables.splice(1, 1);
      Object.assign(dsl.workflow.environment_variables[0] ?? {}, { value: 'sk-secret' });
    });
    expect(changes).toEqual([
      { kind: 'changed', about: 'prompt', subject: 'prompt 1 (system) of node "Node llm"', before: 'You are in {{#Node start.city#}}. 请用中文回答。', after: '新的提示', node: 'llm', prose: true },
      { kind: 'changed', about: 'model', subject: 'model of node "Node llm"', before: 'langgenius/openai/openai/gpt-4o', after: 'langgenius/openai/openai/gpt-4o-mini', node: 'llm' },
      { kind: 'changed', about: 'model', subject: 'temperature of node "Node llm"', before: '0.2', after: '0.9', node: 'llm' },
      { kind: 'added', about: 'edge', subject: 'edge "Node llm" to "Node extra"', node: 'llm' },
      { kind: 'added', about: 'node', subject: 'node "Node extra"', after: 'code', node: 'extra' },
      { kind: 'removed', about: 'variable', subject: 'environment variable URL', before: 'string, https://a.example' },
    ]);
    expect(JSON.stringify(changes)).not.toContain('sk-secret');
  });

  test('is empty exactly when the digests are equal', () => {
    const change = fc.constantFrom<(dsl: ReturnType<typeof chatflow>) => void>(
      () => undefined,
      (dsl) => nodes(dsl).push(node('x', 'code')),
      (dsl) => nodes(dsl).pop(),
      (dsl) => Object.assign(mappingOf(nodes(dsl)[1]?.['data']), { title: 'T' }),
      (dsl) => Object.assign(nodes(dsl)[1] ?? {}, { parentId: 'start' }),
      (dsl) => Object.assign(nodes(dsl)[1] ?? {}, { id: 'renamed' }),
      (dsl) => Object.assign(mappingOf(nodes(dsl)[1]?.['data']), { prompt_template: [] }),
      (dsl) => Object.assign(mappingOf(nodes(dsl)[1]?.['data']), { prompt_template: [{ id: 'p', role: 'system', text: 'You are in {{#start.city#}}. 请用中文回答。' }] }),
      (dsl) => Object.assign(mappingOf(mappingOf(nodes(dsl)[1]?.['data'])['model']), { mode: 'completion' }),
      (dsl) => dsl.workflow.environment_variables.push({ id: secretId, name: 'MORE', value_type: 'secret', value: '' }),
      (dsl) => (dsl.workflow.features['x'] = null),
      (dsl) => dsl.workflow.graph?.edges.push(edge('llm', 'answer')),
    );
    const build = (changes: ((dsl: ReturnType<typeof chatflow>) => void)[]) => {
      const dsl = chatflow();
      for (const one of changes) one(dsl);
      return workflowContent('advanced-chat', dsl.workflow);
    };
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), fc.array(change, { maxLength: 3 }), (one, other) => {
        const [before, after] = [build(one), build(other)];
        expect(diffContent(before, after).length === 0).toBe(digestOf(before) === digestOf(after));
      }),
      fixed,
    );
  });
});
