import { fields, items, text, texts, type Fields } from '../reading.ts';
import { repr } from '../python.ts';
import { allHold, ConditionFault } from './conditions.ts';
import { buildGraph, type GraphNode } from './graph.ts';
import type { Pool } from './pool.ts';
import type { GraphResult, Scope } from './engine.ts';
import type { NodeResult } from './run.ts';
import { total } from './usage.ts';

const seconds = (): number => Math.floor(Date.now() / 1000);

const emitContainer = (scope: Scope, node: GraphNode, event: string, more: Readonly<Record<string, unknown>>): void => {
  scope.run.ports.emit({
    event: `${node.type}_${event}`,
    fields: { id: node.id, node_id: node.id, node_type: node.type, title: node.title, created_at: seconds(), extras: {}, ...more },
  });
};

interface Passes {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly startedAt: number;
  readonly tokensBefore: number;
}

const completed = (scope: Scope, node: GraphNode, passes: Passes, steps: number, end: { outputs?: unknown; error?: string }): void => {
  const tokens = total(scope.run.usage) - passes.tokensBefore;
  emitContainer(scope, node, 'completed', {
    outputs: end.outputs ?? {},
    outputs_truncated: false,
    inputs: passes.inputs,
    inputs_truncated: false,
    status: end.error === undefined ? 'succeeded' : 'failed',
    error: null,
    elapsed_time: (performance.now() - passes.startedAt) / 1000,
    total_tokens: tokens,
    execution_metadata: { total_tokens: tokens },
    finished_at: seconds(),
    steps,
  });
};

const started = (scope: Scope, node: GraphNode, inputs: Readonly<Record<string, unknown>>, metadata: object): Passes => {
  emitContainer(scope, node, 'started', { metadata, inputs, inputs_truncated: false });
  return { inputs, startedAt: performance.now(), tokensBefore: total(scope.run.usage) };
};

const pass = async (scope: Scope, node: GraphNode, pool: Pool, index: number): Promise<GraphResult> => {
  const graph = buildGraph(scope.config, text(node.fields['start_node_id']));
  if (typeof graph === 'string') return { error: graph, outputs: {} };
  const kind = node.type === 'loop' ? 'loop' : 'iteration';
  return scope.runGraph(graph, pool, { kind, id: node.id, index });
};

/** flattened joins the lists of all passes into one, as Dify has done since 1.8.1 unless flatten_output is false. */
const flattened = (node: GraphNode, outputs: readonly unknown[]): readonly unknown[] => {
  const given = outputs.filter((output) => output !== null);
  const flat = node.fields['flatten_output'] !== false && given.length > 0 && given.every(Array.isArray);
  return flat ? given.flat() : outputs;
};

/** iterationNode runs its inner graph once for each item, one after the other; each pass has its own copy of the variables. */
export const iterationNode = async (node: GraphNode, scope: Scope): Promise<NodeResult> => {
  const selector = texts(node.fields['iterator_selector']);
  const list = scope.pool.get(selector);
  if (list === undefined) return { error: `iterator variable ${repr(selector)} not found` };
  if (list === null || (Array.isArray(list) && list.length === 0)) return { outputs: { output: [] } };
  if (!Array.isArray(list)) return { error: `invalid iterator value: ${repr(list)}, please provide a list.` };
  if (text(node.fields['start_node_id']) === '') return { error: `field start_node_id in iteration ${node.id} not found` };
  const passes = started(scope, node, { iterator_selector: list }, { iteration_length: list.length });
  const outputs: unknown[] = [];
  for (const [index, item] of list.entries()) {
    emitContainer(scope, node, 'next', { index });
    const pool = scope.pool.copy();
    pool.set(node.id, 'item', item);
    pool.set(node.id, 'index', index);
    const result = await pass(scope, node, pool, index);
    if (result.error !== undefined && (result.injected === true || (node.fields['error_handle_mode'] ?? 'terminated') === 'terminated')) {
      completed(scope, node, passes, list.length, { outputs: { output: outputs }, error: result.error });
      return { error: result.error, ...(result.injected === undefined ? {} : { injected: true }) };
    }
    if (result.error === undefined) outputs.push(pool.get(texts(node.fields['output_selector'])) ?? null);
    else if (node.fields['error_handle_mode'] === 'continue-on-error') outputs.push(null);
    for (const [name, value] of Object.entries(pool.namesOf('conversation'))) scope.pool.set('conversation', name, value);
  }
  const output = flattened(node, outputs);
  completed(scope, node, passes, list.length, { outputs: { output } });
  return { outputs: { output } };
};

/** constant reads a loop variable's own value; Studio writes lists as JSON text. */
const constant = (variable: Fields): unknown => {
  const { value } = variable;
  if (typeof value !== 'string' || !text(variable['var_type']).startsWith('array')) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // The caller answers a value that is not there with Dify's complaint.
    return undefined;
  }
};

const prepareLoop = (node: GraphNode, pool: Pool): Record<string, unknown> | string => {
  const inputs: Record<string, unknown> = { loop_count: node.fields['loop_count'] };
  for (const variable of items(node.fields['loop_variables']).map(fields)) {
    const label = text(variable['label']);
    const value = variable['value_type'] === 'variable' ? pool.get(texts(variable['value'])) : constant(variable);
    if (value === undefined || value === null) return `Invalid value for loop variable ${label}`;
    pool.set(node.id, label, value);
    inputs[label] = value;
  }
  return inputs;
};

/** loopNode runs its inner graph until a condition holds, a loop-end node is reached or the count is used up. */
export const loopNode = async (node: GraphNode, scope: Scope): Promise<NodeResult> => {
  if (text(node.fields['start_node_id']) === '') return { error: `field start_node_id in loop ${node.id} not found` };
  const { pool } = scope;
  const inputs = prepareLoop(node, pool);
  if (typeof inputs === 'string') return { error: inputs };
  const count = Number(node.fields['loop_count'] ?? 0);
  const conditions = items(node.fields['break_conditions']);
  const operator = node.fields['logical_operator'];
  const inner = items(scope.config['nodes']).map(fields).filter((child) => fields(child['data'])['loop_id'] === node.id);
  const passes = started(scope, node, inputs, { loop_length: count });
  const outputs: Record<string, unknown> = {};
  // Before the first pass a condition may name a variable that is not set yet; Dify ignores that.
  let ended = conditions.length > 0 && allHold(conditions, operator, pool) === true;
  for (let index = 0; index < count && !ended; index += 1) {
    for (const child of inner) pool.forget(text(child['id']));
    const result = await pass(scope, node, pool, index);
    if (result.error !== undefined) {
      completed(scope, node, passes, count, { error: result.error });
      return { error: result.error, ...(result.injected === undefined ? {} : { injected: true }) };
    }
    for (const label of Object.keys(inputs)) if (label !== 'loop_count') outputs[label] = pool.get([node.id, label]) ?? null;
    outputs['loop_round'] = index + 1;
    ended = result.ended === true;
    if (!ended && conditions.length > 0) {
      const holds = allHold(conditions, operator, pool);
      if (holds instanceof ConditionFault) return { error: holds.message };
      ended = holds;
    }
    if (!ended) emitContainer(scope, node, 'next', { index: index + 1, pre_loop_output: {} });
  }
  completed(scope, node, passes, count, { outputs });
  return { inputs, outputs };
};
