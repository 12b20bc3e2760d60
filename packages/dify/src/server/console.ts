import { done, failed, type Outcome } from '@sluice/core';
import * as z from 'zod/mini';
import { mappingOf, type Mapping } from '../source/shape.ts';
import { jsonAt, jsonOf, refusal, shaped } from './answer.ts';
import { readOnlyProblem, type ConsoleRequest, type Session } from './session.ts';
import {
  appShape,
  dependenciesShape,
  exportShape,
  hashShape,
  importShape,
  keyShape,
  keysShape,
  membersShape,
  profileShape,
  runDetailShape,
  runPageShape,
  secretsShape,
  workflowPageShape,
  workflowShape,
  type App,
  type Import,
  type Run,
  type Workflow,
} from './shapes.ts';

/** Page is one page of a list and whether there is another. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Console is the part of the console API that Sluice uses, for one app; `app` is given each time, since it may be new. */
export interface Console {
  app(app: string): Promise<Outcome<App | undefined>>;
  draft(app: string): Promise<Outcome<Workflow | undefined>>;
  published(app: string): Promise<Outcome<Workflow | undefined>>;
  /** versions gives a page of the version list, newest first, the draft left out. */
  versions(app: string, page: number): Promise<Outcome<Page<Workflow>>>;
  exportDsl(app: string, workflow?: string): Promise<Outcome<string>>;
  keys(app: string): Promise<Outcome<readonly string[]>>;
  runs(app: string, chat: boolean, lastId?: string): Promise<Outcome<Page<Run>>>;
  runError(app: string, run: string): Promise<Outcome<string>>;
  /** draftSecrets gives the draft's secret values by variable id, in plain text (Dify >= 1.5.0). */
  draftSecrets(app: string): Promise<Outcome<ReadonlyMap<string, string>>>;
  /** email is the account's own, for sessions that were not opened with one. */
  email(): Promise<Outcome<string>>;
  /** role is an account's role in the workspace, as in `editor`; empty when the server lists no such member. */
  role(email: string): Promise<Outcome<string>>;
  missingPlugins(app: string): Promise<Outcome<readonly Mapping[]>>;
  importDsl(yaml: string, app?: string): Promise<Outcome<Import>>;
  confirmImport(id: string): Promise<Outcome<Import>>;
  publish(app: string, name: string, comment: string): Promise<Outcome<void>>;
  mark(app: string, workflow: string, comment: string): Promise<Outcome<void>>;
  /** restoreDraft copies a version into the draft, secrets included, and gives the draft's new hash (Dify >= 1.13.3). */
  restoreDraft(app: string, workflow: string): Promise<Outcome<string>>;
  syncDraft(app: string, body: Mapping): Promise<Outcome<void>>;
  createKey(app: string): Promise<Outcome<string>>;
  configureModel(app: string, model: Mapping): Promise<Outcome<void>>;
  /** showSite lets people reach the app's page. */
  showSite(app: string): Promise<Outcome<void>>;
  /** deleteApp deletes an app with all its versions and keys (role editor: Dify 1.12.1, api/controllers/console/app/app.py). */
  deleteApp(app: string): Promise<Outcome<void>>;
}

/** createConsole makes a console client on a session; a read-only one refuses every write before it is sent. */
export const createConsole = (session: Session, base: string, readOnly: boolean): Console => {
  const where = (path: string): string => `${base}${path}`;

  const read = async <T>(path: string, schema: z.ZodMiniType<T>, tried: string, handsOut = false): Promise<Outcome<T>> => {
    const body = await session.json({ method: 'GET', path, tried, handsOut });
    return body.ok ? shaped(schema, body.value, tried, where(path)) : body;
  };

  /** readOptional takes the refusals of these codes, null and an entry without an id for "there is none". */
  const readOptional = async <T>(path: string, schema: z.ZodMiniType<T>, tried: string, codes: readonly string[]): Promise<Outcome<T | undefined>> => {
    const response = await session.answer({ method: 'GET', path, tried });
    if (!response.ok) return response;
    const body = jsonOf(response.value, tried, where(path));
    if (!body.ok) {
      // A draft that does not exist is a 400 before 1.12.0.
      const missing = [400, 404].includes(response.value.status) && codes.includes(body.problem.answer?.code ?? '');
      return missing ? done(undefined) : body;
    }
    // A view that gives nothing is answered as null or, by the serializer, as an object of nulls.
    if (body.value === null || (mappingOf(body.value)['id'] ?? null) === null) return done(undefined);
    return shaped(schema, body.value, tried, where(path));
  };

  const write = async <T>(request: ConsoleRequest, schema: z.ZodMiniType<T>): Promise<Outcome<T>> => {
    if (readOnly) return readOnlyProblem(request.tried);
    const body = await session.json({ repeatable: false, ...request });
    return body.ok ? shaped(schema, body.value, request.tried, where(request.path)) : body;
  };

  const writeOnly = async (request: ConsoleRequest): Promise<Outcome<void>> => {
    const answer = await write(request, z.unknown());
    return answer.ok ? done(undefined) : answer;
  };

  /** imported reads an import's answer: a failed one comes with status 400 and a body of the same shape. */
  const imported = async (path: string, body: unknown, tried: string): Promise<Outcome<Import>> => {
    if (readOnly) return readOnlyProblem(tried);
    const response = await session.answer({ method: 'POST', path, ...(body === undefined ? {} : { body }), tried, repeatable: false });
    if (!response.ok) return response;
    const json = jsonAt(response.value, tried, where(path));
    if (!json.ok) return json;
    const refused = response.value.status >= 400 && mappingOf(json.value)['status'] !== 'failed';
    if (refused) return failed(refusal(response.value, tried, where(path)));
    return shaped(importShape, json.value, tried, where(path));
  };

  return {
    app: (app) => readOptional(`/apps/${app}`, appShape, `read app ${app}`, ['app_not_found', 'not_found']),
    draft: (app) => readOptional(`/apps/${app}/workflows/draft`, workflowShape, `read the draft of app ${app}`, ['draft_workflow_not_exist']),
    published: (app) => readOptional(`/apps/${app}/workflows/publish`, workflowShape, `read the published version of app ${app}`, []),
    versions: async (app, page) => {
      const list = await read(`/apps/${app}/workflows?page=${page}&limit=20`, workflowPageShape, `list the versions of app ${app}`);
      if (!list.ok) return list;
      // The draft's row comes first, since "draft" sorts after timestamps.
      return done({ items: list.value.items.filter((item) => item.version !== 'draft'), more: list.value.has_more });
    },
    exportDsl: async (app, workflow) => {
      const query = workflow === undefined ? '' : `&workflow_id=${workflow}`;
      const answer = await read(`/apps/${app}/export?include_secret=false${query}`, exportShape, `export app ${app}`);
      return answer.ok ? done(answer.value.data) : answer;
    },
    keys: async (app) => {
      const answer = await read(`/apps/${app}/api-keys`, keysShape, `read the API keys of app ${app}`, true);
      return answer.ok ? done(answer.value.data.map((key) => key.token)) : answer;
    },
    runs: async (app, chat, lastId) => {
      const query = `triggered_from=app-run&limit=100${lastId === undefined ? '' : `&last_id=${lastId}`}`;
      const list = await read(`/apps/${app}${chat ? '/advanced-chat' : ''}/workflow-runs?${query}`, runPageShape, `read the runs of app ${app}`);
      return list.ok ? done({ items: list.value.data, more: list.value.has_more }) : list;
    },
    runError: async (app, run) => {
      const detail = await read(`/apps/${app}/workflow-runs/${run}`, runDetailShape, `read run ${run}`);
      return detail.ok ? done(detail.value.error) : detail;
    },
    draftSecrets: async (app) => {
      const list = await read(`/apps/${app}/workflows/draft/environment-variables`, secretsShape, `compare the secrets of app ${app}`, true);
      if (!list.ok) return list;
      return done(new Map(list.value.items.filter((item) => item.value_type === 'secret').map((item) => [item.id, String(item.value)])));
    },
    email: async () => {
      const profile = await read('/account/profile', profileShape, "read the account's profile");
      return profile.ok ? done(profile.value.email) : profile;
    },
    role: async (email) => {
      const members = await read('/workspaces/current/members', membersShape, "find the account's role in the workspace");
      if (!members.ok) return members;
      return done(members.value.accounts.find((one) => one.email.toLowerCase() === email.toLowerCase())?.role ?? '');
    },
    missingPlugins: async (app) => {
      const list = await read(`/apps/imports/${app}/check-dependencies`, dependenciesShape, `check the plugins that app ${app} needs`);
      return list.ok ? done(list.value.leaked_dependencies) : list;
    },
    importDsl: (yaml, app) =>
      imported('/apps/imports', { mode: 'yaml-content', yaml_content: yaml, ...(app === undefined ? {} : { app_id: app }) }, app === undefined ? 'create the app' : `write the draft of app ${app}`),
    confirmImport: (id) => imported(`/apps/imports/${id}/confirm`, undefined, 'confirm the import'),
    publish: (app, name, comment) =>
      writeOnly({ method: 'POST', path: `/apps/${app}/workflows/publish`, body: { marked_name: name, marked_comment: comment }, tried: `publish app ${app}` }),
    mark: (app, workflow, comment) =>
      writeOnly({ method: 'PATCH', path: `/apps/${app}/workflows/${workflow}`, body: { marked_comment: comment }, tried: `mark version ${workflow}`, repeatable: true }),
    restoreDraft: async (app, workflow) => {
      const draft = await write({ method: 'POST', path: `/apps/${app}/workflows/${workflow}/restore`, tried: `restore version ${workflow} into the draft` }, hashShape);
      return draft.ok ? done(draft.value.hash) : draft;
    },
    syncDraft: async (app, body) => {
      const written = await writeOnly({ method: 'POST', path: `/apps/${app}/workflows/draft`, body, tried: `write the draft of app ${app}` });
      if (written.ok || written.problem.category !== 'conflict') return written;
      return failed({ ...written.problem, reason: 'somebody changed the draft at the same moment', hint: 'Nothing was published. Run this again when nobody edits the app in Studio.' });
    },
    createKey: async (app) => {
      const key = await write({ method: 'POST', path: `/apps/${app}/api-keys`, tried: `create an API key of app ${app}`, handsOut: true }, keyShape);
      return key.ok ? done(key.value.token) : key;
    },
    showSite: (app) => writeOnly({ method: 'POST', path: `/apps/${app}/site-enable`, body: { enable_site: true }, tried: `switch on the page of app ${app}` }),
    deleteApp: async (app) => {
      const tried = `delete app ${app}`;
      if (readOnly) return readOnlyProblem(tried);
      const response = await session.answer({ method: 'DELETE', path: `/apps/${app}`, tried, repeatable: false });
      if (!response.ok) return response;
      return response.value.status >= 400 ? failed(refusal(response.value, tried, where(`/apps/${app}`))) : done(undefined);
    },
    configureModel: (app, model) => writeOnly({ method: 'POST', path: `/apps/${app}/model-config`, body: model, tried: `write the configuration of app ${app}` }),
  };
};
