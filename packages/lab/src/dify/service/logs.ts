import { internal, json, misfits, queryNumber, refuse, Refused, type Answer } from '../answer.ts';
import { endUserFields, secondsOf } from '../console/call.ts';
import { dumps } from '../python.ts';
import type { Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { isWorkflowMode, type RunRecord } from '../store.ts';
import type { Call } from './call.ts';

/** logged writes one line of the log: runs of workflow apps alone have one. */
const logged = (run: RunRecord, call: Call, triggers: boolean): Fields => ({
  id: run.id.replace(/^.{8}/, (head) => [...head].reverse().join('')),
  workflow_run: {
    id: run.id, version: run.version, status: run.status, ...(triggers ? { triggered_from: run.triggeredFrom } : {}), error: run.error,
    elapsed_time: run.elapsedSeconds, total_tokens: run.tokens, total_steps: run.steps,
    created_at: secondsOf(run.createdAt), finished_at: run.finishedAt === undefined ? null : secondsOf(run.finishedAt),
    exceptions_count: run.exceptions,
  },
  ...(triggers ? { details: null } : {}),
  created_from: 'service-api',
  created_by_role: 'end_user',
  created_by_account: null,
  created_by_end_user: endUserFields(call.state, call.app, run.user ?? ''),
  created_at: secondsOf(run.createdAt),
});

const timeOf = (query: URLSearchParams, field: string): number | undefined | Refused => {
  const given = query.get(field) ?? '';
  if (given === '') return undefined;
  // Dify compares with its own clock in UTC; a time without a zone is one of those.
  const time = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(given) ? given : given.includes('T') ? `${given}Z` : given);
  return Number.isNaN(time) ? internal() : time;
};

const logs = (call: Call): Answer | Refused => {
  const { query } = call.request;
  const page = queryNumber(query, 'WorkflowLogQuery', 'page', 1, 99_999);
  if (page instanceof Refused) return page;
  const limit = queryNumber(query, 'WorkflowLogQuery', 'limit', 20, 100);
  if (limit instanceof Refused) return limit;
  const status = query.get('status');
  if (status !== null && !['succeeded', 'failed', 'stopped'].includes(status)) {
    return misfits('WorkflowLogQuery', [{ field: 'status', message: "Input should be 'succeeded', 'failed' or 'stopped'", type: 'literal_error', input: status }]);
  }
  const before = timeOf(query, 'created_at__before');
  if (before instanceof Refused) return before;
  const after = timeOf(query, 'created_at__after');
  if (after instanceof Refused) return after;
  const keyword = (query.get('keyword') ?? '').slice(0, 30).toLowerCase();
  const session = query.get('created_by_end_user_session_id') ?? '';
  const found = call.app.runs
    .filter((run) => call.app.mode === 'workflow' && run.triggeredFrom === 'app-run')
    .filter((run) => (status === null || run.status === status) && (session === '' || run.user === session))
    .filter((run) => (before === undefined || run.createdAt <= before) && (after === undefined || run.createdAt >= after))
    .filter((run) => keyword === '' || `${JSON.stringify(run.inputs)} ${JSON.stringify(run.outputs)} ${run.user ?? ''} ${run.id}`.toLowerCase().includes(keyword));
  const shown = found.slice((page - 1) * limit, page * limit);
  return json({ page, limit, total: found.length, has_more: found.length > page * limit, data: shown.map((run) => logged(run, call, call.state.dialect.hasTriggers)) });
};

/** one answers a run's detail; `inputs` is JSON as text. In older releases an unknown run is a 200 full of nulls, as Dify's serializer makes it. */
const one = (call: Call, id: string): Answer | Refused => {
  if (!isWorkflowMode(call.app.mode)) {
    return refuse(400, 'not_workflow_app', 'Please check if your app mode matches the right API route.');
  }
  const run = call.app.runs.find((candidate) => candidate.id === id);
  const { dialect } = call.state;
  if (run === undefined) {
    if (dialect.missingRunIs404) return refuse(404, 'not_found', 'Workflow run not found.');
    const nothing = dialect.fieldErrors === 'flask-restful' ? 0 : null;
    return json({
      id: null, workflow_id: null, status: null, inputs: null, outputs: null, error: null, total_steps: nothing, total_tokens: nothing,
      created_at: null, finished_at: null, elapsed_time: null,
    });
  }
  return json({
    id: run.id, workflow_id: run.workflowId, status: run.status, inputs: dumps(run.inputs), outputs: dialect.outputsAreObjects ? run.outputs : dumps(run.outputs),
    error: run.error, total_steps: run.steps, total_tokens: run.tokens, created_at: secondsOf(run.createdAt),
    finished_at: run.finishedAt === undefined ? null : secondsOf(run.finishedAt), elapsed_time: run.elapsedSeconds,
  });
};

/** logRoutes say what has run. */
export const logRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: '/workflows/logs', handle: logs },
  { method: 'GET', path: '/workflows/run/:id', handle: (call, parameters) => one(call, parameters['id'] ?? '') },
];
