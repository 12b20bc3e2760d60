import { randomUUID } from 'node:crypto';
import { fields, isFields, isUuid, items, text, texts, type Fields } from './reading.ts';

/** Dataset is a knowledge base: it has a name, and nothing in it. */
export interface Dataset {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly permission: string;
  readonly indexing: string | null;
  readonly createdAt: number;
}

/** ToolProvider is one of the workspace's own: an API, a published workflow or an MCP server. */
export interface ToolProvider {
  readonly id: string;
  readonly type: 'api' | 'workflow' | 'mcp';
  readonly name: string;
  readonly description: string;
  /** identifier is by what files name an MCP server. */
  readonly identifier?: string;
  /** app and version are the published workflow that is the tool. */
  readonly app?: string;
  readonly version?: string;
  /** tools are the names of its tools. */
  readonly tools?: readonly string[];
}

/** Stock is what a workspace has before a release, by the names or ids that a release gives. */
export interface Stock {
  readonly datasets?: readonly string[];
  readonly tools?: readonly string[];
  readonly models?: readonly string[];
  /** triggers are subscriptions, of whichever provider is asked for. */
  readonly triggers?: readonly string[];
  /** plugins are whole identifiers of installed ones. */
  readonly plugins?: readonly string[];
  /** provided is what plugins bring, by the whole id of their provider: names of tools, of strategies of agents, of events of triggers. */
  readonly provided?: Readonly<Record<string, Provided>>;
  /** states are those of models that cannot be used, or are deprecated, by `provider/name`. */
  readonly states?: Readonly<Record<string, ModelState>>;
  /** chosen are the models that the workspace has chosen for a kind. */
  readonly chosen?: Readonly<Record<string, string>>;
}

/** ModelState is a model's state as the console has it; `deprecated` models run, and are in no list of usable ones. */
export type ModelState = 'active' | 'no-configure' | 'quota-exceeded' | 'no-permission' | 'disabled' | 'credential-removed' | 'deprecated';

/** Provided are the names of what a plugin's provider brings. */
export interface Provided {
  readonly tools?: readonly string[];
  readonly strategies?: readonly string[];
  readonly events?: readonly string[];
  /** authorized is false where its tools still lack their credentials. */
  readonly authorized?: boolean;
}

const ownProvider = 'langgenius/openai/openai';

const identifierOf = (dependency: unknown): string => {
  const value = fields(fields(dependency)['value']);
  const names = ['marketplace_plugin_unique_identifier', 'github_plugin_unique_identifier', 'plugin_unique_identifier'];
  return names.map((name) => text(value[name])).find((identifier) => identifier !== '') ?? '';
};

const pluginOf = (identifier: string): string => identifier.replace(/:.*$/, '');

const mappingsIn = (value: unknown): readonly Fields[] => {
  if (Array.isArray(value)) return value.flatMap(mappingsIn);
  return isFields(value) ? [value, ...Object.values(value).flatMap(mappingsIn)] : [];
};

/** Workspace is what the lab's only workspace has besides its apps: knowledge bases, tools, models, subscriptions, plugins. */
export class Workspace {
  readonly datasets = new Map<string, Dataset>();
  readonly tools = new Map<string, ToolProvider>();
  /** models are the names of usable models by provider; each is of every kind. */
  readonly models = new Map<string, Set<string>>([[ownProvider, new Set(['gpt-4o-mini', 'gpt-4o', 'gpt-4.1'])]]);
  readonly subscriptions = new Map<string, string>();
  readonly states = new Map<string, ModelState>();
  readonly provided = new Map<string, Provided>();
  readonly chosen = new Map<string, string>();
  /** plugins are the identifiers of installed plugins, by plugin. */
  readonly #plugins = new Map<string, string>();

  addDataset(name: string, given: Partial<Dataset> = {}): Dataset {
    const dataset: Dataset = { id: randomUUID(), name, description: '', permission: 'only_me', indexing: null, createdAt: Date.now(), ...given };
    this.datasets.set(dataset.id, dataset);
    return dataset;
  }

  addTool(given: Omit<ToolProvider, 'id'>): ToolProvider {
    const tool = { id: randomUUID(), ...given };
    this.tools.set(tool.id, tool);
    return tool;
  }

  addModel(provider: string, name: string): void {
    this.models.set(provider, (this.models.get(provider) ?? new Set()).add(name));
  }

  /** stock gives the workspace what a release will name. */
  stock({ datasets = [], tools = [], models = [], triggers = [], plugins = [], provided = {}, states = {}, chosen = {} }: Stock): void {
    for (const identifier of plugins) this.#plugins.set(pluginOf(identifier), identifier);
    for (const [provider, brings] of Object.entries(provided)) this.provided.set(provider, brings);
    for (const [model, state] of Object.entries(states)) this.states.set(model, state);
    for (const [kind, model] of Object.entries(chosen)) this.chosen.set(kind, model);
    for (const name of datasets) this.addDataset(name, isUuid(name) ? { id: name.toLowerCase() } : {});
    for (const name of tools) {
      for (const type of ['api', 'workflow', 'mcp'] as const) this.addTool({ type, name, description: '', ...(type === 'mcp' ? { identifier: name } : {}) });
    }
    for (const name of models) {
      const at = name.lastIndexOf('/');
      this.addModel(at < 0 ? ownProvider : name.slice(0, at), name.slice(at + 1));
    }
    for (const name of triggers) this.subscriptions.set(randomUUID(), name);
  }

  /** furnish gives the workspace what an app's file takes for granted: its models, its knowledge bases, its plugins. */
  furnish(dsl: Fields): void {
    for (const dependency of items(dsl['dependencies'])) {
      const identifier = identifierOf(dependency);
      if (identifier !== '') this.#plugins.set(pluginOf(identifier), identifier);
    }
    for (const mapping of mappingsIn(dsl)) {
      const name = text(mapping['name']) || text(mapping['model']);
      if (text(mapping['provider']).includes('/') && name !== '') this.addModel(text(mapping['provider']), name);
      const tool = text(mapping['tool_name']);
      const type = text(mapping['provider_type']) || text(mapping['type']);
      const provider = text(mapping['provider_id']) || text(mapping['provider_name']);
      if (tool !== '' && provider.includes('/') && (type === 'builtin' || type === 'plugin')) this.#brings(provider, 'tools', tool);
      if (text(mapping['agent_strategy_provider_name']) !== '') this.#brings(text(mapping['agent_strategy_provider_name']), 'strategies', text(mapping['agent_strategy_name']));
      if (type === 'trigger-plugin' && provider !== '') this.#brings(provider, 'events', text(mapping['event_name']));
      const ids = [...texts(mapping['dataset_ids']), text(fields(mapping['dataset'])['id'])];
      for (const id of ids) if (isUuid(id) && !this.datasets.has(id.toLowerCase())) this.addDataset(`Knowledge ${id.slice(0, 8)}`, { id: id.toLowerCase() });
    }
  }

  /** installed are the identifiers of all plugins. */
  get installed(): readonly string[] {
    return [...this.#plugins.values()];
  }

  /** brings adds what a plugin's provider brings to what it has brought before. */
  #brings(provider: string, kind: 'tools' | 'strategies' | 'events', name: string): void {
    const before = this.provided.get(provider) ?? {};
    this.provided.set(provider, { ...before, [kind]: [...new Set([...(before[kind] ?? []), name])] });
  }

  /** leaked are those of a file's dependencies that are not installed in just this version, with the one that is. */
  leaked(dependencies: readonly unknown[], tellsVersions: boolean): readonly Fields[] {
    return dependencies.flatMap((dependency) => {
      const identifier = identifierOf(dependency);
      const installed = this.#plugins.get(pluginOf(identifier));
      if (installed === identifier) return [];
      const { type, value } = fields(dependency);
      const version = type === 'marketplace' ? (/:([^@]+)/.exec(identifier)?.[1] ?? null) : null;
      const told = type === 'github' || !tellsVersions ? {} : { version };
      return [{ type, value: { ...fields(value), ...told }, current_identifier: installed ?? null }];
    });
  }

  /** isTool says whether an app, or just this version of one, is published as a tool. */
  isTool(id: string): boolean {
    return [...this.tools.values()].some((tool) => tool.app === id || tool.version === id);
  }
}

/** needed keeps of a file's dependencies those whose plugin the content uses, as an export does. */
export const needed = (dependencies: readonly unknown[], content: unknown): readonly unknown[] => {
  const written = JSON.stringify(content);
  return dependencies.filter((dependency) => written.includes(`"${pluginOf(identifierOf(dependency))}/`));
};
