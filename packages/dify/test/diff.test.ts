import { describe, expect, test } from '@jest/globals';
import type { Change } from '@sluice/core';
import fc from 'fast-check';
import { digestOf, workflowContent } from '../src/source/content.ts';
import { diffContent, diffSources } from '../src/source/diff.ts';
import { graphOf } from '../src/source/graph.ts';
import { difyPlatform } from '../src/platform.ts';
import { mappingOf } from '../src/source/shape.ts';
import { chatApp, chatflow, edge, node, secretId, sourceOf, type Dsl } from './dsl.ts';

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

  test.each(['constructor', 'toString', 'valueOf'])('tells of a key %s as of any other', (key) => {
    const changes = changed((dsl) => {
      Object.assign(mappingOf(nodes(dsl)[1]?.['data']), { [key]: 'x' });
      dsl.workflow.features['more'] = { [key]: [{ name: key, comparison_operator: key, value: 'y' }] };
    });
    expect(changes).toEqual([
      { kind: 'added', about: 'setting', subject: `${key} of node "Node llm"`, after: 'x', node: 'llm' },
      { kind: 'added', about: 'setting', subject: 'feature more', after: `${key}: ${key} ${key} "y"` },
    ]);
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

type Flow = ReturnType<typeof chatflow>;

/** told are changes as a reader meets them: kind, subject, before and after. */
const told = (changes: readonly Change[]): readonly string[] =>
  changes.map(({ kind, subject, before, after }) => `${kind}: ${subject}${before === undefined ? '' : ` | ${before}`}${after === undefined ? '' : ` => ${after}`}`);

const dataOf = (dsl: Dsl, id: string): Record<string, unknown> => nodes(dsl).find((one) => one['id'] === id)?.['data'] as Record<string, unknown>;

/** flow is start → llm → ask (two cases) → yes, no; with a classifier, a loop and an end. */
const flow = (): Flow => {
  const dsl = chatflow();
  nodes(dsl).push(
    node('ask', 'if-else', { title: 'Ask', cases: [{ case_id: 'true', logical_operator: 'and', conditions: [{ id: 'c1', variable_selector: ['llm', 'text'], comparison_operator: 'contains', value: '价格' }] }, { case_id: 'k2', logical_operator: 'or', conditions: [{ id: 'c2', variable_selector: ['sys', 'files'], comparison_operator: 'not empty', value: '' }, { id: 'c3', variable_selector: ['sys', 'query'], comparison_operator: '≥', value: '3' }] }] }),
    node('sort', 'question-classifier', { title: 'Sort', classes: [{ id: '1', name: '安装' }, { id: '2', name: '其他' }], instruction: 'Short', model: { provider: 'p', name: 'm', mode: 'chat', completion_params: {} } }),
    node('round', 'loop', { title: 'Round', start_node_id: 'roundstart', loop_count: 3 }),
    node('roundstart', 'loop-start', { title: '' }, { parentId: 'round' }),
    node('fetch', 'http-request', { title: 'Fetch', method: 'get', url: 'https://a.example', error_strategy: 'fail-branch' }, { parentId: 'round' }),
  );
  dsl.workflow.graph?.edges.push(edge('llm', 'ask'), edge('ask', 'sort', 'true'), edge('ask', 'round', 'false'), edge('sort', 'answer', '1'), edge('roundstart', 'fetch'));
  return dsl;
};

const toldOf = (change: (dsl: Flow) => void): readonly string[] => {
  const dsl = flow();
  change(dsl);
  return told(diffSources(sourceOf(flow()), sourceOf(dsl)));
};
const wayOf = (dsl: Flow, source: string, handle = 'source') => dsl.workflow.graph?.edges.find((one) => one['source'] === source && one['sourceHandle'] === handle) ?? {};

describe('what a reader is told', () => {
  test.each<[string, (dsl: Flow) => void, readonly string[]]>([
    ['a way that leads elsewhere', (dsl) => Object.assign(wayOf(dsl, 'ask', 'true'), { target: 'round' }), ['changed: branch "CASE 1" of node "Ask" | leads to "Sort" => leads to "Round"']],
    ['a plain way that leads elsewhere', (dsl) => Object.assign(wayOf(dsl, 'roundstart'), { target: 'round' }), ['changed: way on from node "start of Round" | leads to "Fetch" => leads to "Round"']],
    ['a way that begins elsewhere', (dsl) => Object.assign(wayOf(dsl, 'sort', '1'), { source: 'ask', sourceHandle: 'k2' }), ['changed: way into node "Node answer" | comes from "Sort", branch "安装" => comes from "Ask", branch "CASE 2"']],
    ['another branch between two nodes', (dsl) => Object.assign(wayOf(dsl, 'ask', 'true'), { sourceHandle: 'k2' }), ['changed: edge "Ask" to "Sort" | leaves by branch "CASE 1" => leaves by branch "CASE 2"']],
    ['a branch on failure', (dsl) => dsl.workflow.graph?.edges.push(edge('fetch', 'round', 'fail-branch')), ['added: edge "Fetch", branch "on failure" to "Round"']],
    ['another title', (dsl) => (dataOf(dsl, 'sort')['title'] = 'Sortieren'), ['changed: name of node "Sortieren" | Sort => Sortieren']],
    ['out of a container', (dsl) => delete nodes(dsl).find((one) => one['id'] === 'fetch')?.['parentId'], ['changed: place of node "Fetch" | inside "Round" => outside of containers']],
    ['a condition', (dsl) => (dataOf(dsl, 'ask')['cases'] = [{ case_id: 'true', logical_operator: 'and', conditions: [{ id: 'c1', variable_selector: ['llm', 'text'], comparison_operator: 'is', value: '价格' }] }]), ['changed: condition of IF of node "Ask" | Node llm.text contains "价格" => Node llm.text is "价格"', 'removed: condition of CASE 2 of node "Ask" | sys.files is not empty or sys.query ≥ 3']],
    ['ids of cases and conditions', (dsl) => {
      dataOf(dsl, 'ask')['cases'] = JSON.parse(JSON.stringify(dataOf(dsl, 'ask')['cases']).replace('"true"', '"k1"').replace('"c1"', '"c9"'));
      Object.assign(wayOf(dsl, 'ask', 'true'), { sourceHandle: 'k1' });
    }, ['changed: inner ids of node "Ask"']],
    ['classes, by their ids', (dsl) => (dataOf(dsl, 'sort')['classes'] = [{ id: '2', name: '其它' }, { id: '1', name: '安装' }, { id: '3', name: '退款' }]), ['changed: class 1 of node "Sort" | 其他 => 其它', 'added: class 3 of node "Sort" => 退款', 'changed: order of classes of node "Sort" | "安装", "其他" => "其它", "安装", "退款"']],
    ['a prompt between others', (dsl) => (dataOf(dsl, 'llm')['prompt_template'] = [{ role: 'user', text: '{{#sys.query#}}' }, { role: 'system', text: 'You are in {{#start.city#}}. 请用中文回答。' }]), ['added: prompt 1 (user) of node "Node llm" => {{#sys.query#}}']],
    ['a field of the start', (dsl) => (dataOf(dsl, 'start')['variables'] = [{ variable: 'tone', label: 'Tone', type: 'select', required: false, options: ['a', 'b'] }, { variable: 'city', label: 'City', type: 'text-input', required: false, max_length: 48 }]), ['added: user input "tone" of node "Node start" => label: Tone, options: a, b, required: false, type: select', 'changed: required of user input "city" of node "Node start" | true => false']],
    ['a request', (dsl) => Object.assign(dataOf(dsl, 'fetch'), { method: 'post', url: 'https://b.example', retry_config: { max_retries: 2 } }), ['changed: method of node "Fetch" | get => post', 'changed: address of node "Fetch" | https://a.example => https://b.example', 'added: retry of node "Fetch" => max retries: 2']],
    ['variables of the app', (dsl) => {
      Object.assign(dsl.workflow.environment_variables[1] ?? {}, { value: 'https://b.example' });
      Object.assign(dsl.workflow.environment_variables[2] ?? {}, { value_type: 'secret', value: 'geheim' });
      dsl.workflow.conversation_variables.push({ name: 'seen', value_type: 'array[string]', value: ['a'], description: '' });
    }, ['changed: type of environment variable LIMIT | number => secret', 'changed: environment variable URL | https://a.example => https://b.example', 'added: conversation variable seen => array[string], a']],
    ['features', (dsl) => Object.assign(dsl.workflow.features, { opening_statement: '你好', suggested_questions: ['一', '二'], file_upload: { enabled: true, number_limits: 3 } }), ['changed: opening statement | Hi => 你好', 'added: suggested questions => 一\n二', 'added: feature file upload => enabled: true, number limits: 3']],
    ['the head of the file', (dsl) => Object.assign(dsl, { app: { ...dsl.app, name: 'big', icon: '🐙' }, dependencies: [{ type: 'marketplace', value: { marketplace_plugin_unique_identifier: `langgenius/openai:0.0.7@${'0a'.repeat(32)}` } }] }), ['changed: name of the app | tiny => big', 'changed: icon of the app | x #fff => 🐙 #fff', 'added: plugin langgenius/openai => 0.0.7 (0a0a0a0a0a0a) from marketplace']],
    ['a node that was made anew, with another prompt', (dsl) => {
      const made = JSON.parse(JSON.stringify(dsl.workflow.graph).replaceAll('"llm"', '"990"').replaceAll('"type":"990"', '"type":"llm"').replace('请用中文', '请用英文').replaceAll('#llm.', '#990.'));
      Object.assign(dsl.workflow.graph ?? {}, made);
    }, ['changed: prompt 1 (system) of node "Node llm" | You are in {{#Node start.city#}}. 请用中文回答。 => You are in {{#Node start.city#}}. 请用英文回答。', 'changed: id of node "Node llm" | llm => 990']],
  ])('%s', (_name, change, expected) => {
    expect(toldOf(change)).toEqual(expected);
  });

  test('an agent, a tool and the knowledge of a node', () => {
    const build = (instruction: string, model: string, tool: string, top: number): Dsl => {
      const dsl = chatflow();
      nodes(dsl).push(
        node('agent', 'agent', { agent_parameters: { instruction: { type: 'constant', value: instruction }, model: { type: 'constant', value: { provider: 'p', model, model_type: 'llm', mode: 'chat', completion_params: {} } }, tools: { type: 'constant', value: [{ provider_name: 'p', tool_name: tool, enabled: true, schemas: [{ long: 1 }] }] } } }),
        node('tool', 'tool', { provider_name: 'p', tool_name: 'search', tool_parameters: { query: { type: 'mixed', value: `{{#llm.text#}}${top}` } } }),
        node('kb', 'knowledge-retrieval', { dataset_ids: ['a'], multiple_retrieval_config: { top_k: top, reranking_model: { provider: 'p', model: `r${top}` } } }),
      );
      return dsl;
    };
    expect(told(diffSources(sourceOf(build('Kurz', 'm1', 'find', 1)), sourceOf(build('Lang', 'm2', 'look', 2))))).toEqual([
      'changed: instruction of node "Node agent" | Kurz => Lang',
      'changed: model of node "Node agent" | p/m1 => p/m2',
      'changed: tool name of tool "look" of node "Node agent" | find => look',
      'changed: parameter "query" of node "Node tool" | {{#Node llm.text#}}1 => {{#Node llm.text#}}2',
      'changed: retrieval reranking model of node "Node kb" | p/r1 => p/r2',
      'changed: retrieval top k of node "Node kb" | 1 => 2',
    ]);
  });

  test('a chat app', () => {
    const dsl = chatApp();
    Object.assign(dsl.model_config ?? {}, {
      pre_prompt: '请简短。',
      model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: { temperature: 0.1 } },
      user_input_form: [{ select: { variable: 'tone', label: 'Tone', required: false, options: ['warm', 'cool'], default: 'warm' } }],
      opening_statement: '你好',
      chat_prompt_config: { prompt: [{ role: 'system', text: 'Expert' }] },
      dataset_configs: { retrieval_model: 'multiple', datasets: { datasets: [{ dataset: { id: 'faq', enabled: true } }] } },
    });
    expect(told(diffSources(sourceOf(chatApp()), sourceOf(dsl)))).toEqual([
      'changed: prompt | Be brief. => 请简短。',
      'added: prompt 1 (system) => Expert',
      'added: opening statement => 你好',
      'added: temperature => 0.1',
      'changed: required of user input "tone" | true => false',
      'changed: knowledge | none => faq',
    ]);
  });

  test('the same answer for a reference to another node of the same title', () => {
    expect(toldOf((dsl) => {
      nodes(dsl).push(node('llm2', 'llm', { title: 'Node llm' }));
      dataOf(dsl, 'answer')['answer'] = '{{#llm2.text#}}';
    })).toContain('changed: answer of node "Node answer" | {{#llm.text#}} => {{#llm2.text#}}');
  });
});

test('graph gives nodes with their containers and edges with their branches, and no note', () => {
  const dsl = flow();
  nodes(dsl).push({ id: 'note', type: 'custom-note', data: { type: '', title: '', text: 'x' } });
  dsl.workflow.graph?.edges.push(edge('fetch', 'gone'), edge('fetch', 'fetch', 'fail-branch'));
  const graph = graphOf(sourceOf(dsl));
  expect(graph?.nodes).toContainEqual({ id: 'roundstart', name: 'start', kind: 'loop-start', inside: 'round' });
  expect(graph?.nodes).toContainEqual({ id: 'llm', name: 'Node llm', kind: 'llm' });
  expect(graph?.nodes).toHaveLength(8);
  expect(graph?.edges).toEqual(expect.arrayContaining([{ from: 'start', to: 'llm' }, { from: 'ask', to: 'sort', label: 'CASE 1' }, { from: 'ask', to: 'round', label: 'ELSE' }, { from: 'sort', to: 'answer', label: '安装' }, { from: 'fetch', to: 'fetch', label: 'on failure' }]));
  expect(graph?.edges).toHaveLength(8);
  expect(difyPlatform.graph?.(sourceOf(chatApp()))).toBeUndefined();
});

test('graph has the ids of a newer source where nodes are the same, and no secret', () => {
  const key = ['sk', 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe'].join('-');
  const [older, newer] = [flow(), flow()];
  for (const dsl of [older, newer]) Object.assign(dataOf(dsl, 'sort'), { title: `Sort ${key}`, classes: [{ id: '1', name: key }] });
  // A branch that stands at another place has another name, and is the same.
  (dataOf(newer, 'ask')['cases'] as unknown[]).unshift({ case_id: 'k0', logical_operator: 'and', conditions: [] });
  const made = JSON.parse(JSON.stringify(newer.workflow.graph).replaceAll('"round"', '"991"').replaceAll('"fetch"', '"992"'));
  Object.assign(newer.workflow.graph ?? {}, made);
  const graph = difyPlatform.graph?.(sourceOf(older), sourceOf(newer));
  expect(graph).toEqual(difyPlatform.graph?.(sourceOf(newer)));
  expect(graph?.nodes).toContainEqual({ id: '992', name: 'Fetch', kind: 'http-request', inside: '991' });
  expect(graph?.edges).toContainEqual({ from: 'sort', to: 'answer', label: '•••' });
  expect(JSON.stringify(graph)).not.toContain('q7Rk');
});
