import { randomInt, randomUUID } from 'node:crypto';
import { done, failed, readJson, type Clock, type HttpClient, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
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
}

const apiVersion = '2025-09-10';
const tries = 4;
const firstWaitMs = 500;
const longestWaitMs = 20_000;

/** isUnclear says that a problem leaves open whether the request was carried out. */
export const isUnclear = ({ category, answer }: Problem): boolean =>
  (category === 'platform' || category === 'timeout') && (answer?.status === undefined || answer.status >= 500 || answer.status === 408 || isReplayed(answer));

/** isMissing says that the platform answered "not found". */
export const isMissing = ({ answer }: Problem): boolean => answer?.status === 404 && !(answer.code ?? '').includes('AccessKey');

/** askedWaitMs is how long the server asks to wait. Should its own header ever count milliseconds, the longest pause still bounds it. */
const askedWaitMs = (headers: Readonly<Record<string, string>>): number | undefined => {
  const asked = headers['x-acs-retry-after'] ?? headers['retry-after'];
  const seconds = asked === undefined || asked.trim() === '' ? Number.NaN : Number(asked);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
};

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
   * call gives the `data` of the answer. Throttled calls are tried again; unclear ones (5xx, lost connections) too, but
   * for POST, where the caller looks first whether it was done. Credentials that the server calls expired are renewed
   * once; a second refusal is final.
   */
  async call(call: Call): Promise<Outcome<unknown>> {
    const { readOnly, clock, signal, credentials } = this.#options;
    const url = this.#url(call);
    if (readOnly && call.method !== 'GET') {
      return failed({ category: 'input', reason: `this is a dry run, so Sluice did not ${call.tried}`, tried: call.tried, where: url });
    }
    let signing = await credentials.current();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      if (!signing.ok) return signing;
      const { outcome, waitMs } = await this.#once(call, url, signing.value);
      if (outcome.ok || attempt === tries || signal.aborted) return outcome;
      if (isExpired(outcome.problem.answer) && !renewed) {
        renewed = true;
        signing = await credentials.renewed(signing.value);
        continue;
      }
      const { problem } = outcome;
      const throttled = problem.answer !== undefined && isThrottled(problem.answer);
      if (!throttled && (call.method === 'POST' || !isUnclear(problem))) return outcome;
      await clock.sleep(Math.min(longestWaitMs, waitMs ?? randomInt(firstWaitMs * 2 ** attempt)), signal);
    }
  }

  #url({ path, query = {} }: Call): string {
    const { control } = this.#options;
    const text = queryText(query);
    return `${control.replace(/\/$/, '')}/${[apiVersion, ...path].map(encode).join('/')}${text === '' ? '' : `?${text}`}`;
  }

  async #once(call: Call, url: string, credentials: Credentials): Promise<Answered> {
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
      signal,
    });
    return sent.ok ? readAnswer(sent.value, call.tried, url) : { outcome: sent };
  }
}

