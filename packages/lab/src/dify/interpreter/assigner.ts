import { fields, isFields, items, text, texts, type Fields } from '../reading.ts';
import { repr } from '../python.ts';
import type { GraphNode } from './graph.ts';
import type { Pool } from './pool.ts';
import type { NodeResult } from './run.ts';

const zero = (value: unknown): unknown => {
  if (typeof value === 'string') return '';
  if (typeof value === 'number') return 0;
  if (typeof value === 'boolean') return false;
  return Array.isArray(value) ? [] : {};
};

/** assign sets a variable that exists already; the pool knows it by node and name. */
const assign = (pool: Pool, selector: readonly string[], value: unknown): void => {
  const [node, name] = selector;
  if (node !== undefined && name !== undefined) pool.set(node, name, value);
};

/** assignerOne is the first version of the node: one variable, overwritten, appended to or cleared. */
const assignerOne = (node: GraphNode, pool: Pool): NodeResult => {
  const target = texts(node.fields['assigned_variable_selector']);
  const original = pool.get(target);
  if (original === undefined) return { error: 'assigned variable not found' };
  const mode = text(node.fields['write_mode']);
  if (mode === 'clear') {
    assign(pool, target, zero(original));
    return { inputs: { value: zero(original) }, outputs: {} };
  }
  const income = pool.get(texts(node.fields['input_variable_selector']));
  if (income === undefined) return { error: 'input value not found' };
  assign(pool, target, mode === 'append' ? [...items(original), income] : income);
  return { inputs: { value: income }, outputs: {} };
};

const arithmetic: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+=': (left, right) => left + right,
  '-=': (left, right) => left - right,
  '*=': (left, right) => left * right,
  '/=': (left, right) => left / right,
};

const changes: Readonly<Record<string, (list: readonly unknown[], value: unknown) => unknown>> = {
  append: (list, value) => [...list, value],
  extend: (list, value) => [...list, ...items(value)],
  'remove-first': (list) => list.slice(1),
  'remove-last': (list) => list.slice(0, -1),
};

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : isFields(value) ? 'object' : typeof value);

const changed = (original: unknown, operation: string, value: unknown): { value: unknown } | { error: string } => {
  const unsupported = { error: `Operation ${operation} is not supported for type ${kindOf(original)}` };
  const unusable = { error: `Invalid input value ${repr(value)}` };
  if (operation === 'clear') return { value: zero(original) };
  const reckon = arithmetic[operation];
  if (reckon !== undefined) {
    if (typeof original !== 'number') return unsupported;
    return typeof value !== 'number' || (operation === '/=' && value === 0) ? unusable : { value: reckon(original, value) };
  }
  const change = changes[operation];
  if (change !== undefined) {
    if (!Array.isArray(original)) return unsupported;
    return operation === 'extend' && !Array.isArray(value) ? unusable : { value: change(original, value) };
  }
  if (operation !== 'over-write' && operation !== 'set') return unsupported;
  const read = operation === 'set' && isFields(original) && typeof value === 'string' ? parsed(value) : value;
  return kindOf(read) === kindOf(original) ? { value: read } : unusable;
};

const parsed = (value: string): unknown => {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Text that is no JSON stays text; its type then does not fit and the node fails, as in Dify.
    return value;
  }
};

const applied = (item: Fields, pool: Pool): string | undefined => {
  const target = texts(item['variable_selector']);
  const operation = text(item['operation']);
  const original = pool.get(target);
  if (original === undefined) return `Variable ${repr(target)} not found`;
  let value = item['value'];
  const reads = !['clear', 'remove-first', 'remove-last'].includes(operation);
  if (item['input_type'] === 'variable' && reads && value !== null && value !== undefined) {
    value = pool.get(texts(value));
    if (value === undefined) return `Variable ${repr(texts(item['value']))} not found`;
    if (value === null) return undefined;
  }
  const result = changed(original, operation, value);
  if ('error' in result) return result.error;
  assign(pool, target, result.value);
  return undefined;
};

/** assignerNode writes conversation and loop variables, in both versions of the node. */
export const assignerNode = (node: GraphNode, pool: Pool): NodeResult => {
  if (String(node.fields['version'] ?? '1') !== '2') return assignerOne(node, pool);
  for (const item of items(node.fields['items']).map(fields)) {
    const error = applied(item, pool);
    if (error !== undefined) return { error };
  }
  return { inputs: { items: node.fields['items'] }, outputs: {} };
};
