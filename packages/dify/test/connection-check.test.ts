import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { done, failed, type ConnectionCheck, type HttpClient, type HttpRequest, type HttpResponse, type Problem } from '@sluice/core';
import { difyPlatform } from '../src/platform.ts';
import { chatflow, sourceOf, workflowApp } from './dsl.ts';
import { madeIn, unknownId } from './fixtures.ts';
import { connectionTo, environmentOf, openHouse, type Asked, type House } from './harness.ts';

let house: House;
let appId: string;
let apiKey: string;
beforeAll(async () => {
  house = await openHouse();
  ({ appId, apiKey } = madeIn(house));
});
afterAll(() => house.close());

const json = (status: number, body: unknown): HttpResponse => ({ status, text: JSON.stringify(body), headers: {}, durationMs: 1 });

/** instead answers what `meant` fits by itself, hands everything else on, and keeps what was sent. */
const instead = (meant: RegExp, answer: (request: HttpRequest) => HttpResponse | Problem): { readonly http: HttpClient; readonly sent: string[] } => {
  const sent: string[] = [];
  return {
    sent,
    http: {
      ...house.http,
      send: async (request) => {
        const line = `${request.method} ${new URL(request.url).pathname}`;
        sent.push(line);
        if (!meant.test(line)) return house.http.send(request);
        const answered = answer(request);
        return 'category' in answered ? failed(answered) : done(answered);
      },
    },
  };
};

const members = (role: string) => instead(/\/members$/, () => json(200, { accounts: [{ email: house.lab.credentials.email.toUpperCase(), role }] }));

const checked = async (asked: Asked = {}, app = appId, source = sourceOf(chatflow())): Promise<readonly ConnectionCheck[]> => {
  const connection = connectionTo(house, app, source, { readOnly: true, environment: { dify: { console: house.lab.origin, ...(app === '' ? {} : { app }) } }, ...asked });
  return (await difyPlatform.check?.(connection, { path: 'x.yml', folder: '', text: '' }))?.connection ?? [];
};

const lines = (checks: readonly ConnectionCheck[]): readonly string[] =>
  checks.map(({ name, outcome, skipped }) => `${name}: ${outcome === undefined ? `skipped: ${skipped ?? ''}` : outcome.ok ? outcome.value : `${outcome.problem.category}: ${outcome.problem.reason}`}`);

const last = (checks: readonly ConnectionCheck[]) => {
  const outcome = checks.at(-1)?.outcome;
  if (outcome === undefined || outcome.ok) throw new Error(lines(checks).join('\n'));
  return { name: checks.at(-1)?.name, ...outcome.problem };
};

describe('a connection that works', () => {
  test('by an account is told in one line each', async () => {
    const { workspaceId } = house.lab.credentials;
    const checks = lines(await checked({ http: members('editor').http }));
    expect(checks).toEqual([
      `address: ${house.lab.origin}/console/api answers`,
      'TLS: none: plain http on this machine',
      'version: Dify 1.12.1: session by cookies, password in base64',
      'login: as the account in DIFY_EMAIL',
      expect.stringContaining(workspaceId),
      'role: editor',
      `app: "tiny" (${appId}), advanced-chat`,
      `service API: ${house.lab.origin}/v1: the service API answers for this app`,
    ]);
  });

  test('by the admin key says what that key opens', async () => {
    const checks = lines(await checked({ secrets: { DIFY_ADMIN_KEY: house.lab.credentials.adminKey } }));
    expect(checks).toContain('login: the admin key is set; it opens every workspace of this server. On Dify 1.12.1 it cannot run the draft of a chatflow: releases need an account');
    expect(checks).toContain('role: owner of the workspace, by the admin key');
    expect(checks.at(-1)).toContain('service API');
  });

  test('writes nothing, and makes no key', async () => {
    const { http, sent } = instead(/GET .*\/api-keys$/, () => json(200, { data: [] }));
    expect(lines(await checked({ http })).at(-1)).toContain('the app has no key yet, and the first question makes one');
    expect(sent.filter((one) => !one.startsWith('GET')).map((one) => one.replace(/.*\//, ''))).toEqual(['login']);
  });

  test('to an environment without an app ends well, too', async () => {
    const checks = lines(await checked({}, ''));
    expect(checks).toContain('app: skipped: the environment names no app yet; the first release makes it with create');
    expect(checks.at(-1)).toContain('/v1 answers');
  });
});

test('without credentials nothing is asked', async () => {
  const { http, sent } = instead(/^$/, () => json(500, {}));
  expect(lines(await checked({ http, secrets: { DIFY_APP_KEY: apiKey } }))).toEqual(['connection: skipped: not checked, since no credentials are set (DIFY_EMAIL and DIFY_PASSWORD)']);
  expect(sent).toEqual([]);
});

describe('the first line that fails is the last', () => {
  const trust: Problem = { category: 'platform', reason: "the server's certificate is not trusted", answer: { code: 'SELF_SIGNED_CERT_IN_CHAIN' } };
  const gone: Problem = { category: 'platform', reason: 'nothing listens at this address', answer: { code: 'ECONNREFUSED' } };

  test.each<[string, () => Promise<readonly ConnectionCheck[]>, object]>([
    ['an address where nothing listens', () => checked({ http: instead(/./, () => gone).http }), { name: 'address', category: 'platform' }],
    ['a certificate that is not trusted', () => checked({ http: instead(/./, () => trust).http }), { name: 'TLS', category: 'platform' }],
    ['a truncated address', () => checked({ environment: { dify: `${house.lab.origin}/app/5f6c8a3b` } }), { name: 'address', category: 'input' }],
    ['a wrong password', () => checked({ secrets: { DIFY_EMAIL: house.lab.credentials.email, DIFY_PASSWORD: 'wrong' } }), { name: 'login', category: 'permission' }],
    ['half an account', () => checked({ secrets: { DIFY_EMAIL: 'ci@example.com' } }), { name: 'login', category: 'input', reason: 'DIFY_PASSWORD is not set' }],
    ['another workspace', () => checked({ environment: { dify: { console: house.lab.origin, app: appId, workspace: unknownId } } }), { name: 'workspace', category: 'input' }],
    ['a role that may not write', () => checked({ http: members('normal').http }), { name: 'role', category: 'permission', reason: expect.stringContaining('normal') }],
    ['an unknown app', () => checked({}, unknownId), { name: 'app', category: 'input' }],
    ['an app of another mode', () => checked({}, appId, sourceOf(workflowApp())), { name: 'app', category: 'input', reason: expect.stringContaining('is a workflow app, but') }],
    ['a wrong app key', () => checked({ secrets: { DIFY_EMAIL: house.lab.credentials.email, DIFY_PASSWORD: house.lab.credentials.password, DIFY_APP_KEY: 'app-wrong' } }), { name: 'service API', category: 'permission', hint: expect.stringContaining('DIFY_APP_KEY') }],
  ])('%s', async (_what, check, wanted) => {
    expect(last(await check())).toMatchObject(wanted);
  });

  test('a page in place of the service API is told with its address, and with what the console calls it', async () => {
    const api = `${house.lab.origin}/ai/v1`;
    const http: HttpClient = {
      ...house.http,
      send: async (request) => {
        const answer = await house.http.send(request);
        if (!answer.ok || !request.url.endsWith(`/apps/${appId}`)) return answer;
        return done({ ...answer.value, text: JSON.stringify({ ...JSON.parse(answer.value.text), api_base_url: 'https://api.example.com/v1' }) });
      },
    };
    const problem = last(await checked({ http, environment: { dify: { console: house.lab.origin, app: appId, api } } }));
    expect(problem).toMatchObject({ name: 'service API', category: 'platform', reason: expect.stringContaining(api), where: `${api}/parameters` });
    expect(problem.hint).toContain('The console calls its service API https://api.example.com/v1.');
  });
});

describe('review', () => {
  const review = (dify: unknown) => difyPlatform.review?.(environmentOf({ dify })) ?? [];

  test.each<[unknown, string, string, readonly string[]]>([
    ['https://dify.example.com/app/5f6c8a3b-91d2', 'error', 'ends in "5f6c8a3b-91d2", which is no whole app id', ['dify']],
    ['https://dify.example.com/app/', 'error', 'has no app id', ['dify']],
    ['https://dify.example.com', 'error', 'has no app id', ['dify']],
    [{ console: 'https://dify.example.com', app: '5f6c' }, 'error', 'app id "5f6c" is no whole app id', ['dify', 'app']],
    [{ console: 'https://dify.example.com' }, 'notice', 'names no app yet', ['dify']],
  ])('%j', (dify, severity, message, path) => {
    expect(review(dify)).toEqual([expect.objectContaining({ severity, message: expect.stringContaining(message), path, hint: expect.any(String) })]);
    expect(review(dify)[0]?.message).toMatch(/^[A-Z].*[.]$/);
  });

  test('finds nothing in whole addresses', () => {
    expect(review(`https://dify.example.com/app/${unknownId}/workflow`)).toEqual([]);
    expect(review({ console: 'https://dify.example.com/ai', app: unknownId })).toEqual([]);
  });
});
