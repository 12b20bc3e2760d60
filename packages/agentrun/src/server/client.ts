import { randomInt, randomUUID } from 'node:crypto';
import { done, durationText, failed, readJson, type Clock, type HttpClient, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
import { isRecord } from '../source/json.ts';
import type { Signing } from '../credentials/session.ts';
import type { Action } from './operations.ts';
import { answerOf, isExpired, isReplayed, isThrottled, refusal } from './refusal.ts';
import { encode, queryText, signedHeaders, type Credentials } from './sign.ts';

/** Call is one operation of AgentRun's OpenAPI. */
export interface Call {
  readonly action: Action;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** path are the segments after the API's version. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly tried: string;
}

/** ClientOptions are what a client needs. */
export interface ClientOptions {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly credentials: Signing;
  /** control is the origin of the control plane. */
  readonly control: string;
  /** readOnly clients refuse everything but GET. */
  readonly readOnly: boolean;
  /** endsAt is when the step is over, on the clock's steady reading, in real time; never when absent. */
  readonly endsAt?: number;
}

const apiVersion = '2025-09-10';
const tries = 4;
const firstWaitMs = 500;
const callMs = 30_000;
/** leastCallMs is what a call gets at the end of a step, so that it can still show a last state. */
const leastCallMs = 1000;
/** longestWaitMs is how long a server may ask to wait; the official client waits no longer (@darabonba/typescript 1.0.4, retry.js). */
const longestWaitMs = 120_000;

/** isPassing says that a problem may be gone at the next try. */
const isPassing = ({ category, answer }: Problem): boolean =>
  (category === 'platform' || category === 'timeout') && (answer?.status === undefined || answer.status >= 500 || answer.status === 408 || isReplayed(answer));

/** isDamaged says that an answer with a good status tells nothing: a page of something on the way, JSON that breaks off, or an error that AgentRun has no name for. */
const isDamaged = ({ category, answer }: Problem): boolean => category === 'platform' && answer?.status !== undefined && answer.status < 400 && (answer.code ?? '').replace('ERR_INTERNAL_SERVER_ERROR', '') === '';

/** isUnclear says that a problem leaves open whether the request was carried out. */
export const isUnclear = (problem: Problem): boolean => isPassing(problem) || isDamaged(problem);

/** isMissing says that the platform answered "not found". */
export const isMissing = ({ answer }: Problem): boolean => answer?.status === 404 && !(answer.code ?? '').includes('AccessKey');

const numberIn = (text: string | undefined): number | undefined => (text === undefined || !/^\s*\d+(?:\.\d+)?\s*$/.test(text) ? undefined : Number(text));

/**
 * askedWaitMs is how long the server asks to wait. The official client takes `x-acs-retry-after` for milliseconds
 * (openapi-core 1.0.8, getThrottlingTimeLeft), and no document says so; a number below 1000 is taken for seconds, so that
 * the wait is never shorter than what was meant.
 */
const askedWaitMs = (headers: Readonly<Record<string, string>>): number | undefined => {
  const own = numberIn(headers['x-acs-retry-after']);
  if (own !== undefined) return own < 1000 ? own * 1000 : own;
  const seconds = numberIn(headers['retry-after']);
  return seconds === undefined ? undefined : seconds * 1000;
};

/** tooLong is the problem of a server that asks to wait longer than a step should. */
const tooLong = (problem: Problem, waitMs: number): Outcome<never> =>
  failed({ ...problem, reason: `${problem.reason}, and it asks to wait ${durationText(waitMs)}`, hint: 'Run the step again after that time.' });

/** endOf is when a call that begins now has to end: with the step. A call that begins when the step is over puts something right, and has the time that it takes. */
const endOf = ({ clock, endsAt }: ClientOptions): number | undefined => (endsAt === undefined || clock.elapsed() >= endsAt ? undefined : endsAt);

interface Answered {
  readonly outcome: Outcome<unknown>;
  readonly waitMs?: number;
}

const readAnswer = (response: HttpResponse, tried: string, where: string): Answered => {
  const json = readJson(response, tried);
  const body = json.ok ? json.value : undefined;
  const answer = answerOf(response, body);
  const wait = askedWaitMs(response.headers);
  if (response.status >= 400 || answer.code?.startsWith('ERR_') === true) {
    return { outcome: failed(refusal(answer, tried, where)), ...(wait === undefined ? {} : { waitMs: wait }) };
  }
  if (response.status >= 200 && response.status < 300 && isRecord(body)) return { outcome: done(body['data']) };
  const { reason, answer: shown } = json.ok ? { reason: 'the server answered JSON that is no answer of AgentRun', answer: { status: response.status } } : json.problem;
  return {
    outcome: failed({
      category: 'platform',
      reason,
      tried,
      where,
      ...(shown === undefined ? {} : { answer: shown }),
      hint: 'Check the region in s.yaml, and agentrun.control in sluice.yml when it is set.',
    }),
  };
};

/** AgentRunClient signs and sends calls to the control plane and reads the envelope `{code, requestId, data}`. */
export class AgentRunClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * call gives the `data` of the answer. Throttled calls are tried again when the server says, unless that is in more
   * than two minutes or after the step; unclear ones (5xx, lost connections) too, but for POST, where the caller looks first whether it was
   * done. Writes are also tried again after a damaged answer, which for a read says that the address is wrong. Credentials that the server calls expired are renewed
   * once; a second refusal is final.
   */
  async call(call: Call): Promise<Outcome<unknown>> {
    const { readOnly, clock, signal, credentials } = this.#options;
    const end = endOf(this.#options);
    const url = this.#url(call);
    if (readOnly && call.method !== 'GET') {
      return failed({ category: 'input', reason: `this is a dry run, so Sluice did not ${call.tried}`, tried: call.tried, where: url });
    }
    let signing = await credentials.current();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      if (!signing.ok) return signing;
      const { outcome, waitMs } = await this.#once(call, url, signing.value, end);
      if (outcome.ok || attempt === tries || signal.aborted) return outcome;
      if (isExpired(outcome.problem.answer) && !renewed) {
        renewed = true;
        signing = await credentials.renewed(signing.value);
        continue;
      }
      const { problem } = outcome;
      const throttled = problem.answer !== undefined && isThrottled(problem.answer);
      if (throttled && waitMs !== undefined && waitMs > longestWaitMs) return tooLong(problem, waitMs);
      const worthwhile = call.method === 'GET' ? isPassing(problem) : call.method !== 'POST' && isUnclear(problem);
      if (!throttled && !worthwhile) return outcome;
      const pause = Math.min(longestWaitMs, waitMs ?? randomInt(firstWaitMs * 2 ** attempt));
      if (end !== undefined && clock.elapsed() + pause / clock.factor >= end) return throttled && waitMs !== undefined ? tooLong(problem, waitMs) : outcome;
      await clock.sleep(pause, signal);
      if (signal.aborted) return outcome;
    }
  }

  #url({ path, query = {} }: Call): string {
    const { control } = this.#options;
    const text = queryText(query);
    return `${control.replace(/\/$/, '')}/${[apiVersion, ...path].map(encode).join('/')}${text === '' ? '' : `?${text}`}`;
  }

  async #once(call: Call, url: string, credentials: Credentials, end: number | undefined): Promise<Answered> {
    const { http, clock, signal } = this.#options;
    const body = call.body === undefined ? '' : JSON.stringify(call.body);
    const headers = signedHeaders(
      { method: call.method, url, action: call.action, version: apiVersion, body, at: clock.now(), nonce: randomUUID() },
      credentials,
    );
    const sent = await http.send({
      method: call.method,
      url,
      headers: { ...headers, accept: 'application/json' },
      ...(body === '' ? {} : { body }),
      tried: call.tried,
      // A signature is good for one request, so the client below may not send it twice.
      repeatable: false,
      ...(end === undefined ? {} : { deadlineMs: Math.max(leastCallMs, Math.min(callMs, end - clock.elapsed())) }),
      signal,
    });
    return sent.ok ? readAnswer(sent.value, call.tried, url) : { outcome: sent };
  }
}

