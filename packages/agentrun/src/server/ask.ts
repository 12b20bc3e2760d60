import { randomUUID } from 'node:crypto';
import { done, failed, type Outcome, type Problem, type Question, type Reply } from '@sluice/core';
import { chatBody, failedReply, readStream, readWhole } from './chat.ts';
import { calling } from './caller.ts';
import type { AgentRunContext } from './context.ts';
import type { Endpoint, Runtime } from './wire.ts';

const wholeAnswerMs = 90_000;
const firstByteMs = 30_000;
const route = '/openai/v1/chat/completions';

const proofHints = {
  none: 'The runtime has a credential: set AGENTRUN_API_KEY to its key, or agentrun.auth in sluice.yml to ram.',
  key: 'The runtime has another credential: correct AGENTRUN_API_KEY, or set agentrun.auth in sluice.yml to ram.',
  ram: 'The RAM user or role needs the right agentrun:InvokeRuntime; a runtime with an API key wants that instead (agentrun.auth: key).',
} as const;

const refusedCaller = (status: number, where: string, auth: AgentRunContext['auth']): Problem => ({
  category: 'permission',
  reason: 'the agent does not accept the call',
  tried: 'ask the agent',
  where,
  answer: { status },
  hint: proofHints[auth],
});

/** lostCall turns a lost call into a failed reply: an agent that cannot be reached has failed its user. A refusal on our side stays a problem. */
const lostCall = (problem: Problem, latencyMs: number): Outcome<Reply> =>
  problem.category === 'platform' || problem.category === 'timeout' ? done(failedReply(problem.reason, 0, latencyMs)) : failed(problem);

/** ask sends one question to an endpoint in a session of its own: a session sticks to its version, so an old one would not be split again. */
export const ask = async (context: AgentRunContext, runtime: Runtime, endpoint: Endpoint, question: Question, signal: AbortSignal): Promise<Outcome<Reply>> => {
  const { query } = question;
  if (query === undefined) {
    return failed({ category: 'input', reason: 'an agent is asked by a query, and the question has none', tried: 'ask the agent', hint: 'Give health.ask a query in sluice.yml.' });
  }
  const { http, clock } = context;
  const call = await calling(context, endpoint, { method: 'POST', route, contentType: 'application/json' });
  if (!call.ok) return call;
  const { url, headers } = call.value;
  const began = clock.elapsed();
  const request = {
    method: 'POST',
    url,
    headers: {
      ...headers,
      accept: question.streaming ? 'text/event-stream' : 'application/json',
      [runtime.sessionHeader]: randomUUID(),
    },
    body: chatBody(runtime.name, query, question),
    tried: `ask endpoint "${endpoint.name}"`,
    deadlineMs: question.streaming ? firstByteMs : wholeAnswerMs,
    // Every answer counts as it came: a call that is sent twice would hide a failure.
    repeatable: false,
    signal,
  } as const;
  const checked = (status: number, reply: Reply): Outcome<Reply> => (status === 401 || status === 403 ? failed(refusedCaller(status, url, context.auth)) : done(reply));
  if (!question.streaming) {
    const sent = await http.send(request);
    return sent.ok ? checked(sent.value.status, readWhole(sent.value)) : lostCall(sent.problem, clock.elapsed() - began);
  }
  const stream = await http.stream(request);
  if (!stream.ok) return lostCall(stream.problem, clock.elapsed() - began);
  if (stream.value.kind === 'events') return done(await readStream(stream.value));
  const { response } = stream.value;
  return checked(response.status, readWhole(response));
};
