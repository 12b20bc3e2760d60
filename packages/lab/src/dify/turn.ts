import { randomUUID } from 'node:crypto';
import { Pool } from './interpreter/pool.ts';
import type { FlowEvent } from './interpreter/run.ts';
import type { Conduct } from './misbehaviour.ts';
import type { Fields } from './reading.ts';
import type { State } from './state.ts';
import type { App, Conversation, RunRecord, Workflow } from './store.ts';
import type { Payload } from './stream.ts';

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

/** numberOf is a run's number among the app's runs, which older releases tell; the first is 1. */
export const numberOf = (app: App, run: RunRecord): number => app.runs.length - app.runs.indexOf(run);

/** seconds turns milliseconds into Dify's timestamps. */
export const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

/** Turn is one run that has begun. */
export interface Turn {
  readonly state: State;
  readonly ask: Ask;
  readonly conduct: Conduct;
  readonly taskId: string;
  readonly messageId: string;
  readonly record: RunRecord;
  readonly stop: AbortController;
}

const systemVariables = ({ ask, record, state }: Begun): Fields => ({
  ...(ask.chat === undefined
    ? {}
    : { query: ask.chat.query, conversation_id: ask.chat.conversation.id, dialogue_count: (ask.user === undefined ? 0 : ask.chat.conversation.turns) + state.dialect.firstTurn }),
  files: ask.files,
  user_id: ask.user ?? '',
  app_id: ask.app.id,
  ...(state.dialect.timeBeforeIds ? { timestamp: seconds(record.createdAt) } : {}),
  workflow_id: ask.workflow.id,
  workflow_run_id: record.id,
  timestamp: seconds(record.createdAt),
});

/** Begun is what the system's variables are made from. */
type Begun = Pick<Turn, 'ask' | 'state'> & { readonly record: Pick<RunRecord, 'id' | 'createdAt'> };

const inputsWithout = (turn: Begun, unsaid: readonly string[]): Fields => ({
  ...turn.ask.inputs,
  ...Object.fromEntries(
    Object.entries(systemVariables(turn))
      .filter(([name]) => !unsaid.includes(name))
      .map(([name, value]) => [`sys.${name}`, value]),
  ),
});

/** startInputs are the caller's inputs and the system's variables, as the start of a stream shows them. */
export const startInputs = (turn: Begun): Fields => inputsWithout(turn, ['conversation_id', 'timestamp']);

/** poolOf fills the variables that a run begins with. */
export const poolOf = (turn: Turn): Pool => {
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

/** creator says who asked, as the end of a stream does. */
export const creator = ({ state, ask }: Turn): Fields => {
  const { account } = state.sessions;
  return ask.user === undefined
    ? { id: account.id, name: account.name, email: account.email }
    : { id: state.endUserId(ask.app, ask.user), user: ask.user };
};

/** headOf is what each event of a chat's or a workflow's stream carries. */
export const headOf = ({ ask, record, messageId }: Turn): Fields =>
  ask.chat === undefined
    ? { workflow_run_id: record.id }
    : { conversation_id: ask.chat.conversation.id, message_id: messageId, created_at: seconds(record.createdAt) };

/** wrap puts the ids around an event. */
export const wrap = (turn: Turn, event: string, more: Fields): Payload => ({ event, ...headOf(turn), task_id: turn.taskId, ...more });

/** flowPayload writes an event of the graph as Dify streams it. */
export const flowPayload = (turn: Turn, event: FlowEvent): Payload => {
  if ('event' in event) return wrap(turn, event.event, { workflow_run_id: turn.record.id, data: event.fields });
  if (turn.ask.chat === undefined) return wrap(turn, 'text_chunk', { data: { text: event.chunk, from_variable_selector: event.selector } });
  return wrap(turn, 'message', { id: turn.messageId, answer: event.chunk, from_variable_selector: event.selector });
};

/** begin opens a run; its record is not in the app's list yet. */
export const begin = (state: State, ask: Ask, conduct: Conduct): Turn => {
  const messageId = randomUUID();
  const [id, createdAt] = [randomUUID(), Date.now()];
  const unsaid = ['conversation_id', ...(state.dialect.hasTriggers ? [] : ['timestamp'])];
  const record: RunRecord = {
    id, workflowId: ask.workflow.id, version: ask.workflow.version,
    triggeredFrom: ask.user === undefined ? 'debugging' : 'app-run', user: ask.user, createdAt,
    inputs: inputsWithout({ ask, state, record: { id, createdAt } }, unsaid),
    ...(ask.chat === undefined ? {} : { conversationId: ask.chat.conversation.id, messageId }),
    status: 'running', outputs: {}, error: null, elapsedSeconds: 0, tokens: 0, steps: 0, exceptions: 0, finishedAt: undefined,
  };
  return { state, ask, conduct, taskId: randomUUID(), messageId, record, stop: new AbortController() };
};

/** outcomeFields says how a run ended, as blocking answers do; streams add who asked. */
export const outcomeFields = ({ record, state }: Turn): Fields => ({
  id: record.id, workflow_id: record.workflowId, status: record.status,
  outputs: record.status === 'failed' && !state.dialect.failuresHaveOutputs ? null : record.outputs,
  error: record.error ?? (state.dialect.countsSteps ? null : ''),
  elapsed_time: record.elapsedSeconds, total_tokens: record.tokens, total_steps: record.steps,
  created_at: seconds(record.createdAt), finished_at: seconds(record.finishedAt ?? record.createdAt),
});
