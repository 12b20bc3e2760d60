import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Checked, EnvironmentCheck, Finding } from '@sluice/core';
import type { DifyVersion, Stock } from '@sluice/lab';
import { createCipheriv, createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { difyPlatform } from '../src/platform.ts';
import { environmentRules } from '../src/source/environment-rules.ts';
import { readBy } from '../src/server/environment/dsl-version.ts';
import { modelProvider, toolProvider } from '../src/server/environment/provider-id.ts';
import { chatflow, node, type Dsl } from './dsl.ts';
import { madeIn } from './fixtures.ts';
import { connectionTo, openHouse, value, type Asked, type House } from './harness.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { DifySource } from '../src/source/source.ts';

/*
 * The lab's Dify is asked over HTTP. Each app names one thing of its workspace; what is there is told by `stock`, and what is
 * not has to be found, at the line that names it.
 */
const openai = 'langgenius/openai/openai';
const digest = (letter: string): string => letter.repeat(64);
const faq = '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';

/** stocked is what the workspace has, for all tests. */
const stocked: Stock = {
  datasets: ['Handbook', 'Archive', 'Archive', faq],
  tools: ['CRM'],
  models: ['acme/azure/azure/gpt-4.1', 'acme/azure/azure/both', 'langgenius/tongyi/tongyi/both', `${openai}/o1`, `${openai}/o2`],
  triggers: ['support repository'],
  plugins: [`langgenius/openai:0.2.7@${digest('a')}`, `langgenius/google:0.1.0@${digest('b')}`],
  provided: {
    'langgenius/google/google': { tools: ['google_search'] },
    'acme/mail/mail': { tools: ['send'], authorized: false },
    'langgenius/agent/agent': { strategies: ['function_calling', 'ReAct'] },
    'langgenius/github_trigger/github': { events: ['issue_opened'] },
  },
  states: { [`${openai}/o1`]: 'no-configure', [`${openai}/o2`]: 'deprecated' },
  chosen: { tts: 'tts-1' },
};

let house: House;
let proxy: Proxy;
let app: string;
beforeAll(async () => {
  house = await openHouse();
  proxy = await startProxy(house.lab.origin);
  app = madeIn(house).appId;
  house.lab.stock(stocked);
});
afterEach(() => {
  proxy.rule = () => 'pass';
  proxy.seen.splice(0);
});
afterAll(async () => {
  await proxy.close();
  await house.close();
});

type Data = Readonly<Record<string, unknown>>;

/** using is a chatflow whose second node is another one. */
const using = (type: string, data: Data, more: Data = {}): Dsl => {
  const dsl = chatflow();
  const nodes = dsl.workflow.graph?.nodes ?? [];
  nodes.splice(1, 0, node('used', type, { title: 'Used', ...data }));
  dsl.workflow.graph?.edges.push({ source: 'start', target: 'used', sourceHandle: 'source' } as never);
  return { ...dsl, ...more };
};

const model = (name: string, provider = openai): Dsl => using('llm', { model: { provider, name, mode: 'chat' } });
const tool = (type: string, id: string, name: string): Dsl => using('tool', { provider_id: id, provider_type: type, provider_name: 'CRM', tool_name: name });
const knowledge = (...ids: readonly string[]): Dsl => using('knowledge-retrieval', { dataset_ids: ids, query_variable_selector: ['sys', 'query'] });
const declares = (identifier: string, dsl: Dsl = chatflow()): Dsl => ({ ...dsl, dependencies: [{ type: 'marketplace', value: { marketplace_plugin_unique_identifier: identifier } }] }) as Dsl;

const asked = async (dsl: Dsl, environment: Data = {}, more: Asked = {}, at: { readonly origin: string; readonly house: House; readonly app: string } = { origin: proxy.origin, house, app }): Promise<Checked & { readonly text: string }> => {
  const text = stringify(dsl);
  const source = value({ ok: true as const, value: difyPlatform.parse({ path: 'app.yml', folder: '', text }).source });
  if (!(source instanceof DifySource)) throw new Error('no source');
  const connection = connectionTo(at.house, at.app, source, { readOnly: true, ...more, environment: { dify: `${at.origin}/app/${at.app}/workflow`, ...environment } });
  const checked = await difyPlatform.check?.(connection, { path: 'app.yml', folder: '', text });
  if (checked === undefined) throw new Error('nothing was checked');
  return { ...checked, text };
};

const findingsOf = (checked: Checked): readonly Finding[] => checked.environment.flatMap(({ findings }) => findings);
const named = (checked: Checked, name: string): EnvironmentCheck | undefined => checked.environment.find((one) => one.name === name);

/** lineOf is where a text first stands in a file, from 1. */
const lineOf = (text: string, part: string): number => text.split('\n').findIndex((line) => line.includes(part)) + 1;

describe('what the workspace lacks', () => {
  test.each<[rule: string, what: string, dsl: Dsl, at: string, message: string, hint: string, environment?: Data]>([
    ['model-missing', 'a model of a name that nobody has', model('gpt-4o-mni'), 'model:', 'no usable llm model langgenius/openai/openai/gpt-4o-mni, which node "Used" needs', 'gpt-4o-mini is there; did you mean it?'],
    ['model-missing', 'a reranker', using('knowledge-retrieval', { dataset_ids: [faq], retrieval_mode: 'multiple', multiple_retrieval_config: { reranking_enable: true, reranking_mode: 'reranking_model', reranking_model: { provider: 'langgenius/cohere/cohere', model: 'rerank-3' } } }), 'reranking_model:', 'no usable rerank model', 'models:'],
    ['model-missing', 'a voice that the workspace has not chosen', { ...chatflow(), workflow: { ...chatflow().workflow, features: { speech_to_text: { enabled: true } } } } as Dsl, 'speech_to_text:', 'speech to text switched on', 'Choose one'],
    ['model-unusable', 'a model whose provider has no credentials', model('o1'), 'model:', 'its provider has no credentials', 'Give the provider its credentials'],
    ['name-ambiguous', 'a model that several providers have', model('gpt-4o-mini'), 'model:', '2 llm models "both"', 'acme/azure/azure/both, langgenius/tongyi/tongyi/both', { models: { 'gpt-4o-mini': 'both' } }],
    ['tool-missing', 'a tool that its provider does not have', tool('builtin', 'langgenius/google/google', 'google_serch'), 'used', 'has no "google_serch"', 'google_search is there'],
    ['tool-missing', 'a provider that no plugin brings', tool('builtin', 'langgenius/gogle/gogle', 'google_search'), 'used', 'no builtin tool', 'Install its plugin'],
    ['tool-missing', 'an API tool of another workspace', tool('api', '7c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f', 'find'), 'used', 'no api tool "CRM" (7c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f)', 'tools: { "CRM": <name or id> }'],
    ['tool-unauthorized', 'a tool without credentials', tool('builtin', 'acme/mail/mail', 'send'), 'used', 'has no credentials in this workspace', 'Authorize'],
    ['strategy-missing', 'a strategy that its plugin does not have', using('agent', { agent_strategy_provider_name: 'langgenius/agent/agent', agent_strategy_name: 'functon_calling', agent_parameters: {} }), 'used', 'has no strategy "functon_calling"', 'function_calling is there'],
    ['strategy-missing', 'a strategy of a plugin that is not there', using('agent', { agent_strategy_provider_name: 'x/y/z', agent_strategy_name: 'a', agent_parameters: {} }), 'used', 'no agent strategies of x/y/z', 'Install the plugin x/y'],
    ['dataset-missing', 'a knowledge base that sluice.yml names wrongly', knowledge('old'), 'used', 'no knowledge base "Handbok"', 'Handbook is there', { datasets: { old: 'Handbok' } }],
    ['dataset-missing', 'an id that nobody has', knowledge('00000000-0000-4000-8000-000000000000'), 'used', 'no knowledge base 00000000', 'datasets: { "00000000-0000-4000-8000-000000000000":'],
    ['dataset-missing', 'an id that another workspace has encrypted', knowledge('b3RoZXI='), 'used', 'belongs to another workspace', 'datasets: { "b3RoZXI=":'],
    ['name-ambiguous', 'two knowledge bases of one name', knowledge('old'), 'used', '2 knowledge bases "Archive"', 'by its id', { datasets: { old: 'Archive' } }],
    ['dsl-too-new', 'a file of a newer Dify', { ...chatflow(), version: '0.6.0' } as Dsl, 'version:', 'DSL version 0.6.0, and this server, Dify 1.12.1, reads up to 0.5.0', 'Update the server to Dify 1.13.0 or newer'],
  ])('%s: %s', async (rule, _what, dsl, at, message, hint, environment = {}) => {
    const checked = await asked(dsl, environment);
    const found = findingsOf(checked);
    expect(found.map((one) => `${one.rule} ${one.severity} ${one.place.file}`)).toEqual([`environment/${rule} error app.yml`]);
    expect(found[0]?.message).toContain(message);
    expect(found[0]?.hint).toContain(hint);
    const line = found[0]?.place.line ?? 0;
    expect(line).toBeGreaterThan(0);
    if (at !== 'used') expect(checked.text.split('\n')[line - 1]).toContain(at);
    else expect(line).toBeLessThanOrEqual(lineOf(checked.text, 'title: Used') + 1);
  });

  test('another version of a plugin, a plugin that nothing is seen to need, and a deprecated model are warnings', async () => {
    const versions = findingsOf(await asked(declares(`langgenius/openai:0.3.0@${digest('c')}`, model('gpt-4o-mini'))));
    expect(versions).toEqual([expect.objectContaining({ rule: 'environment/plugin-version', severity: 'warning', message: expect.stringContaining('langgenius/openai 0.2.7, not 0.3.0') })]);
    const idle = findingsOf(await asked(declares('langgenius/firecrawl:0.1.0')));
    expect(idle).toEqual([expect.objectContaining({ rule: 'environment/plugin-missing', severity: 'warning', message: expect.stringContaining('Nothing that this environment leaves') })]);
    const old = findingsOf(await asked(model('o2')));
    expect(old).toEqual([expect.objectContaining({ rule: 'environment/model-unusable', severity: 'warning', message: expect.stringContaining('deprecated') })]);
  });

  test('a plugin whose models the app needs, beside the models', async () => {
    const found = findingsOf(await asked(declares(`langgenius/openai_x:0.2.7@${digest('a')}`, model('gpt-4o-mini', 'langgenius/openai_x/openai_x'))));
    expect(found.map(({ rule, severity }) => `${rule} ${severity}`)).toEqual(['environment/plugin-missing error', 'environment/model-missing error']);
    expect(found[0]).toMatchObject({ message: expect.stringContaining('lacks the plugin langgenius/openai_x 0.2.7'), hint: expect.stringContaining('langgenius/openai is there') });
  });

  test.each(['../../../x', 'a/../../x', 'a//b', 'a?x=1'])('a provider %j leads to no other address', async (provider) => {
    const found = findingsOf(await asked(model('gpt-4o-mini', provider)));
    expect(found.map(({ rule }) => rule)).toEqual(['environment/model-missing']);
    expect(proxy.seen.map(({ path }) => path).filter((path) => /\/x|[?&]x=1/.test(path))).toEqual([]);
  });

  test('a node that never runs needs nothing for a release', async () => {
    const dsl = chatflow();
    dsl.workflow.graph?.nodes.push(node('idle', 'llm', { title: 'Idle', model: { provider: openai, name: 'gone', mode: 'chat' } }));
    expect(findingsOf(await asked(dsl))).toEqual([expect.objectContaining({ severity: 'warning', rule: 'environment/model-missing' })]);
  });

  test('one thing that many nodes need is one finding with their names', async () => {
    const dsl = model('gone');
    dsl.workflow?.graph?.nodes.push(...[1, 2, 3].map((at) => node(`more${at}`, 'llm', { title: `More ${at}`, model: { provider: openai, name: 'gone', mode: 'chat' } })));
    expect(findingsOf(await asked(dsl)).map(({ message }) => message)).toEqual([expect.stringContaining('which node "Used", node "More 1", node "More 2" and 1 more needs')]);
  });
});

describe('what the workspace has', () => {
  test.each<[string, Dsl, Data?]>([
    ['a model', model('gpt-4o-mini')],
    ['a model by the id of its provider before plugins', model('gpt-4o-mini', 'openai')],
    ['a model under another name', model('o1'), { models: { o1: 'acme/azure/azure/gpt-4.1' } }],
    ['a tool of the server', tool('builtin', 'time', 'current_time')],
    ['a tool of a plugin', tool('builtin', 'langgenius/google/google', 'google_search')],
    ['a workflow tool by its name', tool('workflow', 'old', 'whatever'), { tools: { old: 'CRM' } }],
    ['a plugin', declares(`langgenius/openai:0.2.7@${digest('a')}`)],
    ['a strategy', using('agent', { agent_strategy_provider_name: 'langgenius/agent/agent', agent_strategy_name: 'ReAct', agent_parameters: {} })],
    ['a knowledge base by its id', knowledge(faq)],
    ['a knowledge base by its name', knowledge('old'), { datasets: { old: 'Handbook' } }],
    ['a voice', { ...chatflow(), workflow: { ...chatflow().workflow, features: { text_to_speech: { enabled: true } } } } as Dsl],
    ['what is switched off', using('knowledge-retrieval', { dataset_ids: [faq], retrieval_mode: 'multiple', metadata_filtering_mode: 'disabled', metadata_model_config: { provider: openai, name: 'gone' }, single_retrieval_config: { model: { provider: openai, name: 'gone' } }, multiple_retrieval_config: { reranking_enable: false, reranking_model: { provider: 'x/y/z', model: 'gone' } } })],
    ['a file of the same DSL', { ...chatflow(), version: '0.5.0' } as Dsl],
  ])('%s', async (_what, dsl, environment = {}) => {
    const checked = await asked(dsl, environment);
    expect(findingsOf(checked)).toEqual([]);
    expect(checked.environment.map(({ name, skipped }) => `${name}: ${skipped ?? 'asked'}`)).toEqual(checked.environment.map(({ name }) => `${name}: asked`));
    expect(checked.environment.every(({ seen }) => seen !== undefined)).toBe(true);
  });

  test('an id that an export of this workspace has encrypted', async () => {
    const key = createHash('sha256').update(house.lab.credentials.workspaceId, 'utf8').digest();
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16));
    const encrypted = Buffer.concat([cipher.update(faq, 'utf8'), cipher.final()]).toString('base64');
    expect(findingsOf(await asked(knowledge(encrypted)))).toEqual([]);
  });
});

describe('triggers', () => {
  const triggered = (event: string, provider = 'langgenius/github_trigger/github'): Dsl => {
    const dsl = chatflow();
    return { ...dsl, app: { ...dsl.app, mode: 'workflow' }, workflow: { ...dsl.workflow, graph: { nodes: [node('t', 'trigger-plugin', { title: 'Started', provider_id: provider, event_name: event, subscription_id: '' }), node('end', 'end', { outputs: [] })], edges: [{ source: 't', target: 'end', sourceHandle: 'source' } as never] } } };
  };
  test.each<[string, Dsl, Data, readonly string[]]>([
    ['are there', triggered('issue_opened'), {}, []],
    ['and so is a subscription that sluice.yml names', triggered('issue_opened'), { triggers: { Started: 'support repository' } }, []],
    ['lack an event', triggered('issue_opend'), {}, ['has no event "issue_opend"']],
    ['lack a provider', triggered('issue_opened', 'x/y/z'), {}, ['no triggers of x/y/z']],
    ['lack a subscription', triggered('issue_opened'), { triggers: { Started: 'suport repository' } }, ['no subscription "suport repository"']],
  ])('%s', async (_what, dsl, environment, messages) => {
    const made = madeIn(house, triggered('issue_opened'));
    const found = findingsOf(await asked(dsl, environment, {}, { origin: proxy.origin, house, app: made.appId }));
    expect(found.map(({ rule, message }) => `${rule} ${message}`)).toEqual(messages.map((message) => expect.stringMatching(new RegExp(`^environment/trigger-missing .*${message}`))));
  });
});

describe('what was not asked is skipped, never passed', () => {
  const full = (): Dsl => declares(`langgenius/openai:0.2.7@${digest('a')}`, knowledge(faq));
  const lists = /models\/model-types|tools\/|\/datasets|plugin\/list/;

  test.each([
    [403, 'the account may not list the plugins (HTTP 403)'],
    [404, 'Dify 1.12.1 has no list of the plugins (HTTP 404)'],
    [500, 'the plugins could not be listed: Dify refused to list the plugins of the workspace: no daemon'],
  ])('a list that answers HTTP %i', async (status, why) => {
    proxy.rule = ({ path }) => (lists.test(path) ? { status, body: JSON.stringify({ code: 'x', message: 'no daemon' }) } : 'pass');
    const checked = await asked(full());
    expect(findingsOf(checked)).toEqual([]);
    expect(named(checked, 'plugins')).toEqual({ name: 'plugins', skipped: why, findings: [] });
    for (const name of ['models', 'datasets']) expect(named(checked, name)?.skipped).toBeDefined();
  });

  test('a list in another shape', async () => {
    proxy.rule = ({ path }) => (lists.test(path) ? { status: 200, body: '{}' } : 'pass');
    for (const { name, skipped, seen } of (await asked(full())).environment) expect({ name, skipped: skipped !== undefined, passed: skipped === undefined && seen !== undefined }).toEqual({ name, skipped: name !== 'DSL version', passed: name === 'DSL version' });
  });

  test('a login that is refused: nothing but the way there is asked', async () => {
    const checked = await asked(full(), {}, { secrets: { DIFY_EMAIL: house.lab.credentials.email, DIFY_PASSWORD: 'planted-wrong' } });
    expect(checked.environment.map(({ name, skipped }) => [name, skipped])).toEqual(['DSL version', 'plugins', 'models', 'datasets'].map((name) => [name, 'not asked, since the check of login failed']));
    expect(proxy.count(lists)).toBe(0);
    expect(JSON.stringify(checked)).not.toContain('planted-wrong');
  });

  test('no credentials: nothing is sent', async () => {
    const checked = await asked(full(), {}, { secrets: {} });
    expect(new Set(checked.environment.map(({ skipped }) => skipped))).toEqual(new Set(['not asked, since no credentials are set (DIFY_EMAIL and DIFY_PASSWORD)']));
    expect(proxy.seen).toEqual([]);
  });

  test('a name in sluice.yml that the app does not have', async () => {
    const checked = await asked(full(), { models: { nobody: 'gpt-4o' } });
    expect(checked.connection).toEqual([{ name: 'sluice.yml', outcome: expect.objectContaining({ ok: false, problem: expect.objectContaining({ category: 'input' }) }) }]);
    expect(checked.environment[0]?.skipped).toBe('not asked, since sluice.yml does not fit the app');
  });

  test('variables are not read: a secret that this step was not given is no matter', async () => {
    const checked = await asked(full(), { variables: { NOBODY: { env: 'NOT_SET' } } });
    expect(named(checked, 'models')?.seen).toBe('1 of kind llm looked for');
  });
});

test('models, tools, knowledge bases and plugins take one request each, at the same time', async () => {
  const dsl = declares(`langgenius/openai:0.2.7@${digest('a')}`, tool('builtin', 'time', 'current_time'));
  dsl.workflow?.graph?.nodes.push(node('kb', 'knowledge-retrieval', { dataset_ids: [faq], query_variable_selector: ['sys', 'query'] }), node('more', 'llm', { model: { provider: openai, name: 'gpt-4o-mini' } }));
  await asked(dsl);
  const paths = proxy.seen.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '').replace(/[0-9a-f-]{36}/, 'id')}`);
  expect(paths.filter((path) => /plugin|model|tool|datasets/.test(path)).sort()).toEqual(['GET /console/api/datasets', 'GET /console/api/workspaces/current/models/model-types/llm', 'GET /console/api/workspaces/current/plugin/list', 'GET /console/api/workspaces/current/tools/builtin']);
  // The way there takes the rest: release, login, workspace, members, app, its keys, and the service API.
  expect(paths).toHaveLength(11);
  expect(paths.filter((path) => !path.startsWith('GET')).length).toBe(1);
});

describe('releases', () => {
  test.each<[DifyVersion, string, readonly string[]]>([
    ['0.15.3', '0.1.5', ['plugins', 'agent strategies', 'triggers']],
    ['1.4.0', '0.3.0', ['triggers']],
    ['1.9.1', '0.4.0', ['triggers']],
    ['1.13.3', '0.6.0', []],
    ['1.16.0', '0.7.0', []],
  ])('Dify %s reads up to DSL %s, and what it has no list of is skipped', async (version, dsl, skipped) => {
    const old = await openHouse(version);
    try {
      const { appId } = madeIn(old, { ...chatflow(), version: dsl } as Dsl);
      const all = declares('langgenius/openai:0.2.7', using('agent', { agent_strategy_provider_name: 'x/y/z', agent_strategy_name: 'a', agent_parameters: {} }));
      all.workflow?.graph?.nodes.push(node('t', 'trigger-plugin', { provider_id: 'x/y/z', event_name: 'e' }));
      const checked = await asked({ ...all, version: dsl } as Dsl, {}, {}, { origin: old.lab.origin, house: old, app: appId });
      expect(checked.environment.filter((one) => one.skipped !== undefined).map(({ name }) => name)).toEqual(skipped);
      for (const name of skipped) expect(named(checked, name)?.skipped).toContain(`Dify ${version} has no list of the ${name}`);
      expect(findingsOf(checked).filter(({ rule }) => rule === 'environment/dsl-too-new')).toEqual([]);
    } finally {
      await old.close();
    }
  });

  test.each([['0.12.1', undefined], ['0.13.0', '0.1.4'], ['1.2.9', '0.1.5'], ['1.3.1', '0.2.0'], ['1.7.2', '0.3.1'], ['1.9.2', '0.4.0'], ['1.12.1', '0.5.0'], ['1.14.2', '0.6.0'], ['1.17.1', '0.7.0']])('%s reads %s', (release, dsl) => {
    expect(readBy(release)?.dsl).toBe(dsl);
  });

  test('a release whose newest DSL is not known is not accused', () => {
    expect([readBy('1.15.0')?.maybeNewer, readBy('1.18.0')?.maybeNewer, readBy('1.17.1')?.maybeNewer]).toEqual([true, true, false]);
  });
});

test.each([['openai', 'langgenius/openai/openai'], ['google', 'langgenius/gemini/google'], ['langgenius/google/google', 'langgenius/gemini/google'], ['a/b/c', 'a/b/c']])('the model provider %s is %s', (given, whole) => {
  expect(modelProvider(given)).toBe(whole);
});

test.each([['time', 'langgenius/time/time'], ['jina', 'langgenius/jina_tool/jina'], ['a/b/c', 'a/b/c']])('the tool provider %s is %s', (given, whole) => {
  expect(toolProvider(given)).toBe(whole);
});

test('the ids of the rules are stable', () => {
  expect(environmentRules.map(({ id }) => id)).toEqual(['dsl-too-new', 'plugin-missing', 'plugin-version', 'model-missing', 'model-unusable', 'tool-missing', 'tool-unauthorized', 'strategy-missing', 'dataset-missing', 'trigger-missing', 'name-ambiguous'].map((name) => `environment/${name}`));
});
