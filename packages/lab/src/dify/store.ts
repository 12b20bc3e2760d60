import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { isFields, type Fields } from './reading.ts';
import type { Variable } from './variables.ts';

/** Mode is an app's mode. */
export const modes = ['workflow', 'advanced-chat', 'chat', 'agent-chat', 'completion'] as const;
export type Mode = (typeof modes)[number];

/** Workflow is the draft or one published version. Times are milliseconds since 1970. */
export interface Workflow {
  readonly id: string;
  /** version is `draft` or the time of publishing as text. */
  readonly version: string;
  graph: Fields;
  features: Fields;
  environment: readonly Variable[];
  conversation: readonly Variable[];
  markedName: string;
  markedComment: string;
  readonly createdAt: number;
  updatedAt: number;
  updated: boolean;
}

/** ApiKey is one key of an app's service API. */
export interface ApiKey {
  readonly id: string;
  readonly token: string;
  readonly createdAt: number;
  lastUsedAt: number | undefined;
}

/** RunRecord is what the platform remembers of one run. */
export interface RunRecord {
  readonly id: string;
  readonly workflowId: string;
  readonly version: string;
  readonly triggeredFrom: 'debugging' | 'app-run';
  /** user is the end user's name for himself; absent for runs of the account. */
  readonly user: string | undefined;
  readonly inputs: Fields;
  readonly createdAt: number;
  readonly conversationId?: string;
  readonly messageId?: string;
  status: string;
  outputs: Fields;
  error: string | null;
  elapsedSeconds: number;
  tokens: number;
  steps: number;
  exceptions: number;
  finishedAt: number | undefined;
}

/** Conversation is one chat of one user, with the variables that last between its turns. */
export interface Conversation {
  readonly id: string;
  readonly user: string | undefined;
  turns: number;
  variables: Fields | undefined;
}

/** App is one app of the lab's only workspace. */
export interface App {
  readonly id: string;
  readonly mode: Mode;
  name: string;
  description: string;
  iconType: string;
  icon: string;
  iconBackground: string;
  iconAsAnswer: boolean;
  enableSite: boolean;
  enableApi: boolean;
  draft: Workflow | undefined;
  /** versions are the published ones, oldest first. */
  versions: Workflow[];
  liveId: string | undefined;
  modelConfig: { readonly id: string; readonly config: Fields; readonly updatedAt: number } | undefined;
  keys: ApiKey[];
  dependencies: readonly unknown[];
  runs: RunRecord[];
  readonly conversations: Map<string, Conversation>;
  readonly createdAt: number;
  updatedAt: number;
}

/** newApp makes an app without content. */
export const newApp = (mode: Mode, name: string): App => {
  const now = Date.now();
  return {
    id: randomUUID(), mode, name, description: '', iconType: 'emoji', icon: '', iconBackground: '#FFFFFF',
    iconAsAnswer: false, enableSite: true, enableApi: true, draft: undefined, versions: [], liveId: undefined,
    modelConfig: undefined, keys: [], dependencies: [], runs: [], conversations: new Map(), createdAt: now, updatedAt: now,
  };
};

/** newKey makes an API key; `app-` and 24 letters and digits, as Dify's. */
export const newKey = (): ApiKey => ({
  id: randomUUID(),
  token: `app-${randomBytes(32).toString('base64').replace(/[^A-Za-z0-9]/g, '').slice(0, 24).padEnd(24, 'x')}`,
  createdAt: Date.now(),
  lastUsedAt: undefined,
});

/** isWorkflowMode says whether an app has a draft and versions. */
export const isWorkflowMode = (mode: string): boolean => mode === 'workflow' || mode === 'advanced-chat';

const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, ordered(value[name])]));
};

/** hashOf is a workflow's hash: graph and features count, variables do not (1.9.1 to 1.13.3, models/workflow.py, `unique_hash`). */
export const hashOf = (workflow: Workflow): string =>
  createHash('sha256')
    .update(`${JSON.stringify(ordered({ graph: workflow.graph, features: workflow.features }))}None`)
    .digest('hex');

/** Store holds all apps of the lab. */
export class Store {
  readonly #apps = new Map<string, App>();
  #lastVersion = 0;

  add(app: App): void {
    this.#apps.set(app.id, app);
  }

  get(id: string): App | undefined {
    return this.#apps.get(id.toLowerCase());
  }

  remove(id: string): void {
    this.#apps.delete(id.toLowerCase());
  }

  /** all lists the apps, newest first. */
  all(): App[] {
    return [...this.#apps.values()].reverse();
  }

  /** byKey finds the app and the key of a service API token. */
  byKey(token: string): { app: App; key: ApiKey } | undefined {
    for (const app of this.#apps.values()) {
      const key = app.keys.find((candidate) => candidate.token === token);
      if (key !== undefined) return { app, key };
    }
    return undefined;
  }

  /** workflow finds a draft or version by its id alone, whatever app it belongs to. */
  workflow(id: string): { app: App; workflow: Workflow } | undefined {
    for (const app of this.#apps.values()) {
      const workflow = [app.draft, ...app.versions].find((candidate) => candidate?.id === id);
      if (workflow !== undefined) return { app, workflow };
    }
    return undefined;
  }

  /** publish copies the draft into a new version and makes it live at once. */
  publish(app: App, draft: Workflow, markedName: string, markedComment: string): Workflow {
    const now = Date.now();
    // Two versions never share their microsecond, because the list is ordered by this text.
    this.#lastVersion = Math.max(now * 1000, this.#lastVersion + 1);
    const time = new Date(Math.floor(this.#lastVersion / 1000)).toISOString().slice(0, 23).replace('T', ' ');
    const version = `${time}${String(this.#lastVersion % 1000).padStart(3, '0')}`;
    const published: Workflow = {
      ...structuredClone(draft), id: randomUUID(), version, markedName, markedComment, createdAt: now, updatedAt: now, updated: false,
    };
    app.versions.push(published);
    app.liveId = published.id;
    app.updatedAt = now;
    return published;
  }
}
