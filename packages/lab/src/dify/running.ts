import type { Dialect } from './dialect.ts';
import { invalid, json, refuse, type Answer, type Refused } from './answer.ts';
import { runGraph, type GraphResult } from './interpreter/engine.ts';
import { buildGraph, type Graph } from './interpreter/graph.ts';
import { Run, type FlowEvent } from './interpreter/run.ts';
import { total, usageFields } from './interpreter/usage.ts';
import { fields, type Fields } from './reading.ts';
import type { State } from './state.ts';
import { hashOf, type App } from './store.ts';
import { cut, streamed, type Payload } from './stream.ts';
import { begin, creator, flowPayload, headOf, numberOf, outcomeFields, poolOf, seconds, startInputs, wrap, type Ask, type Turn } from './turn.ts';
import { unrelated } from './unrelated.ts';

/** tooMany is Dify's answer when an app has too many requests at once (1.12.1, core/app/features/rate_limiting). */
export const tooMany = (app: App): Refused =>
  refuse(
    429,
    'too_many_requests',
    `Too many requests. Please try again later. The current maximum concurrent requests allowed for ${app.id} is 1.`,
  );

const settle = (turn: Turn, run: Run, result: GraphResult): void => {
  const { record, state } = turn;
  const stopped = turn.stop.signal.aborted;
  const error = result.error ?? (turn.conduct.failing ? 'The run failed (a fault of the lab).' : undefined);
  record.status = stopped ? 'stopped' : error !== undefined ? 'failed' : run.exceptions > 0 ? 'partial-succeeded' : 'succeeded';
  record.error = stopped ? 'Stopped by user.' : (error ?? null);
  record.outputs = result.outputs;
  record.elapsedSeconds = (performance.now() - run.startedAt) / 1000;
  record.tokens = total(run.usage);
  record.steps = state.dialect.countsSteps ? run.steps : 0;
  record.exceptions = run.exceptions + (state.dialect.countsFailures && result.error !== undefined ? 1 : 0);
  record.finishedAt = Date.now();
};

const metadataOf = (run: Run, { timesFirstToken, metadataIsWhole }: Dialect): Fields => ({
  ...(metadataIsWhole ? { annotation_reply: null, retriever_resources: [] } : {}),
  usage: usageFields(run.usage, timesFirstToken, run.firstTokenSeconds),
});

const numbered = ({ state, ask, record }: Turn): Fields => (state.dialect.numbersStreams ? { sequence_number: numberOf(ask.app, record) } : {});

/** perform runs the graph, tells every event and gives the text that was streamed. */
const perform = async (turn: Turn, graph: Graph, say: (payload: Payload) => void): Promise<{ run: Run; answer: string }> => {
  const { state, ask, conduct, record, stop } = turn;
  let answer = '';
  const wait = (milliseconds: number): Promise<void> => state.wait(milliseconds, stop.signal);
  const emit = (event: FlowEvent): void => {
    if ('chunk' in event) answer += event.chunk;
    say(flowPayload(turn, event));
  };
  const run = new Run(
    {
      failing: conduct.failing,
      ...(conduct.wrong ? { instead: unrelated(ask.chat?.query ?? '', ask.inputs) } : {}),
      latencyMs: state.usualLatencyMs * conduct.latency,
      firstTokenMs: ask.streaming ? conduct.firstTokenMs : 0,
      tokens: conduct.tokens,
      speaksEarly: state.dialect.speaksEarly,
      timesFirstToken: state.dialect.timesFirstToken,
    },
    { emit, wait, jitter: () => state.jitter(), standIn: (name) => state.standIns.add(name), stopped: () => stop.signal.aborted },
    ask.chat?.query ?? '',
  );
  const pool = poolOf(turn);
  ask.app.runs.unshift(record);
  state.tasks.set(turn.taskId, stop);
  say(wrap(turn, 'workflow_started', {
    workflow_run_id: record.id,
    data: { ...numbered(turn), id: record.id, workflow_id: record.workflowId, inputs: startInputs(turn), created_at: seconds(record.createdAt), ...(state.dialect.streamsByWorker ? { reason: 'initial' } : {}) },
  }));
  await wait(conduct.latencyMs);
  settle(turn, run, await runGraph(graph, fields(ask.workflow.graph), pool, run));
  state.tasks.delete(turn.taskId);
  if (ask.chat !== undefined) {
    ask.chat.conversation.variables = pool.namesOf('conversation');
    ask.chat.conversation.turns += 1;
  }
  return { run, answer };
};

const blocking = async (turn: Turn, graph: Graph): Promise<Answer | Refused> => {
  const { state, ask, conduct, record, messageId, taskId } = turn;
  const { run, answer } = await perform(turn, graph, () => undefined);
  if (conduct.dropped) return cut;
  state.countServed(ask.app, ask.workflow.id);
  if (ask.chat === undefined) return json({ task_id: taskId, workflow_run_id: record.id, data: outcomeFields(turn) });
  if (record.status === 'failed') return invalid(`Run failed: ${record.error ?? ''}`);
  return json({
    event: 'message', task_id: taskId, id: messageId, message_id: messageId, conversation_id: ask.chat.conversation.id,
    mode: ask.app.mode, answer, metadata: metadataOf(run, state.dialect), created_at: seconds(record.createdAt),
  });
};

const streaming = (turn: Turn, graph: Graph | string): Answer => {
  const { state, ask, conduct, record } = turn;
  const answered = (): void => {
    if (ask.user !== undefined) state.countServed(ask.app, ask.workflow.id);
  };
  const { streamsByWorker } = state.dialect;
  return streamed({ pingMs: state.pingMs, greets: streamsByWorker, dropped: conduct.dropped, answered }, async (say) => {
    // An error event has no task id.
    const fail = (message: string): void => say({ event: 'error', ...headOf(turn), code: 'invalid_param', status: 400, message });
    if (typeof graph === 'string') {
      fail(graph);
      return;
    }
    const { run } = await perform(turn, graph, say);
    const end = wrap(turn, 'workflow_finished', {
      workflow_run_id: record.id,
      data: { ...outcomeFields(turn), ...numbered(turn), created_by: creator(turn), exceptions_count: record.exceptions, files: [] },
    });
    const messageEnd = wrap(turn, 'message_end', { id: turn.messageId, metadata: metadataOf(run, state.dialect), files: [] });
    const isChat = ask.chat !== undefined;
    const failed = record.status === 'failed';
    // A worker ends a chat's message before the run, and says nothing more about a failed one.
    if (isChat && !failed && streamsByWorker) say(messageEnd);
    say(end);
    if (isChat && failed && !streamsByWorker) fail(`Run failed: ${record.error ?? ''}`);
    if (isChat && !failed && !streamsByWorker) say(messageEnd);
  });
};

/**
 * refusedRun refuses a run before it begins. Where streams come from a worker, the refusal stays there: the caller hears pings
 * for five minutes and nothing else (1.13.3, core/app/apps/streaming_utils.py).
 */
export const refusedRun = (state: State, refused: Refused, streaming: boolean): Answer | Refused =>
  streaming && state.dialect.streamsByWorker
    ? streamed({ pingMs: state.pingMs, greets: true, dropped: false, answered: () => undefined }, (_say, gone) => state.wait(300_000, gone))
    : refused;

/** runWorkflow runs a draft or a version and answers in one piece or as a stream. A failed node is a 200 in workflow apps and a 400 in chatflows. */
export const runWorkflow = async (state: State, ask: Ask): Promise<Answer | Refused> => {
  const version = ask.workflow.version === 'draft' ? 'draft' : ask.workflow.id;
  const conduct = state.misbehaviour.next(ask.app.id, version, () => hashOf(ask.workflow));
  if (conduct.throttled) return tooMany(ask.app);
  const turn = begin(state, ask, conduct);
  const graph = buildGraph(ask.workflow.graph);
  if (ask.streaming) return streaming(turn, graph);
  return typeof graph === 'string' ? invalid(graph) : blocking(turn, graph);
};
