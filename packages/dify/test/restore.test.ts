import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpClient, HttpRequest } from '@sluice/core';
import { difyVersions } from '@sluice/lab';
import { overlay } from '../src/source/overlay.ts';
import { chatflow, secretId, sourceOf, textOf } from './dsl.ts';
import { careful, greeting, madeIn, storedSecret, withSecret } from './fixtures.ts';
import { connectionTo, openHouse, problem, secretsOf, targetOf, value, type House } from './harness.ts';

const releases = difyVersions;
const houses = new Map<string, House>();
beforeAll(async () => {
  for (const release of releases) houses.set(release, await openHouse(release));
});
afterAll(() => Promise.all([...houses.values()].map((house) => house.close())));

const houseOf = (release: string): House => {
  const house = houses.get(release);
  if (house === undefined) throw new Error(`no lab of ${release}`);
  return house;
};

/** counting keeps what a client was asked for. */
const counting = (http: HttpClient, change: (request: HttpRequest) => HttpRequest = (request) => request): { readonly http: HttpClient; readonly sent: string[] } => {
  const sent: string[] = [];
  return {
    sent,
    http: {
      ...http,
      send: (request) => {
        sent.push(`${request.method} ${new URL(request.url).pathname}`);
        return http.send(change(request));
      },
    },
  };
};

/** rotated is the file with a secret that the environment gives. */
const rotated = (house: House, appId: string, opening: string, secret: string) => {
  const plain = sourceOf(greeting(opening));
  const { environment } = connectionTo(house, appId, plain, { environment: { variables: { TOKEN: { env: 'TOKEN_NOW' } } } });
  return value(overlay(plain, environment, secretsOf({ TOKEN_NOW: secret })));
};

/** released is an app with two versions, the second with a key that was rotated since. */
const released = async (house: House) => {
  const app = madeIn(house);
  const source = rotated(house, app.appId, 'next', 'sk-second');
  const target = await targetOf(house, app.appId, source);
  value(await target.deploy(source, careful));
  const next = value(await target.publish({ name: 'next', marks: {} }));
  return { appId: app.appId, first: app.published ?? '', next: next.id };
};

describe.each(releases)('going back on %s', (release) => {
  test('never revives a rotated key', async () => {
    const house = houseOf(release);
    const { appId, first, next } = await released(house);
    expect(await storedSecret(house, appId)).toBe('sk-second');
    const back = value(await (await targetOf(house, appId, sourceOf(chatflow()))).restore(first, { verdict: 'rolled-back' }));
    expect(back.digest).toBe(sourceOf(chatflow()).digest);
    expect([first, next]).not.toContain(back.id);
    expect(house.lab.published(appId)).toBe(back.id);
    expect(await storedSecret(house, appId)).toBe('sk-second');
  });

  test('sets the key that the environment gives', async () => {
    const house = houseOf(release);
    const { appId, first } = await released(house);
    value(await (await targetOf(house, appId, rotated(house, appId, 'next', 'sk-third'))).restore(first, {}));
    expect(await storedSecret(house, appId)).toBe('sk-third');
  });

  test('takes at most ten requests with the login and the look before', async () => {
    const house = houseOf(release);
    const { appId, first } = await released(house);
    const { http, sent } = counting(house.http);
    const target = await targetOf(house, appId, sourceOf(chatflow()), { http });
    value(await target.inspect());
    value(await target.restore(first, {}));
    expect(sent).toHaveLength(8);
    expect(sent.filter((one) => one.endsWith('/export'))).toEqual([]);
  });

  test('keeps the commit of the content, not that of the run', async () => {
    const house = houseOf(release);
    const app = madeIn(house);
    const target = await targetOf(house, app.appId, sourceOf(chatflow()));
    const first = value(await target.publish({ name: 'first', marks: { commit: '1'.repeat(40) } }));
    const source = sourceOf(greeting('next'));
    const later = await targetOf(house, app.appId, source);
    value(await later.deploy(source, careful));
    value(await later.publish({ name: 'next', marks: { commit: '2'.repeat(40) } }));
    const { comment } = value(await later.restore(first.id, { commit: '3'.repeat(40), verdict: 'rolled-back' }));
    // Dify keeps a comment beside a version since 1.1.0.
    expect(comment).toBe(release === '0.15.3' ? '' : `commit=${'1'.repeat(12)} verdict=rolled-back`);
  });

  test('says when it replaces work that nobody has published', async () => {
    const house = houseOf(release);
    const { appId, first } = await released(house);
    const said: string[] = [];
    const edited = sourceOf(greeting('half done'));
    value(await (await targetOf(house, appId, edited)).deploy(edited, { ...careful, overwrite: true }));
    const target = await targetOf(house, appId, sourceOf(chatflow()), { log: (line) => said.push(line) });
    value(await target.restore(first, {}));
    value(await target.restore(first, {}));
    expect(said.filter((line) => line.includes('going back replaces it'))).toHaveLength(1);
  });

  test('a draft that changes at that moment is a conflict, and nothing is published', async () => {
    const house = houseOf(release);
    const { appId, first, next } = await released(house);
    const late = (request: HttpRequest): HttpRequest =>
      request.method === 'POST' && request.url.endsWith('/workflows/draft') ? { ...request, body: (request.body ?? '').replace(/"hash":"[^"]+"/, '"hash":"of before"') } : request;
    const target = await targetOf(house, appId, sourceOf(chatflow()), { http: counting(house.http, late).http });
    expect(problem(await target.restore(first, {}))).toMatchObject({ category: 'conflict', reason: 'somebody changed the draft at the same moment', answer: { code: 'draft_workflow_not_sync' } });
    expect(house.lab.published(appId)).toBe(next);
  });
});

/** withoutKey is an app whose newest version has no secret any more. */
const withoutKey = async (house: House) => {
  const { appId, first } = await released(house);
  const source = sourceOf(greeting('no key', (dsl) => (dsl.workflow.environment_variables = dsl.workflow.environment_variables.filter((one) => one['id'] !== secretId))));
  const target = await targetOf(house, appId, source);
  value(await target.deploy(source, { ...careful, overwrite: true }));
  const newest = value(await target.publish({ name: 'no key', marks: {} }));
  return { appId, first, target, newest: newest.id };
};

describe('a version with a secret that the app has no more', () => {
  test('gets it from the server where that restores versions, in ten requests', async () => {
    const house = houseOf('1.13.3');
    const { appId, first } = await withoutKey(house);
    const { http, sent } = counting(house.http);
    const target = await targetOf(house, appId, sourceOf(chatflow()), { http });
    value(await target.inspect());
    expect(value(await target.restore(first, {})).digest).toBe(sourceOf(chatflow()).digest);
    expect(sent).toHaveLength(10);
    expect(await storedSecret(house, appId)).toBe('sk-first');
  });

  test('keeps the present value of the others meanwhile', async () => {
    const house = houseOf('1.13.3');
    const other = { id: '9f1b7c52-3f0e-4f0b-9a55-1d2f6e0c8b41', name: 'OTHER', value_type: 'secret', description: '', selector: ['env', 'OTHER'] };
    const both = withSecret(chatflow());
    both.workflow?.environment_variables.push({ ...other, value: 'sk-other' });
    const { appId, published: first = '' } = madeIn(house, both);
    const newer = greeting('newer');
    if (newer.workflow !== undefined) newer.workflow.environment_variables = [{ ...other, value: 'sk-rotated' }];
    const target = await targetOf(house, appId, sourceOf(newer));
    value(await target.deploy(sourceOf(newer), careful));
    value(await target.publish({ name: 'newer', marks: {} }));
    value(await (await targetOf(house, appId, sourceOf(chatflow()))).restore(first, {}));
    const { http, lab } = house;
    const stored = await http.send({ method: 'GET', url: `${lab.origin}/console/api/apps/${appId}/workflows/draft/environment-variables`, headers: { authorization: `Bearer ${lab.credentials.adminKey}`, 'x-workspace-id': lab.credentials.workspaceId }, tried: 'look' });
    expect(value(stored).text).toMatch(/sk-rotated/);
    expect(value(stored).text).toMatch(/sk-first/);
    expect(value(stored).text).not.toMatch(/sk-other/);
  });

  test('is refused elsewhere, before anything is written', async () => {
    const house = houseOf('1.12.1');
    const { appId, first, target, newest } = await withoutKey(house);
    const before = value(await target.inspect()).candidate?.digest;
    expect(problem(await target.restore(first, {}))).toMatchObject({ category: 'input', reason: expect.stringContaining('TOKEN'), hint: expect.stringContaining('Deploy the commit') });
    expect(house.lab.published(appId)).toBe(newest);
    expect(value(await target.inspect()).candidate?.digest).toBe(before);
  });
});

describe('a server that goes away while the draft is written', () => {
  /** losing gives no answer to the write of the draft; with `sent` it was carried out all the same. */
  const losing = (http: HttpClient, carriedOut: boolean): HttpClient => ({
    ...http,
    send: async (request) => {
      if (request.method !== 'POST' || !request.url.endsWith('/workflows/draft')) return http.send(request);
      if (carriedOut) await http.send(request);
      return { ok: false, problem: { category: 'platform', reason: 'the connection was cut' } };
    },
  });
  const other = (dsl: ReturnType<typeof chatflow>) => Object.assign(dsl.workflow.graph?.nodes[1]?.['data'] ?? {}, { prompt_template: [{ role: 'system', text: 'Other' }] });
  const twoGraphs = async (house: House) => {
    const { appId, published: first = '' } = madeIn(house);
    const source = sourceOf(greeting('next', other));
    const target = await targetOf(house, appId, source);
    value(await target.deploy(source, careful));
    return { appId, first, next: value(await target.publish({ name: 'next', marks: {} })).id };
  };

  test('after it was written goes on, and publishes once', async () => {
    const house = houseOf('1.12.1');
    const { appId, first } = await twoGraphs(house);
    const { http, sent } = counting(losing(house.http, true));
    const back = value(await (await targetOf(house, appId, sourceOf(chatflow()), { http })).restore(first, {}));
    expect(house.lab.published(appId)).toBe(back.id);
    expect(sent.filter((one) => one.startsWith('POST') && one.endsWith('/publish'))).toHaveLength(1);
  });

  test('before it was written ends there, and the next run goes on', async () => {
    const house = houseOf('1.12.1');
    const { appId, first, next } = await twoGraphs(house);
    const target = await targetOf(house, appId, sourceOf(chatflow()), { http: losing(house.http, false) });
    expect(problem(await target.restore(first, {})).reason).toBe('the connection was cut');
    expect(house.lab.published(appId)).toBe(next);
    expect(value(await (await targetOf(house, appId, sourceOf(chatflow()))).restore(first, {})).digest).toBe(sourceOf(chatflow()).digest);
  });
});

test('a lost write of what the draft held already is not taken for carried out', async () => {
  const house = houseOf('1.12.1');
  const { appId, published: first = '' } = madeIn(house);
  const cut: HttpClient = {
    ...house.http,
    send: async (request) => (request.method === 'POST' && request.url.endsWith('/workflows/draft') ? { ok: false, problem: { category: 'platform', reason: 'the connection was cut' } } : house.http.send(request)),
  };
  const target = await targetOf(house, appId, rotated(house, appId, 'next', 'sk-third'), { http: cut });
  expect(problem(await target.restore(first, {})).reason).toBe('the connection was cut');
  expect(house.lab.published(appId)).toBe(first);
});

describe('numbers', () => {
  test('deploying, reading back and publishing takes at most twelve requests, the login among them', async () => {
    const house = houseOf('1.12.1');
    const app = house.lab.createApp(textOf(withSecret(chatflow())));
    const source = sourceOf(greeting('next'));
    const { http, sent } = counting(house.http);
    const target = await targetOf(house, app.appId, source, { http });
    const { version } = value(await target.deploy(source, { ...careful, ours: [sourceOf(chatflow()).digest] }));
    value(await target.publish({ name: 'next', marks: {}, digest: version.digest ?? '' }));
    expect(sent.length).toBeLessThanOrEqual(12);
    for (const once of ['/login', '/apps/imports']) expect(sent.filter((one) => one.endsWith(once))).toHaveLength(1);
    expect(sent.filter((one) => one.startsWith('POST') && one.endsWith('/workflows/publish'))).toHaveLength(1);
  });
});
