import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Deployment, DeployOptions, Outcome } from '@sluice/core';
import { overlay } from '../src/source/overlay.ts';
import { DifySource } from '../src/source/source.ts';
import { chatApp, chatflow, edge, node, sourceOf, workflowApp, type Dsl } from './dsl.ts';
import { careful, greeting, madeIn, unknownId, withSecret } from './fixtures.ts';
import { environmentOf, openHouse, secretsOf, targetOf, value, type House } from './harness.ts';
import { startProxy, type Proxy, type Verdict } from './proxy.ts';

let house: House;
let proxy: Proxy;
beforeAll(async () => {
  house = await openHouse();
  proxy = await startProxy(house.lab.origin);
});
afterEach(() => {
  proxy.rule = () => 'pass';
  proxy.seen.splice(0);
});
afterAll(async () => {
  await proxy.close();
  await house.close();
});

/** Situation is an app on the server and a deployment to it. */
interface Situation {
  readonly app: string;
  readonly dsl: Dsl;
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly options?: Partial<DeployOptions>;
}

const json = (body: unknown, status = 200): Verdict => ({ status, body: JSON.stringify(body) });
const empty = { data: [], has_more: false, limit: 100, page: 1, total: 0 };
const dataset = '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
const searching = (id: string): Dsl => greeting('kb', (dsl) => dsl.workflow.graph?.nodes.push(node('kb', 'knowledge-retrieval', { dataset_ids: [id], query_variable_selector: ['start', 'city'] })));
const made = (dsl?: Dsl, publish?: boolean): string => madeIn(house, dsl, publish).appId;

/** byHand is an app whose draft somebody has edited, and published if asked. */
const byHand = async (publish: boolean): Promise<string> => {
  const app = made();
  const theirs = sourceOf(greeting('by hand'));
  const target = await targetOf(house, app, theirs);
  value(await target.deploy(theirs, { ...careful, overwrite: true }));
  if (publish) value(await target.publish({ name: 'theirs', marks: {} }));
  return app;
};

const ends = async (situation: Situation, dryRun: boolean): Promise<Outcome<Deployment>> => {
  const dify = situation.app === '' ? { console: proxy.origin } : `${proxy.origin}/app/${situation.app}/workflow`;
  const environment = { dify, ...situation.environment };
  const source = value(overlay(sourceOf(situation.dsl), environmentOf(environment), secretsOf({})));
  if (!(source instanceof DifySource)) throw new Error('no source');
  const target = await targetOf(house, situation.app, source, { environment, readOnly: dryRun });
  return target.deploy(source, { ...careful, ...situation.options, dryRun });
};

/** told is what a person learns: why not, or what is there afterwards. */
const told = (outcome: Outcome<Deployment>): unknown =>
  outcome.ok
    ? { changed: outcome.value.changed, id: outcome.value.version.id, digest: outcome.value.version.digest }
    : { category: outcome.problem.category, reason: outcome.problem.reason, hint: outcome.problem.hint };

const writes = (): readonly string[] => proxy.seen.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/login')).map(({ method, path }) => `${method} ${path}`);

const trigger = (data: Record<string, unknown>): Dsl => {
  const dsl = workflowApp();
  const graph = { nodes: [node('when', String(data['type']), { title: 'When', ...data }), node('end', 'end', { outputs: [] })], edges: [edge('when', 'end')] };
  return dsl.workflow === undefined ? dsl : { ...dsl, workflow: { ...dsl.workflow, graph } };
};

const named = (name: string, dsl: Dsl = withSecret(chatflow())): Dsl => ({ ...dsl, app: { ...dsl.app, name } });
const prompt = (text: string): Dsl => ({ ...chatApp(), model_config: { ...chatApp().model_config, pre_prompt: text } });
const remembered = { ours: ['sha256:before'] };
let fresh = 0;

describe('a dry run and a real one', () => {
  test.each<[string, string, () => Situation | Promise<Situation>]>([
    ['a new content', 'changed', () => ({ app: made(), dsl: greeting('new') })],
    ['a content that is there', 'unchanged', () => ({ app: made(), dsl: chatflow() })],
    ['an app that was never published', 'changed', () => ({ app: made(undefined, false), dsl: greeting('new'), options: { overwrite: true } })],
    ['a draft that somebody edited', 'conflict', async () => ({ app: await byHand(false), dsl: greeting('new') })],
    ['the same with overwrite', 'changed', async () => ({ app: await byHand(false), dsl: greeting('new'), options: { overwrite: true } })],
    ['a version that somebody published', 'conflict', async () => ({ app: await byHand(true), dsl: greeting('new'), options: remembered })],
    ['a draft that no release is known of', 'conflict', () => ({ app: made(undefined, false), dsl: greeting('new') })],
    ['an app of another mode', 'input', () => ({ app: made(), dsl: workflowApp() })],
    ['an app that is not there', 'input', () => ({ app: unknownId, dsl: chatflow() })],
    ['no app, and not to be made', 'input', () => ({ app: '', dsl: chatflow() })],
    ['no app, and one of that name', 'input', () => ({ app: (made(named('taken')), ''), dsl: named('taken'), options: { create: true } })],
    ['no app, and a blank secret', 'input', () => ({ app: '', dsl: named(`fresh ${(fresh += 1)}`, chatflow()), options: { create: true } })],
    ['an app to be made', 'changed', () => ({ app: '', dsl: named(`fresh ${(fresh += 1)}`), options: { create: true } })],
    ['a secret without a value', 'input', () => ({ app: made(), dsl: greeting('x', (dsl) => dsl.workflow.environment_variables.push({ id: unknownId, name: 'MORE', value_type: 'secret', value: '' })) })],
    ['a secret that is blank on the server', 'input', () => ({ app: made(chatflow()), dsl: greeting('new') })],
    ['a trigger without a schedule', 'input', () => ({ app: made(workflowApp()), dsl: trigger({ type: 'trigger-schedule' }) })],
    ['a trigger without a subscription', 'input', () => ({ app: made(workflowApp()), dsl: trigger({ type: 'trigger-plugin', provider_id: 'a/b/c' }) })],
    ['a dataset of another workspace', 'input', () => ({ app: made(), dsl: searching('AAAAAAAAAAAAAAAAAAAAAA==') })],
    ['a dataset that is not there', 'input', () => ((proxy.rule = ({ path }) => (path.includes('/datasets?') ? json(empty) : 'pass')), { app: made(), dsl: searching(dataset) })],
    ['a dataset by a name that nobody has', 'input', () => ((proxy.rule = ({ path }) => (path.includes('/datasets?') ? json(empty) : 'pass')), { app: made(), dsl: searching('old'), environment: { datasets: { old: 'FAQ' } } })],
    ['a tool by a name that nobody has', 'input', () => {
      proxy.rule = ({ path }) => (path.includes('/tool-providers') ? json([]) : 'pass');
      const dsl = greeting('tool', (one) => one.workflow.graph?.nodes.push(node('crm', 'tool', { provider_id: 'old', provider_type: 'api', provider_name: 'CRM', tool_name: 'find' })));
      return { app: made(), dsl, environment: { tools: { old: 'CRM' } } };
    }],
    ['a model that the workspace has not', 'input', () => {
      proxy.rule = ({ path }) => (path.includes('/model-types/') ? json({ data: [] }) : 'pass');
      return { app: made(), dsl: chatflow(), environment: { models: { 'gpt-4o': 'gpt-9' } } };
    }],
    ['lists that cannot be read', 'changed', () => {
      proxy.rule = ({ path }) => (/datasets\?|model-types/.test(path) ? json({ code: 'unknown', message: 'daemon', status: 501 }, 501) : 'pass');
      return { app: made(), dsl: searching(dataset), environment: { models: { 'gpt-4o': 'gpt-9' } } };
    }],
    ['a draft that cannot be read', 'platform', () => ((proxy.rule = ({ path }) => (path.includes('/workflows') ? json({ code: 'x', message: 'no', status: 501 }, 501) : 'pass')), { app: made(), dsl: chatflow() })],
    ['a chat app that may not be live at once', 'input', () => ({ app: made(chatApp(), false), dsl: prompt('new') })],
    ['a chat app that somebody edited', 'conflict', () => ({ app: made(chatApp(), false), dsl: prompt('new'), environment: { 'live-at-once': true }, options: remembered })],
    ['a chat app with a new prompt', 'changed', () => ({ app: made(chatApp(), false), dsl: prompt('new'), environment: { 'live-at-once': true } })],
    ['a chat app with the same prompt', 'unchanged', () => ({ app: made(chatApp(), false), dsl: chatApp(), environment: { 'live-at-once': true } })],
  ])('%s: both end as %s', async (_name, end, prepare) => {
    const situation = await prepare();
    const dry = await ends(situation, true);
    expect(writes()).toEqual([]);
    const real = await ends(situation, false);
    expect(told(dry)).toEqual(told(real));
    expect(dry.ok ? (dry.value.changed ? 'changed' : 'unchanged') : dry.problem.category).toBe(end);
    if (end === 'changed') expect(writes().length).toBeGreaterThan(0);
  });
});

describe('plugins that the workspace lacks', () => {
  const dependencies = [
    { type: 'marketplace', value: { marketplace_plugin_unique_identifier: 'langgenius/openai:0.2.7@abc' } },
    { type: 'github', value: { repo: 'acme/tool', version: 'v2', package: 'tool.difypkg', github_plugin_unique_identifier: 'acme/tool:2.0.0@abc' } },
    { type: 'package', value: { plugin_unique_identifier: 'acme/own:1.0.0@def' } },
  ];
  const dry = async (answer: Verdict): Promise<readonly string[]> => {
    proxy.rule = ({ path }) => (path.includes('/plugin/list?') ? answer : 'pass');
    const { notes } = value(await ends({ app: made(), dsl: { ...greeting('plugins'), dependencies } as Dsl }, true));
    expect(writes()).toEqual([]);
    return notes;
  };

  test('are told by a dry run from the list of what is installed, as after an import', async () => {
    const plugins = ['langgenius/openai:0.1.0@def', 'acme/own:1.0.0@def'].map((identifier) => ({ plugin_unique_identifier: identifier }));
    expect((await dry(json({ plugins, total: 2 }))).map((note) => note.replace(' Install it before publishing: nodes that use it may fail.', ''))).toEqual([
      'The workspace lacks the plugin langgenius/openai 0.2.7 (marketplace); the workspace has 0.1.0.',
      'The workspace lacks the plugin acme/tool 2.0.0 (github).',
    ]);
  });

  test('are not known when the list cannot be read, which stops nothing', async () => {
    expect((await dry(json({ code: 'unknown', message: 'daemon', status: 501 }, 501))).join()).toContain('Whether all plugins are installed is not known');
  });
});

describe('what is about to be written', () => {
  test('is said once, after every read of the decision and before the first write', async () => {
    const said: { digest: string; writes: number; reads: number }[] = [];
    const writing: DeployOptions['writing'] = (digest) => {
      said.push({ digest, writes: writes().length, reads: proxy.seen.length });
      return Promise.resolve({ ok: true, value: undefined });
    };
    const deployment = value(await ends({ app: made(), dsl: greeting('new'), options: { writing } }, false));
    expect(said).toEqual([{ digest: deployment.version.digest, writes: 0, reads: 4 }]);
  });

  test.each<[string, () => Situation]>([
    ['the draft', () => ({ app: made(), dsl: greeting('new') })],
    ['a new app', () => ({ app: '', dsl: named('never made'), options: { create: true } })],
    ['a configuration', () => ({ app: made(chatApp(), false), dsl: prompt('new'), environment: { 'live-at-once': true } })],
  ])('is not written when it cannot be said: %s', async (_name, prepare) => {
    const situation = prepare();
    const writing: DeployOptions['writing'] = () => Promise.resolve({ ok: false, problem: { category: 'permission', reason: 'the record cannot be written' } });
    expect(told(await ends({ ...situation, options: { ...situation.options, writing } }, false))).toMatchObject({ category: 'permission', reason: 'the record cannot be written' });
    expect(writes()).toEqual([]);
  });

  test('is not said where nothing is to be written', async () => {
    const writing: DeployOptions['writing'] = () => Promise.reject(new Error('said'));
    expect(value(await ends({ app: made(), dsl: chatflow(), options: { writing } }, false)).changed).toBe(false);
  });
});
