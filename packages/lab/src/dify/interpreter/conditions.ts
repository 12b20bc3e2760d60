import { fields, isFields, items, text, texts, type Fields } from '../reading.ts';
import { isFile, repr, typeName } from '../python.ts';
import { fileAttribute } from './files.ts';
import type { Pool } from './pool.ts';

/** ConditionFault is a condition that Dify cannot evaluate; the node fails with its text. */
export class ConditionFault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || value === 0 || value === false ||
  (Array.isArray(value) && value.length === 0) || (isFields(value) && Object.keys(value).length === 0);

const same = (left: unknown, right: unknown): boolean => left === right || (isFields(left) && JSON.stringify(left) === JSON.stringify(right));

const contains = (value: unknown, expected: unknown): boolean | ConditionFault => {
  if (isEmpty(value)) return false;
  if (typeof value === 'string') return value.includes(typeof expected === 'string' ? expected : repr(expected));
  if (Array.isArray(value)) return value.some((item) => same(item, expected));
  return new ConditionFault('Invalid actual value type: string or array');
};

const edgeOfText = (value: unknown, expected: unknown, operator: 'startswith' | 'endswith'): boolean | ConditionFault => {
  if (isEmpty(value)) return false;
  if (typeof value !== 'string') return new ConditionFault('Invalid actual value type: string');
  if (typeof expected !== 'string') return new ConditionFault(`Expected value must be a string for ${operator}`);
  return operator === 'startswith' ? value.startsWith(expected) : value.endsWith(expected);
};

const numberOf = (expected: unknown): number | ConditionFault => {
  if (typeof expected === 'boolean') return Number(expected);
  if (typeof expected !== 'number' && typeof expected !== 'string') {
    return new ConditionFault(`Cannot convert <class '${typeName(expected)}'> to number`);
  }
  const number = typeof expected === 'string' && expected.trim() === '' ? Number.NaN : Number(expected);
  return Number.isNaN(number) ? new ConditionFault(`Cannot convert '${String(expected)}' to number`) : number;
};

const equal = (value: unknown, expected: unknown): boolean | ConditionFault => {
  if (value === null) return false;
  if (typeof value === 'boolean') return value === !isEmpty(expected);
  if (typeof value !== 'number') return new ConditionFault('Invalid actual value type: number or boolean');
  // Python's int() takes '5' and refuses '5.5'; the text of its error is the node's error.
  if (Number.isInteger(value) && typeof expected === 'string' && !/^\s*[+-]?\d+\s*$/.test(expected)) {
    return new ConditionFault(`invalid literal for int() with base 10: ${repr(expected)}`);
  }
  const number = numberOf(expected);
  return number instanceof ConditionFault ? number : value === number;
};

const ordered = (value: unknown, expected: unknown, holds: (left: number, right: number) => boolean): boolean | ConditionFault => {
  if (value === null) return false;
  if (typeof value !== 'number' && typeof value !== 'boolean') return new ConditionFault('Invalid actual value type: number');
  const number = numberOf(expected);
  return number instanceof ConditionFault ? number : holds(Number(value), number);
};

const isSame = (value: unknown, expected: unknown, wanted: boolean): boolean | ConditionFault => {
  if (value === null) return false;
  if (typeof value !== 'string' && typeof value !== 'boolean') {
    return new ConditionFault('Invalid actual value type: string or boolean');
  }
  return (value === expected) === wanted;
};

const within = (value: unknown, expected: unknown): boolean | ConditionFault => {
  if (isEmpty(value)) return false;
  return Array.isArray(expected) ? expected.some((item) => same(item, value)) : new ConditionFault('Invalid expected value type: array');
};

const negated = (result: boolean | ConditionFault): boolean | ConditionFault => (result instanceof ConditionFault ? result : !result);

const allOf = (value: unknown, expected: unknown): boolean | ConditionFault => {
  if (!Array.isArray(expected)) return new ConditionFault('Unsupported operator: all of');
  if (isEmpty(value) || (typeof value !== 'string' && !Array.isArray(value))) return false;
  return expected.every((item) => (typeof value === 'string' ? value.includes(String(item)) : value.some((member) => same(member, item))));
};

/** compare applies one operator (Dify 1.12.1, core/workflow/utils/condition/processor.py). */
export const compare = (operator: string, value: unknown, expected: unknown): boolean | ConditionFault => {
  switch (operator) {
    case 'contains': return contains(value, expected);
    case 'not contains': return negated(contains(value, expected));
    case 'start with': return edgeOfText(value, expected, 'startswith');
    case 'end with': return edgeOfText(value, expected, 'endswith');
    case 'is': return isSame(value, expected, true);
    case 'is not': return isSame(value, expected, false);
    case 'empty': return isEmpty(value);
    case 'not empty': return !isEmpty(value);
    case '=': return equal(value, expected);
    case '≠': return value === null ? false : negated(equal(value, expected));
    case '>': return ordered(value, expected, (left, right) => left > right);
    case '<': return ordered(value, expected, (left, right) => left < right);
    case '≥': return ordered(value, expected, (left, right) => left >= right);
    case '≤': return ordered(value, expected, (left, right) => left <= right);
    case 'null': case 'not exists': return value === null;
    case 'not null': case 'exists': return value !== null;
    case 'in': return within(value, expected);
    case 'not in': return negated(within(value, expected));
    case 'all of': return allOf(value, expected);
    default: return new ConditionFault(`Unsupported operator: ${operator}`);
  }
};

const truth = (value: unknown): boolean | ConditionFault => {
  if (typeof value === 'boolean' || typeof value === 'number') return Boolean(value);
  const read = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (read === 'true' || read === 'false') return read === 'true';
  if (/^\d+$/.test(read)) return Number(read) !== 0;
  return new ConditionFault(`unexpected value: type=<class '${typeName(value)}'>, value=${String(value)}`);
};

const filesMatch = (files: readonly unknown[], condition: Fields): boolean | ConditionFault => {
  const inner = fields(condition['sub_variable_condition']);
  if (!isFields(condition['sub_variable_condition'])) return new ConditionFault('Sub variable is required');
  const results: boolean[] = [];
  for (const sub of items(inner['conditions']).map(fields)) {
    const operator = text(sub['comparison_operator']);
    const dotted = (value: unknown): unknown =>
      sub['key'] === 'extension' && typeof value === 'string' && value !== '' && !value.startsWith('.') ? `.${value}` : value;
    const found = files.map((file) => compare(operator, dotted(fileAttribute(fields(file), text(sub['key']))), dotted(sub['value'])));
    const fault = found.find((result) => result instanceof ConditionFault);
    if (fault !== undefined) return fault;
    results.push(operator.includes('not') ? found.every(Boolean) : found.some(Boolean));
  }
  return inner['logical_operator'] === 'or' ? results.some(Boolean) : results.every(Boolean);
};

const holds = (condition: Fields, pool: Pool): boolean | ConditionFault => {
  const selector = texts(condition['variable_selector']);
  const operator = text(condition['comparison_operator']);
  const value = pool.get(selector);
  if (value === undefined) return new ConditionFault(`Variable ${repr(selector)} not found`);
  const isFiles = Array.isArray(value) && value.length > 0 && value.every(isFile);
  if (isFiles && ['contains', 'not contains', 'all of'].includes(operator)) return filesMatch(value, condition);
  let expected = condition['value'];
  if (typeof expected === 'string') expected = pool.render(expected);
  const isTruth = typeof value === 'boolean' || (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'boolean'));
  if (isTruth && expected !== null && expected !== undefined && !['exists', 'not exists'].includes(operator)) {
    const converted = Array.isArray(expected) ? expected.map(truth) : [truth(expected)];
    const fault = converted.find((item) => item instanceof ConditionFault);
    if (fault !== undefined) return fault;
    expected = Array.isArray(expected) ? converted : converted[0];
  }
  return compare(operator, value, expected);
};

/** allHold judges a list of conditions with "and" or "or", stopping as soon as the result is known. */
export const allHold = (conditions: readonly unknown[], operator: unknown, pool: Pool): boolean | ConditionFault => {
  const either = operator === 'or';
  for (const condition of conditions) {
    const result = holds(fields(condition), pool);
    if (result instanceof ConditionFault) return result;
    if (result === either) return either;
  }
  return !either;
};
