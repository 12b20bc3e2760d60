import { randomUUID } from 'node:crypto';
import type { Dialect } from './dialect.ts';
import { fields, isFields, text, type Fields } from './reading.ts';
import { repr } from './python.ts';

/** Variable is one environment or conversation variable of a workflow; secrets are kept as they are. */
export interface Variable {
  readonly id: string;
  readonly name: string;
  /** type is Dify's stored type: numbers are `integer` or `float` inside and `number` outside. */
  readonly type: string;
  readonly value: unknown;
  readonly description: string;
  readonly selector: readonly string[];
}

/** hidden stands for "keep the stored value" in imports and draft syncs (Dify 1.12.1, constants, models/workflow.py). */
export const hidden = '[__HIDDEN__]';

const mask = '*'.repeat(20);

/** partlyMasked is how releases before 1.8.1 hide a secret (1.4.0, core/helper/encrypter.py). */
const partlyMasked = (secret: string): string => (secret.length > 8 ? `${secret.slice(0, 6)}${'*'.repeat(12)}${secret.slice(-2)}` : secret === '' ? '' : mask);

const storedType = (type: string, value: unknown): string | undefined => {
  const isList = Array.isArray(value);
  switch (type) {
    case 'string': case 'secret': return typeof value === 'string' ? type : undefined;
    case 'number': case 'integer': case 'float':
      return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'float') : undefined;
    case 'boolean': return typeof value === 'boolean' ? type : undefined;
    case 'object': return isFields(value) ? type : undefined;
    case 'array[string]': case 'array[number]': case 'array[object]': case 'array[boolean]': return isList ? type : undefined;
    default: return undefined;
  }
};

/** readVariable reads one variable as Dify's factory does (1.12.1, factories/variable_factory.py); a string is its complaint. */
export const readVariable = (given: unknown, place: 'env' | 'conversation'): Variable | string => {
  const mapping = fields(given);
  const name = text(mapping['name']);
  const { value } = mapping;
  const type = mapping['value_type'];
  if (name === '') return 'missing name';
  if (type === undefined || type === null) return 'missing value type';
  if (value === undefined || value === null) return 'missing value';
  const stored = storedType(String(type), value);
  if (stored === undefined) {
    return type === 'number' ? `invalid number value ${repr(value)}` : `not supported value type ${String(type)}`;
  }
  const id = text(mapping['id']);
  return { id: id === '' ? randomUUID() : id, name, type: stored, value, description: text(mapping['description']), selector: [place, name] };
};

/** readVariables reads a list of variables; the last one of a name wins, as in Dify's store. */
export const readVariables = (given: unknown, place: 'env' | 'conversation'): Variable[] | string => {
  if (given !== undefined && given !== null && !Array.isArray(given)) return "'str' object is not iterable";
  const byName = new Map<string, Variable>();
  for (const mapping of given ?? []) {
    const variable = readVariable(mapping, place);
    if (typeof variable === 'string') return variable;
    byName.set(variable.name, variable);
  }
  return [...byName.values()];
};

/** keepHidden puts stored values back where a variable of the same id arrives as `[__HIDDEN__]`. */
export const keepHidden = (arriving: readonly Variable[], stored: readonly Variable[]): Variable[] =>
  arriving.map((variable) => {
    const before = stored.find((candidate) => candidate.id === variable.id);
    return variable.value === hidden && before !== undefined ? { ...before, name: variable.name } : variable;
  });

const shownType = (variable: Variable): string =>
  variable.type === 'integer' || variable.type === 'float' ? 'number' : variable.type;

/** shownVariable writes a variable for console answers: secrets are stars. */
export const shownVariable = (variable: Variable, dialect: Dialect): Fields => ({
  id: variable.id,
  name: variable.name,
  value: variable.type !== 'secret' ? variable.value : dialect.masksWholeSecrets ? mask : partlyMasked(String(variable.value)),
  value_type: shownType(variable),
  ...(dialect.describesVariables || variable.selector[0] !== 'env' ? { description: variable.description } : {}),
});

/** openVariable writes a variable with its secret, as the draft's own variable list does. */
export const openVariable = (variable: Variable): Fields => ({
  id: variable.id,
  type: 'env',
  name: variable.name,
  description: variable.description,
  selector: variable.selector,
  value_type: shownType(variable),
  value: variable.value,
  edited: false,
  visible: true,
  editable: true,
});

/** exportedVariable writes a variable into a DSL file, with its stored type; without `secrets` a secret becomes ''. */
export const exportedVariable = (variable: Variable, secrets: boolean): Fields => ({
  description: variable.description,
  id: variable.id,
  name: variable.name,
  selector: variable.selector,
  value: variable.type === 'secret' && !secrets ? '' : variable.value,
  value_type: variable.type,
});
