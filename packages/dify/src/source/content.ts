import { createHash } from 'node:crypto';
import { withoutBindings } from './bindings.ts';
import { graphEdges, hasGraph, type Mode } from './dsl.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/**
 * Content is what an app does, without layout and without secret values: the same for a DSL file and for what a
 * server gives back of it. Keys are unordered, nodes are keyed by id, variables by name.
 */
export interface Content {
  readonly mode: Mode;
  readonly nodes: Mapping;
  /** edges are `source handle target` texts, sorted, each once. */
  readonly edges: readonly string[];
  readonly features: Mapping;
  readonly environment: Mapping;
  readonly conversation: Mapping;
  /** model is the `model_config` of chat, agent-chat and completion apps; empty for graphs. */
  readonly model: Mapping;
}

const layoutKeys = new Set(['selected', 'width', 'height']);

/** nodeOf keeps what runs: React Flow's positions, sizes and `_`-marks are layout, and exports leave bindings out. */
const nodeOf = (item: unknown): [string, Mapping] => {
  const node = mappingOf(item);
  const data = Object.entries(withoutBindings(mappingOf(node['data']))).filter(([key]) => !key.startsWith('_') && !layoutKeys.has(key));
  const kept: Record<string, unknown> = { data: Object.fromEntries(data) };
  if (node['type'] !== undefined && node['type'] !== 'custom') kept['type'] = node['type'];
  if (textOf(node['parentId']) !== '') kept['parentId'] = node['parentId'];
  return [textOf(node['id']), kept];
};

/** featuresOf rewrites the old image upload as the server does when it reads it (Dify 1.12.1, api/models/workflow.py). */
const featuresOf = (value: unknown): Mapping => {
  const features = mappingOf(value);
  const upload = mappingOf(features['file_upload']);
  const image = mappingOf(upload['image']);
  if (image['enabled'] !== true) return features;
  return {
    ...features,
    file_upload: {
      ...Object.fromEntries(Object.entries(upload).filter(([key]) => key !== 'image')),
      enabled: true,
      number_limits: Number(image['number_limits'] ?? 3),
      allowed_file_upload_methods: image['transfer_methods'] ?? ['remote_url', 'local_file'],
      allowed_file_types: upload['allowed_file_types'] ?? ['image'],
      allowed_file_extensions: upload['allowed_file_extensions'] ?? [],
    },
  };
};

const variableOf = (item: unknown): [string, Mapping] => {
  const variable = mappingOf(item);
  const type = textOf(variable['value_type']);
  // Exports name the server's inner types; its API and the editor say `number`.
  const shown = type === 'integer' || type === 'float' ? 'number' : type;
  const name = textOf(variable['name']);
  if (type === 'secret') return [name, { type: shown }];
  return [name, { type: shown, value: variable['value'], description: textOf(variable['description']) }];
};

/** environmentVariableOf leaves the description out: it says nothing of the behaviour, and consoles before 1.6.0 do not show it. */
const environmentVariableOf = (item: unknown): [string, Mapping] => {
  const [name, variable] = variableOf(item);
  return [name, Object.fromEntries(Object.entries(variable).filter(([key]) => key !== 'description'))];
};

/** pruned drops what says nothing: null, empty texts, lists and objects, and switches that are off. */
const pruned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(pruned);
  if (!isMapping(value)) return value;
  if (value['enabled'] === false) return {};
  const entries = Object.entries(value)
    .map(([key, item]) => [key, pruned(item)] as const)
    .filter(([, item]) => !(item === null || item === undefined || item === '' || isEmpty(item)));
  return Object.fromEntries(entries);
};

const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isMapping(value) && Object.keys(value).length === 0;

/** absentModel is what the server shows for sections that a `model_config` does not have (Dify 1.12.1, AppModelConfig.to_dict). */
const absentModel: Mapping = {
  prompt_type: 'simple',
  dataset_configs: { retrieval_model: 'multiple' },
  retriever_resource: { enabled: true },
};

/** bookkeeping are keys of `model_config` that servers add and that say nothing of the app's behaviour. */
const bookkeeping = new Set(['created_by', 'created_at', 'updated_by', 'updated_at', 'annotation_reply']);

/** workflowContent gives the content of a `workflow` section or of a workflow in the console API's form. */
export const workflowContent = (mode: Mode, workflow: Mapping): Content => ({
  mode,
  nodes: Object.fromEntries(listOf(mappingOf(workflow['graph'])['nodes']).map(nodeOf)),
  edges: [...new Set(graphEdges(workflow['graph']).map((edge) => `${edge.source} ${edge.handle} ${edge.target}`))].sort(),
  // Imports fill in the features that a file leaves out, as switched off (Dify 1.12.1, WorkflowService.validate_features_structure).
  features: mappingOf(pruned(featuresOf(workflow['features']))),
  environment: Object.fromEntries(listOf(workflow['environment_variables']).map(environmentVariableOf)),
  conversation: Object.fromEntries(listOf(workflow['conversation_variables']).map(variableOf)),
  model: {},
});

/**
 * completeModel states the sections that a `model_config` leaves out as Dify reads them. Sent without them, an update of
 * an app would get other defaults than an import of the same file (Dify 1.12.1, AppModelConfigService.validate_configuration).
 */
export const completeModel = (model: Mapping): Mapping => ({ ...absentModel, ...model });

/** withoutEmptyDatasets drops the way to choose among no datasets, which an update adds. */
const withoutEmptyDatasets = (model: Mapping): Mapping => {
  const configs = mappingOf(model['dataset_configs']);
  if (listOf(mappingOf(configs['datasets'])['datasets']).length > 0) return model;
  return { ...model, dataset_configs: Object.fromEntries(Object.entries(configs).filter(([key]) => key !== 'datasets')) };
};

/** modelContent gives the content of a `model_config`. Servers fill in defaults, so what says nothing is left out. */
export const modelContent = (mode: Mode, model: Mapping): Content => ({
  mode,
  nodes: {},
  edges: [],
  features: {},
  environment: {},
  conversation: {},
  model: mappingOf(pruned(withoutEmptyDatasets(completeModel(Object.fromEntries(Object.entries(withoutBindings(model)).filter(([key]) => !bookkeeping.has(key))))))),
});

/** dslContent gives the content of a whole DSL file. */
export const dslContent = (mode: Mode, root: Mapping): Content =>
  hasGraph(mode) ? workflowContent(mode, mappingOf(root['workflow'])) : modelContent(mode, mappingOf(root['model_config']));

/** canonicalJson writes a value as JSON with sorted keys, so that the order of keys does not matter. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isMapping(value)) return JSON.stringify(value ?? null);
  const entries = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${entries.join(',')}}`;
};

/** digestOf gives `sha256:` and 64 hex digits over the canonical content. */
export const digestOf = (content: Content): string =>
  `sha256:${createHash('sha256').update(canonicalJson(content), 'utf8').digest('hex')}`;
