import { isMapping, mapMappings, mappingOf, textOf, type Mapping } from './shape.ts';

/** ToolUse is one use of a tool provider: in a tool node, in an agent node or in `agent_mode`. */
export interface ToolUse {
  /** id is what the server finds the provider by: a UUID, an MCP server's identifier or `org/plugin/provider`. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
}

/** toolUse reads a use of a tool; undefined when the object is none. Agent nodes keep the id under `provider_name`. */
export const toolUse = (mapping: Mapping): ToolUse | undefined => {
  if (typeof mapping['tool_name'] !== 'string') return undefined;
  const { provider_id: id, provider_name: name } = mapping;
  const type = textOf(mapping['provider_type']) || textOf(mapping['type']);
  if (typeof id === 'string') return { id, name: textOf(name), type };
  return typeof name === 'string' ? { id: name, name: textOf(mapping['provider_show_name']), type } : undefined;
};

/** withTool points a use of a tool at another provider. */
export const withTool = (mapping: Mapping, id: string): Mapping =>
  typeof mapping['provider_id'] === 'string' ? { ...mapping, provider_id: id } : { ...mapping, provider_name: id };

/** ModelUse is one use of a model. */
export interface ModelUse {
  readonly provider: string;
  readonly name: string;
  /** kind is the server's model type. */
  readonly kind: ModelKind;
}

/** ModelKind is a type of models, by the server's name (Dify 1.12.1, api/core/model_runtime/entities/model_entities.py ModelType). */
export type ModelKind = (typeof modelKinds)[number];

const modelKinds = ['llm', 'rerank', 'text-embedding', 'speech2text', 'moderation', 'tts'] as const;

/**
 * modelUse reads a use of a model. Nodes and `model_config` have `provider` and `name`, agents and rerankers `provider` and
 * `model`, weights of a knowledge node name an embedding model, and chat apps name their reranker in words of its own.
 */
export const modelUse = (mapping: Mapping): ModelUse | undefined => {
  const { provider, name, model, embedding_provider_name: embedder, embedding_model_name: embedding } = mapping;
  if (typeof embedder === 'string' && typeof embedding === 'string') return { provider: embedder, name: embedding, kind: 'text-embedding' };
  const { reranking_provider_name: reranker, reranking_model_name: reranking } = mapping;
  if (typeof reranker === 'string' && typeof reranking === 'string') return { provider: reranker, name: reranking, kind: 'rerank' };
  if (typeof provider !== 'string') return undefined;
  if (typeof name === 'string') return { provider, name, kind: 'llm' };
  if (typeof model !== 'string') return undefined;
  return { provider, name: model, kind: modelKinds.find((kind) => kind === mapping['model_type']) ?? 'rerank' };
};

/** withModel points a use of a model at another one. */
export const withModel = (mapping: Mapping, provider: string, name: string): Mapping => {
  if (typeof mapping['embedding_model_name'] === 'string') return { ...mapping, embedding_provider_name: provider, embedding_model_name: name };
  if (typeof mapping['reranking_model_name'] === 'string') return { ...mapping, reranking_provider_name: provider, reranking_model_name: name };
  return typeof mapping['name'] === 'string' ? { ...mapping, provider, name } : { ...mapping, provider, model: name };
};

/** splitModel splits `org/plugin/provider/name`, the form with a provider of Dify >= 1.0; anything else is a name alone. */
export const splitModel = (text: string): { readonly provider?: string; readonly name: string } => {
  const parts = text.split('/');
  return parts.length < 4 ? { name: text } : { provider: parts.slice(0, 3).join('/'), name: parts.slice(3).join('/') };
};

/** datasetUses lists the dataset ids that an object names: `dataset_ids` of a node, or the `dataset` of a chat app. */
export const datasetUses = (mapping: Mapping): readonly string[] => {
  const { dataset_ids: ids, dataset } = mapping;
  return [...(Array.isArray(ids) ? ids.map(textOf) : []), ...(isMapping(dataset) ? [textOf(dataset['id'])] : [])].filter((id) => id !== '');
};

/** withDatasetIds rewrites the dataset ids of an object. */
export const withDatasetIds = (mapping: Mapping, other: (id: string) => string): Mapping => {
  const { dataset_ids: ids, dataset } = mapping;
  return {
    ...mapping,
    ...(Array.isArray(ids) ? { dataset_ids: ids.map((id: unknown) => other(textOf(id))) } : {}),
    ...(isMapping(dataset) ? { dataset: { ...dataset, id: other(textOf(dataset['id'])) } } : {}),
  };
};

/** usesIn collects what `read` finds in a file, in the order of the file. */
export const usesIn = <T>(root: Mapping, read: (mapping: Mapping) => readonly T[]): readonly T[] => {
  const found: T[] = [];
  mapMappings(root, (mapping) => {
    found.push(...read(mapping));
    return mapping;
  });
  return found;
};

/** rewritten rebuilds a file with every object passed through `change`. */
export const rewritten = (root: Mapping, change: (mapping: Mapping) => Mapping): Mapping => mappingOf(mapMappings(root, change));
