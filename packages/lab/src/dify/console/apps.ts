import { randomUUID } from 'node:crypto';
import { internal, invalid, json, jsonBody, misfits, queryNumber, Refused, type Answer } from '../answer.ts';
import { exportDsl } from '../exporter.ts';
import { defaultModelConfig, modelConfigComplaint, modelConfigFields } from '../modelConfig.ts';
import { filledConfiguration } from '../features.ts';
import { text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { isWorkflowMode, modes, newApp, type App } from '../store.ts';
import { appOf, appOfMode, secondsOf, type Call } from './call.ts';
import { versionOf } from './versions.ts';

const live = (app: App, account: string): unknown => {
  const workflow = app.versions.find((version) => version.id === app.liveId);
  if (workflow === undefined) return null;
  return { id: workflow.id, created_by: account, created_at: secondsOf(workflow.createdAt), updated_by: null, updated_at: secondsOf(workflow.updatedAt) };
};

/** configFields is an app's configuration as the console shows it. */
const configFields = ({ modelConfig }: App, { account, state }: Call): Fields | null => {
  if (modelConfig === undefined) return null;
  const at = secondsOf(modelConfig.updatedAt);
  return { ...modelConfigFields(modelConfig.config, state.dialect), created_by: account.id, created_at: at, updated_by: account.id, updated_at: at };
};

const appFields = (app: App, call: Call): Fields => ({
  id: app.id, name: app.name, description: app.description, mode: app.mode, icon_type: app.iconType, icon: app.icon,
  icon_background: app.iconBackground, icon_url: null, enable_site: app.enableSite, enable_api: app.enableApi,
  model_config: configFields(app, call),
  workflow: live(app, call.account.id), tracing: null, use_icon_as_answer_icon: app.iconAsAnswer,
  created_by: call.account.id, created_at: secondsOf(app.createdAt), updated_by: call.account.id, updated_at: secondsOf(app.updatedAt),
  access_mode: null, tags: [],
});

const detail = (call: Call, app: App): Fields => ({
  ...appFields(app, call),
  api_base_url: `http://${call.request.headers['host'] ?? '127.0.0.1'}/v1`,
  max_active_requests: 0,
  deleted_tools: [],
  site: { title: app.name, code: app.id.replaceAll('-', '').slice(0, 16), default_language: 'en-US', app_base_url: `http://${call.request.headers['host'] ?? '127.0.0.1'}` },
});

const list = (call: Call): Answer | Refused => {
  const { query } = call.request;
  const page = queryNumber(query, 'AppListQuery', 'page', 1, 99_999);
  if (page instanceof Refused) return page;
  const limit = queryNumber(query, 'AppListQuery', 'limit', 20, 100);
  if (limit instanceof Refused) return limit;
  const mode = query.get('mode') ?? 'all';
  const name = (query.get('name') ?? '').slice(0, 30).toLowerCase();
  const found = call.state.store.all().filter((app) => (mode === 'all' || app.mode === mode) && app.name.toLowerCase().includes(name));
  const shown = found.slice((page - 1) * limit, page * limit);
  return json({
    page, limit, total: found.length, has_more: page * limit < found.length,
    data: shown.map((app) => ({ ...appFields(app, call), max_active_requests: 0, create_user_name: call.account.name, author_name: call.account.name, has_draft_trigger: false })),
  });
};

/** longestDescription is Dify's limit where an app is made by hand; an import knows none (1.12.1, controllers/console/app/app.py). */
const longestDescription = 400;

const create = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const mode = modes.find((candidate) => candidate === body['mode']);
  const wrong = [
    ...(text(body['name']) === '' ? [{ field: 'name', message: 'Field required', type: 'missing', input: body }] : []),
    ...(mode === undefined
      ? [{ field: 'mode', message: "Input should be 'chat', 'agent-chat', 'advanced-chat', 'workflow' or 'completion'", type: 'literal_error', input: body['mode'] }]
      : []),
    ...(text(body['description']).length > longestDescription ? [{ field: 'description', message: `String should have at most ${longestDescription} characters`, type: 'string_too_long', input: body['description'] }] : []),
  ];
  if (mode === undefined || wrong.length > 0) return misfits('CreateAppPayload', wrong);
  const app = newApp(mode, text(body['name']));
  app.description = text(body['description']);
  app.icon = text(body['icon']);
  app.iconBackground = text(body['icon_background']);
  if (!isWorkflowMode(mode)) app.modelConfig = { id: randomUUID(), config: defaultModelConfig(mode), updatedAt: Date.now() };
  call.state.store.add(app);
  return json(appFields(app, call), 201);
};

const exported = (call: Call, app: App): Answer | Refused => {
  const { dialect } = call.state;
  // A release that cannot export a version drops the parameter and exports the draft.
  const wanted = dialect.exportsVersions ? (call.request.query.get('workflow_id') ?? '') : '';
  const version = wanted === '' ? app.draft : versionOf(app, wanted);
  if (version instanceof Refused) return internal();
  const dsl = exportDsl(app, version, {
    secrets: ['true', '1', 'yes', 'on'].includes((call.request.query.get('include_secret') ?? '').toLowerCase()),
    workspace: call.state.sessions.account.workspaceId,
    dialect,
  });
  if (dsl !== undefined) return json({ data: dsl });
  return invalid(isWorkflowMode(app.mode) ? 'Missing draft workflow configuration, please check.' : 'Missing app configuration, please check.');
};

const setModelConfig = (call: Call, app: App): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const complaint = modelConfigComplaint(body, call.state.workspace.models);
  if (complaint !== undefined) return invalid(complaint);
  app.modelConfig = { id: randomUUID(), config: filledConfiguration(app.mode, body), updatedAt: Date.now() };
  app.updatedAt = Date.now();
  return json({ result: 'success' });
};

const enable = (call: Call, app: App, name: 'enable_site' | 'enable_api'): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const wanted = body[name];
  if (typeof wanted !== 'boolean') {
    const model = name === 'enable_site' ? 'AppSiteStatusPayload' : 'AppApiStatusPayload';
    return misfits(model, [{ field: name, message: 'Field required', type: 'missing', input: body }]);
  }
  if (name === 'enable_site') app.enableSite = wanted;
  else app.enableApi = wanted;
  return json(appFields(app, call));
};

const rename = (call: Call, app: App): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  if (text(body['name']) === '') return misfits('AppNamePayload', [{ field: 'name', message: 'Field required', type: 'missing', input: body }]);
  app.name = text(body['name']);
  return json(appFields(app, call));
};

/** onApp makes a handler for an app of any mode. */
const onApp =
  (handle: (call: Call, app: App) => Answer | Refused): Route<Call>['handle'] =>
  (call, parameters) => {
    const app = appOf(call, parameters);
    return app instanceof Refused ? app : handle(call, app);
  };

/** appRoutes are about apps as a whole. */
export const appRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: '/apps', role: 'everyone', handle: list },
  { method: 'POST', path: '/apps', handle: create },
  { method: 'GET', path: '/apps/:app', role: 'everyone', handle: onApp((call, app) => json(detail(call, app))) },
  {
    method: 'DELETE',
    path: '/apps/:app',
    handle: onApp((call, app) => {
      call.state.store.remove(app.id);
      return json(null, 204);
    }),
  },
  { method: 'GET', path: '/apps/:app/export', handle: onApp(exported) },
  { method: 'POST', path: '/apps/:app/name', handle: onApp(rename) },
  { method: 'POST', path: '/apps/:app/site-enable', handle: onApp((call, app) => enable(call, app, 'enable_site')) },
  { method: 'POST', path: '/apps/:app/api-enable', role: 'admin', handle: onApp((call, app) => enable(call, app, 'enable_api')) },
  {
    method: 'POST',
    path: '/apps/:app/model-config',
    role: ({ configurationsAreGuarded }) => (configurationsAreGuarded ? 'editor' : 'everyone'),
    handle: (call, parameters) => {
      const app = appOfMode(call, parameters, ['agent-chat', 'chat', 'completion']);
      return app instanceof Refused ? app : setModelConfig(call, app);
    },
  },
];
