import {
  done,
  failed,
  type Connection,
  type EventStream,
  type HttpRequest,
  type HttpResponse,
  type Outcome,
} from '@sluice/core';
import { jsonOf } from './answer.ts';
import type { Address } from './address.ts';
import { logIn, refresh, type Credentials } from './login.ts';
import { serverRelease } from './server-release.ts';

/** ConsoleRequest is one call of the console API; the session adds credentials. */
export interface ConsoleRequest {
  readonly method: HttpRequest['method'];
  /** path begins with a slash and follows `/console/api`. */
  readonly path: string;
  readonly body?: unknown;
  readonly tried: string;
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

/** Session speaks to the console API as one account. It logs in on first use, once, and renews itself once after a 401. */
export interface Session {
  /** release is the server's version, as in `1.12.1`. */
  release(): Promise<Outcome<string>>;
  /** workspace is the id of the workspace that the session works in. */
  workspace(): Promise<Outcome<string>>;
  /** answer gives any answer that arrived. */
  answer(request: ConsoleRequest): Promise<Outcome<HttpResponse>>;
  /** json gives the JSON of a successful answer; a refusal is a problem. */
  json(request: ConsoleRequest): Promise<Outcome<unknown>>;
  stream(request: ConsoleRequest): Promise<Outcome<EventStream>>;
}

/** once runs `work` on first use and keeps how it ended: a wrong password is sent once. */
const once = <T>(work: () => Promise<Outcome<T>>): (() => Promise<Outcome<T>>) => {
  let running: Promise<Outcome<T>> | undefined;
  return () => (running ??= work());
};

/** createSession makes a session that has not logged in yet. */
export const createSession = (connection: Connection, address: Address): Session => {
  const release = once(() => serverRelease(connection, address));
  let credentials: Credentials | undefined;
  const signedIn = once(async () => {
    const version = await release();
    if (!version.ok) return version;
    const answer = await logIn({ connection, address, release: version.value });
    if (answer.ok) credentials = answer.value;
    return answer;
  });
  let renewing: Promise<boolean> | undefined;
  const renewNow = async (): Promise<boolean> => {
    if (credentials === undefined) return false;
    const renewed = await refresh({ connection, address }, credentials);
    renewing = undefined;
    if (!renewed.ok) return false;
    credentials = renewed.value;
    return true;
  };
  // Calls that meet a 401 at the same time share one renewal: the refresh token is good for one use.
  const renew = (): Promise<boolean> => (renewing ??= renewNow());

  const requestOf = (request: ConsoleRequest): HttpRequest => ({
    method: request.method,
    url: `${address.console}${request.path}`,
    headers: {
      ...credentials?.headers,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    tried: request.tried,
    ...(request.repeatable === undefined ? {} : { repeatable: request.repeatable }),
    signal: request.signal ?? connection.signal,
  });

  const answer = async (request: ConsoleRequest): Promise<Outcome<HttpResponse>> => {
    const ready = await signedIn();
    if (!ready.ok) return ready;
    const used = credentials;
    const first = await connection.http.send(requestOf(request));
    if (!first.ok || first.value.status !== 401) return first;
    // Another call may have renewed the session while this one was under way.
    if (credentials === used && !(await renew())) return first;
    return connection.http.send(requestOf(request));
  };

  return {
    release,
    workspace: async () => {
      const ready = await signedIn();
      return ready.ok ? done(ready.value.workspace) : ready;
    },
    answer,
    json: async (request) => {
      const response = await answer(request);
      return response.ok ? jsonOf(response.value, request.tried, `${address.console}${request.path}`) : response;
    },
    stream: async (request) => {
      const ready = await signedIn();
      if (!ready.ok) return ready;
      const first = await connection.http.stream(requestOf(request));
      if (!first.ok || first.value.kind === 'events' || first.value.response.status !== 401) return first;
      if (!(await renew())) return first;
      return connection.http.stream(requestOf(request));
    },
  };
};

/** readOnlyProblem is what a write answers on a connection that may not write. */
export const readOnlyProblem = (tried: string) =>
  failed({ category: 'defect', reason: `this is a dry run, so Sluice did not ${tried}`, tried });
