import { fields, items, text, texts, type Fields } from '../reading.ts';
import { isFile, repr } from '../python.ts';
import { compare, ConditionFault } from './conditions.ts';
import { fileAttribute } from './files.ts';
import type { GraphNode } from './graph.ts';
import type { Pool } from './pool.ts';
import type { NodeResult } from './run.ts';

const textOperators = new Set(['contains', 'start with', 'end with', 'is', 'in', 'empty', 'not contains', 'is not', 'not in', 'not empty']);
const numberOperators = new Set(['=', '≠', '<', '≤', '>', '≥']);

const textHolds = (operator: string, value: string, expected: string): boolean | ConditionFault => {
  // In a list operator, "in" asks whether the expected text contains the value.
  if (operator === 'in' || operator === 'not in') return expected.includes(value) === (operator === 'in');
  return textOperators.has(operator) ? compare(operator, value, expected) : new ConditionFault(`Invalid condition: ${operator}`);
};

const itemHolds = (item: unknown, condition: Fields, pool: Pool): boolean | ConditionFault => {
  const operator = text(condition['comparison_operator']) === '' ? 'contains' : text(condition['comparison_operator']);
  const given = condition['value'];
  if (typeof item === 'boolean') return compare(operator, item, given);
  const subject = isFile(item) ? fileAttribute(item, text(condition['key'])) : item;
  if (subject === undefined) return new ConditionFault(`Invalid key: ${text(condition['key'])}`);
  if (Array.isArray(given)) {
    const listed = given.some((candidate) => candidate === subject);
    return operator === 'not in' ? !listed : listed;
  }
  if (typeof given !== 'string') return new ConditionFault(`Invalid filter value: ${repr(given)}`);
  const expected = pool.render(given);
  if (typeof subject !== 'number') return textHolds(operator, String(subject ?? ''), expected);
  return numberOperators.has(operator) ? compare(operator, subject, Number(expected)) : new ConditionFault(`Invalid condition: ${operator}`);
};

const filtered = (list: readonly unknown[], conditions: readonly Fields[], pool: Pool): readonly unknown[] | ConditionFault => {
  let kept = list;
  for (const condition of conditions) {
    const next: unknown[] = [];
    for (const item of kept) {
      const result = itemHolds(item, condition, pool);
      if (result instanceof ConditionFault) return result;
      if (result) next.push(item);
    }
    kept = next;
  }
  return kept;
};

const extracted = (list: readonly unknown[], serial: string): readonly unknown[] | ConditionFault => {
  const position = Number(serial);
  if (!Number.isInteger(position)) return new ConditionFault(`invalid literal for int() with base 10: ${repr(serial)}`);
  if (position < 1) return new ConditionFault(`Invalid serial index: must be >= 1, got ${position}`);
  if (position > list.length) return new ConditionFault(`Invalid serial index: must be <= ${list.length}, got ${position}`);
  return [list[position - 1]];
};

const sorted = (list: readonly unknown[], order: Fields): readonly unknown[] => {
  const key = (item: unknown): unknown => (isFile(item) ? fileAttribute(item, text(order['key'])) : item);
  const direction = order['value'] === 'desc' ? -1 : 1;
  return list.toSorted((left, right) => {
    const [before, after] = [key(left), key(right)];
    if (before === after) return 0;
    const isLess = typeof before === 'number' && typeof after === 'number' ? before < after : String(before) < String(after);
    return isLess ? -direction : direction;
  });
};

const chosen = (list: readonly unknown[], node: Fields, pool: Pool): readonly unknown[] | ConditionFault => {
  const filter = fields(node['filter_by']);
  const extract = fields(node['extract_by']);
  const order = fields(node['order_by']);
  const limit = fields(node['limit']);
  let result: readonly unknown[] | ConditionFault = list;
  if (filter['enabled'] === true) result = filtered(list, items(filter['conditions']).map(fields), pool);
  if (result instanceof ConditionFault) return result;
  if (extract['enabled'] === true) result = extracted(result, pool.render(text(extract['serial'] ?? '1')));
  if (result instanceof ConditionFault) return result;
  if (order['enabled'] === true) result = sorted(result, order);
  return limit['enabled'] === true ? result.slice(0, Number(limit['size'])) : result;
};

/** listOperatorNode filters, extracts, orders and cuts a list, in Dify's order (1.12.1, core/workflow/nodes/list_operator). */
export const listOperatorNode = (node: GraphNode, pool: Pool): NodeResult => {
  const selector = texts(node.fields['variable']);
  const value = pool.get(selector);
  if (value === undefined) return { error: `Variable not found for selector: ${repr(selector)}` };
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) {
    return { inputs: { variable: [] }, outputs: { result: [], first_record: null, last_record: null } };
  }
  if (!Array.isArray(value)) return { error: `Variable ${repr(selector)} is not an array type` };
  const result = chosen(value, node.fields, pool);
  if (result instanceof ConditionFault) return { error: result.message };
  return { inputs: { variable: value }, outputs: { result, first_record: result[0] ?? null, last_record: result.at(-1) ?? null } };
};
