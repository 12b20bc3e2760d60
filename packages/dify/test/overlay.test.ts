import { describe, expect, test } from '@jest/globals';
import { configSchema, done, failed, problemLines, type EnvironmentConfig, type SecretReader } from '@sluice/core';
import { overlay } from '../src/source/overlay.ts';
import { environmentVariables } from '../src/source/dsl.ts';
import { canonicalJson } from '../src/source/content.ts';
import { chatApp, chatflow, node, sourceOf, type Dsl } from './dsl.ts';

const environment = (values: Record<string, unknown>): EnvironmentConfig => {
  const config = configSchema.parse({
    name: 'x',
    source: 'x.yml',
    environments: { here: { dify: 'https://dify.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f', ...values } },
  });
  const here = config.environments['here'];
  if (here === undefined) throw new Error('no environment');
  return here;
};

const secrets: SecretReader = {
  read: (name) => (name === 'CRM' ? done('sk-crm') : failed({ category: 'input', reason: `${name} is not set` })),
  find: () => undefined,
};

const withKnowledge = (): Dsl => {
  const dsl = chatflow();
  dsl.workflow.graph?.nodes.push(
    node('kb', 'knowledge-retrieval', { dataset_ids: ['4c1e'], query_variable_selector: ['start', 'city'] }),
    node('tool', 'tool', { provider_id: 'a-tool', provider_name: 'a-tool', tool_name: 'find' }),
  );
  return dsl;
};

const reasons = (values: Record<string, unknown>, dsl: Dsl = withKnowledge()): string => {
  const outcome = overlay(sourceOf(dsl), environment(values), secrets);
  return outcome.ok ? 'ok' : problemLines(outcome.problem).join('\n');
};

describe('overlay', () => {
  test('sets variables by name, with the type that they have, and keeps the source as it is', () => {
    const before = sourceOf(chatflow());
    const outcome = overlay(before, environment({ variables: { TOKEN: { env: 'CRM' }, URL: 'https://b.example', LIMIT: '7' } }), secrets);
    if (!outcome.ok) throw new Error(outcome.problem.reason);
    const values = environmentVariables(outcome.value.root['workflow']).map((variable) => variable.value);
    expect(values).toEqual(['sk-crm', 'https://b.example', 7]);
    expect(environmentVariables(before.root['workflow'])[0]?.value).toBe('');
    expect(outcome.value.digest).not.toBe(before.digest);
    expect(canonicalJson(outcome.value.content)).not.toContain('sk-crm');
  });

  test('maps datasets, models and tools', () => {
    const outcome = overlay(
      sourceOf(withKnowledge()),
      environment({ datasets: { '4c1e': 'FAQ 中文' }, models: { 'gpt-4o': 'langgenius/siliconflow/siliconflow/Qwen/Qwen2.5-7B' }, tools: { 'a-tool': 'b-tool' } }),
      secrets,
    );
    if (!outcome.ok) throw new Error(outcome.problem.reason);
    expect(outcome.value.content.nodes).toMatchObject({
      kb: { data: { dataset_ids: ['FAQ 中文'] } },
      llm: { data: { model: { provider: 'langgenius/siliconflow/siliconflow', name: 'Qwen/Qwen2.5-7B' } } },
      tool: { data: { provider_id: 'b-tool' } },
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown variable', { variables: { TOKENS: 'x' } }, 'did you mean "TOKEN"?'],
    ['an unset variable', { variables: { TOKEN: { env: 'NOT_THERE' } } }, 'NOT_THERE is not set'],
    ['a text for a number', { variables: { LIMIT: 'many' } }, 'LIMIT is a number'],
    ['a dataset that is not used', { datasets: { nope: 'x' } }, 'datasets names nope'],
    ['a model that is not used', { models: { nope: 'x' } }, 'models names nope'],
    ['a tool that is not used', { tools: { nope: 'x' } }, 'tools names nope'],
  ])('%s is a problem', (_name, values, said) => {
    expect(reasons(values)).toContain(said);
  });

  test('tells all problems of the variables at once', () => {
    expect(reasons({ variables: { NOPE: 'x', LIMIT: 'y' } }).split('\n').filter((line) => line.startsWith('variables') || line.startsWith('the variable'))).toHaveLength(2);
  });

  test('a chat app has no variables', () => {
    expect(reasons({ variables: { TOKEN: 'x' } }, chatApp())).toContain('chat apps have no environment variables');
  });
});
