import type { Faults } from '../faults.ts';
import { startServer, type LabRequest } from '../server.ts';
import { missingPage, send, type Answer, type Refused } from './answer.ts';
import { answerConsole } from './console/index.ts';
import { dialectOf, type DifyVersion } from './dialect.ts';
import { readDsl } from './dsl.ts';
import { Importer } from './importer.ts';
import { answerService } from './service/index.ts';
import { newAccount, Sessions } from './sessions.ts';
import { State } from './state.ts';
import { fields } from './reading.ts';
import { hashOf, isWorkflowMode, newKey, Store, type App } from './store.ts';
import { Workspace, type Stock } from './workspace.ts';

export type { Stock } from './workspace.ts';
export { difyVersions, type DifyVersion } from './dialect.ts';

/** LabDify is a Dify on loopback: the console at `origin` (/console/api), the service API at `origin`/v1. */
export interface LabDify {
  readonly origin: string;
  /** version is the Dify version whose rules hold, as every answer's X-Version header says. */
  readonly version: string;
  readonly credentials: { readonly email: string; readonly password: string; readonly adminKey: string; readonly workspaceId: string;
    /** members are the accounts below the owner, by role. */
    readonly members: Readonly<Record<string, { readonly email: string; readonly password: string }>>;
  };
  /** createApp imports and publishes a DSL as people have done before Sluice came. A file that Dify refuses is thrown as an error. */
  createApp(dsl: string, options?: { readonly publish?: boolean }): { appId: string; apiKey: string; published?: string };
  /** stock gives the workspace knowledge bases, tools, models and subscriptions by the names that a release will look up. */
  stock(stock: Stock): void;
  /** setFaults makes every version misbehave whose content is not that of `except` (a published id). */
  setFaults(appId: string, except: string | undefined, faults: Faults): void;
  /** sameContent compares two versions by what they run; a restored version is the same as the one it was made from. */
  sameContent(appId: string, one: string, other: string): boolean;
  /** served counts answered service-API runs by version id (for proving a split). */
  served(appId: string): Record<string, number>;
  /** published is the id that is live by default, read from the lab's own store. */
  published(appId: string): string | undefined;
  /** standIns names the nodes that answered with a stand-in since the start: `llm "Answer"`. */
  standIns(): string[];
  close(): Promise<void>;
}

/** LabDifyOptions sets the lab's pace and its Dify version. */
export interface LabDifyOptions {
  /** timeScale divides every wait; 1 is real time. */
  readonly timeScale?: number;
  /** usualLatencyMs is the usual time of one model call, before timeScale; 40 when absent. */
  readonly usualLatencyMs?: number;
  /** version is the release whose rules hold; 1.12.1 when absent. */
  readonly version?: DifyVersion;
  /** latencyMs passes before each answer, in real time; 0 when absent. */
  readonly latencyMs?: number;
}

const page: Answer = {
  status: 200,
  page: '<!DOCTYPE html><html lang="en"><head><title>Dify</title></head><body><div id="app"></div></body></html>',
};

const answer = (state: State, request: LabRequest): Answer | Refused | Promise<Answer | Refused> => {
  const below = (prefix: string): string | undefined => (request.path.startsWith(`${prefix}/`) ? request.path.slice(prefix.length) : undefined);
  const consolePath = below('/console/api');
  if (consolePath !== undefined) return answerConsole(state, request, consolePath);
  const servicePath = below('/v1');
  if (servicePath !== undefined) return answerService(state, request, servicePath);
  // Dify's nginx sends everything else to the web app, /health too.
  return below('/api') !== undefined || below('/files') !== undefined ? missingPage : page;
};

const createApp = (state: State, dsl: string, publish: boolean): { appId: string; apiKey: string; published?: string } => {
  state.workspace.furnish(fields(readDsl(dsl)));
  const taken = state.importer.take({ mode: 'yaml-content', yaml_content: dsl });
  const imported = taken.status === 'pending' ? state.importer.confirm(taken.id) : taken;
  const app = imported.status === 'failed' ? undefined : state.store.get(imported.app_id ?? '');
  if (app === undefined) throw new Error(`the lab's Dify refuses the DSL: ${imported.error}`);
  const key = newKey();
  app.keys.push(key);
  const published = publish && app.draft !== undefined ? state.store.publish(app, app.draft, '', '') : undefined;
  return { appId: app.id, apiKey: key.token, ...(published === undefined ? {} : { published: published.id }) };
};

const known = (state: State, appId: string): App => {
  const app = state.store.get(appId);
  if (app === undefined) throw new Error(`the lab has no app ${appId}`);
  return app;
};

/** contentOf identifies what a version runs; a version of an app without a workflow is its own content. */
const contentOf = (app: App, version: string | undefined): string | undefined => {
  const workflow = app.versions.find(({ id }) => id === version);
  return workflow === undefined ? version : hashOf(workflow);
};

/** startLabDify starts a Dify on a free port of 127.0.0.1 with one owner, one workspace and random credentials. */
export const startLabDify = async (options: LabDifyOptions = {}): Promise<LabDify> => {
  const { version = '1.12.1', timeScale = 1, usualLatencyMs = 40, latencyMs = 0 } = options;
  const dialect = dialectOf(version);
  const account = newAccount();
  const store = new Store();
  const importer = new Importer(store, account.workspaceId, dialect);
  const sessions = new Sessions(account, dialect);
  const workspace = new Workspace();
  const state = new State({ dialect, store, importer, sessions, workspace, usualLatencyMs, timeScale });
  const server = await startServer(async (request, response) => send(await answer(state, request), response, dialect), { latencyMs });
  const { email, password, adminKey, workspaceId } = account;
  return {
    origin: server.origin,
    version,
    credentials: {
      email, password, adminKey, workspaceId,
      members: Object.fromEntries(sessions.members.filter((one) => one !== account).map((one) => [one.role, { email: one.email, password: one.password }])),
    },
    createApp: (dsl, { publish = true } = {}) => createApp(state, dsl, publish),
    stock: (stock) => workspace.stock(stock),
    setFaults: (appId, except, faults) => state.misbehaviour.set(appId, contentOf(known(state, appId), except), faults),
    sameContent: (appId, one, other) => contentOf(known(state, appId), one) === contentOf(known(state, appId), other),
    served: (appId) => state.servedBy(known(state, appId).id),
    published: (appId) => {
      const app = known(state, appId);
      return isWorkflowMode(app.mode) ? app.liveId : app.modelConfig?.id;
    },
    standIns: () => [...state.standIns],
    close: async () => {
      state.shut();
      await server.close();
    },
  };
};
