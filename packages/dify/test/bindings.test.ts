import { describe, expect, test } from '@jest/globals';
import { keepBindings, keepCredentials, lostBindings, unboundTriggers } from '../src/source/bindings.ts';
import { digestOf, modelContent, workflowContent } from '../src/source/content.ts';
import type { Mapping } from '../src/source/shape.ts';
import { node } from './dsl.ts';

const graph = (...nodes: Mapping[]): Mapping => ({ nodes, edges: [] });
const digest = (one: Mapping): string => digestOf(workflowContent('workflow', { graph: one }));
const agent = (credential?: string) =>
  node('agent', 'agent', { agent_parameters: { tools: { value: [{ provider_name: 'a/b/c', tool_name: 'find', type: 'builtin', ...(credential === undefined ? {} : { credential_id: credential }) }] } } });

const cases: readonly [string, Mapping, Mapping][] = [
  ['the credential of a tool', node('a', 'tool', { provider_id: 'p', tool_name: 't' }), node('a', 'tool', { provider_id: 'p', tool_name: 't', credential_id: 'c1' })],
  ["the credential of an agent's tool", agent(), agent('c1')],
  ['a subscription', node('a', 'trigger-plugin', { provider_id: 'p', subscription_id: '' }), node('a', 'trigger-plugin', { provider_id: 'p', subscription_id: 's1' })],
  ['the address of a webhook', node('a', 'trigger-webhook', { webhook_url: '' }), node('a', 'trigger-webhook', { webhook_url: 'https://x' })],
];

describe('bindings', () => {
  test.each(cases)('%s is kept, lost without that, and no part of the content', (_name, file, stored) => {
    const kept = keepBindings(graph(file), graph(stored));
    expect(kept).toEqual(graph(stored));
    expect(lostBindings(kept, graph(file))).toHaveLength(1);
    expect(lostBindings(kept, graph(stored))).toEqual([]);
    expect(digest(graph(file))).toBe(digest(graph(stored)));
  });

  test.each(cases)('%s that the file states wins', (_name, _file, stored) => {
    const stated: Mapping = JSON.parse(JSON.stringify(stored).replace(/"(?:c1|s1|https:\/\/x)"/, '"mine"'));
    expect(keepBindings(graph(stated), graph(stored))).toEqual(graph(stated));
  });

  test('a credential of another provider, type or node is not kept', () => {
    const file = node('a', 'tool', { provider_id: 'p', tool_name: 't' });
    for (const other of [node('a', 'tool', { provider_id: 'q', credential_id: 'c' }), node('a', 'trigger-plugin', { provider_id: 'p', subscription_id: 's' }), node('b', 'tool', { provider_id: 'p', credential_id: 'c' })]) {
      expect(keepBindings(graph(file), graph(other))).toEqual(graph(file));
    }
  });

  test('a schedule is kept when the file has none, and is content', () => {
    const stored = node('a', 'trigger-schedule', { mode: 'cron', cron_expression: '0 9 * * *', timezone: 'Asia/Shanghai' });
    const exported = node('a', 'trigger-schedule', { config: { frequency: 'daily' } });
    expect(digest(keepBindings(graph(exported), graph(stored)))).toBe(digest(graph(stored)));
    expect(digest(graph(exported))).not.toBe(digest(graph(stored)));
    const other = node('a', 'trigger-schedule', { mode: 'visual', frequency: 'daily' });
    expect(keepBindings(graph(other), graph(stored))).toEqual(graph(other));
  });

  test('triggers that would never fire are found', () => {
    const found = unboundTriggers(graph(node('a', 'trigger-plugin', { subscription_id: '' }), node('b', 'trigger-schedule', { config: {} }), node('c', 'trigger-webhook'), node('d', 'start')));
    expect(found).toEqual([{ title: 'Node a', what: 'subscription' }, { title: 'Node b', what: 'schedule' }]);
  });

  test("the credentials of an agent app's tools are kept, and are no content", () => {
    const model = (credential: Mapping): Mapping => ({ agent_mode: { enabled: true, tools: [{ provider_id: 'p', provider_name: 'p', tool_name: 't', ...credential }] } });
    expect(keepCredentials(model({}), model({ credential_id: 'c1' }))).toEqual(model({ credential_id: 'c1' }));
    expect(digestOf(modelContent('agent-chat', model({})))).toBe(digestOf(modelContent('agent-chat', model({ credential_id: 'c1' }))));
  });
});

describe('what servers fill in', () => {
  test('features that are off are no content; features that are on are', () => {
    const features = (value: Mapping): string => digestOf(workflowContent('workflow', { graph: graph(), features: value }));
    expect(features({ opening_statement: 'x' })).toBe(features({ opening_statement: 'x', text_to_speech: { enabled: false, language: '', voice: '' }, sensitive_word_avoidance: { enabled: false } }));
    expect(features({})).not.toBe(features({ text_to_speech: { enabled: true, language: 'zh', voice: 'x' } }));
  });

  test('the way to choose among no datasets is no content', () => {
    const model = (configs: Mapping): string => digestOf(modelContent('chat', { dataset_configs: { retrieval_model: 'multiple', ...configs } }));
    expect(model({})).toBe(model({ datasets: { strategy: 'router', datasets: [] } }));
    expect(model({})).not.toBe(model({ datasets: { strategy: 'router', datasets: [{ dataset: { id: 'x', enabled: true } }] } }));
    expect(model({ top_k: 2 })).not.toBe(model({ top_k: 3 }));
  });
});
