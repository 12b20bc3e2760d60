import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { done, failed, type HttpClient } from '@sluice/core';
import { chatApp, chatflow, sourceOf, workflowApp, type Dsl } from './dsl.ts';
import { madeIn, some } from './fixtures.ts';
import { openHouse, problem, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>;

/** answering gives other answers than the lab's where an address ends so, and counts what was asked. */
const answering = (answers: Answers): HttpClient & { readonly asked: string[] } => {
  const asked: string[] = [];
  return {
    ...house.http,
    asked,
    send: async (request) => {
      asked.push(request.url);
      const [, given] = Object.entries(answers).find(([end]) => request.url.endsWith(end)) ?? [];
      return given === undefined ? house.http.send(request) : done({ status: given[0], headers: { 'x-version': '1.12.1' }, text: JSON.stringify(given[1]), durationMs: 0 });
    },
  };
};

describe('doors past the gateway', () => {
  const notesOf = async (dsl: Dsl, answersFor: (app: string) => Answers, gateway = true): Promise<{ readonly notes: readonly string[]; readonly asked: readonly string[] }> => {
    const app = madeIn(house, dsl);
    const http = answering(answersFor(app.appId));
    const target = await targetOf(house, app.appId, sourceOf(dsl), { http, ...(gateway ? { gateway: await house.gateway() } : {}) });
    const { notes } = value(await target.inspect());
    expect(value(await target.inspect()).notes).toEqual(notes);
    return { notes, asked: http.asked };
  };
  const installed = (app: string): Answers[string] => [200, { installed_apps: [{ app: { id: app } }] }];

  test('an app as it is made has a web app', async () => {
    const { notes } = await notesOf(chatflow(), () => ({}));
    expect(notes).toEqual(['Open past the gateway: the web app. Who comes that way gets what Dify has published, whatever the split.']);
  });

  test('all doors of a workflow app are found, and looked at once', async () => {
    const { notes, asked } = await notesOf(workflowApp(), (app) => ({
      [`/apps/${app}/server`]: [200, { id: '1', status: 'active' }],
      [`/apps/${app}/triggers`]: [200, { data: [{ status: 'disabled' }, { status: 'enabled' }] }],
      [`/installed-apps?app_id=${app}`]: installed(app),
    }));
    expect(notes).toEqual([expect.stringMatching(/^Open past the gateway: the web app, the MCP server, Explore, triggers\. /)]);
    expect(asked.filter((url) => url.endsWith('/server'))).toHaveLength(1);
  });

  test.each<[string, (app: string) => Answers]>([
    ['are closed', (app) => ({ [`/apps/${app}/server`]: [200, { id: '1', status: 'inactive' }], [`/apps/${app}/triggers`]: [200, { data: [{ status: 'disabled' }] }] })],
    ['were never made', (app) => ({ [`/apps/${app}/server`]: [200, { id: null, status: null }], [`/apps/${app}/triggers`]: [200, { data: [] }], [`/installed-apps?app_id=${app}`]: installed('another') })],
    ['are unknown to the release', (app) => ({ [`/apps/${app}/server`]: [404, {}], [`/apps/${app}/triggers`]: [404, {}], [`/installed-apps?app_id=${app}`]: [404, {}] })],
  ])('doors that %s are not told', async (_, answers) => {
    const { notes } = await notesOf(workflowApp(), answers);
    expect(notes).toEqual([expect.stringMatching(/^Open past the gateway: the web app\. /)]);
  });

  test('a door that could not be seen is told as that', async () => {
    const { notes } = await notesOf(chatflow(), (app) => ({ [`/apps/${app}/server`]: [500, { message: 'broken' }] }));
    expect(notes[1]).toMatch(/^It could not be seen whether the MCP server is open, which bypasses the gateway: Dify refused to /);
  });

  test('without a gateway nothing is asked', async () => {
    const { notes, asked } = await notesOf(chatflow(), () => ({}), false);
    expect(notes).toEqual([]);
    expect(asked.some((url) => url.includes('/server') || url.includes('installed-apps'))).toBe(false);
  });
});

describe('what a gateway cannot split', () => {
  const onRelease = async (release: string) => {
    const app = madeIn(house);
    const http: HttpClient = {
      ...house.http,
      send: async (request) => {
        if (request.url.endsWith('/setup')) return done({ status: 200, headers: { 'x-version': release }, text: '{"step":"finished"}', durationMs: 0 });
        return request.url.includes('/sluice/') ? house.http.send(request) : failed({ category: 'defect', reason: `${request.url} was asked` });
      },
    };
    return some((await targetOf(house, app.appId, sourceOf(chatflow()), { gateway: await house.gateway(), http })).traffic);
  };
  const version = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';

  test('a release before 1.7.2 is refused with the reason, and nothing is written', async () => {
    const traffic = await onRelease('1.7.1');
    for (const refused of [await traffic.read(), await traffic.set({ stable: '', weight: 0 }, { stable: version, weight: 0 })]) {
      expect(problem(refused)).toMatchObject({ category: 'input', reason: expect.stringMatching(/Dify 1\.7\.1.*came with 1\.7\.2/), hint: expect.stringContaining('canary: true') });
    }
  });

  test('1.7.2 is pinned', async () => {
    const traffic = await onRelease('1.7.2');
    expect(value(await traffic.set({ stable: '', weight: 0 }, { stable: version, weight: 0 })).split).toEqual({ stable: version, weight: 0 });
  });

  test.each([
    ['chat', /a conversation cannot move to a second app/],
    ['agent-chat', /a conversation cannot move to a second app/],
    ['completion', /Dify runs no chosen version of it$/],
  ])('a %s app is refused with the reason', async (mode, said) => {
    const dsl = chatApp();
    await expect(targetOf(house, '', sourceOf({ ...dsl, app: { ...dsl.app, mode } }), { gateway: await house.gateway() })).rejects.toThrow(/cannot split/);
    await expect(targetOf(house, '', sourceOf({ ...dsl, app: { ...dsl.app, mode } }), { gateway: await house.gateway() })).rejects.toThrow(new RegExp(said.source.replace('$', '"')));
  });
});
