import { internal, invalid, json, jsonBody, misfits, queryNumber, refuse, Refused, Unfit, type Answer } from '../answer.ts';
import { openConversation } from '../conversations.ts';
import { formOf, takeFiles, takeInputs } from '../inputs.ts';
import { fields, isFields, isUuid, text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { refusedRun, runWorkflow } from '../running.ts';
import type { App, RunRecord } from '../store.ts';
import { numberOf } from '../turn.ts';
import { appOfMode, endUserFields, secondsOf, workflowAppOf, type Call } from './call.ts';

const runFields = (run: RunRecord, call: Call, app: App, chat: boolean): Fields => {
  const { account } = call.state.sessions;
  return {
    id: run.id,
    ...(call.state.dialect.numbersRuns ? { sequence_number: numberOf(app, run) } : {}),
    ...(chat ? { conversation_id: run.conversationId ?? null, message_id: run.messageId ?? null } : {}),
    version: run.version,
    status: run.status,
    elapsed_time: run.elapsedSeconds,
    total_tokens: run.tokens,
    total_steps: run.steps,
    created_by_account: run.user === undefined ? { id: account.id, name: account.name, email: account.email } : null,
    created_at: secondsOf(run.createdAt),
    finished_at: run.finishedAt === undefined ? null : secondsOf(run.finishedAt),
    exceptions_count: run.exceptions,
    retry_index: 0,
  };
};

const oneOf = (query: URLSearchParams, field: string, allowed: readonly string[]): string | undefined | Refused => {
  const given = query.get(field) ?? undefined;
  if (given === undefined || allowed.includes(given)) return given;
  const listed = `${allowed.slice(0, -1).map((value) => `'${value}'`).join(', ')} or '${allowed.at(-1) ?? ''}'`;
  return misfits('WorkflowRunListQuery', [{ field, message: `Input should be ${listed}`, type: 'literal_error', input: given }]);
};

/** list pages by the id of the last run seen; without `triggered_from` it shows debugging runs alone (Dify 1.12.1, workflow_run.py). */
const list = (call: Call, app: App, chat: boolean): Answer | Refused => {
  const { query } = call.request;
  const limit = queryNumber(query, 'WorkflowRunListQuery', 'limit', 20, 100);
  if (limit instanceof Refused) return limit;
  const status = oneOf(query, 'status', ['running', 'succeeded', 'failed', 'stopped', 'partial-succeeded']);
  if (status instanceof Refused) return status;
  // Before 1.9.2 the parameter is not looked at.
  const from = call.state.dialect.listsUsersRuns ? oneOf(query, 'triggered_from', ['debugging', 'app-run']) : undefined;
  if (from instanceof Refused) return from;
  const last = query.get('last_id') ?? '';
  if (last !== '' && !isUuid(last)) {
    return misfits('WorkflowRunListQuery', [{ field: 'last_id', message: `Value error, ${last} is not a valid uuid.`, type: 'value_error', input: last }]);
  }
  const matching = app.runs
    .filter((run) => run.triggeredFrom === (from ?? 'debugging'))
    .filter((run) => status === undefined || run.status === status);
  const position = matching.findIndex((run) => run.id === last.toLowerCase());
  if (last !== '' && position < 0) return invalid('Last workflow run not exists');
  const rest = matching.slice(position + 1);
  return json({ limit, has_more: rest.length > limit, data: rest.slice(0, limit).map((run) => runFields(run, call, app, chat)) });
};

/** detail is one run; of the account or of an end user. */
const detail = (call: Call, app: App, id: string): Answer | Refused => {
  const run = app.runs.find((candidate) => candidate.id === id.toLowerCase());
  if (run === undefined) return refuse(404, 'not_found', 'Workflow run not found');
  const { account } = call.state.sessions;
  const isUser = run.user !== undefined;
  return json({
    id: run.id, ...(call.state.dialect.numbersRuns ? { sequence_number: numberOf(app, run) } : {}), version: run.version, graph: {}, inputs: run.inputs, status: run.status, outputs: run.outputs, error: run.error,
    elapsed_time: run.elapsedSeconds, total_tokens: run.tokens, total_steps: run.steps,
    created_by_role: isUser ? 'end_user' : 'account',
    created_by_account: isUser ? null : { id: account.id, name: account.name, email: account.email },
    created_by_end_user: isUser ? endUserFields(call.state, app, run.user ?? '') : null,
    created_at: secondsOf(run.createdAt), finished_at: run.finishedAt === undefined ? null : secondsOf(run.finishedAt),
    exceptions_count: run.exceptions,
  });
};

const runDraft = async (call: Call, app: App): Promise<Answer | Refused> => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const chat = app.mode === 'advanced-chat';
  if (!chat && !isFields(body['inputs'])) {
    return misfits('DraftWorkflowRunPayload', [{ field: 'inputs', message: 'Field required', type: 'missing', input: body }]);
  }
  // The owner's account is lost on the way to the run.
  if (chat && call.byAdminKey && !call.state.dialect.adminKeyRunsChats) return internal();
  if (app.draft === undefined) return invalid('Workflow not initialized');
  const query = text(body['query']);
  const { state } = call;
  if (chat && query === '') return refusedRun(state, invalid('query is required'), true);
  if (chat && !isFields(body['inputs'])) return internal();
  const conversation = chat ? openConversation(app, body['conversation_id'], undefined, 'AdvancedChatWorkflowRunPayload') : undefined;
  if (conversation instanceof Refused) return conversation instanceof Unfit ? conversation : refusedRun(state, conversation, true);
  const files = takeFiles(body['files']);
  if (files instanceof Refused) return refusedRun(state, files, true);
  const inputs = takeInputs(formOf(app.draft.graph), fields(body['inputs']));
  if (inputs instanceof Refused) return refusedRun(state, inputs, true);
  return runWorkflow(state, {
    app, workflow: app.draft, inputs, files, user: undefined, streaming: true,
    ...(conversation === undefined ? {} : { chat: { query, conversation } }),
  });
};

const stop = (call: Call, task: string): Answer => {
  call.state.tasks.get(task)?.abort();
  return json({ result: 'success' });
};

const onMode =
  (wanted: readonly string[], handle: (call: Call, app: App, task: string) => Answer | Refused | Promise<Answer | Refused>): Route<Call>['handle'] =>
  (call, parameters) => {
    const app = appOfMode(call, parameters, wanted);
    return app instanceof Refused ? app : handle(call, app, parameters['task'] ?? '');
  };

/** runRoutes run the draft, as streams only, and list what has run. */
export const runRoutes: readonly Route<Call>[] = [
  { method: 'POST', path: '/apps/:app/workflows/draft/run', handle: onMode(['workflow'], runDraft) },
  { method: 'POST', path: '/apps/:app/advanced-chat/workflows/draft/run', handle: onMode(['advanced-chat'], runDraft) },
  { method: 'POST', path: '/apps/:app/workflow-runs/tasks/:task/stop', handle: onMode(['workflow', 'advanced-chat'], (call, _app, task) => stop(call, task)) },
  {
    method: 'GET',
    path: '/apps/:app/workflow-runs',
    role: 'everyone',
    handle: (call, parameters) => {
      const app = workflowAppOf(call, parameters);
      return app instanceof Refused ? app : list(call, app, false);
    },
  },
  {
    method: 'GET',
    path: '/apps/:app/workflow-runs/:run',
    role: 'everyone',
    handle: (call, parameters) => {
      const app = workflowAppOf(call, parameters);
      return app instanceof Refused ? app : detail(call, app, parameters['run'] ?? '');
    },
  },
  { method: 'GET', path: '/apps/:app/advanced-chat/workflow-runs', role: 'everyone', handle: onMode(['advanced-chat'], (call, app) => list(call, app, true)) },
];
