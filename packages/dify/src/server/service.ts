import { done, failed, type EventStream, type HttpResponse, type Opened, type Outcome, type Problem, type Question, type Reply } from '@sluice/core';
import { isMapping, mappingOf, type Mapping } from '../source/shape.ts';
import { refusal } from './answer.ts';
import type { Application } from './application.ts';
import { serviceJson } from './service-address.ts';
import { silenceExplained } from './silent-stream.ts';
import { hear, replyOf, silence, wholeReply } from './replies.ts';

const blockingDeadlineMs = 90_000;

/** Asked is how a question is put: where it goes, and what is said of a refusal. */
export interface Asked {
  readonly path: string;
  readonly body: Mapping;
  readonly streaming: boolean;
}

/** questionFor puts a question into the service API's form; `pinned` is the id of a published version. */
export const questionFor = (mode: Application['mode'], question: Question, pinned?: string): Asked => {
  const common = { inputs: question.inputs, user: question.user };
  if (mode === 'workflow') {
    const path = pinned === undefined ? '/workflows/run' : `/workflows/${pinned}/run`;
    return { path, streaming: question.streaming, body: { ...common, response_mode: question.streaming ? 'streaming' : 'blocking' } };
  }
  if (mode === 'completion') {
    const query = question.query === undefined ? {} : { query: question.query };
    return { path: '/completion-messages', streaming: question.streaming, body: { ...common, ...query, response_mode: question.streaming ? 'streaming' : 'blocking' } };
  }
  // The blocking answer of a chat does not say which version answered, and agents cannot block at all.
  const body = { ...common, query: question.query ?? '', response_mode: 'streaming', auto_generate_name: false };
  return { path: '/chat-messages', streaming: true, body: pinned === undefined ? body : { ...body, workflow_id: pinned } };
};

/** notAskable are refusals that say something about the way to the app and nothing about its health. */
const notAskable = (status: number): boolean => status === 401 || status === 403 || status === 404;

const refused = (response: HttpResponse, tried: string, where: string, latencyMs: number): Outcome<Reply> => {
  const problem = refusal(response, tried, where, hintFor(response.status));
  if (notAskable(response.status)) return failed(problem);
  const { code, message } = problem.answer ?? {};
  const why = [code, message].filter((part) => part !== undefined && part !== '').join(': ');
  return done({
    failed: `the app refused the request with HTTP ${response.status}${why === '' ? '' : `: ${why}`}`,
    text: '',
    outputs: {},
    latencyMs,
    status: response.status,
  });
};

const hintFor = (status: number): string => {
  if (status === 401) return 'Check DIFY_APP_KEY: it is the key of one app, from its page API Access.';
  if (status === 403) return "Check that the app's API is switched on. Dify Cloud's sandbox plan does not run chosen versions.";
  return 'Check the address of the API and that this version was published in this app.';
};

/** heardFrom follows a stream to its end and makes the reply; `explain` has more to say of one that brought nothing but pings. */
export const heardFrom = async (
  stream: Extract<EventStream, { kind: 'events' }>,
  chat: boolean,
  latency: () => number,
  explain: (seen: string) => Promise<string>,
): Promise<Outcome<Reply>> => {
  let heard = silence;
  for await (const event of stream.events) {
    if (!event.ok) {
      if (event.problem.category === 'cancelled') return event;
      const { category, reason } = event.problem;
      const silentMs = latency();
      const cut = category === 'timeout' && heard === silence ? await explain(reason) : reason;
      return done(replyOf(heard, chat, silentMs, stream.status, cut));
    }
    heard = hear(heard, eventOf(event.value.data), event.value.atMs, chat);
    if (heard.ended) break;
  }
  return done(replyOf(heard, chat, latency(), stream.status));
};

const eventOf = (text: string): Mapping => {
  try {
    const value: unknown = JSON.parse(text);
    return isMapping(value) ? value : {};
  } catch {
    // Bytes that are no JSON are no event; a stream of only such bytes ends without its last event and fails.
    return {};
  }
};

/** unanswered turns a call that never became an answer into a failed reply; cancelling and refused addresses stay problems. */
export const unanswered = (problem: Problem, latencyMs: number): Outcome<Reply> =>
  problem.category === 'cancelled' || problem.category === 'input' || problem.category === 'permission'
    ? failed(problem)
    : done({ failed: problem.reason, text: '', outputs: {}, latencyMs, status: 0 });

const inOnePiece = (asked: Asked): Asked => ({ ...asked, streaming: false, body: { ...asked.body, response_mode: 'blocking' } });

const askService = async (
  application: Application,
  base: string,
  asked: Asked,
  signal: AbortSignal,
  explain: (seen: string, ask: () => Promise<Outcome<Reply>>) => Promise<string>,
): Promise<Outcome<Reply>> => {
  const key = await application.key();
  if (!key.ok) return key;
  const { http, clock } = application.connection;
  const where = `${base}${asked.path}`;
  const tried = 'ask the app';
  const request = {
    method: 'POST' as const,
    url: where,
    headers: { authorization: `Bearer ${key.value}`, 'content-type': 'application/json' },
    body: JSON.stringify(asked.body),
    tried,
    repeatable: false,
    signal,
  };
  const begun = clock.elapsed();
  const latency = (): number => clock.elapsed() - begun;
  const chat = application.mode !== 'workflow';
  if (asked.streaming) {
    const stream = await http.stream(request);
    if (!stream.ok) return unanswered(stream.problem, latency());
    if (stream.value.kind === 'events') return heardFrom(stream.value, chat, latency, (seen) => explain(seen, () => askService(application, base, inOnePiece(asked), signal, explain)));
    return wholeAnswer(stream.value.response, tried, base, where, chat, latency());
  }
  const response = await http.send({ ...request, deadlineMs: blockingDeadlineMs });
  return response.ok ? wholeAnswer(response.value, tried, base, where, chat, latency()) : unanswered(response.problem, latency());
};

const wholeAnswer = (response: HttpResponse, tried: string, base: string, where: string, chat: boolean, latencyMs: number): Outcome<Reply> => {
  if (response.status >= 400) return refused(response, tried, where, latencyMs);
  const body = serviceJson(response, tried, base, where);
  return body.ok ? done(wholeReply(mappingOf(body.value), chat, latencyMs, response.status)) : body;
};

/** refusedDraft is the answer of the console to a draft run that was refused. */
export const refusedDraft = refused;

/** openService opens the service API at `base`, pinned to a published version or as users have it. */
export const openService = (application: Application, base: string, version: string, how: string, pinned?: string): Opened => {
  const explain = silenceExplained(application);
  return {
    version,
    how,
    ask: (question, signal) => askService(application, base, questionFor(application.mode, question, pinned), signal, explain),
    close: () => Promise.resolve(done(undefined)),
  };
};
