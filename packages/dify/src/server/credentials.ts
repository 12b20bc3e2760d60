import { done, failed, type Connection, type HttpResponse, type Outcome } from '@sluice/core';
import * as z from 'zod/mini';
import type { Address } from './address.ts';
import { jsonOf, shaped } from './answer.ts';
import { cookieHeader, cookieNamed, type Cookies } from './cookies.ts';

/** Credentials are what a session sends with every request; they are never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly kind: 'admin-key' | 'cookies' | 'bearer';
  readonly cookies: Cookies;
  /** refreshToken is for bearer sessions, empty where there is none; cookie sessions carry it among their cookies. */
  readonly refreshToken: string;
  /** email is the account's, where the session was opened with one. */
  readonly email?: string;
}

/** Door is where somebody logs in. */
export interface Door {
  readonly connection: Connection;
  readonly address: Address;
}

/** bearer is the header of a token. */
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** exchange posts what may be answered with credentials; it is sent once. */
export const exchange = (door: Door, path: string, body: unknown, tried: string, headers: Readonly<Record<string, string>> = {}): Promise<Outcome<HttpResponse>> =>
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

/** readWith reads JSON of the console API with headers of one's own. */
export const readWith = async (door: Door, path: string, headers: Readonly<Record<string, string>>, tried: string): Promise<Outcome<unknown>> => {
  const url = `${door.address.console}${path}`;
  const response = await door.connection.http.send({ method: 'GET', url, headers, tried, signal: door.connection.signal });
  return response.ok ? jsonOf(response.value, tried, url) : response;
};

/** cookieCredentials are those of a session in cookies (Dify >= 1.9.2); undefined when a cookie that it needs is missing. */
export const cookieCredentials = (cookies: Cookies): Credentials | undefined => {
  const csrf = cookieNamed(cookies, 'csrf_token');
  if (csrf === undefined || cookieNamed(cookies, 'access_token') === undefined) return undefined;
  return { headers: { cookie: cookieHeader(cookies), 'x-csrf-token': csrf }, kind: 'cookies', cookies, refreshToken: '' };
};

/** bearerCredentials are those of a session by token (Dify <= 1.9.1). */
export const bearerCredentials = (access: string, refreshToken: string): Credentials => ({ headers: bearer(access), kind: 'bearer', cookies: new Map(), refreshToken });

const tokens = z.object({ data: z.object({ access_token: z.string().check(z.minLength(1)), refresh_token: z.string().check(z.minLength(1)) }) });

/** credentialsIn takes the session out of an answer to a login or a renewal, in the dialect of the release. */
export const credentialsIn = (door: Door, path: string, dialect: 'bearer' | 'cookies', cookies: Cookies, body: unknown): Outcome<Credentials> => {
  const where = `${door.address.console}${path}`;
  if (dialect === 'bearer') {
    const pair = shaped(tokens, body, 'log in', where);
    return pair.ok ? done(bearerCredentials(pair.value.data.access_token, pair.value.data.refresh_token)) : pair;
  }
  const credentials = cookieCredentials(cookies);
  if (credentials !== undefined) return done(credentials);
  return failed({
    category: 'platform',
    reason: 'the login answered without the session cookies that this release of Dify sets',
    where,
    hint: 'Check that no proxy in front of Dify strips Set-Cookie.',
  });
};
