import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, done, systemClock, type HttpClient, type HttpRequest, type HttpResponse } from '@sluice/core';
import { connect } from '../src/server/target.ts';
import { chatflow, sourceOf, textOf } from './dsl.ts';
import { careful } from './fixtures.ts';
import { connectionTo, openHouse, problem, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const app = '5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';

interface Server {
  readonly release?: string;
  readonly rootRelease?: string;
  /** rootHeader is X-Version on the page of status 404 at the root of the service API. */
  readonly rootHeader?: string;
  readonly setup?: { readonly status: number; readonly body: unknown };
  readonly prefix?: string;
  readonly login?: { readonly status: number; readonly body: unknown };
  /** laterLogin answers every login but the first. */
  readonly laterLogin?: { readonly status: number; readonly body: unknown };
  /** expire makes every session that is older than the last refresh invalid after the first authorised call. */
  readonly expire?: boolean;
  readonly refreshes?: boolean;
  /** refreshStatus answers a renewal with this status and nothing new. */
  readonly refreshStatus?: number;
  readonly workspaces?: readonly { readonly id: string; readonly current: boolean }[];
}

/** scripted is a Dify console of any release, as far as sessions go; it keeps what it was sent. */
const scripted = (server: Server): { http: HttpClient; seen: HttpRequest[] } => {
  const seen: HttpRequest[] = [];
  let generation = 1;
  let calls = 0;
  let logins = 0;
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse => ({
    status,
    text: JSON.stringify(body),
    headers: { ...(server.release === undefined ? {} : { 'x-version': server.release }), ...headers },
    durationMs: 1,
  });
  const cookies = (): Record<string, string> => {
    const prefix = server.prefix ?? '';
    return { 'set-cookie': [`${prefix}access_token=a${generation}; HttpOnly`, `${prefix}refresh_token=r${generation}`, `${prefix}csrf_token=c${generation}`].join('\n') };
  };
  const bearer = (): unknown => ({ result: 'success', data: { access_token: `a${generation}`, refresh_token: `r${generation}` } });
  const authorised = (request: HttpRequest): boolean => {
    const sent = JSON.stringify(request.headers);
    return (sent.includes(`a${generation}`) && (sent.includes('Bearer a') || sent.includes(`"x-csrf-token":"c${generation}"`))) || sent.includes('Bearer admin');
  };
  const route = (request: HttpRequest): HttpResponse => {
    const { pathname } = new URL(request.url);
    const bearerDialect = /^1\.[0-8]\.|^1\.9\.[01]$/.test(server.release ?? '');
    if (pathname.endsWith('/setup')) return answer(server.setup?.status ?? 200, server.setup?.body ?? { step: 'finished' });
    if (pathname === '/v1/' && server.rootHeader !== undefined) return { status: 404, text: '<!doctype html><h1>Not Found</h1>', headers: { 'content-type': 'text/html', 'x-version': server.rootHeader }, durationMs: 1 };
    if (pathname === '/v1/') return answer(200, { server_version: server.rootRelease });
    if (pathname.endsWith('/login')) {
      logins += 1;
      const login = logins > 1 ? (server.laterLogin ?? server.login) : server.login;
      if (login !== undefined) return answer(login.status, login.body);
      return bearerDialect ? answer(200, bearer()) : answer(200, { result: 'success' }, cookies());
    }
    if (pathname.endsWith('/refresh-token')) {
      if (server.refreshStatus !== undefined) return answer(server.refreshStatus, '<html>');
      if (server.refreshes === false) return answer(401, { result: 'fail', message: 'expired' });
      generation += 1;
      return bearerDialect ? answer(200, bearer()) : answer(200, { result: 'success' }, cookies());
    }
    if (pathname.endsWith('/all-workspaces')) return answer(200, { data: (server.workspaces ?? [{ id: 'w1', current: true }]).map(({ id }) => ({ id, name: id })), has_more: false });
    if (!authorised(request)) return answer(401, { code: 'unauthorized', message: 'Invalid Authorization token.', status: 401 });
    if (pathname.endsWith('/workspaces')) return answer(200, { workspaces: server.workspaces ?? [{ id: 'w1', current: true }] });
    calls += 1;
    if (server.expire === true && calls === 1) {
      generation += 10;
      return answer(401, { code: 'unauthorized', message: 'Token has expired.', status: 401 });
    }
    return answer(200, { id: app, name: 'x', description: '', mode: 'workflow' });
  };
  return {
    seen,
    http: {
      send: async (request) => {
        seen.push(request);
        return done(route(request));
      },
      stream: () => Promise.reject(new Error('not asked')),
      close: () => Promise.resolve(),
    },
  };
};

const account = { DIFY_EMAIL: 'ci@example.com', DIFY_PASSWORD: '密码 sesame' };

/** modeAsked deploys a chatflow onto the scripted workflow app, which fails on the mode after the session has worked. */
const modeAsked = async (server: Server, secrets: Readonly<Record<string, string>> = account, workspace?: string) => {
  const { http, seen } = scripted(server);
  const source = sourceOf(chatflow());
  const environment = { dify: { console: house.lab.origin, app, ...(workspace === undefined ? {} : { workspace }) } };
  const target = value(await connect(connectionTo(house, app, source, { http, secrets, environment })));
  const refused = problem(await target.deploy(source, careful));
  return { refused, seen, worked: refused.reason.includes('is a workflow app'), paths: seen.map((request) => new URL(request.url).pathname.replace('/console/api', '')) };
};

const login = (seen: readonly HttpRequest[]): unknown => JSON.parse(seen.find((request) => request.url.endsWith('/login'))?.body ?? 'null');

const encoded = Buffer.from(account.DIFY_PASSWORD, 'utf8').toString('base64');

describe('login', () => {
  test.each([
    ['1.9.1', '', account.DIFY_PASSWORD, 'authorization'],
    ['1.9.2', '', account.DIFY_PASSWORD, 'cookie'],
    ['1.11.1', '__Host-', account.DIFY_PASSWORD, 'cookie'],
    ['1.11.2', '', encoded, 'cookie'],
    ['1.17.1', '__Host-', encoded, 'cookie'],
  ])('in the dialect of %s, cookies named %s', async (release, prefix, password, header) => {
    const { worked, seen, paths } = await modeAsked({ release, prefix });
    expect(worked).toBe(true);
    expect(login(seen)).toMatchObject({ email: account.DIFY_EMAIL, password });
    expect(paths.filter((path) => path === '/login')).toHaveLength(1);
    const last = seen.at(-1)?.headers ?? {};
    expect(Object.keys(last)).toContain(header);
    expect(Object.keys(last).includes('authorization') && Object.keys(last).includes('cookie')).toBe(false);
    if (header === 'cookie') expect(last).toMatchObject({ 'x-csrf-token': 'c1', cookie: expect.stringContaining(`${prefix}csrf_token=c1`) });
  });

  test.each([
    ['its header, on a page of status 404', { rootHeader: '1.12.1' }],
    ['its body', { rootRelease: '1.12.1' }],
  ])('reads the release from the service API when a proxy strips it at the console: %s', async (_from, server) => {
    const { worked, seen, paths } = await modeAsked(server);
    expect(worked).toBe(true);
    expect(paths.slice(0, 2)).toEqual(['/setup', '/v1/']);
    expect(login(seen)).toMatchObject({ password: encoded });
  });

  test('a server that is not well says so itself, and gets no password', async () => {
    const { refused, paths } = await modeAsked({ release: '1.12.1', setup: { status: 500, body: { code: 'internal_server_error', message: 'could not connect to the database', status: 500 } } });
    expect(refused).toMatchObject({ category: 'platform', reason: 'the server answers with an error of its own: could not connect to the database', answer: { status: 500, code: 'internal_server_error' }, where: expect.stringContaining('/console/api/setup') });
    expect(paths).not.toContain('/login');
  });

  test.each([
    ['a password in another form', 401, { code: 'authentication_failed', message: 'Invalid encrypted data' }, 'takes passwords in another form than Dify 1.12.1 does'],
    ['a server without its first account', 401, { code: 'not_setup', message: 'not set up' }, 'the server is not set up'],
    ['an error of its own', 500, { code: 'internal_server_error', message: 'boom' }, 'Dify refused the login'],
  ])('%s is not taken for a wrong password', async (_name, status, body, reason) => {
    const { refused, paths } = await modeAsked({ release: '1.12.1', login: { status, body } });
    expect(refused).toMatchObject({ category: 'platform', reason: expect.stringContaining(reason) });
    expect(refused.hint).not.toContain('five wrong passwords');
    expect(paths.filter((path) => path === '/login')).toHaveLength(1);
  });

  test('does not log in at all when the release is not known', async () => {
    const { refused, paths } = await modeAsked({});
    expect(refused).toMatchObject({ category: 'platform' });
    expect(paths).not.toContain('/login');
  });

  test.each([
    ['a wrong password', 401, { code: 'authentication_failed', message: 'Invalid email or password.', status: 401 }, 'five wrong passwords'],
    ['a locked account', 429, { code: 'email_code_login_limit', message: 'Too many', status: 429 }, '24 hours'],
    ['logins that are switched off', 403, { code: 'forbidden', message: 'no', status: 403 }, 'five wrong passwords'],
    ['an account without a workspace', 200, { result: 'fail', data: 'workspace not found' }, 'DIFY_EMAIL'],
  ])('%s is a permission problem, tried once', async (_name, status, body, hint) => {
    const { refused, paths } = await modeAsked({ release: '1.12.1', login: { status, body } });
    expect(refused.category).toBe('permission');
    expect(refused.hint).toContain(hint);
    expect(paths.filter((path) => path === '/login')).toHaveLength(1);
    expect(JSON.stringify(refused)).not.toContain('sesame');
    expect(JSON.stringify(refused)).not.toContain(encoded);
  });

  test('a second call after a wrong password does not send it again', async () => {
    const { http, seen } = scripted({ release: '1.12.1', login: { status: 401, body: {} } });
    const target = value(await connect(connectionTo(house, app, sourceOf(chatflow()), { http, secrets: account })));
    for (let time = 0; time < 3; time += 1) problem(await target.inspect());
    expect(seen.filter((request) => request.url.endsWith('/login'))).toHaveLength(1);
  });

  test('needs credentials, and both halves of an account', async () => {
    const { refused, paths } = await modeAsked({ release: '1.12.1' }, {});
    expect(paths).toEqual([]);
    expect(refused).toMatchObject({ category: 'input', reason: 'no credentials for the Dify console are set' });
    for (const name of ['DIFY_EMAIL', 'DIFY_PASSWORD', 'DIFY_TOKEN', 'DIFY_ADMIN_KEY']) expect(refused.hint).toContain(name);
    expect(refused.hint).toContain('opens every workspace');
    expect((await modeAsked({ release: '1.12.1' }, { DIFY_EMAIL: 'x' })).refused).toMatchObject({ category: 'input', reason: 'DIFY_PASSWORD is not set' });
    expect((await modeAsked({ release: '1.12.1' }, { DIFY_PASSWORD: 'x' })).refused).toMatchObject({ category: 'input', reason: 'DIFY_EMAIL is not set' });
  });

  test('asks for the workspace only where it must be known', async () => {
    expect((await modeAsked({ release: '1.12.1' })).paths).not.toContain('/workspaces');
    const named = await modeAsked({ release: '1.12.1' }, account, 'w1');
    expect(named.worked).toBe(true);
    expect(named.paths.filter((path) => path === '/workspaces')).toHaveLength(1);
  });

  test('an account that is no member of the workspace is told so', async () => {
    expect((await modeAsked({ release: '1.12.1' }, account, 'w9')).refused).toMatchObject({ category: 'input', hint: expect.stringContaining('no member') });
  });

  test('does not switch the workspace of an account', async () => {
    const workspaces = [{ id: 'w1', current: true }, { id: 'w2', current: false }];
    const { refused, paths } = await modeAsked({ release: '1.12.1', workspaces }, account, 'w2');
    expect(refused).toMatchObject({ category: 'input', reason: 'the account works in workspace w1, not in w2' });
    expect(paths).not.toContain('/workspaces/switch');
  });
});

describe('admin key', () => {
  const key = { DIFY_ADMIN_KEY: 'admin-key-1' };

  test('travels with the workspace and without cookies', async () => {
    const { worked, seen, paths } = await modeAsked({ release: '1.12.1' }, key);
    expect(worked).toBe(true);
    expect(seen.at(-1)?.headers).toMatchObject({ authorization: 'Bearer admin-key-1', 'x-workspace-id': 'w1' });
    expect(seen.at(-1)?.headers).not.toHaveProperty('cookie');
    expect(paths).not.toContain('/login');
  });

  test('needs to know which of several workspaces', async () => {
    const server = { release: '1.12.1', workspaces: [{ id: 'w1', current: true }, { id: 'w2', current: false }] };
    expect((await modeAsked(server, key)).refused).toMatchObject({ category: 'input', hint: 'Add one as dify.workspace: w1 (w1), w2 (w2).' });
    expect((await modeAsked(server, key, 'w2')).seen.at(-1)?.headers).toMatchObject({ 'x-workspace-id': 'w2' });
  });

  test('is refused from 1.9.2 to 1.10.1, where it cannot work', async () => {
    expect((await modeAsked({ release: '1.10.0' }, key)).refused).toMatchObject({ category: 'input', hint: expect.stringContaining('DIFY_EMAIL') });
  });

  test('comes after an account when both are set', async () => {
    expect((await modeAsked({ release: '1.12.1' }, { ...key, ...account })).paths).toContain('/login');
  });
});

describe('a session opened elsewhere', () => {
  const cookies = '__Host-access_token=a1; __Host-csrf_token=c1; __Host-refresh_token=r1';

  test.each([
    ['1.9.1', 'a1', { authorization: 'Bearer a1' }],
    ['1.9.1', 'Bearer a1', { authorization: 'Bearer a1' }],
    ['1.12.1', cookies, { 'x-csrf-token': 'c1', cookie: expect.stringContaining('__Host-access_token=a1') }],
    ['1.12.1', `Cookie: ${cookies}`, { 'x-csrf-token': 'c1' }],
  ])('on %s by %s', async (release, DIFY_TOKEN, headers) => {
    const { worked, seen, paths } = await modeAsked({ release }, { DIFY_TOKEN });
    expect(worked).toBe(true);
    expect(paths).not.toContain('/login');
    expect(seen.at(-1)?.headers).toMatchObject(headers);
  });

  test.each([
    ['1.12.1', 'a1', 'lacks access_token or csrf_token'],
    ['1.12.1', 'access_token=a1', 'lacks access_token or csrf_token'],
    ['1.16.0', 'dfoa_abc', 'a key of another API'],
    ['1.9.1', 'app-abc', 'a key of another API'],
  ])('on %s %s is told before it is sent', async (release, DIFY_TOKEN, reason) => {
    const { refused, paths } = await modeAsked({ release }, { DIFY_TOKEN });
    expect(refused).toMatchObject({ category: 'input', reason: expect.stringContaining(reason), hint: expect.stringContaining('DIFY_EMAIL') });
    expect(paths).toEqual(['/setup']);
  });

  test('is renewed by its refresh cookie, and without one is told as refused', async () => {
    expect((await modeAsked({ release: '1.12.1', prefix: '__Host-', expire: true }, { DIFY_TOKEN: cookies })).worked).toBe(true);
    const ended = await modeAsked({ release: '1.12.1', expire: true }, { DIFY_TOKEN: 'access_token=a1; csrf_token=c1' });
    expect(ended.refused).toMatchObject({ category: 'permission', reason: 'the session in DIFY_TOKEN has ended and cannot be renewed', hint: expect.stringContaining('DIFY_EMAIL') });
    expect(ended.paths).not.toContain('/refresh-token');
    const refused = await modeAsked({ release: '1.12.1', prefix: '__Host-', expire: true, refreshes: false }, { DIFY_TOKEN: cookies });
    expect(refused.refused).toMatchObject({ category: 'permission', reason: expect.stringContaining('Dify refused to renew the session'), hint: expect.stringContaining('DIFY_TOKEN') });
    expect(refused.paths).not.toContain('/login');
  });

  test('comes after an account and before the admin key', async () => {
    const all = { ...account, DIFY_TOKEN: cookies, DIFY_ADMIN_KEY: 'admin-key-1' };
    expect((await modeAsked({ release: '1.12.1' }, all)).paths).toContain('/login');
    const { seen } = await modeAsked({ release: '1.12.1' }, { DIFY_TOKEN: cookies, DIFY_ADMIN_KEY: 'admin-key-1' });
    expect(seen.at(-1)?.headers).toHaveProperty('cookie');
  });
});

describe('renewal', () => {
  test.each(['1.9.1', '1.12.1'])('happens once after a 401, on %s', async (release) => {
    const { worked, paths } = await modeAsked({ release, expire: true });
    expect(worked).toBe(true);
    expect(paths.filter((path) => path === '/refresh-token')).toHaveLength(1);
    expect(paths.filter((path) => path === '/login')).toHaveLength(1);
  });

  const times = (paths: readonly string[], path: string): number => paths.filter((one) => one === path).length;

  test.each(['1.9.1', '1.12.1'])('that is refused is followed by one login with the password that was right before, on %s', async (release) => {
    const { worked, paths } = await modeAsked({ release, expire: true, refreshes: false });
    expect(worked).toBe(true);
    expect([times(paths, '/refresh-token'), times(paths, '/login')]).toEqual([1, 2]);
  });

  test('a password that has changed meanwhile is sent once, however often is asked', async () => {
    const laterLogin = { status: 401, body: { code: 'authentication_failed', message: 'Invalid email or password.' } };
    const { http, seen } = scripted({ release: '1.12.1', expire: true, refreshes: false, laterLogin });
    const target = value(await connect(connectionTo(house, app, sourceOf(chatflow()), { http, secrets: account })));
    for (let time = 0; time < 3; time += 1) {
      const refused = problem(await target.deploy(sourceOf(chatflow()), careful));
      expect(refused).toMatchObject({ category: 'permission', reason: 'the session has ended, and Dify refused the login', answer: { status: 401 } });
      expect(JSON.stringify(refused)).not.toContain('sesame');
    }
    expect(seen.filter(({ url }) => url.endsWith('/login'))).toHaveLength(2);
  });

  test('that a server in trouble does not answer is told as its trouble, without a password', async () => {
    const { refused, paths } = await modeAsked({ release: '1.12.1', expire: true, refreshStatus: 502 });
    expect(refused).toMatchObject({ category: 'platform', reason: 'Dify refused to renew the session: HTTP 502', answer: { status: 502 } });
    expect(times(paths, '/login')).toBe(1);
  });
});

describe('against the lab', () => {
  test('a wrong password is told with the rule of the lock', async () => {
    const { email } = house.lab.credentials;
    const target = await targetOf(house, app, sourceOf(chatflow()), { secrets: { DIFY_EMAIL: email, DIFY_PASSWORD: 'wrong' } });
    expect(problem(await target.inspect())).toMatchObject({ category: 'permission', answer: { status: 401, code: 'authentication_failed' } });
  });

  test('the admin key opens the console, and the draft of a chatflow where the release can run it', async () => {
    const dsl = chatflow();
    Object.assign(dsl.workflow.environment_variables[0] ?? {}, { value: 'sk-first' });
    const newer = await openHouse('1.13.3');
    const draftOf = async (at: House) => {
      const { appId } = at.lab.createApp(textOf(dsl));
      const target = await targetOf(at, appId, sourceOf(chatflow()), { secrets: { DIFY_ADMIN_KEY: at.lab.credentials.adminKey } });
      value(await target.inspect());
      return target.open('draft');
    };
    const question = { query: 'hi', inputs: { city: 'x' }, user: 'u', streaming: true };
    expect(value(await value(await draftOf(newer)).ask(question, new AbortController().signal)).failed).toBeUndefined();
    expect(problem(await draftOf(house))).toMatchObject({ category: 'input', reason: expect.stringContaining('cannot run the draft of a chatflow'), hint: expect.stringContaining('DIFY_EMAIL') });
    await newer.close();
  });

  test('an address that is no Dify is told as such, and gets no password', async () => {
    const asked: string[] = [];
    const http: HttpClient = {
      ...house.http,
      send: (request) => {
        asked.push(request.url);
        return house.http.send(request);
      },
    };
    const target = await targetOf(house, '', sourceOf(chatflow()), { http, environment: { dify: { console: `${house.lab.origin}/nowhere` } } });
    const refused = problem(await target.inspect());
    expect(refused).toMatchObject({ category: 'platform', reason: expect.stringContaining('HTML') });
    expect(asked.filter((url) => url.endsWith('/login'))).toEqual([]);
  });
});

describe('credentials are bound to hosts', () => {
  const asked: string[] = [];
  const bound = (hosts: readonly string[]): HttpClient => {
    const http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true, credentialHosts: { bound: true, hosts } });
    return { ...http, send: (request) => (asked.push(new URL(request.url).pathname), http.send(request)) };
  };
  const inspected = async (hosts: readonly string[], headers?: Readonly<Record<string, unknown>>) => {
    asked.length = 0;
    const http = bound(hosts);
    const { email, password } = house.lab.credentials;
    const environment = { dify: { console: house.lab.origin, app, ...(headers === undefined ? {} : { headers }) } };
    const target = await targetOf(house, app, sourceOf(chatflow()), { http, environment, secrets: { DIFY_EMAIL: email, DIFY_PASSWORD: password, GATE: 'hunter2-hunter2' } });
    const outcome = await target.inspect();
    await http.close();
    return outcome;
  };
  const refused = { category: 'input', reason: 'credentials may not go to 127.0.0.1: SLUICE_HOSTS does not list it' };

  test('a password in a body is not sent to another host', async () => {
    expect(problem(await inspected(['dify.example.com']))).toMatchObject({ ...refused, tried: 'log in' });
    expect(asked).toEqual(['/console/api/setup', '/console/api/login']);
  });

  test('a header of any name from sluice.yml is a credential', async () => {
    expect(problem(await inspected(['dify.example.com'], { 'X-Gate-Pass': { env: 'GATE' } }))).toMatchObject(refused);
    expect(asked).toEqual(['/console/api/setup']);
  });

  test('both go to a host that is listed', async () => {
    // The app is not there, which only somebody who is logged in is told.
    expect(problem(await inspected(['127.0.0.1'], { 'X-Gate-Pass': { env: 'GATE' } })).reason).toContain('has no app');
  });
});
