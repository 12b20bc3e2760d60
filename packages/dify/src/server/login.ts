import { done, failed, type Connection, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
import * as z from 'zod/mini';
import { mappingOf, textOf } from '../source/shape.ts';
import type { Address } from './address.ts';
import { jsonAt, jsonOf, refusal, shaped } from './answer.ts';
import { cookieHeader, cookieNamed, readCookies, type Cookies } from './cookies.ts';
import { adminKeyWorks, loginDialect } from './release.ts';

/** Credentials are what a session sends with every request; they are never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly workspace: string;
  readonly kind: 'admin-key' | 'cookies' | 'bearer';
  readonly cookies: Cookies;
  /** refreshToken is for bearer sessions; cookie sessions carry it among their cookies. */
  readonly refreshToken: string;
}

interface Door {
  readonly connection: Connection;
  readonly address: Address;
}

const noSession = { cookies: new Map<string, string>(), refreshToken: '' };

const post = (door: Door, path: string, body: unknown, tried: string, headers: Readonly<Record<string, string>> = {}) =>
  door.connection.http.send({
    method: 'POST',
    url: `${door.address.console}${path}`,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    tried,
    credentials: 'exchanged',
    repeatable: false,
    signal: door.connection.signal,
  });

const get = async (door: Door, path: string, headers: Readonly<Record<string, string>>, tried: string): Promise<Outcome<unknown>> => {
  const url = `${door.address.console}${path}`;
  const response = await door.connection.http.send({
    method: 'GET',
    url,
    headers,
    tried,
    signal: door.connection.signal,
  });
  return response.ok ? jsonOf(response.value, tried, url) : response;
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const cookieCredentials = (door: Door, cookies: Cookies): Outcome<Omit<Credentials, 'workspace'>> => {
  const csrf = cookieNamed(cookies, 'csrf_token');
  if (csrf === undefined || cookieNamed(cookies, 'access_token') === undefined) {
    return failed({
      category: 'platform',
      reason: 'the login answered without the session cookies that this release of Dify sets',
      where: `${door.address.console}/login`,
      hint: 'Check that no proxy in front of Dify strips Set-Cookie.',
    });
  }
  return done({ headers: { cookie: cookieHeader(cookies), 'x-csrf-token': csrf }, kind: 'cookies', cookies, refreshToken: '' });
};

const tokens = z.object({ data: z.object({ access_token: z.string().check(z.minLength(1)), refresh_token: z.string().check(z.minLength(1)) }) });

const bearerCredentials = (door: Door, body: unknown, path: string): Outcome<Omit<Credentials, 'workspace'>> => {
  const pair = shaped(tokens, body, 'log in', `${door.address.console}${path}`);
  if (!pair.ok) return pair;
  const { access_token: access, refresh_token: refreshToken } = pair.value.data;
  return done({ headers: bearer(access), kind: 'bearer', cookies: new Map(), refreshToken });
};

const lockOut =
  'Check DIFY_EMAIL and DIFY_PASSWORD. Sluice does not try again: five wrong passwords lock an account for 24 hours.';

const loginRefusal = (response: HttpResponse, where: string): Problem => ({
  ...refusal(response, 'log in', where, response.status === 429 ? 'The account is locked after five wrong passwords, for 24 hours from the last. Wait, or reset the password.' : lockOut),
  category: response.status < 500 ? 'permission' : 'platform',
  reason: response.status === 429 ? 'Dify has locked this account against logins' : 'Dify refused the login',
});

const workspaces = z.object({
  workspaces: z.array(z.object({ id: z.string(), name: z.nullish(z.string()), current: z.nullish(z.boolean()) })),
});

/** currentWorkspace is the account's own choice, kept in Dify's database; switching it would disturb people, so it is only checked. */
const currentWorkspace = async (door: Door, headers: Readonly<Record<string, string>>): Promise<Outcome<string>> => {
  const tried = 'find the current workspace of the account';
  const body = await get(door, '/workspaces', headers, tried);
  if (!body.ok) return body;
  const list = shaped(workspaces, body.value, tried, `${door.address.console}/workspaces`);
  if (!list.ok) return list;
  const current = list.value.workspaces.find((one) => one.current === true)?.id ?? '';
  const wanted = door.address.workspace;
  if (wanted === '' || wanted === current) return done(current);
  return failed({
    category: 'input',
    reason: `the account works in workspace ${current || '(none)'}, not in ${wanted}`,
    tried,
    where: `${door.address.console}/workspaces`,
    hint: 'Log in as this account once and switch its workspace, or use one account for each workspace.',
  });
};

const passwordLogin = async (door: Door, release: string, email: string, password: string): Promise<Outcome<Credentials>> => {
  const dialect = loginDialect(release);
  const sent = dialect.password === 'base64' ? Buffer.from(password, 'utf8').toString('base64') : password;
  const where = `${door.address.console}/login`;
  const response = await post(door, '/login', { email, password: sent, remember_me: false }, 'log in');
  if (!response.ok) return response;
  if (response.value.status >= 400) return failed(loginRefusal(response.value, where));
  const body = jsonAt(response.value, 'log in', where);
  if (!body.ok) return body;
  const answer = mappingOf(body.value);
  if (answer['result'] !== 'success') {
    return failed({ category: 'permission', reason: 'Dify refused the login', tried: 'log in', where, answer: { status: response.value.status, message: textOf(answer['data']) || textOf(answer['message']) }, hint: lockOut });
  }
  const credentials =
    dialect.session === 'cookies'
      ? cookieCredentials(door, readCookies(new Map(), response.value.headers['set-cookie']))
      : bearerCredentials(door, body.value, '/login');
  if (!credentials.ok) return credentials;
  const workspace = await currentWorkspace(door, credentials.value.headers);
  return workspace.ok ? done({ ...credentials.value, workspace: workspace.value }) : workspace;
};

const allWorkspaces = z.object({ data: z.array(z.object({ id: z.string(), name: z.nullish(z.string()) })) });

const adminWorkspace = async (door: Door, key: string): Promise<Outcome<string>> => {
  if (door.address.workspace !== '') return done(door.address.workspace);
  const tried = 'list the workspaces with the admin key';
  const where = `${door.address.console}/all-workspaces`;
  const body = await get(door, '/all-workspaces?page=1&limit=100', bearer(key), tried);
  if (!body.ok) return failed({ ...body.problem, hint: 'Check DIFY_ADMIN_KEY, and that the server has ADMIN_API_KEY_ENABLE=true. Or name the workspace: dify.workspace in sluice.yml.' });
  const list = shaped(allWorkspaces, body.value, tried, where);
  if (!list.ok) return list;
  const [only, ...others] = list.value.data;
  if (only !== undefined && others.length === 0) return done(only.id);
  return failed({
    category: 'input',
    reason: `the server has ${list.value.data.length} workspaces, and sluice.yml names none`,
    tried,
    where,
    hint: `Add one as dify.workspace: ${list.value.data.map((one) => `${one.id} (${one.name ?? ''})`).join(', ')}.`,
  });
};

const adminLogin = async (door: Door, release: string, key: string): Promise<Outcome<Credentials>> => {
  if (!adminKeyWorks(release)) {
    return failed({
      category: 'input',
      reason: `Dify ${release} does not accept the admin key: from 1.9.2 to 1.10.1 it fails the CSRF check`,
      hint: 'Set DIFY_EMAIL and DIFY_PASSWORD, or update Dify to 1.11 or later.',
    });
  }
  const workspace = await adminWorkspace(door, key);
  if (!workspace.ok) return workspace;
  const headers = { ...bearer(key), 'x-workspace-id': workspace.value };
  return done({ headers, workspace: workspace.value, kind: 'admin-key', ...noSession });
};

/** logIn signs in once: DIFY_EMAIL and DIFY_PASSWORD when both are set, else DIFY_ADMIN_KEY. */
export const logIn = async (door: Door & { readonly release: string }): Promise<Outcome<Credentials>> => {
  const { secrets } = door.connection;
  const email = secrets.find('DIFY_EMAIL');
  const password = secrets.find('DIFY_PASSWORD');
  if (email !== undefined && password !== undefined) return passwordLogin(door, door.release, email, password);
  const key = secrets.find('DIFY_ADMIN_KEY');
  if (key !== undefined) return adminLogin(door, door.release, key);
  const half = email === undefined ? 'DIFY_EMAIL' : 'DIFY_PASSWORD';
  return failed({
    category: 'permission',
    reason: email === password ? 'there are no credentials for the Dify console' : `${half} is missing`,
    where: door.address.console,
    hint: 'Set DIFY_EMAIL and DIFY_PASSWORD of an account with the editor role, or DIFY_ADMIN_KEY on a server with ADMIN_API_KEY_ENABLE=true.',
  });
};

/** refresh renews a session after a 401; the admin key has nothing to renew. */
export const refresh = async (door: Door, credentials: Credentials): Promise<Outcome<Credentials>> => {
  const tried = 'renew the session';
  const where = `${door.address.console}/refresh-token`;
  if (credentials.kind === 'admin-key') return failed({ category: 'permission', reason: 'Dify refused the admin key', where });
  const cookies = credentials.kind === 'cookies';
  const body = cookies ? undefined : { refresh_token: credentials.refreshToken };
  const response = await post(door, '/refresh-token', body, tried, cookies ? { cookie: cookieHeader(credentials.cookies) } : {});
  if (!response.ok) return response;
  if (response.value.status >= 400) return failed({ ...refusal(response.value, tried, where), category: 'permission' });
  if (cookies) {
    const renewed = cookieCredentials(door, readCookies(credentials.cookies, response.value.headers['set-cookie']));
    return renewed.ok ? done({ ...renewed.value, workspace: credentials.workspace }) : renewed;
  }
  const json = jsonAt(response.value, tried, where);
  if (!json.ok) return json;
  const renewed = bearerCredentials(door, json.value, '/refresh-token');
  return renewed.ok ? done({ ...renewed.value, workspace: credentials.workspace }) : renewed;
};
