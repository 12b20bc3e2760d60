import { setImmediate as turn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { durationText } from '../config/duration.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { createAbort, type Abort } from '../abort.ts';
import { readBody } from './body.ts';
import type { EventStream, HttpClient, HttpRequest, HttpResponse } from './client.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import { eventsOf } from './event-stream.ts';
import { endedProblem, failureOf, type Attempted } from './failures.ts';
import { followed, mostRedirects, tooManyRedirects } from './redirect.ts';
import { checkRequest, shownUrl, type RequestRules } from './request-check.ts';
import { isPassing, isRepeatable, mostTries, retryAfterMs, waitBeforeRetry } from './retry.ts';

/** HttpClientOptions are what a client is made from. */
export interface HttpClientOptions extends DispatcherOptions, RequestRules {
  readonly clock: Clock;
  /** signal ends all calls; a reason named TimeoutError counts as a timeout, any other as a cancellation. */
  readonly signal: AbortSignal;
  readonly userAgent: string;
}

const usualDeadlineMs = 30_000;

/** Tried is how one try ended, and whether and when the same call may succeed. */
interface Tried<T> {
  readonly outcome: Outcome<T>;
  readonly again: boolean;
  readonly askedMs?: number;
}

/** Call is one request on its way. */
interface Call {
  readonly request: HttpRequest;
  readonly url: URL;
  readonly attempted: Attempted;
  readonly abort: Abort;
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

type Answer = Dispatcher.ResponseData;

const headersOf = (answer: Answer): Record<string, string> =>
  Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(name === 'set-cookie' ? '\n' : ', ') : (value ?? ''),
    ]),
  );

/** ask sends the request once, and once more for each redirect that stays at the origin. */
const ask = async (call: Call): Promise<Outcome<Answer>> => {
  const { default: request } = await import('undici/lib/api/api-request.js');
  let url = call.url;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await request.call(call.dispatcher, {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: call.request.method,
      headers: { ...call.headers },
      body: call.request.body ?? null,
      signal: call.abort.signal,
    });
    // Errors of the body arrive where it is read; without a listener they would end the process as well.
    answer.body.on('error', () => undefined);
    const next = followed(call.request, call.attempted, url, answer.statusCode, headersOf(answer)['location']);
    if (next.ok && next.value === undefined) return done(answer);
    await answer.body.dump();
    if (!next.ok) return next;
    if (redirects === mostRedirects) return tooManyRedirects(call.attempted);
    url = next.value ?? url;
  }
};

const whole = async (answer: Answer, attempted: Attempted, durationMs: () => number): Promise<Outcome<HttpResponse>> => {
  const headers = headersOf(answer);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!/^(?:identity)?$/i.test(encoding)) {
    answer.body.destroy();
    return failed({ category: 'platform', reason: `the server sent a body in the encoding ${encoding}, which was not asked for`, ...attempted, hint: 'Look at the proxy in front of the server.' });
  }
  const text = await readBody(answer.body, attempted);
  if (!text.ok) return text;
  const took = durationMs();
  // The library takes a connection for its next request one turn of the event loop after the answer; asked before, it opens another.
  await turn();
  return done({ status: answer.statusCode, headers, text: text.value, durationMs: took });
};

const isEventStream = (answer: Answer): boolean =>
  answer.statusCode === 200 && /^text\/event-stream\b/i.test(headersOf(answer)['content-type'] ?? '');

/** createHttpClient makes the client of the contract over kept connections; the HTTP library is loaded at the first call. */
export const createHttpClient = (options: HttpClientOptions): HttpClient => {
  const { clock } = options;
  let pool: Promise<Outcome<Dispatcher>> | undefined;
  let direct: Promise<Outcome<Dispatcher>> | undefined;

  const poolFor = ({ metadata }: HttpRequest): Promise<Outcome<Dispatcher>> => {
    // Name resolution, TLS and undici are loaded with the first request only.
    if (metadata === true) return (direct ??= import('./dispatcher.ts').then(({ createDispatcher, directly }) => createDispatcher(directly(options))));
    return (pool ??= import('./dispatcher.ts').then(({ createDispatcher }) => createDispatcher(options)));
  };

  const prepare = async (request: HttpRequest, accept: string): Promise<Outcome<Call>> => {
    const url = checkRequest(request, options);
    if (!url.ok) return url;
    const dispatcher = await poolFor(request);
    if (!dispatcher.ok) return dispatcher;
    const given = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
    const headers = { 'user-agent': options.userAgent, accept, 'accept-encoding': 'identity', ...Object.fromEntries(given) };
    const abort = createAbort(clock, [options.signal, request.signal]);
    abort.arm(request.deadlineMs ?? usualDeadlineMs);
    return done({ request, url: url.value, attempted: { tried: request.tried, where: shownUrl(url.value) }, abort, dispatcher: dispatcher.value, headers });
  };

  const problemAfter = (call: Call, error: unknown): Tried<never> => {
    const ending = call.abort.ended();
    if (ending !== undefined) {
      const silent = `no answer within ${durationText(call.request.deadlineMs ?? usualDeadlineMs)}`;
      return { outcome: failed(endedProblem(ending, call.attempted, silent)), again: false };
    }
    const failure = failureOf(error, call.attempted);
    if (failure === undefined) throw error;
    return { outcome: failed(failure.problem), again: failure.lost };
  };

  const tryOnce = async <T>(call: Call, read: (answer: Answer, sinceSent: () => number) => Promise<Outcome<T>>): Promise<Tried<T>> => {
    const sent = clock.elapsed();
    try {
      const answer = await ask(call);
      if (!answer.ok) return { outcome: answer, again: false };
      const askedMs = retryAfterMs(headersOf(answer.value)['retry-after'], clock.now());
      const outcome = await read(answer.value, () => clock.elapsed() - sent);
      return { outcome, again: outcome.ok && isPassing(answer.value.statusCode), ...(askedMs === undefined ? {} : { askedMs }) };
    } catch (error) {
      return problemAfter(call, error);
    }
  };

  const tryRepeatedly = async <T>(call: Call, read: (answer: Answer, sinceSent: () => number) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const begun = clock.elapsed();
    for (let tries = 1; ; tries += 1) {
      const tried = await tryOnce(call, read);
      if (!tried.again || tries === mostTries || !isRepeatable(call.request)) return tried.outcome;
      const waitMs = waitBeforeRetry(tries, Math.random(), tried.askedMs);
      const leftMs = (call.request.deadlineMs ?? usualDeadlineMs) - (clock.elapsed() - begun);
      if (waitMs / clock.factor >= leftMs) return tried.outcome;
      await clock.sleep(waitMs, call.abort.signal);
      if (call.abort.ended() !== undefined) return problemAfter(call, undefined).outcome;
    }
  };

  const send = async (request: HttpRequest): Promise<Outcome<HttpResponse>> => {
    const call = await prepare(request, '*/*');
    if (!call.ok) return call;
    try {
      return await tryRepeatedly(call.value, (answer, sinceSent) => whole(answer, call.value.attempted, sinceSent));
    } finally {
      call.value.abort.release();
    }
  };

  const stream = async (request: HttpRequest): Promise<Outcome<EventStream>> => {
    const call = await prepare(request, 'text/event-stream');
    if (!call.ok) return call;
    const { abort, attempted } = call.value;
    const opened = await tryRepeatedly(call.value, async (answer, elapsed): Promise<Outcome<EventStream>> => {
      if (isEventStream(answer)) {
        return done({ kind: 'events', status: answer.statusCode, events: eventsOf(answer.body, { abort, attempted, elapsed }) });
      }
      const response = await whole(answer, attempted, elapsed);
      return response.ok ? done({ kind: 'whole', response: response.value }) : response;
    });
    if (!opened.ok || opened.value.kind === 'whole') abort.release();
    return opened;
  };

  return {
    send,
    stream,
    close: async () => {
      for (const made of [await pool, await direct]) {
        // Destroying, not closing: a stream that nobody reads to its end must not keep the process.
        if (made?.ok === true) await made.value.destroy();
      }
    },
  };
};
