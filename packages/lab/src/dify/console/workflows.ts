import { invalid, json, jsonBody, misfits, queryNumber, refuse, Refused, type Answer, type Misfit } from '../answer.ts';
import { structureComplaint, writeDraft } from '../draft.ts';
import { fields, isFields, text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { hashOf, type App, type Workflow } from '../store.ts';
import { openVariable, readVariables } from '../variables.ts';
import { secondsOf, workflowAppOf, type Call } from './call.ts';
import { nothingOf, versionOf, workflowFields } from './versions.ts';

const noDraft = (call: Call): Refused => refuse(call.state.dialect.draftStatuses.missing, 'draft_workflow_not_exist', 'Draft workflow need to be initialized.');

const draftBody = (call: Call): Fields | Refused => {
  const type = call.request.headers['content-type'] ?? '';
  if (!type.includes('application/json') && !type.includes('text/plain')) return jsonBody(call.request);
  try {
    const parsed: unknown = JSON.parse(call.request.body.toString('utf8'));
    if (isFields(parsed)) return parsed;
  } catch {
    // Broken JSON gets the same short answer as JSON that is no object.
  }
  return new Refused(json({ message: 'Invalid JSON data' }, 400));
};

const syncDraft = (call: Call, app: App): Answer | Refused => {
  const body = draftBody(call);
  if (body instanceof Refused) return body;
  const missing = ['graph', 'features'].filter((name) => !isFields(body[name]));
  if (missing.length > 0) {
    return misfits('SyncDraftWorkflowPayload', missing.map((field) => ({ field, message: 'Field required', type: 'missing', input: body })));
  }
  const environment = readVariables(body['environment_variables'], 'env');
  if (typeof environment === 'string') return invalid(environment);
  const conversation = readVariables(body['conversation_variables'], 'conversation');
  if (typeof conversation === 'string') return invalid(conversation);
  if (app.draft !== undefined && body['hash'] !== hashOf(app.draft)) {
    return refuse(call.state.dialect.draftStatuses.notSync, 'draft_workflow_not_sync', 'Workflow graph might have been modified, please refresh and resubmit.');
  }
  const graph = fields(body['graph']);
  const complaint = structureComplaint(graph, call.state.dialect);
  if (complaint !== undefined) return invalid(complaint);
  const draft = writeDraft(app, { graph, features: fields(body['features']), environment, conversation });
  return json({ result: 'success', hash: hashOf(draft), updated_at: secondsOf(draft.updatedAt) });
};

const tooLong = (body: Fields, field: string, limit: number): Misfit[] => {
  const input = body[field];
  if (input === undefined || input === null) return [];
  if (typeof input !== 'string') return [{ field, message: 'Input should be a valid string', type: 'string_type', input }];
  return [...input].length > limit ? [{ field, message: `String should have at most ${limit} characters`, type: 'string_too_long', input }] : [];
};

/** marks reads a version's name and comment: at most 20 and 100 characters. */
const marks = (call: Call, model: string): Fields | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const { dialect } = call.state;
  if (!dialect.versionsHaveNames) return {};
  const wrong = [...tooLong(body, 'marked_name', 20), ...tooLong(body, 'marked_comment', 100)];
  const [first] = wrong;
  // Before pydantic this was a ValueError of the controller's own.
  if (first !== undefined && dialect.fieldErrors !== 'pydantic') {
    return invalid(first.field === 'marked_name' ? 'Marked name cannot exceed 20 characters' : 'Marked comment cannot exceed 100 characters');
  }
  return wrong.length > 0 ? misfits(model, wrong) : body;
};

const publish = (call: Call, app: App): Answer | Refused => {
  const body = marks(call, 'PublishWorkflowPayload');
  if (body instanceof Refused) return body;
  if (app.draft === undefined) return invalid('No valid workflow found.');
  const complaint = structureComplaint(app.draft.graph, call.state.dialect);
  if (complaint !== undefined) return invalid(complaint);
  const published = call.state.store.publish(app, app.draft, text(body['marked_name']), text(body['marked_comment']));
  return json({ result: 'success', created_at: secondsOf(published.createdAt) });
};

const list = (call: Call, app: App): Answer | Refused => {
  const { query } = call.request;
  const { account } = call.state.sessions;
  const page = queryNumber(query, 'WorkflowListQuery', 'page', 1, 99_999);
  if (page instanceof Refused) return page;
  const limit = queryNumber(query, 'WorkflowListQuery', 'limit', 10, 100);
  if (limit instanceof Refused) return limit;
  const user = query.get('user_id') ?? '';
  if (user !== '' && user !== account.id) {
    return refuse(403, 'forbidden', "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.");
  }
  // Dify sorts by the version text, downwards: "draft" comes before every time.
  const rows = [...(app.draft === undefined ? [] : [app.draft]), ...app.versions.toReversed()];
  const named = call.state.dialect.versionsHaveNames && ['true', '1', 'yes', 'on'].includes((query.get('named_only') ?? '').toLowerCase());
  const found = app.liveId === undefined ? [] : rows.filter((row) => !named || row.markedName !== '');
  const shown = found.slice((page - 1) * limit, page * limit);
  return json({ items: shown.map((row) => workflowFields(row, call.state)), page, limit, has_more: page * limit < found.length });
};

const mark = (call: Call, _app: App, id: string): Answer | Refused => {
  const body = marks(call, 'WorkflowUpdatePayload');
  if (body instanceof Refused) return body;
  const [name, comment] = [body['marked_name'], body['marked_comment']];
  if (typeof name !== 'string' && typeof comment !== 'string') return json(call.state.dialect.nothingIsNull ? { message: 'No valid fields to update' } : nothingOf(call.state.dialect), 400);
  const workflow = call.state.store.workflow(id)?.workflow;
  if (workflow === undefined) return refuse(404, 'not_found', 'Workflow not found');
  if (typeof name === 'string') workflow.markedName = name;
  if (typeof comment === 'string') workflow.markedComment = comment;
  workflow.updatedAt = Date.now();
  workflow.updated = true;
  return json(workflowFields(workflow, call.state));
};

const remove = (call: Call, _app: App, id: string): Answer | Refused => {
  const found = call.state.store.workflow(id);
  if (found === undefined) return refuse(404, 'not_found', `Workflow with ID ${id} not found`);
  const { app, workflow } = found;
  if (workflow.version === 'draft') return refuse(400, 'bad_request', 'Cannot delete draft workflow versions');
  if (call.state.workspace.isTool(id)) return refuse(400, 'bad_request', 'Cannot delete workflow that is published as a tool');
  if (app.liveId === id) return refuse(400, 'bad_request', `Cannot delete workflow that is currently in use by app '${app[call.state.dialect.inUseBy]}'`);
  app.versions = app.versions.filter((version) => version.id !== id);
  return json(null, 204);
};

/** restore copies a version with its secrets into the draft. */
const restore = (_call: Call, app: App, id: string): Answer | Refused => {
  const source = versionOf(app, id);
  if (source instanceof Refused) return refuse(400, 'bad_request', 'source workflow must be published');
  if (source === undefined) return refuse(404, 'not_found', 'Workflow not found.');
  const { graph, features, environment, conversation } = structuredClone(source);
  const draft = writeDraft(app, { graph, features, environment, conversation });
  return json({ result: 'success', hash: hashOf(draft), updated_at: secondsOf(draft.updatedAt) });
};

const shown = (call: Call, workflow: Workflow | undefined): Answer =>
  json(workflow === undefined ? nothingOf(call.state.dialect) : workflowFields(workflow, call.state));

const on =
  (handle: (call: Call, app: App, id: string) => Answer | Refused): Route<Call>['handle'] =>
  (call, parameters) => {
    const app = workflowAppOf(call, parameters);
    return app instanceof Refused ? app : handle(call, app, parameters['id'] ?? '');
  };

const base = '/apps/:app/workflows';

/** workflowRoutes are about an app's draft and its versions (Dify 1.12.1, controllers/console/app/workflow.py). */
export const workflowRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: `${base}/draft`, handle: on((call, app) => (app.draft === undefined ? noDraft(call) : shown(call, app.draft))) },
  { method: 'POST', path: `${base}/draft`, handle: on(syncDraft) },
  {
    method: 'GET',
    path: `${base}/draft/environment-variables`,
    when: ({ showsSecrets }) => showsSecrets,
    handle: on((call, app) => (app.draft === undefined ? noDraft(call) : json({ items: app.draft.environment.map(openVariable) }))),
  },
  { method: 'GET', path: `${base}/publish`, handle: on((call, app) => shown(call, app.versions.find((version) => version.id === app.liveId))) },
  { method: 'POST', path: `${base}/publish`, handle: on(publish) },
  { method: 'GET', path: base, handle: on(list) },
  { method: 'PATCH', path: `${base}/:id`, when: ({ versionsHaveNames }) => versionsHaveNames, handle: on(mark) },
  { method: 'DELETE', path: `${base}/:id`, when: ({ versionsHaveNames }) => versionsHaveNames, handle: on(remove) },
  { method: 'POST', path: `${base}/:id/restore`, when: ({ restores }) => restores, handle: on(restore) },
];
