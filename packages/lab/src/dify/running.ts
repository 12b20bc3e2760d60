import { randomUUID } from 'node:crypto';
import { invalid, json, refuse, type Answer, type Refused } from './answer.ts';
import { runGraph, type GraphResult } from './interpreter/engine.ts';
import { buildGraph, type Graph } from './interpreter/graph.ts';
import { Pool } from './interpreter/pool.ts';
import { Run, type FlowEvent } from './interpreter/run.ts';
import { total, usageFields } from './interpreter/usage.ts';
import type { Conduct } from './misbehaviour.ts';
import { fields, type Fields } from './reading.ts';
import type { State } from './state.ts';
import type { App, Conversation, RunRecord, Workflow } from './store.ts';
import { cut, streamed, type Payload } from './stream.ts';
import { unrelated } from './unrelated.ts';

/** Ask is one checked request to run a workflow. */
export interface Ask {
  readonly app: App;
  readonly workflow: Workflow;
  readonly inputs: Fields;
  readonly files: readonly unknown[];
  /** user is the end user's name; absent when the account runs the draft. */
  readonly user: string | undefined;
  readonly streaming: boolean;
  /** chat is there for chatflows. */
  readonly chat?: { readonly query: string; readonly conversation: Conversation };
}

/** tooMany is Dify's answer when an app has too many requests at once (1.12.1, core/app/features/rate_limiting). */
export const tooMany = (app: App): Refused =>
  refuse(
    429,
    'too_many_requests',
    `Too many requests. Please try again later. The current maximum concurrent requests allowed for ${app.id} is 1.`,
  );

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

interface Turn {
  readonly state: State;
  readonly ask: Ask;
  readonly conduct: Conduct;
  readonly taskId: string;
  readonly messageId: string;
  readonly record: RunRecord;
  readonly stop: AbortController;
}

const systemVariables = ({ ask, record }: Turn): Fields => ({
  ...(ask.chat === undefined
    ? {}
    : { query: ask.chat.query, conversation_id: ask.chat.conversation.id, dialogue_count: ask.chat.conversation.turns + 1 }),
  files: ask.files,
  user_id: ask.user ?? '',
  app_id: ask.app.id,
  workflow_id: ask.workflow.id,
  workflow_run_id: record.id,
  timestamp: seconds(record.createdAt),
});

const startInputs = (turn: Turn): Fields => ({
  ...turn.ask.inputs,
  ...Object.fromEntries(
    Object.entries(systemVariables(turn))
      .filter(([name]) => name !== 'conversation_id')
      .map(([name, value]) => [`sys.${name}`, value]),
  ),
});

const poolOf = (turn: Turn): Pool => {
  const { ask } = turn;
  const pool = new Pool();
  const fill = (node: string, values: Fields): void => {
    for (const [name, value] of Object.entries(values)) pool.set(node, name, value);
  };
  const declared = Object.fromEntries(ask.workflow.conversation.map((variable) => [variable.name, variable.value]));
  fill('#given', ask.inputs);
  fill('sys', systemVariables(turn));
  fill('env', Object.fromEntries(ask.workflow.environment.map((variable) => [variable.name, variable.value])));
  fill('conversation', { ...declared, ...ask.chat?.conversation.variables });
  return pool;
};

const creator = ({ state, ask }: Turn): Fields => {
  const { account } = state.sessions;
  return ask.user === undefined
    ? { id: account.id, name: account.name, email: account.email }
    : { id: state.endUserId(ask.app, ask.user), user: ask.user };
};

/** headOf is what each event of a chat's or a workflow's stream carries. */
const headOf = ({ ask, record, messageId }: Turn): Fields =>
  ask.chat === undefined
    ? { workflow_run_id: record.id }
    : { conversation_id: ask.chat.conversation.id, message_id: messageId, created_at: seconds(record.createdAt) };

const wrap = (turn: Turn, event: string, more: Fields): Payload => ({ event, ...headOf(turn), task_id: turn.taskId, ...more });

const flowPayload = (turn: Turn, event: FlowEvent): Payload => {
  if ('event' in event) return wrap(turn, event.event, { workflow_run_id: turn.record.id, data: event.fields });
  if (turn.ask.chat === undefined) return wrap(turn, 'text_chunk', { data: { text: event.chunk, from_variable_selector: event.selector } });
  return wrap(turn, 'message', { id: turn.messageId, answer: event.chunk, from_variable_selector: event.selector });
};

const begin = (state: State, ask: Ask, conduct: Conduct): Turn => {
  const messageId = randomUUID();
  const record: RunRecord = {
    id: randomUUID(), workflowId: ask.workflow.id, version: ask.workflow.version,
    triggeredFrom: ask.user === undefined ? 'debugging' : 'app-run', user: ask.user, inputs: ask.inputs, createdAt: Date.now(),
    ...(ask.chat === undefined ? {} : { conversationId: ask.chat.conversation.id, messageId }),
    status: 'running', outputs: {}, error: null, elapsedSeconds: 0, tokens: 0, steps: 0, exceptions: 0, finishedAt: undefined,
  };
  return { state, ask, conduct, taskId: randomUUID(), messageId, record, stop: new AbortController() };
};

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

/** outcomeFields says how a run ended, as blocking answers do; streams add who asked. */
const outcomeFields = ({ record }: Turn): Fields => ({
  id: record.id, workflow_id: record.workflowId, status: record.status, outputs: record.outputs, error: record.error,
  elapsed_time: record.elapsedSeconds, total_tokens: record.tokens, total_steps: record.steps,
  created_at: seconds(record.createdAt), finished_at: seconds(record.finishedAt ?? record.createdAt),
});

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
  const conduct = state.misbehaviour.next(ask.app.id, version);
  if (conduct.throttled) return tooMany(ask.app);
  const turn = begin(state, ask, conduct);
  const graph = buildGraph(ask.workflow.graph);
  if (ask.streaming) return streaming(turn, graph);
  return typeof graph === 'string' ? invalid(graph) : blocking(turn, graph);
};
