import { hasGraph, type Mode } from './dsl.ts';
import { dataPath, readGraph } from './rules/graph.ts';
import type { Path } from './rules/report.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';
import type { DifySource } from './source.ts';
import { datasetUses, modelUse, toolUse, type ModelUse, type ToolUse } from './workspace-names.ts';

/** Use is one place in a file that needs something of its workspace. */
export interface Use<T> {
  readonly what: T;
  readonly path: Path;
  /** node is the title of the node; empty where the app itself needs it. */
  readonly node: string;
  /** reached is false in nodes that never run. */
  readonly reached: boolean;
}

/** ToolNeed is a tool of a provider. */
export interface ToolNeed extends ToolUse {
  readonly tool: string;
}

/** StrategyNeed is the strategy of an agent node, by the provider's whole name. */
export interface StrategyNeed {
  readonly provider: string;
  readonly name: string;
}

/** TriggerNeed is what starts a run from outside; `subscription` is empty in an export. */
export interface TriggerNeed {
  readonly provider: string;
  readonly event: string;
  readonly subscription: string;
}

/** PluginNeed is a declared dependency, as in `langgenius/openai:0.2.7@…`. */
export interface PluginNeed {
  readonly plugin: string;
  readonly identifier: string;
  readonly version: string;
}

/** Needs are what an app needs of its workspace, each use with its place in the file. */
export interface Needs {
  readonly models: readonly Use<ModelUse>[];
  /** defaults are the kinds of models that the workspace chooses. */
  readonly defaults: readonly Use<Spoken>[];
  readonly tools: readonly Use<ToolNeed>[];
  readonly datasets: readonly Use<string>[];
  readonly strategies: readonly Use<StrategyNeed>[];
  readonly triggers: readonly Use<TriggerNeed>[];
  readonly plugins: readonly Use<PluginNeed>[];
}

interface Place {
  readonly path: Path;
  readonly node: string;
  readonly reached: boolean;
}

/** without takes what never runs out of an object: what is switched off, and the part of a retrieval that another mode has (Dify 1.12.1, KnowledgeRetrievalNode). */
const without = (mapping: Mapping): ReadonlySet<string> => {
  const { retrieval_mode: retrieval, metadata_filtering_mode: filtering, reranking_enable: reranks, reranking_mode: reranking } = mapping;
  return new Set([
    ...(retrieval === 'multiple' ? ['single_retrieval_config'] : retrieval === 'single' ? ['multiple_retrieval_config'] : []),
    ...(filtering === 'automatic' ? [] : ['metadata_model_config']),
    ...(reranks === false ? ['reranking_model', 'weights'] : reranking === 'weighted_score' ? ['reranking_model'] : ['weights']),
  ]);
};

/** walk visits every object below a value that can play a part in a run. */
const walk = (value: unknown, path: Path, visit: (mapping: Mapping, path: Path) => void): void => {
  if (Array.isArray(value)) return listOf(value).forEach((item, index) => walk(item, [...path, index], visit));
  if (!isMapping(value) || value['enabled'] === false) return;
  visit(value, path);
  const idle = without(value);
  for (const [key, item] of Object.entries(value)) if (typeof item === 'object' && !idle.has(key)) walk(item, [...path, key], visit);
};

const identifierKeys = ['marketplace_plugin_unique_identifier', 'github_plugin_unique_identifier', 'plugin_unique_identifier'];

/** pluginNeed reads an identifier: the plugin, its version, and the digest of its content where the file has one. */
export const pluginNeed = (identifier: string): PluginNeed => ({ plugin: identifier.replace(/[:@].*$/, ''), identifier, version: /:([^@]+)/.exec(identifier)?.[1] ?? '' });

const placesOf = (mode: Mode, root: Mapping): readonly (Place & { readonly value: unknown })[] => {
  if (!hasGraph(mode)) {
    // Only an agent reads `agent_mode`; the other chat apps keep what it said when they were one.
    const { agent_mode: agent, ...rest } = mappingOf(root['model_config']);
    return [{ path: ['model_config'], node: '', reached: true, value: mode === 'agent-chat' ? { ...rest, agent_mode: agent } : rest }];
  }
  const workflow = mappingOf(root['workflow']);
  const { nodes, reached } = readGraph(mode, mappingOf(workflow['graph']));
  return [
    ...nodes.map((node) => ({ path: dataPath(node), node: node.title, reached: reached.has(node.id), value: node.data })),
    { path: ['workflow', 'features'], node: '', reached: true, value: workflow['features'] },
  ];
};

/** Spoken are the models that the workspace chooses. */
type Spoken = 'tts' | 'speech2text';

const speech: readonly (readonly [key: string, kind: Spoken])[] = [['text_to_speech', 'tts'], ['speech_to_text', 'speech2text']];

const spoken = (features: Mapping): typeof speech => speech.filter(([key]) => mappingOf(features[key])['enabled'] === true);

const pluginsOf = (root: Mapping): readonly Use<PluginNeed>[] =>
  listOf(root['dependencies']).flatMap((item, index) => {
    const value = mappingOf(mappingOf(item)['value']);
    const identifier = identifierKeys.map((key) => textOf(value[key])).find((text) => text !== '');
    return identifier === undefined ? [] : [{ what: pluginNeed(identifier), path: ['dependencies', index], node: '', reached: true }];
  });

/** needsOf collects what a file needs. Datasets are needed wherever they are named, since an import changes their ids everywhere. */
export const needsOf = ({ mode, root }: DifySource): Needs => {
  const models: Use<ModelUse>[] = [];
  const defaults: Use<Spoken>[] = [];
  const tools: Use<ToolNeed>[] = [];
  const datasets: Use<string>[] = [];
  const strategies: Use<StrategyNeed>[] = [];
  const triggers: Use<TriggerNeed>[] = [];
  for (const { value, ...place } of placesOf(mode, root)) {
    if (place.node === '') defaults.push(...spoken(mappingOf(value)).map(([key, what]) => ({ ...place, path: [...place.path, key], what })));
    walk(value, place.path, (mapping, path) => {
      const at = { ...place, path };
      const [model, tool] = [modelUse(mapping), toolUse(mapping)];
      if (model !== undefined && model.provider !== '' && model.name !== '') models.push({ ...at, what: model });
      if (tool !== undefined && tool.id !== '') tools.push({ ...at, what: { ...tool, tool: textOf(mapping['tool_name']) } });
      datasets.push(...datasetUses(mapping).map((what) => ({ ...at, what })));
      const { agent_strategy_provider_name: provider, agent_strategy_name: name, type } = mapping;
      if (typeof provider === 'string' && provider !== '') strategies.push({ ...at, what: { provider, name: textOf(name) } });
      if (type === 'trigger-plugin') {
        triggers.push({ ...at, what: { provider: textOf(mapping['provider_id']), event: textOf(mapping['event_name']), subscription: textOf(mapping['subscription_id']) } });
      }
    });
  }
  return { models, defaults, tools, datasets, strategies, triggers, plugins: pluginsOf(root) };
};

/** needNames are the kinds of things that a source needs, in the order in which they are asked for. */
export const needNames = (source: DifySource): readonly string[] => {
  const { models, defaults, tools, datasets, strategies, triggers, plugins } = needsOf(source);
  const kinds: readonly (readonly [string, number])[] = [
    ['plugins', plugins.length],
    ['models', models.length + defaults.length],
    ['tools', tools.length],
    ['agent strategies', strategies.length],
    ['datasets', datasets.length],
    ['triggers', triggers.length],
  ];
  return ['DSL version', ...kinds.filter(([, count]) => count > 0).map(([name]) => name)];
};
