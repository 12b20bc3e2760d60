import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { createHttpClient, done, draft, failed, live, systemClock, type HttpClient, type Target } from '@sluice/core';
import { renderInclude } from '@sluice/gateway';
import { startLabDify, startLabGateway, type LabGateway } from '@sluice/lab';
import { difyPlatform } from '../src/platform.ts';
import { chatApp, chatflow, secretId, sourceOf, textOf, workflowApp, type Dsl } from './dsl.ts';
import { careful, hello, never, some, storedSecret, withSecret } from './fixtures.ts';
import { connectionTo, openHouse, problem, targetOf, value, type Asked, type House } from './harness.ts';

// Whole releases take their time where the machine has other work.
jest.setTimeout(30_000);

const workflowSaying = (word: string): Dsl => {
  const dsl = withSecret(workflowApp());
  const [, llm] = dsl.workflow?.graph?.nodes ?? [];
  Object.assign(llm?.['data'] ?? {}, { prompt_template: [{ role: 'system', text: `${word} {{#start.city#}}` }] });
  return dsl;
};

const completionSaying = (word: string): Dsl => {
  const dsl = chatApp();
  return { ...dsl, app: { ...dsl.app, mode: 'completion' }, model_config: { ...dsl.model_config, pre_prompt: word, user_input_form: [] } };
};

/** Pair is an app with its twin, behind a gateway that has both keys. */
interface Pair {
  readonly app: string;
  readonly twin: string;
  readonly apiKey: string;
  readonly gateway: LabGateway;
  readonly published: string;
  target(dsl: Dsl, asked?: Asked): Promise<Target>;
}

const closing: (() => Promise<void>)[] = [];
let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await house.close();
});

const name = 'support-bot-here';
const slot = name.replaceAll('-', '_');

const pairOf = async (dsl: Dsl, within = house): Promise<Pair> => {
  const [main, twin] = [within.lab.createApp(textOf(dsl)), within.lab.createApp(textOf({ ...dsl, app: { ...dsl.app, name: 'its twin' } }), { publish: false })];
  const keys = `map $http_authorization $sluice_${slot}_twin {\n  default $http_authorization;\n  "Bearer ${main.apiKey}" "Bearer ${twin.apiKey}";\n}`;
  const gateway = await startLabGateway({ upstream: within.lab.origin, keys });
  closing.push(() => gateway.close());
  // nginx has its include file before the first release.
  await writeFile(gateway.includeFile, value(renderInclude({ stable: '', weight: 0 }, { application: name, kind: 'twin' })));
  await gateway.run(['nginx', '-s', 'reload']);
  const behind = { gateway: { twin: twin.appId, address: `${gateway.origin}/v1`, nginx: { include: gateway.includeFile } } };
  return {
    app: main.appId,
    twin: twin.appId,
    apiKey: main.apiKey,
    gateway,
    published: main.published ?? '',
    target: (next, asked = {}) => targetOf(within, main.appId, sourceOf(next), { ...asked, gateway, environment: { ...behind, ...asked.environment } }),
  };
};

/** counting keeps the writes that pass. */
const counting = (http: HttpClient): HttpClient & { readonly sent: string[] } => {
  const sent: string[] = [];
  return {
    ...http,
    sent,
    send: (request) => {
      const { pathname } = new URL(request.url);
      if (request.method !== 'GET' && !pathname.endsWith('/login')) sent.push(`${request.method} ${pathname}`);
      return http.send(request);
    },
  };
};

const shown = async (gateway: LabGateway): Promise<unknown> => {
  const page: unknown = await (await fetch(`${gateway.origin}/sluice/${name}`)).json();
  return typeof page === 'object' && page !== null && 'split' in page ? page.split : page;
};

const modes: readonly [string, (word: string) => Dsl][] = [
  ['a workflow app', workflowSaying],
  ['a completion app', completionSaying],
];

const candidateOf = async (target: Target): Promise<string> => some(value(await target.inspect()).candidate).id;

describe.each(modes)('%s and its twin', (mode, saying) => {
  const askedOf = async (target: Target, version: string) => value(await value(await target.open(version)).ask({ ...hello, streaming: mode === 'a workflow app', user: 'somebody' }, never));

  test('a release goes from the twin to the app, and nobody but the share meets the candidate', async () => {
    const pair = await pairOf(saying('old'));
    const http = counting(house.http);
    const target = await pair.target(saying('new'), { http });
    const before = some(value(await target.inspect()).live);
    const deployed = value(await target.deploy(sourceOf(saying('new')), careful));
    expect(deployed).toMatchObject({ changed: true, version: { id: draft } });
    const seen = value(await target.inspect());
    expect(seen.live).toEqual(before);
    expect(seen.candidate?.digest).toBe(deployed.version.digest);
    const candidate = some(seen.candidate).id;
    expect(candidate).not.toBe(before.id);

    const traffic = some(target.traffic);
    expect(value(await traffic.read())).toEqual({ split: { stable: before.id, weight: 0 }, reach: 'serving' });
    const { split } = value(await traffic.set({ stable: before.id, weight: 0 }, { stable: before.id, candidate, weight: 25 }));
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, candidate: pair.twin, weight: 25 });
    expect(problem(await target.publish({ name: 'x', marks: {} }))).toMatchObject({ category: 'conflict', reason: expect.stringContaining('25 %') });
    value(await traffic.set(split, { stable: candidate, weight: 0 }));
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, candidate: pair.twin, weight: 100 });
    expect(value(await target.inspect()).live).toMatchObject({ id: candidate, digest: deployed.version.digest });
    expect(value(await traffic.read()).split).toEqual({ stable: candidate, weight: 0 });

    http.sent.length = 0;
    const published = value(await target.publish({ name: 'next', marks: {}, digest: some(deployed.version.digest) }));
    expect(published.digest).toBe(deployed.version.digest);
    expect(published.id).not.toBe(before.id);
    expect(http.sent).toHaveLength(1);
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
    expect(value(await target.inspect()).live?.id).toBe(published.id);
    // A run that was killed after it had published, and before it set the gateway.
    value(await traffic.set({ stable: published.id, weight: 0 }, { stable: candidate, weight: 0 }));
    expect(value(await target.publish({ name: 'next', marks: {}, digest: some(deployed.version.digest) })).id).toBe(published.id);
    expect(http.sent).toHaveLength(1);
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
  });

  test('the draft asks the twin with its own key, a version asks only the side that has it, and live the gateway', async () => {
    const pair = await pairOf(saying('old'));
    const target = await pair.target(saying('new'), { secrets: { DIFY_EMAIL: house.lab.credentials.email, DIFY_PASSWORD: house.lab.credentials.password, DIFY_APP_KEY: pair.apiKey } });
    const before = some(value(await target.inspect()).live);
    value(await target.deploy(sourceOf(saying('new')), careful));
    const candidate = await candidateOf(target);
    value(await some(target.traffic).set({ stable: before.id, weight: 0 }, { stable: candidate, weight: 0 }));
    // The lab's completion apps say their own name.
    for (const [version, word, says] of [[draft, 'its twin', draft], [candidate, 'its twin', candidate], [before.id, 'old', before.id], [live, 'its twin', candidate]] as const) {
      const opened = value(await target.open(version));
      expect(opened.version).toBe(version);
      const reply = await askedOf(target, version);
      expect(reply.failed).toBeUndefined();
      if (mode === 'a workflow app') expect(reply.version).toBe(says);
      else expect(reply.text).toContain(word);
    }
  });

  test('unchanged content writes nothing and leaves a canary alone; other content sends its users back first', async () => {
    const pair = await pairOf(saying('old'));
    const said: string[] = [];
    const http = counting(house.http);
    const target = await pair.target(saying('new'), { http, log: (line) => said.push(line) });
    const before = some(value(await target.inspect()).live);
    const deployed = value(await target.deploy(sourceOf(saying('new')), careful));
    const split = { stable: before.id, candidate: await candidateOf(target), weight: 25 };
    value(await some(target.traffic).set({ stable: before.id, weight: 0 }, split));
    http.sent.length = 0;
    expect(value(await target.deploy(sourceOf(saying('new')), careful)).changed).toBe(false);
    expect(http.sent).toEqual([]);
    expect(value(await some(target.traffic).read()).split).toEqual(split);
    const next = await pair.target(saying('newer'), { http, log: (line) => said.push(line) });
    expect(value(await next.deploy(sourceOf(saying('newer')), { ...careful, ours: [some(deployed.version.digest), some(before.digest)] })).changed).toBe(true);
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
    expect(said.filter((line) => line.startsWith('Users were on the twin'))).toHaveLength(1);
  });

  test('a twin whose users cannot be sent back is not written', async () => {
    const pair = await pairOf(saying('old'));
    const target = await pair.target(saying('new'));
    const before = some(value(await target.inspect()).live);
    const deployed = value(await target.deploy(sourceOf(saying('new')), careful));
    const candidate = await candidateOf(target);
    value(await some(target.traffic).set({ stable: before.id, weight: 0 }, { stable: before.id, candidate, weight: 25 }));
    const deaf: LabGateway = { ...pair.gateway, run: () => Promise.resolve({ code: 1, stdout: '', stderr: 'no' }) };
    const next = await targetOf(house, pair.app, sourceOf(saying('newer')), { gateway: deaf, environment: { gateway: { twin: pair.twin, address: pair.gateway.origin, nginx: { include: pair.gateway.includeFile } } } });
    const refused = problem(await next.deploy(sourceOf(saying('newer')), { ...careful, ours: [some(deployed.version.digest), some(before.digest)] }));
    expect(refused.reason).toMatch(/twin.*was not written, since its users could not be sent back/);
    expect(await candidateOf(target)).toBe(candidate);
  });

  test('what was changed by hand in the twin is not published, nor given more users', async () => {
    const pair = await pairOf(saying('old'));
    const target = await pair.target(saying('new'));
    const before = some(value(await target.inspect()).live).id;
    const judged = some(value(await target.deploy(sourceOf(saying('new')), careful)).version.digest);
    const split = value(await some(target.traffic).set({ stable: before, weight: 0 }, { stable: before, candidate: await candidateOf(target), weight: 5 })).split;
    const byHand = await targetOf(house, pair.twin, sourceOf(saying('by hand')), { environment: { 'live-at-once': true } });
    value(await byHand.deploy(sourceOf(saying('by hand')), { ...careful, overwrite: true }));
    value(await byHand.publish({ name: 'hand', marks: {} }));
    expect(problem(await some(target.traffic).set(split, { ...split, weight: 25 })).category).toBe('conflict');
    value(await target.restore(before, {}));
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
    expect(problem(await target.publish({ name: 'x', marks: {}, digest: judged }))).toMatchObject({ category: 'conflict', reason: expect.stringContaining('somebody changed it') });
    expect(value(await target.inspect()).live?.id).toBe(before);
  });

  test('going back sends everybody to the app first, and then goes back in the app', async () => {
    const pair = await pairOf(saying('old'));
    const target = await pair.target(saying('new'));
    const before = some(value(await target.inspect()).live);
    value(await target.deploy(sourceOf(saying('new')), careful));
    const candidate = await candidateOf(target);
    const traffic = some(target.traffic);
    value(await traffic.set({ stable: before.id, weight: 0 }, { stable: before.id, candidate, weight: 50 }));
    expect(value(await target.restore(before.id, {}))).toEqual(before);
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
    value(await target.publish({ name: 'next', marks: {} }));
    const back = value(await target.restore(before.id, {}));
    expect(back.digest).toBe(before.digest);
    expect(value(await target.inspect()).live).toEqual(back);
  });

  test('somebody else\'s work in the twin, or in the app, stops a deployment before anything is written', async () => {
    const pair = await pairOf(saying('old'));
    for (const app of [pair.twin, pair.app]) {
      const byHand = await targetOf(house, app, sourceOf(saying('theirs')), { environment: { 'live-at-once': true } });
      value(await byHand.deploy(sourceOf(saying('theirs')), { ...careful, overwrite: true }));
    }
    const http = counting(house.http);
    const target = await pair.target(saying('new'), { http });
    expect(problem(await target.deploy(sourceOf(saying('new')), { ...careful, ours: ['sha256:0'] }))).toMatchObject({ category: 'conflict' });
    expect(http.sent).toEqual([]);
    expect(value(await target.deploy(sourceOf(saying('new')), { ...careful, ours: ['sha256:0'], overwrite: true })).changed).toBe(true);
  });

  test('a dry run writes nothing and says what would change', async () => {
    const pair = await pairOf(saying('old'));
    const http = counting(house.http);
    const target = await pair.target(saying('new'), { http, readOnly: true });
    expect(value(await target.deploy(sourceOf(saying('new')), { ...careful, dryRun: true }))).toMatchObject({ changed: true, version: { id: draft } });
    expect(http.sent).toEqual([]);
  });

  test('the gateway is closed by what was read before when the console does not answer', async () => {
    const pair = await pairOf(saying('old'));
    let deaf = false;
    const http: HttpClient = { ...house.http, send: (request) => (deaf && request.url.includes('/console/') ? Promise.resolve(failed({ category: 'platform', reason: 'no console' })) : house.http.send(request)) };
    const target = await pair.target(saying('new'), { http });
    value(await target.deploy(sourceOf(saying('new')), careful));
    const before = some(value(await target.inspect()).live).id;
    const split = { stable: before, candidate: await candidateOf(target), weight: 25 };
    const traffic = some(target.traffic);
    value(await traffic.set({ stable: before, weight: 0 }, split));
    deaf = true;
    expect(problem(await traffic.set(split, { ...split, weight: 50 })).reason).toContain('no console');
    value(await traffic.set(split, { stable: before, weight: 0 }));
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
  });

  test('the connection check looks at the twin, too', async () => {
    const pair = await pairOf(saying('old'));
    const { gateway } = pair;
    const checksOf = async (twin: string) => {
      const environment = { gateway: { twin, address: `${gateway.origin}/v1`, nginx: { include: gateway.includeFile } } };
      return (await difyPlatform.check?.(connectionTo(house, pair.app, sourceOf(saying('old')), { readOnly: true, environment, gateway }), { path: 'x.yml', folder: '', text: '' }))?.connection ?? [];
    };
    const good = await checksOf(`${house.lab.origin}/app/${pair.twin}/workflow`);
    expect(good.find((check) => check.name === 'twin')?.outcome).toEqual(done(`"its twin" (${pair.twin}), ${mode === 'a workflow app' ? 'workflow' : 'completion'}; the gateway sends it 0 % of the users`));
    const other = house.lab.createApp(textOf(chatflow()));
    const wrong = (await checksOf(other.appId)).at(-1);
    expect(wrong).toMatchObject({ name: 'twin', outcome: { ok: false, problem: { category: 'input', reason: expect.stringContaining('is a advanced-chat app') } } });
    const same = (await checksOf(pair.app)).at(-1)?.outcome;
    expect(same).toMatchObject({ ok: false, problem: { category: 'input', reason: 'gateway.twin is the app itself' } });
  });
});

describe('a workflow app and its twin', () => {
  test('a new secret alone is published in both, although the content is the same', async () => {
    const pair = await pairOf(workflowSaying('old'));
    const target = await pair.target(workflowSaying('old'));
    value(await target.deploy(sourceOf(workflowSaying('old')), careful));
    const first = value(await target.publish({ name: 'one', marks: {} }));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const dsl = workflowSaying('old');
    Object.assign(dsl.workflow?.environment_variables.find(({ id }) => id === secretId) ?? {}, { value: 'sk-second' });
    const next = await pair.target(dsl);
    expect(value(await next.deploy(sourceOf(dsl), careful)).changed).toBe(true);
    expect(await storedSecret(house, pair.twin)).toBe('sk-second');
    expect(value(await next.publish({ name: 'two', marks: {} })).id).not.toBe(first.id);
    expect(await storedSecret(house, pair.app)).toBe('sk-second');
  });

  test('the twin keeps its own name', async () => {
    const pair = await pairOf(workflowSaying('old'));
    value(await (await pair.target(workflowSaying('new'))).deploy(sourceOf(workflowSaying('new')), careful));
    const checks = (await difyPlatform.check?.(connectionTo(house, pair.twin, sourceOf(workflowSaying('new')), { readOnly: true }), { path: 'x.yml', folder: '', text: '' }))?.connection;
    expect(checks?.find((check) => check.name === 'app')?.outcome).toEqual(done(`"its twin" (${pair.twin}), workflow`));
  });

  test('each version is counted in the app that has it', async () => {
    const pair = await pairOf(workflowSaying('old'));
    const target = await pair.target(workflowSaying('new'));
    value(await target.deploy(sourceOf(workflowSaying('new')), careful));
    const candidate = await candidateOf(target);
    const from = Date.now() - 5_000;
    for (const [version, times] of [[pair.published, 2], [candidate, 3]] as const) {
      const opened = value(await target.open(version));
      for (let at = 0; at < times; at += 1) value(await opened.ask(hello, never));
    }
    const arms = value(await some(target.logs).read([pair.published, candidate], from, Date.now() + 5_000));
    expect(arms.map(({ version, answers }) => [version, answers])).toEqual([[pair.published, 2], [candidate, 3]]);
  });

  test('doors of both apps are told, those of the twin as what they are', async () => {
    const pair = await pairOf(workflowSaying('old'));
    const { notes } = value(await (await pair.target(workflowSaying('new'))).inspect());
    expect(notes).toEqual([
      'Open past the gateway: the web app. Who comes that way gets what the app itself has, whatever the split.',
      `Open past the gateway at the twin ${pair.twin}: the web app. Who comes that way meets the candidate as soon as it is deployed, unjudged; close them.`,
    ]);
  });

  test('works on Dify 1.4.0, which runs no chosen version', async () => {
    const lab = await startLabDify({ timeScale: 40, version: '1.4.0' });
    const http = createHttpClient({ clock: systemClock(), signal: never, userAgent: 'test', loopbackOnly: true });
    closing.push(() => http.close(), () => lab.close());
    const pair = await pairOf(workflowSaying('old'), { ...house, lab, http });
    const target = await pair.target(workflowSaying('new'));
    value(await target.deploy(sourceOf(workflowSaying('new')), careful));
    const candidate = await candidateOf(target);
    for (const version of [pair.published, candidate, draft]) expect(value(await value(await target.open(version)).ask(hello, never)).version).toBe(version);
    value(await some(target.traffic).set({ stable: pair.published, weight: 0 }, { stable: candidate, weight: 0 }));
    const published = value(await target.publish({ name: 'next', marks: {} }));
    expect(await shown(pair.gateway)).toEqual({ stable: pair.app, weight: 0 });
    expect(value(await target.restore(pair.published, {})).id).not.toBe(published.id);
  });
});

describe('a completion app and its twin', () => {
  test('when the app was overwritten by another run, going back says what to do, with everybody at the app', async () => {
    const pair = await pairOf(completionSaying('old'));
    const target = await pair.target(completionSaying('new'));
    const before = some(value(await target.inspect()).live);
    value(await target.deploy(sourceOf(completionSaying('new')), careful));
    value(await target.publish({ name: 'next', marks: {} }));
    const another = await pair.target(completionSaying('new'));
    expect(problem(await another.restore(before.id, {}))).toMatchObject({ category: 'input', hint: expect.stringContaining('snapshot') });
    expect(value(await target.restore(before.id, {}))).toEqual(before);
  });

  test('has no logs and no marks, and says why; its one configuration is its list of versions', async () => {
    const pair = await pairOf(completionSaying('old'));
    const target = await pair.target(completionSaying('old'));
    expect([target.logs, target.mark]).toEqual([undefined, undefined]);
    expect(Object.keys(target.lacking).toSorted()).toEqual(['entries', 'logs', 'mark']);
    expect(value(await some(target.versions)())).toEqual([value(await target.inspect()).live]);
  });
});

describe('what cannot have a twin', () => {
  const other = '5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
  const withTwin = async (dsl: Dsl, twin: string) => targetOf(house, other, sourceOf(dsl), { environment: { gateway: { twin, nginx: { include: '/tmp/none' } } } });
  const twin = '6f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';

  test.each<[string, Dsl, string, RegExp]>([
    ['a chatflow', chatflow(), twin, /a chatflow cannot have a twin/],
    ['a chat app', chatApp(), twin, /cannot split a chat app/],
    ['an app that is its own twin', workflowApp(), other.toUpperCase(), /gateway\.twin is the app itself/],
    ['an app with a twin on another server', workflowApp(), `https://elsewhere.example/app/${twin}`, /the twin is at https:\/\/elsewhere\.example/],
    ['an app with a twin of no id', workflowApp(), 'support-bot', /must be the app's address in Studio, or its id/],
  ])('%s is refused before anything is asked', async (_, dsl, given, said) => {
    await expect(withTwin(dsl, given)).rejects.toThrow(said);
  });
});
