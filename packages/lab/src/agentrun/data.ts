import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { answerJson, type LabHandler } from '../server.ts';
import { refuseCaller, type Callers } from './call-proof.ts';
import { complete, readChat, streamedAnswer, wholeAnswer, type Chunks, type ChatRequest } from './completions.ts';
import { findInvocation, type Invocation } from './invocation.ts';
import type { Fate } from './misbehaviour.ts';
import type { Records } from './records.ts';
import type { Store } from './store.ts';

/** DataPlane is everything that the data plane's server works on. */
export interface DataPlane {
  readonly store: Store;
  /** apiKey is what runtimes with a credential want in `X-API-Key`. */
  readonly apiKey: string;
  readonly callers: Callers;
  /** usualMs is the usual latency, already compressed. */
  readonly usualMs: number;
  readonly timeScale: number;
  /** records are what Function Compute writes down of each request. */
  readonly records: Records;
  now(): number;
}

/** Ended is how a request ended, as Function Compute sees it. */
interface Ended {
  readonly status: number;
  /** broke is true when the function broke off. */
  readonly broke: boolean;
}

interface Exchange {
  readonly chat: ChatRequest;
  /** count numbers the chat requests of the data plane. */
  readonly count: number;
  readonly closed: AbortSignal;
  readonly response: ServerResponse;
}

const route = /^\/agent-runtimes\/([^/]+)\/endpoints\/([^/]+)\/invocations(\/.*)$/;

// Twenty per cent up and down, the same in every run.
const jitter = (count: number): number => 0.8 + 0.4 * ((count * 0.754877666246693) % 1);

const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  if (milliseconds <= 0) return;
  await wait(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
};

interface Timing {
  /** beforeMs passes before the answer's first content, afterMs between the first content and the end. */
  readonly beforeMs: number;
  readonly afterMs: number;
}

const timing = (plane: DataPlane, fate: Fate, count: number, stream: boolean): Timing => {
  const whole = plane.usualMs * jitter(count) * fate.latency + fate.latencyMs / plane.timeScale;
  return stream ? { beforeMs: whole / 2 + fate.firstTokenMs / plane.timeScale, afterMs: whole / 2 } : { beforeMs: whole, afterMs: 0 };
};

const sendStream = async (response: ServerResponse, chunks: Chunks, times: Timing, cut: boolean, closed: AbortSignal): Promise<void> => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write(chunks.opening);
  await pause(times.beforeMs, closed);
  const [first = '', ...others] = chunks.rest;
  response.write(first);
  await pause(times.afterMs, closed);
  if (cut) {
    response.destroy();
    return;
  }
  for (const chunk of [...others, ...chunks.closing]) response.write(chunk);
  response.end();
};

const refuseChat = (response: ServerResponse, status: number, type: string, message: string): void =>
  answerJson(response, status, { error: { message, type, code: null, param: null } });

const sendChat = async (plane: DataPlane, invoked: Invocation, { chat, count, closed, response }: Exchange): Promise<Ended> => {
  const fate = invoked.runtime.misbehaviour(invoked.version).next();
  if (fate.throttled) {
    answerJson(response, 429, { code: 'ResourceThrottled', message: 'too many requests' }, { 'retry-after': '1' });
    return { status: 429, broke: false };
  }
  const times = timing(plane, fate, count, chat.stream);
  const identity = { id: `chatcmpl-${randomBytes(12).toString('hex')}`, created: Math.floor(plane.now() / 1000) };
  const answer = complete(invoked.runtime.name, chat, { ...fate, failed: fate.error !== undefined }, identity);
  if (chat.stream && fate.error !== 'status') {
    await sendStream(response, streamedAnswer(answer, chat.includeUsage), times, fate.dropped, closed);
    return { status: 200, broke: fate.dropped };
  }
  await pause(times.beforeMs, closed);
  if (fate.dropped) response.destroy();
  else if (fate.error === 'status') refuseChat(response, 500, 'server_error', 'the agent failed while it worked on the answer');
  else answerJson(response, 200, wholeAnswer(answer));
  return { status: fate.error === 'status' && !fate.dropped ? 500 : 200, broke: fate.dropped };
};

/** dataHandler answers invocations: each is served by the version that the endpoint's routing chooses. */
export const dataHandler = (plane: DataPlane): LabHandler => {
  let count = 0;
  return async (request, response) => {
    const [, runtimeName = '', endpointName = '', path = ''] = route.exec(request.path) ?? [];
    const call = `${request.method} ${path}`;
    const isChat = call === 'POST /openai/v1/chat/completions';
    if (!isChat && call !== 'GET /health' && call !== 'GET /openai/v1/models') {
      answerJson(response, 404, { code: 'NotFound', message: 'no such path' });
      return;
    }
    const invoked = refuseCaller(request, plane.callers) ?? findInvocation(plane, request, runtimeName, endpointName);
    if ('code' in invoked) {
      answerJson(response, invoked.status, { code: invoked.code, message: invoked.message });
      return;
    }
    if (call === 'GET /health') answerJson(response, 200, { status: 'ok' });
    else if (call === 'GET /openai/v1/models') {
      answerJson(response, 200, { object: 'list', data: [{ id: invoked.runtime.name, object: 'model', owned_by: 'agentrun' }] });
    } else {
      const chat = readChat(request.body);
      if (typeof chat === 'string') {
        refuseChat(response, 400, 'invalid_request_error', chat);
        return;
      }
      count += 1;
      invoked.endpoint.count(invoked.version);
      const started = performance.now();
      const ended = await sendChat(plane, invoked, { chat, count, closed: request.closed, response });
      const { runtime, endpoint, version } = invoked;
      plane.records.add({ runtimeId: runtime.id, endpoint: endpoint.name, version, ...ended, durationMs: performance.now() - started });
    }
  };
};
