import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, systemClock, type HttpClient } from '@sluice/core';
import type { DifySource } from '../src/source/source.ts';
import { chatApp, chatflow, sourceOf, type Dsl } from './dsl.ts';
import { careful, greeting, madeIn, storedSecret, unknownId, withSecret } from './fixtures.ts';
import { openHouse, problem, targetOf, value, type House } from './harness.ts';
import { startProxy, type Proxy, type Seen, type Verdict } from './proxy.ts';

let house: House;
let proxy: Proxy;
let http: HttpClient;
beforeAll(async () => {
  house = await openHouse();
  proxy = await startProxy(house.lab.origin);
  const clock = systemClock();
  // Waits between tries are short; deadlines are not what these tests are about.
  http = createHttpClient({ clock: { ...clock, sleep: (milliseconds, signal) => clock.sleep(milliseconds < 15_000 ? milliseconds / 50 : milliseconds, signal) }, signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });
});
afterEach(() => {
  proxy.rule = () => 'pass';
  proxy.rewrite = (_seen, text) => text;
  proxy.seen.splice(0);
});
afterAll(async () => {
  await http.close();
  await proxy.close();
  await house.close();
});

const through = (app: string, source: DifySource, environment: Readonly<Record<string, unknown>> = {}) =>
  targetOf(house, app, source, { http, environment: { dify: app === '' ? { console: proxy.origin } : `${proxy.origin}/app/${app}/workflow`, ...environment } });

const isImport = ({ method, path }: Seen): boolean => method === 'POST' && path.endsWith('/apps/imports');
const imports = (): number => proxy.seen.filter(isImport).length;
/** once does something to the first request that fits, and passes all others. */
const once = (fits: (seen: Seen) => boolean, verdict: Verdict) => {
  let done = false;
  return (seen: Seen): Verdict => {
    if (done || !fits(seen)) return 'pass';
    done = true;
    return verdict;
  };
};
const page: Verdict = { status: 502, type: 'text/html', body: '<html>Bad gateway</html>' };

let count = 0;
const next = (change?: Parameters<typeof greeting>[1]): DifySource => sourceOf(greeting(`content ${(count += 1)}`, change));

describe('a lost answer to the import', () => {
  test.each<[string, Verdict]>([
    ['cut after it was carried out', 'cut after'],
    ['a page of 502 in its place', { status: 502, body: '<html></html>', type: 'text/html', forwarded: true }],
    ['a page of 200 in its place', { status: 200, body: '<html></html>', type: 'text/html', forwarded: true }],
  ])('%s: the draft is read and nothing is sent twice', async (_name, verdict) => {
    const app = madeIn(house);
    const source = next();
    proxy.rule = once(isImport, verdict);
    const target = await through(app.appId, source);
    const deployment = value(await target.deploy(source, careful));
    expect(deployment).toMatchObject({ changed: true, version: { digest: source.digest } });
    expect(deployment.notes.join(' ')).toContain('The answer to the import was lost');
    expect(imports()).toBe(1);
    expect(await storedSecret(house, app.appId)).toBe('sk-first');
  });

  test.each<[string, Verdict]>([['cut before it arrived', 'cut before'], ['a page of 502', page]])('%s: says so, and a second run writes it', async (_name, verdict) => {
    const app = madeIn(house);
    const source = next();
    proxy.rule = once(isImport, verdict);
    const target = await through(app.appId, source);
    const refused = problem(await target.deploy(source, careful));
    expect(refused).toMatchObject({ category: 'platform', hint: expect.stringContaining('does not hold this content') });
    expect(imports()).toBe(1);
    expect(value(await target.deploy(source, careful)).changed).toBe(true);
    expect(imports()).toBe(2);
  });

  test('the server gone after it: says what is not known, and a second run finds the draft', async () => {
    const app = madeIn(house);
    const source = next();
    let gone = false;
    proxy.rule = (seen) => {
      if (gone) return 'cut before';
      gone = isImport(seen);
      return gone ? 'cut after' : 'pass';
    };
    const target = await through(app.appId, source);
    expect(problem(await target.deploy(source, careful))).toMatchObject({ category: 'platform', hint: expect.stringContaining('is not known. Run the release again') });
    proxy.rule = () => 'pass';
    expect(value(await target.deploy(source, careful))).toMatchObject({ changed: false, version: { digest: source.digest } });
    expect(imports()).toBe(1);
    expect(value(await target.publish({ name: 'again', marks: {}, digest: source.digest })).digest).toBe(source.digest);
    expect(house.lab.published(app.appId)).not.toBe(app.published);
  });

  test('the draft not readable after a good import: nothing was published, and a second run finds the draft', async () => {
    const app = madeIn(house);
    const source = next();
    let imported = false;
    proxy.rule = (seen) => {
      const verdict = imported ? page : 'pass';
      imported ||= isImport(seen);
      return verdict;
    };
    const target = await through(app.appId, source);
    const refused = problem(await target.deploy(source, careful));
    expect(refused.reason).toContain('the draft was written, but could not be read back');
    expect(refused.hint).toContain('Nothing was published');
    proxy.rule = () => 'pass';
    expect(value(await target.deploy(source, careful)).changed).toBe(false);
  });
});

describe('an import that waits to be confirmed', () => {
  const newer = () => next((dsl) => (dsl.version = '9.0.0'));

  test('is confirmed once, and the lost answer is looked up', async () => {
    const app = madeIn(house);
    const source = newer();
    proxy.rule = once(({ path }) => path.endsWith('/confirm'), 'cut after');
    expect(value(await (await through(app.appId, source)).deploy(source, careful)).version.digest).toBe(source.digest);
    expect(proxy.count(/confirm$/)).toBe(1);
  });

  test('that has expired ends with the cause, and a second run imports it', async () => {
    const app = madeIn(house);
    const source = newer();
    proxy.rewrite = ({ path }, text) => (path.endsWith('/imports') ? text.replace(/"id":"[^"]+"/, `"id":"${unknownId}"`) : text);
    const target = await through(app.appId, source);
    const refused = problem(await target.deploy(source, careful));
    expect(refused).toMatchObject({ category: 'platform', reason: 'the server no longer waits for the confirmation of the import', hint: expect.stringContaining('Redis') });
    proxy.rewrite = (_seen, text) => text;
    const deployment = value(await target.deploy(source, careful));
    expect(deployment.notes.join(' ')).toContain('had to be confirmed: the file has DSL version 9.0.0, the server');
  });
});

test('the plugins of an import that had to be confirmed are not known to be there', async () => {
  const app = madeIn(house);
  const source = sourceOf({ ...greeting('newer, with plugins'), version: '9.0.0', dependencies: [{ type: 'marketplace', value: {} }] } as Dsl);
  const deployment = value(await (await through(app.appId, source)).deploy(source, careful));
  expect(deployment.notes.join(' ')).toContain('Whether all plugins are installed is not known: Dify forgets');
  expect(proxy.count(/check-dependencies/)).toBe(0);
});

test('missing plugins are listed with the version to install and the one that is there', async () => {
  const app = madeIn(house);
  const source = sourceOf({ ...greeting('plugins'), dependencies: [{ type: 'marketplace', value: {} }] } as Dsl);
  const leaked = [
    { type: 'marketplace', value: { marketplace_plugin_unique_identifier: 'langgenius/openai:0.2.7@abc' }, current_identifier: 'langgenius/openai:0.1.0@def' },
    { type: 'github', value: { repo: 'acme/tool', version: 'v2', package: 'tool.difypkg', github_plugin_unique_identifier: 'acme/tool:2.0.0@abc' }, current_identifier: null },
    { type: 'package', value: { plugin_unique_identifier: 'acme/own:1.0.0' } },
    { type: 'marketplace', value: {} },
  ];
  proxy.rule = ({ path }) => (path.endsWith('/check-dependencies') ? { status: 200, body: JSON.stringify({ leaked_dependencies: leaked }) } : 'pass');
  const { notes } = value(await (await through(app.appId, source)).deploy(source, careful));
  expect(notes.filter((note) => note.includes('lacks the plugin')).map((note) => note.replace(' Install it before publishing: nodes that use it may fail.', ''))).toEqual([
    'The workspace lacks the plugin langgenius/openai 0.2.7 (marketplace); the workspace has 0.1.0.',
    'The workspace lacks the plugin acme/tool 2.0.0 (github).',
    'The workspace lacks the plugin acme/own 1.0.0 (package).',
    'The workspace lacks the plugin one that the file does not name (marketplace).',
  ]);
});

describe('the server refuses', () => {
  test('a file: the cause, nothing written, nothing sent again', async () => {
    const app = madeIn(house);
    const source = next();
    proxy.rule = (seen) => (isImport(seen) ? { status: 400, body: JSON.stringify({ id: 'x', status: 'failed', app_id: null, error: "'hologram' is not a valid NodeType" }) } : 'pass');
    const refused = problem(await (await through(app.appId, source)).deploy(source, careful));
    expect(refused).toMatchObject({ category: 'platform', reason: "the server refused the file: 'hologram' is not a valid NodeType", answer: { status: 400 } });
    expect(imports()).toBe(1);
  });

  test('an app that was deleted, before and during the deployment', async () => {
    const app = madeIn(house);
    const source = next();
    proxy.rule = (seen) => (isImport(seen) ? { status: 400, body: JSON.stringify({ id: 'x', status: 'failed', app_id: null, error: 'App not found' }) } : 'pass');
    const target = await through(app.appId, source);
    const during = problem(await target.deploy(source, careful));
    proxy.rule = (seen) => (seen.path.endsWith(`/apps/${app.appId}`) ? { status: 404, body: '{"code":"app_not_found","message":"App not found.","status":404}' } : 'pass');
    const before = problem(await target.deploy(source, careful));
    expect([during, before]).toEqual([before, before]);
    expect(before).toMatchObject({ category: 'input', reason: expect.stringContaining(`has no app ${app.appId}`) });
  });

  test('the list of missing plugins, because its daemon is down: said, and deployed', async () => {
    const app = madeIn(house);
    const source = sourceOf({ ...greeting('needs plugins'), dependencies: [{ type: 'marketplace', value: {} }] } as Dsl);
    proxy.rule = ({ path }) => (path.endsWith('/check-dependencies') ? { status: 500, body: '{"code":"unknown","message":"Internal Server Error","status":500}' } : 'pass');
    const deployment = value(await (await through(app.appId, source)).deploy(source, careful));
    expect(deployment.notes.join(' ')).toContain('Whether all plugins are installed is not known');
    expect(deployment.changed).toBe(true);
  });
});

describe('what the server did not keep', () => {
  const dropped = async (rewrite: (text: string) => string, change: Parameters<typeof greeting>[1]) => {
    const app = madeIn(house);
    const source = next(change);
    let imported = false;
    proxy.rewrite = (seen, text) => {
      imported ||= isImport(seen);
      return imported && seen.path.endsWith('/workflows/draft') ? rewrite(text) : text;
    };
    return problem(await (await through(app.appId, source)).deploy(source, careful));
  };

  test('names node and value: a dataset', async () => {
    const id = '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
    house.lab.stock({ datasets: [id] });
    const refused = await dropped(
      (text) => text.replace(`["${id}"]`, '[]'),
      (dsl) => dsl.workflow.graph?.nodes.push({ id: 'kb', type: 'custom', data: { type: 'knowledge-retrieval', title: 'Search 搜索', dataset_ids: [id] } }),
    );
    expect(refused).toMatchObject({ category: 'platform', hint: expect.stringContaining('Nothing was published') });
    expect(refused.reason).toContain(`knowledge of node "Search 搜索": sent ${id}, the server has none`);
  });

  test('names node and value: a model', async () => {
    const refused = await dropped((text) => text.replace('"name":"gpt-4o"', '"name":"gpt-4"'), () => undefined);
    expect(refused.reason).toContain('model of node "Node llm": sent langgenius/openai/openai/gpt-4o, the server has langgenius/openai/openai/gpt-4');
  });

  test("names a variable without its value, which may be the environment's secret", async () => {
    const refused = await dropped((text) => text.replace('https://a.example', 'https://b.example'), () => undefined);
    expect(refused.reason).toContain('environment variable URL changed');
    expect(JSON.stringify(refused)).not.toContain('.example"');
    expect(refused.reason).not.toContain('a.example');
  });

  test('names a secret that did not get the value that was given, without either value', async () => {
    const app = madeIn(house);
    count += 1;
    const source = sourceOf(greeting(`content ${count}`, (dsl) => withSecret(dsl, 'sk-given')));
    proxy.rewrite = ({ path }, text) => (path.endsWith('/environment-variables') ? text.replace('sk-given', 'sk-other') : text);
    const refused = problem(await (await through(app.appId, source)).deploy(source, careful));
    expect(refused.reason).toContain('secret TOKEN: the server has not the value that was given');
    expect(JSON.stringify(refused)).not.toContain('sk-');
  });

  test('names a credential that did not stay', async () => {
    const tool = (bound: object) => (dsl: ReturnType<typeof chatflow>) =>
      dsl.workflow.graph?.nodes.push({ id: 'time', type: 'custom', data: { type: 'tool', title: 'Clock', provider_id: 'time', tool_name: 'now', ...bound } });
    const app = madeIn(house, withSecret(greeting('bound', tool({ credential_id: 'mine' }))));
    const source = next(tool({}));
    let imported = false;
    proxy.rewrite = (seen, text) => {
      imported ||= isImport(seen);
      return imported && seen.path.endsWith('/workflows/draft') ? text.replace('"credential_id":"mine"', '"credential_id":""') : text;
    };
    expect(problem(await (await through(app.appId, source)).deploy(source, careful)).reason).toContain('credential_id of node "Clock": not kept');
  });

  test('names a secret that is blank, and the line that gives it', async () => {
    const app = house.lab.createApp((await import('./dsl.ts')).textOf(chatflow()));
    const source = next();
    const target = await through(app.appId, source);
    // The second time, the draft has the content already.
    for (const _run of [1, 2]) {
      expect(problem(await target.deploy(source, careful))).toMatchObject({ category: 'input', reason: expect.stringContaining('TOKEN would be blank'), hint: expect.stringContaining('TOKEN: { env: TOKEN }') });
    }
    expect(imports()).toBe(1);
    expect(house.lab.published(app.appId)).toBe(app.published);
  });
});

describe('create', () => {
  const fresh = (): DifySource => {
    count += 1;
    const dsl = withSecret(chatflow());
    return sourceOf({ ...dsl, app: { ...dsl.app, name: `new app ${count}` } });
  };
  const create = { ...careful, create: true };

  test('twice makes one app: the second names it and the line to add', async () => {
    const source = fresh();
    const id = value(await (await through('', source)).deploy(source, create)).created?.application ?? '';
    const refused = problem(await (await through('', source)).deploy(source, create));
    expect(refused).toMatchObject({ category: 'input', reason: `this workspace has an app named "${source.title}" already: ${id} (advanced-chat)`, hint: expect.stringContaining(`dify: { app: ${id} }`) });
    house.lab.createApp((await import('./dsl.ts')).textOf({ ...withSecret(chatflow()), app: { ...chatflow().app, name: source.title } }));
    const several = problem(await (await through('', source)).deploy(source, create));
    expect(several.reason).toContain('has 2 apps named');
    expect(several.hint).toContain(id);
    expect(imports()).toBe(1);
  });

  test('an answer that was lost: the app is found by its name, and not made again', async () => {
    const source = fresh();
    proxy.rule = once(isImport, 'cut after');
    const target = await through('', source);
    const deployment = value(await target.deploy(source, create));
    expect(deployment.created?.application).toBe(target.application);
    expect(deployment.notes.join(' ')).toContain('found by its name');
    expect(imports()).toBe(1);
  });

  test('the server gone after it: a second run names the app that was made', async () => {
    const source = fresh();
    let gone = false;
    proxy.rule = (seen) => {
      if (gone) return 'cut before';
      gone = isImport(seen);
      return gone ? 'cut after' : 'pass';
    };
    expect(problem(await (await through('', source)).deploy(source, create)).hint).toContain('is not known. Run again');
    proxy.rule = () => 'pass';
    expect(problem(await (await through('', source)).deploy(source, create)).reason).toContain('has an app named');
    expect(imports()).toBe(1);
  });

  test('a refused file leaves an empty app behind, which is named', async () => {
    const dsl = withSecret(chatflow());
    const source = sourceOf({ ...dsl, app: { ...dsl.app, name: `broken ${(count += 1)}` } });
    proxy.rule = (seen) => (isImport(seen) ? { status: 400, body: JSON.stringify({ id: 'x', status: 'failed', app_id: null, error: 'no' }), forwarded: true } : 'pass');
    expect(problem(await (await through('', source)).deploy(source, create)).hint).toMatch(/^The server has left the app [0-9a-f-]{36} behind\. Delete it/);
  });
});

describe('a configuration that is live at once', () => {
  const prompt = (text: string): DifySource => {
    const dsl = chatApp();
    return sourceOf({ ...dsl, model_config: { ...dsl.model_config, pre_prompt: text } });
  };
  const allowed = { 'live-at-once': true };
  const isConfiguration = ({ path }: Seen): boolean => path.endsWith('/model-config');

  test('a lost answer is looked up', async () => {
    const app = madeIn(house, chatApp(), false);
    const source = prompt('other');
    proxy.rule = once(isConfiguration, 'cut after');
    expect(value(await (await through(app.appId, source, allowed)).deploy(source, careful)).changed).toBe(true);
    expect(proxy.seen.filter(isConfiguration)).toHaveLength(1);
  });

  test('a request that never arrived is told, and not sent again', async () => {
    const app = madeIn(house, chatApp(), false);
    const source = prompt('other');
    proxy.rule = once(isConfiguration, 'cut before');
    const target = await through(app.appId, source, allowed);
    expect(problem(await target.deploy(source, careful)).category).toBe('platform');
    expect(value(await target.deploy(source, careful)).changed).toBe(true);
  });

  test('states the sections that the file leaves out, so that an update means what an import means', async () => {
    const app = madeIn(house, chatApp(), false);
    const source = prompt('other');
    await (await through(app.appId, source, allowed)).deploy(source, careful);
    const sent: unknown = JSON.parse(proxy.seen.find(isConfiguration)?.body ?? '{}');
    expect(sent).toMatchObject({ dataset_configs: { retrieval_model: 'multiple' }, retriever_resource: { enabled: true } });
  });
});

describe('numbers', () => {
  test('deploy, verify and publish take at most 12 requests, nothing imported twice takes 5', async () => {
    const app = madeIn(house);
    const source = next();
    const target = await through(app.appId, source);
    value(await target.deploy(source, careful));
    value(await target.publish({ name: 'x', marks: { commit: '0123456789ab' }, digest: source.digest }));
    const requests = proxy.seen.map(({ method, path }) => `${method} ${path.replace('/console/api', '').replace(app.appId, ':app')}`);
    expect(requests.length).toBeLessThanOrEqual(12);
    proxy.seen.splice(0);
    value(await (await through(app.appId, source)).deploy(source, careful));
    expect(proxy.seen.length).toBeLessThanOrEqual(5);
  });

  test('names ask for their lists only when they are used', async () => {
    const app = madeIn(house);
    const source = next();
    value(await (await through(app.appId, source)).deploy(source, careful));
    expect(proxy.count(/datasets|tool-providers|model-types|subscriptions|check-dependencies/)).toBe(0);
  });
});
