import {
  done,
  failed,
  type Connection,
  type EventStream,
  type HttpRequest,
  type HttpResponse,
  type Outcome,
  type Problem,
} from '@sluice/core';
import { jsonOf } from './answer.ts';
import type { Address } from './address.ts';
import type { Credentials } from './credentials.ts';
import { logIn, missingCredentials, renewedSession } from './login.ts';
import { serverRelease } from './server-release.ts';
import { currentWorkspace, type Workspace } from './workspace.ts';

/** ConsoleRequest is one call of the console API; the session adds credentials. */
export interface ConsoleRequest {
  readonly method: HttpRequest['method'];
  /** path begins with a slash and follows `/console/api`. */
  readonly path: string;
  readonly body?: unknown;
  readonly tried: string;
  /** handsOut says that the answer holds keys or secrets, which are to be hidden from then on. */
  readonly handsOut?: boolean;
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

/** Session speaks to the console API as one account. It logs in on first use, once, and renews itself once after a 401. */
export interface Session {
  /** release is the server's version, as in `1.12.1`. */
  release(): Promise<Outcome<string>>;
  /** workspace is where the session works; it is asked for when somebody needs to know. */
  workspace(): Promise<Outcome<Workspace>>;
  /** signedIn logs in, and gives what the session was opened with. */
  signedIn(): Promise<Outcome<Pick<Credentials, 'kind' | 'email'>>>;
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
  const door = { connection, address };
  const release = once(() => serverRelease(connection, address));
  let credentials: Credentials | undefined;
  const entered = once(async () => {
    const missing = missingCredentials(door);
    if (missing !== undefined) return failed(missing);
    const version = await release();
    if (!version.ok) return version;
    const entry = await logIn({ ...door, release: version.value });
    if (entry.ok) credentials = entry.value.credentials;
    return entry;
  });
  let renewing: Promise<Outcome<void>> | undefined;
  /** ended is why the session is gone for good: no renewal is tried again, and no password that was refused sent again. */
  let ended: Problem | undefined;
  const renewNow = async (used: Credentials): Promise<Outcome<void>> => {
    const version = await release();
    const renewed = version.ok ? await renewedSession({ ...door, release: version.value }, used) : version;
    renewing = undefined;
    if (renewed.ok) credentials = renewed.value;
    else if (renewed.problem.category === 'permission') ended = renewed.problem;
    return renewed.ok ? done(undefined) : renewed;
  };
  /** renew follows a 401. Calls that meet one at the same time share one renewal: the refresh token is good for one use. */
  const renew = async (used: Credentials): Promise<Outcome<void>> => {
    if (ended !== undefined) return failed(ended);
    // Another call may have renewed the session while this one was under way.
    return credentials === used ? (renewing ??= renewNow(used)) : done(undefined);
  };

  const requestOf = (request: ConsoleRequest): HttpRequest => ({
    method: request.method,
    url: `${address.console}${request.path}`,
    headers: {
      ...credentials?.headers,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    tried: request.tried,
    ...(request.handsOut === true ? { credentials: 'exchanged' as const } : {}),
    ...(request.repeatable === undefined ? {} : { repeatable: request.repeatable }),
    signal: request.signal ?? connection.signal,
  });

  /** authorised makes a call, and after a 401 once more with a renewed session. */
  const authorised = async <T>(call: () => Promise<Outcome<T>>, refused: (answer: T) => boolean): Promise<Outcome<T>> => {
    const used = credentials;
    const first = await call();
    if (!first.ok || !refused(first.value) || used === undefined || used.kind === 'admin-key') return first;
    const renewed = await renew(used);
    return renewed.ok ? call() : renewed;
  };
  const sent = (request: ConsoleRequest): Promise<Outcome<HttpResponse>> =>
    authorised(() => connection.http.send(requestOf(request)), (response) => response.status === 401);
  const jsonFrom = async (request: ConsoleRequest, send: (request: ConsoleRequest) => Promise<Outcome<HttpResponse>>): Promise<Outcome<unknown>> => {
    const response = await send(request);
    return response.ok ? jsonOf(response.value, request.tried, `${address.console}${request.path}`) : response;
  };

  const workspace = once(async () => {
    const entry = await entered();
    if (!entry.ok) return entry;
    return entry.value.workspace === undefined ? currentWorkspace(address, (request) => jsonFrom(request, sent)) : done(entry.value.workspace);
  });
  /** ready comes before every call: logged in and, where sluice.yml names a workspace, in that one. */
  const ready = async (): Promise<Outcome<unknown>> => (address.workspace === '' ? entered() : workspace());

  const answer = async (request: ConsoleRequest): Promise<Outcome<HttpResponse>> => {
    const before = await ready();
    return before.ok ? sent(request) : before;
  };

  return {
    release,
    workspace,
    signedIn: async () => {
      const entry = await entered();
      return entry.ok ? done(entry.value.credentials) : entry;
    },
    answer,
    json: (request) => jsonFrom(request, answer),
    stream: async (request) => {
      const before = await ready();
      if (!before.ok) return before;
      return authorised(
        () => connection.http.stream(requestOf(request)),
        (stream) => stream.kind === 'whole' && stream.response.status === 401,
      );
    },
  };
};

/** readOnlyProblem is what a write answers on a connection that may not write. */
export const readOnlyProblem = (tried: string) =>
  failed({ category: 'defect', reason: `this is a dry run, so Sluice did not ${tried}`, tried });
