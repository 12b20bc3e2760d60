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

  test('maps tools by id or name, in nodes, agents and agent apps, and models wherever they are named', () => {
    const dsl = withKnowledge();
    dsl.workflow?.graph?.nodes.push(
      node('agent', 'agent', { agent_parameters: { model: { value: { provider: 'p', model: 'gpt-4o', model_type: 'llm' } }, tools: { value: [{ provider_name: 'docs', provider_show_name: 'Docs 文档', type: 'mcp', tool_name: 'read' }] } } }),
      node('rerank', 'knowledge-retrieval', {
        dataset_ids: [],
        multiple_retrieval_config: { reranking_model: { provider: 'p', model: 'rank-1' }, weights: { vector_setting: { embedding_provider_name: 'p', embedding_model_name: 'embed-1' } } },
      }),
    );
    const outcome = overlay(sourceOf(dsl), environment({ tools: { 'Docs 文档': 'docs-prod' }, models: { 'gpt-4o': 'gpt-5', 'rank-1': 'rank-2', 'p/embed-1': 'a/b/c/embed-2' } }), secrets);
    if (!outcome.ok) throw new Error(outcome.problem.reason);
    expect(outcome.value.content.nodes).toMatchObject({
      llm: { data: { model: { name: 'gpt-5' } } },
      agent: { data: { agent_parameters: { model: { value: { provider: 'p', model: 'gpt-5' } }, tools: { value: [{ provider_name: 'docs-prod' }] } } } },
      rerank: { data: { multiple_retrieval_config: { reranking_model: { model: 'rank-2' }, weights: { vector_setting: { embedding_provider_name: 'a/b/c', embedding_model_name: 'embed-2' } } } } },
    });
    const chat = chatApp();
    const agent = { ...chat, app: { ...chat.app, mode: 'agent-chat' }, model_config: { ...chat.model_config, agent_mode: { enabled: true, tools: [{ provider_id: 'old', provider_type: 'api', provider_name: 'CRM', tool_name: 'find' }] } } };
    const mapped = overlay(sourceOf(agent), environment({ tools: { old: 'CRM 生产' } }), secrets);
    expect(mapped.ok && mapped.value.content.model).toMatchObject({ agent_mode: { tools: [{ provider_id: 'CRM 生产', provider_name: 'CRM' }] } });
  });

  const timed = (data: Record<string, unknown>): Dsl => {
    const dsl = chatflow();
    dsl.workflow.graph?.nodes.push(node('tick', 'trigger-schedule', { title: '每天早上', ...data }), node('hook', 'trigger-webhook'));
    return { ...dsl, app: { ...dsl.app, mode: 'workflow' }, workflow: { ...dsl.workflow, graph: { nodes: (dsl.workflow.graph?.nodes ?? []).filter((one) => !['start', 'answer'].includes(String(one['id']))), edges: [] } } };
  };

  test.each<[string, string, string | undefined]>([
    ['0 9 * * 1-5 Asia/Shanghai', '0 9 * * 1-5', 'Asia/Shanghai'],
    ['*/5 * * * *', '*/5 * * * *', 'UTC'],
  ])('sets a schedule: %s', (text, expression, timezone) => {
    const dsl = timed({ frequency: 'daily' });
    Object.assign(dsl.workflow?.graph?.nodes.find((one) => one['id'] === 'llm') ?? {}, node('llm', 'code'));
    const outcome = overlay(sourceOf(dsl), environment({ triggers: { 每天早上: text } }), secrets);
    if (!outcome.ok) throw new Error(outcome.problem.reason);
    expect(outcome.value.content.nodes).toMatchObject({ tick: { data: { mode: 'cron', cron_expression: expression, timezone } } });
  });

  test.each<[string, Record<string, string>, string]>([
    ['words for a schedule', { 每天早上: 'daily' }, 'to what it cannot be'],
    ['anything for a webhook', { hook: 'x' }, 'to what it cannot be'],
    ['a trigger that is none', { 'Node hok': 'x' }, 'Did you mean "Node hook"?'],
  ])('%s is a problem', (_name, triggers, said) => {
    const dsl = timed({});
    Object.assign(dsl.workflow?.graph?.nodes.find((one) => one['id'] === 'llm') ?? {}, node('llm', 'code'));
    expect(reasons({ triggers }, dsl)).toContain(said);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown variable', { variables: { TOKENS: 'x' } }, 'Did you mean "TOKEN"?'],
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
