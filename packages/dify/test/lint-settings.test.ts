import { describe, expect, test } from '@jest/globals';
import { configSchema } from '@sluice/core';
import { difyPlatform } from '@sluice/dify';
import { chatflow, node, sourceOf, type Dsl } from './dsl.ts';

const withKnowledge = (): Dsl => {
  const dsl = chatflow();
  dsl.workflow.graph?.nodes.push(
    node('kb', 'knowledge-retrieval', { dataset_ids: ['4c1e'], query_variable_selector: ['start', 'city'] }),
    node('tool', 'tool', { provider_id: 'a-tool', provider_name: 'a-tool', tool_name: 'find' }),
  );
  return dsl;
};

/** found are the findings about what an environment sets, at their keys. */
const found = (values: Record<string, unknown>) => {
  const dify = 'https://dify.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
  const here = configSchema.parse({ name: 'x', source: 'x.yml', environments: { here: { dify, datasets: { '4c1e': 'FAQ' }, ...values } } }).environments['here'];
  if (here === undefined) throw new Error('no environment');
  return (difyPlatform.review?.(here, sourceOf(withKnowledge())) ?? []).map(({ rule, path, hint }) => ({ rule, at: path.join(' '), hint }));
};

const unfitting = (at: string, hint?: string) => ({ rule: 'dify/setting-unfitting', at, hint });

describe('what an environment sets', () => {
  test('fits the app: names that it has, values of the environment are not read', () => {
    const set = { models: { 'gpt-4o': 'qwen-max' }, tools: { 'a-tool': 'b-tool' }, variables: { TOKEN: { env: 'NOT_SET' }, URL: 'https://b.example', LIMIT: { env: 'NOT_SET' } } };
    expect(found(set)).toEqual([]);
  });

  test.each([
    [{ variables: { TOKN: 'x', URL: 'https://b.example' } }, [unfitting('variables TOKN', 'Did you mean "TOKEN"?')]],
    [{ variables: { LIMIT: 'seven' } }, [unfitting('variables LIMIT')]],
    [{ datasets: { '4c1e': 'FAQ', '4c1f': '常见问题' } }, [unfitting('datasets 4c1f', 'Did you mean "4c1e"?')]],
    [{ models: { 'gpt-4': 'qwen-max', claude: 'qwen-max' } }, [unfitting('models gpt-4', 'Did you mean "gpt-4o"?'), unfitting('models claude', expect.stringContaining('gpt-4o') as unknown as string)]],
    [{ tools: { 'c-tool': 'x' }, triggers: { Nightly: '0 9 * * 1-5' } }, [unfitting('tools c-tool', 'Did you mean "a-tool"?'), unfitting('triggers Nightly')]],
  ])('%j', (values, expected) => {
    expect(found(values)).toEqual(expected);
  });
});
