import { randomUUID } from 'node:crypto';
import { structureComplaint, writeDraft } from './draft.ts';
import type { Dialect } from './dialect.ts';
import { compatibility, decryptDataset, readDsl } from './dsl.ts';
import { fields, isFields, isUuid, items, text, texts, type Fields } from './reading.ts';
import { isWorkflowMode, modes, newApp, type App, type Mode, type Store } from './store.ts';
import { readVariables } from './variables.ts';

/** Imported is Dify's answer to an import (1.12.1, services/app_dsl_service.py). */
export interface Imported {
  readonly id: string;
  readonly status: 'completed' | 'completed-with-warnings' | 'pending' | 'failed';
  readonly app_id: string | null;
  readonly app_mode?: string | null;
  readonly current_dsl_version: string;
  readonly imported_dsl_version: string;
  readonly error: string;
  readonly warnings?: readonly unknown[];
  readonly permission_keys?: readonly string[];
}

/** pendingMs is how long Dify remembers an import that waits, and what an imported file needs. */
const pendingMs = 10 * 60 * 1000;

const withoutLostDatasets = (node: unknown, workspace: string, { datasetIds }: Dialect): unknown => {
  const inner = fields(fields(node)['data']);
  if (inner['type'] !== 'knowledge-retrieval' || datasetIds === 'plain') return node;
  const kept = texts(inner['dataset_ids']).flatMap((id) => (datasetIds === 'encrypted' && isUuid(id) ? [] : (decryptDataset(id, workspace) ?? [])));
  return { ...fields(node), data: { ...inner, dataset_ids: kept } };
};

/** ownGraph is a file's graph without the knowledge bases of other workspaces. */
const ownGraph = (graph: Fields, workspace: string, dialect: Dialect): Fields => {
  const { nodes } = graph;
  return Array.isArray(nodes) ? { ...graph, nodes: nodes.map((node) => withoutLostDatasets(node, workspace, dialect)) } : graph;
};

/** Importer takes DSL files in, as the console's import does. */
export class Importer {
  readonly #store: Store;
  readonly #workspace: string;
  readonly #dialect: Dialect;
  readonly #pending = new Map<string, { readonly request: Fields; readonly until: number }>();
  readonly #needs = new Map<string, { readonly dependencies: readonly unknown[]; readonly until: number }>();

  constructor(store: Store, workspace: string, dialect: Dialect) {
    this.#store = store;
    this.#workspace = workspace;
    this.#dialect = dialect;
  }

  /** take imports `yaml_content`; a newer file waits to be confirmed. An address is never opened. */
  take(request: Fields): Imported {
    const id = randomUUID();
    if (request['mode'] === 'yaml-url') return this.#failed(id, 'Error fetching YAML from URL: the lab opens no addresses');
    const content = text(request['yaml_content']);
    if (content === '') return this.#failed(id, 'yaml_content is required when import_mode is yaml-content');
    const dsl = readDsl(content);
    if (typeof dsl === 'string') return this.#failed(id, dsl);
    const compatible = compatibility(dsl['version'], this.#dialect);
    const problem = 'refused' in compatible ? compatible.refused : this.#targetComplaint(dsl, request);
    if (problem !== undefined || 'refused' in compatible) return this.#failed(id, problem ?? '');
    if (compatible.status === 'pending') {
      this.#pending.set(id, { request, until: Date.now() + pendingMs });
      return { ...this.#answer(id), status: 'pending', app_id: text(request['app_id']) || null, imported_dsl_version: compatible.version };
    }
    const app = this.#write(dsl, request, items(dsl['dependencies']));
    if (typeof app === 'string') return this.#failed(id, app);
    return { ...this.#answer(id), status: compatible.status, ...this.#made(app), imported_dsl_version: compatible.version };
  }

  /** confirm finishes a pending import within ten minutes; its dependencies are not kept, as in Dify. */
  confirm(id: string): Imported {
    const waiting = this.#pending.get(id);
    if (waiting === undefined || waiting.until < Date.now()) return this.#failed(id, 'Import information expired or does not exist');
    const dsl = readDsl(text(waiting.request['yaml_content']));
    if (typeof dsl === 'string') return this.#failed(id, dsl);
    const app = this.#write(dsl, waiting.request, []);
    if (typeof app === 'string') return this.#failed(id, app);
    this.#pending.delete(id);
    const version = text(dsl['version']);
    return { ...this.#answer(id), status: 'completed', ...this.#made(app), imported_dsl_version: version === '' ? '0.1.0' : version };
  }

  /** dependenciesOf are those of an app's last file that named any, for ten minutes. */
  dependenciesOf(app: string): readonly unknown[] {
    const needs = this.#needs.get(app);
    return needs === undefined || needs.until < Date.now() ? [] : needs.dependencies;
  }

  #answer(id: string): Omit<Imported, 'status'> {
    return { id, app_id: null, ...(this.#dialect.importTellsMode ? { app_mode: null } : {}), current_dsl_version: this.#dialect.dsl, imported_dsl_version: '', error: '', ...(this.#dialect.importWarns ? { warnings: [], permission_keys: [] } : {}) };
  }

  #made(app: App): Pick<Imported, 'app_id' | 'app_mode'> {
    return { app_id: app.id, ...(this.#dialect.importTellsMode ? { app_mode: app.mode } : {}) };
  }

  #failed(id: string, error: string): Imported {
    return { ...this.#answer(id), status: 'failed', error };
  }

  #targetComplaint(dsl: Fields, request: Fields): string | undefined {
    if (!isFields(dsl['app']) || Object.keys(dsl['app']).length === 0) return 'Missing app data in YAML content';
    const target = text(request['app_id']);
    if (target === '') return undefined;
    const app = this.#store.get(target);
    if (app === undefined) return 'App not found';
    return isWorkflowMode(app.mode) ? undefined : 'Only workflow or advanced chat apps can be overwritten';
  }

  /** write makes or changes the app first and its content after, so that a bad file leaves an empty app behind, as in Dify. */
  #write(dsl: Fields, request: Fields, dependencies: readonly unknown[]): App | string {
    const given = fields(dsl['app']);
    const wanted = text(given['mode']);
    if (wanted === '') return 'loss app mode';
    const mode = modes.find((candidate) => candidate === wanted);
    if (mode === undefined) return `'${wanted}' is not a valid AppMode`;
    const app = this.#named(mode, given, request);
    if (dependencies.length > 0) {
      app.dependencies = dependencies;
      this.#needs.set(app.id, { dependencies, until: Date.now() + pendingMs });
    }
    const error = isWorkflowMode(mode) ? this.#writeWorkflow(app, dsl['workflow']) : this.#writeModelConfig(app, dsl['model_config']);
    return error ?? app;
  }

  #named(mode: Mode, given: Fields, request: Fields): App {
    const existing = this.#store.get(text(request['app_id']));
    const app = existing ?? newApp(mode, '');
    const chosen = (name: string, before: string): string => text(request[name]) || (name in given ? text(given[name]) : before);
    app.name = chosen('name', app.name);
    app.description = chosen('description', app.description);
    const iconType = text(request['icon_type']) || text(given['icon_type']);
    app.iconType = ['emoji', 'image', 'link'].includes(iconType) ? iconType : 'emoji';
    app.icon = text(request['icon']) || text(given['icon']);
    app.iconBackground = chosen('icon_background', app.iconBackground);
    app.updatedAt = Date.now();
    if (existing === undefined) {
      app.iconAsAnswer = given['use_icon_as_answer_icon'] === true;
      this.#store.add(app);
    }
    return app;
  }

  #writeWorkflow(app: App, given: unknown): string | undefined {
    if (!isFields(given) || Object.keys(given).length === 0) return 'Missing workflow data for workflow/advanced chat app';
    const environment = readVariables(given['environment_variables'], 'env');
    if (typeof environment === 'string') return environment;
    const conversation = readVariables(given['conversation_variables'], 'conversation');
    if (typeof conversation === 'string') return conversation;
    if (!isWorkflowMode(app.mode)) return `Invalid app mode: ${app.mode}`;
    const graph = ownGraph(fields(given['graph']), this.#workspace, this.#dialect);
    const complaint = structureComplaint(graph, this.#dialect);
    if (complaint !== undefined) return complaint;
    writeDraft(app, { graph, features: fields(given['features']), environment, conversation });
    return undefined;
  }

  #writeModelConfig(app: App, given: unknown): string | undefined {
    if (!isFields(given) || Object.keys(given).length === 0) return 'Missing model_config for chat/agent-chat/completion app';
    app.modelConfig ??= { id: randomUUID(), config: given, updatedAt: Date.now() };
    return undefined;
  }
}
