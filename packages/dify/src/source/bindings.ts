import { isMapping, listOf, mapMappings, mappingOf, textOf, type Mapping } from './shape.ts';

/**
 * boundKeys are the keys by which a node is tied to one workspace. Every export blanks them or leaves them out, so they
 * are no part of an app's content, and an import of an export would lose them (Dify 1.12.1, api/services/app_dsl_service.py).
 */
const boundKeys: ReadonlyMap<string, readonly string[]> = new Map(Object.entries<readonly string[]>({
  tool: ['credential_id'],
  'trigger-plugin': ['subscription_id'],
  'trigger-webhook': ['webhook_url', 'webhook_debug_url'],
  // Exports add a default schedule under this key, which no release reads; the real one stands beside it.
  'trigger-schedule': ['config'],
}));

/** scheduleKeys are what says when a schedule fires (Dify 1.12.1, TriggerScheduleNodeData). */
const scheduleKeys = ['mode', 'frequency', 'cron_expression', 'visual_config', 'timezone'];

const without = (mapping: Mapping, keys: readonly string[]): Mapping =>
  Object.fromEntries(Object.entries(mapping).filter(([key]) => !keys.includes(key)));

const picked = (mapping: Mapping, keys: readonly string[]): Mapping =>
  Object.fromEntries(keys.filter((key) => !isBlank(mapping[key])).map((key) => [key, mapping[key]]));

const isBlank = (value: unknown): boolean => value === undefined || value === null || value === '';

/** isAgentTool finds the tools of agents: in agent nodes, and in the `agent_mode` of agent-chat apps. */
const isAgentTool = (mapping: Mapping): boolean =>
  typeof mapping['tool_name'] === 'string' && typeof mapping['provider_name'] === 'string';

/** withoutBindings gives a node's `data`, or a `model_config`, without what ties it to a workspace. */
export const withoutBindings = (data: Mapping): Mapping => {
  const own = without(data, boundKeys.get(textOf(data['type'])) ?? []);
  return mappingOf(mapMappings(own, (mapping) => ('credential_id' in mapping && isAgentTool(mapping) ? without(mapping, ['credential_id']) : mapping)));
};

const toolKey = (tool: Mapping): string => [textOf(tool['provider_id']), textOf(tool['provider_name']), textOf(tool['tool_name'])].join(' ');

/** credentialsWithin gives the credentials that tools of agents below a value name, by tool. */
const credentialsWithin = (value: unknown): ReadonlyMap<string, unknown> => {
  const found = new Map<string, unknown>();
  mapMappings(value, (mapping) => {
    if (isAgentTool(mapping) && !isBlank(mapping['credential_id'])) found.set(toolKey(mapping), mapping['credential_id']);
    return mapping;
  });
  return found;
};

/** keepCredentials gives agents' tools below a value the credentials that the same tools have on the server. */
export const keepCredentials = (value: unknown, stored: unknown): unknown => {
  const credentials = credentialsWithin(stored);
  if (credentials.size === 0) return value;
  return mapMappings(value, (mapping) => {
    if (!isAgentTool(mapping) || !isBlank(mapping['credential_id'])) return mapping;
    const credential = credentials.get(toolKey(mapping));
    return credential === undefined ? mapping : { ...mapping, credential_id: credential };
  });
};

const statesSchedule = (data: Mapping): boolean => !isBlank(data['frequency']) || !isBlank(data['cron_expression']);

/** keptData gives a node's `data` the bindings of the same node on the server; what the file states itself wins. */
const keptData = (data: Mapping, stored: Mapping): Mapping => {
  const type = textOf(data['type']);
  if (type !== textOf(stored['type'])) return data;
  // A credential or subscription of another provider would be none.
  if (textOf(data['provider_id']) !== textOf(stored['provider_id'])) return data;
  if (type === 'agent') return mappingOf(keepCredentials(data, stored));
  if (type === 'trigger-schedule') return statesSchedule(data) ? data : { ...data, ...picked(stored, scheduleKeys) };
  return { ...data, ...picked(stored, (boundKeys.get(type) ?? []).filter((key) => isBlank(data[key]))) };
};

const nodesById = (graph: unknown): ReadonlyMap<string, Mapping> =>
  new Map(listOf(mappingOf(graph)['nodes']).filter(isMapping).map((node) => [textOf(node['id']), mappingOf(node['data'])]));

/** keepBindings gives the nodes of a graph what an import would reset: credentials, subscriptions, webhooks and schedules. */
export const keepBindings = (graph: Mapping, stored: unknown): Mapping => {
  const known = nodesById(stored);
  const nodes = listOf(graph['nodes']).map((item) => {
    const node = mappingOf(item);
    const partner = known.get(textOf(node['id']));
    return partner === undefined ? item : { ...node, data: keptData(mappingOf(node['data']), partner) };
  });
  return { ...graph, nodes };
};

/** sameBindings says whether everything that a graph binds is bound the same on the server. */
export const sameBindings = (graph: Mapping, stored: unknown): boolean => lostBindings(graph, stored).length === 0;

/** lostBindings names what a graph binds and the server does not, as `subscription_id of node "New issue"`. */
export const lostBindings = (graph: Mapping, stored: unknown): readonly string[] => {
  const known = nodesById(stored);
  return listOf(graph['nodes']).flatMap((item) => {
    const node = mappingOf(item);
    const data = mappingOf(node['data']);
    const partner = known.get(textOf(node['id'])) ?? {};
    const keys = (boundKeys.get(textOf(data['type'])) ?? []).filter((key) => key !== 'config' && !isBlank(data[key]) && data[key] !== partner[key]);
    const credentials = credentialsWithin(partner);
    const tools = [...credentialsWithin(data)].filter(([key, value]) => textOf(data['type']) !== 'tool' && credentials.get(key) !== value);
    const title = textOf(data['title']) || textOf(node['id']);
    return [...keys, ...tools.map(() => 'credential_id of a tool')].map((key) => `${key} of node "${title}"`);
  });
};

/** Unbound is a trigger that would never fire. */
export interface Unbound {
  readonly title: string;
  readonly what: 'subscription' | 'schedule';
}

/** unboundTriggers are the triggers of a graph that have no subscription or no schedule. */
export const unboundTriggers = (graph: Mapping): readonly Unbound[] =>
  [...nodesById(graph)].flatMap(([id, data]): Unbound[] => {
    const title = textOf(data['title']) || id;
    if (data['type'] === 'trigger-plugin' && isBlank(data['subscription_id'])) return [{ title, what: 'subscription' }];
    return data['type'] === 'trigger-schedule' && !statesSchedule(data) ? [{ title, what: 'schedule' }] : [];
  });
