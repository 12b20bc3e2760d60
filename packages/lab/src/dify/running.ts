import { invalid, json, refuse, type Answer, type Refused } from './answer.ts';
import { runGraph, type GraphResult } from './interpreter/engine.ts';
import { buildGraph, type Graph } from './interpreter/graph.ts';
import { Run, type FlowEvent } from './interpreter/run.ts';
import { total, usageFields } from './interpreter/usage.ts';
import { fields, type Fields } from './reading.ts';
import type { State } from './state.ts';
import { hashOf, type App } from './store.ts';
import { cut, streamed, type Payload } from './stream.ts';
import { begin, creator, flowPayload, headOf, outcomeFields, poolOf, seconds, startInputs, wrap, type Ask, type Turn } from './turn.ts';
import { unrelated } from './unrelated.ts';

/** tooMany is Dify's answer when an app has too many requests at once (1.12.1, core/app/features/rate_limiting). */
export const tooMany = (app: App): Refused =>
  refuse(
    429,
    'too_many_requests',
    `Too many requests. Please try again later. The current maximum concurrent requests allowed for ${app.id} is 1.`,
  );

const settle = (turn: Turn, run: Run, result: GraphResult): void => {
  const { record } = turn;
  const stopped = turn.stop.signal.aborted;
  const error = result.error ?? (turn.conduct.failing ? 'The run failed (a fault of the lab).' : undefined);
  record.status = stopped ? 'stopped' : error !== undefined ? 'failed' : run.exceptions > 0 ? 'partial-succeeded' : 'succeeded';
  record.error = stopped ? 'Stopped by user.' : (error ?? null);
  record.outputs = result.outputs;
  record.elapsedSeconds = (performance.now() - run.startedAt) / 1000;
  record.tokens = total(run.usage);
  record.steps = run.steps;
  record.exceptions = run.exceptions;
  record.finishedAt = Date.now();
};

const metadataOf = (run: Run): Fields => ({
  annotation_reply: null,
  retriever_resources: [],
  usage: usageFields(run.usage, run.firstTokenSeconds),
});

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
    },
    { emit, wait, jitter: () => state.jitter(), standIn: (name) => state.standIns.add(name), stopped: () => stop.signal.aborted },
    ask.chat?.query ?? '',
  );
  const pool = poolOf(turn);
  ask.app.runs.unshift(record);
  state.tasks.set(turn.taskId, stop);
  say(wrap(turn, 'workflow_started', {
    workflow_run_id: record.id,
    data: { id: record.id, workflow_id: record.workflowId, inputs: startInputs(turn), created_at: seconds(record.createdAt) },
  }));
  await wait(conduct.latencyMs);
  settle(turn, run, await runGraph(graph, fields(ask.workflow.graph), pool, run));
  state.tasks.delete(turn.taskId);
  if (ask.chat !== undefined) {
    ask.chat.conversation.variables = pool.namesOf('conversation');
    if (answer !== '') ask.chat.conversation.turns += 1;
  }
  say(wrap(turn, 'workflow_finished', {
    workflow_run_id: record.id,
    data: { ...outcomeFields(turn), created_by: creator(turn), exceptions_count: record.exceptions, files: [] },
  }));
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
    mode: ask.app.mode, answer, metadata: metadataOf(run), created_at: seconds(record.createdAt),
  });
};

const streaming = (turn: Turn, graph: Graph | string): Answer => {
  const { state, ask, conduct, record } = turn;
  const answered = (): void => {
    if (ask.user !== undefined) state.countServed(ask.app, ask.workflow.id);
  };
  return streamed({ pingMs: state.pingMs, dropped: conduct.dropped, answered }, async (say) => {
    // An error event has no task id.
    const fail = (message: string): void => say({ event: 'error', ...headOf(turn), code: 'invalid_param', status: 400, message });
    if (typeof graph === 'string') {
      fail(graph);
      return;
    }
    const { run } = await perform(turn, graph, say);
    if (ask.chat === undefined) return;
    if (record.status === 'failed') fail(`Run failed: ${record.error ?? ''}`);
    else say(wrap(turn, 'message_end', { id: turn.messageId, metadata: metadataOf(run), files: [] }));
  });
};

/** runWorkflow runs a draft or a version and answers in one piece or as a stream. A failed node is a 200 in workflow apps and a 400 in chatflows. */
export const runWorkflow = async (state: State, ask: Ask): Promise<Answer | Refused> => {
  const version = ask.workflow.version === 'draft' ? 'draft' : ask.workflow.id;
  const conduct = state.misbehaviour.next(ask.app.id, version, hashOf(ask.workflow));
  if (conduct.throttled) return tooMany(ask.app);
  const turn = begin(state, ask, conduct);
  const graph = buildGraph(ask.workflow.graph);
  if (ask.streaming) return streaming(turn, graph);
  return typeof graph === 'string' ? invalid(graph) : blocking(turn, graph);
};
