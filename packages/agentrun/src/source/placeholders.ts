import { nearest, type Json, type KeyPath } from '@sluice/core';
import { isJsonRecord, type JsonRecord } from './json.ts';

/** EnvironmentName is one use of `${env('NAME', 'initial')}`. */
export interface EnvironmentName {
  readonly name: string;
  /** initial is a text, a number or a boolean, as the document states it. */
  readonly initial?: Json;
  readonly path: KeyPath;
}

/** Resolved is a document whose placeholders were replaced, and what was found on the way. */
export interface Resolved {
  readonly value: Json;
  readonly environment: readonly EnvironmentName[];
  readonly faults: readonly { readonly path: KeyPath; readonly message: string }[];
}

/** EnvironmentLookup gives the value of an environment variable; undefined keeps the placeholder as it stands. */
export type EnvironmentLookup = (name: string, initial: Json | undefined) => Json | undefined;

const placeholder = /\$\{([^]*?)\}/g;
const alone = /^\$\{([^}]*)\}$/;
const environmentCall = /^env\(\s*(?:(\w+)|'(\w+)'|"(\w+)")\s*(?:,\s*(?:'([^']*)'|"([^"]*)"|(-?\d+(?:\.\d+)?)|(true|false)|(vars(?:\.[\w-]+)+))\s*)?\)$/;
/** variablePath names a part of the file itself: its variables, or the props of a resource (`this` is the agent's own). */
const variablePath = /^(?:vars|this\.props|resources\.[\w-]+\.props)(?:\.[\w-]+)+$/;
const accountCall = /^config\(\s*(?:'AccountID'|"AccountID")\s*\)$/;
const deepest = 8;
// Variables that repeat variables grow without bound, as aliases do.
const mostReplaced = 10_000;

/** keepAll leaves every environment variable as a placeholder. */
export const keepAll: EnvironmentLookup = () => undefined;

/** initialOnly puts in the defaults that the document states itself. */
export const initialOnly: EnvironmentLookup = (_name, initial) => initial;

/** hasPlaceholder says whether a text still waits for an environment variable. */
export const hasPlaceholder = (text: string): boolean => /\$\{\s*(?:env|config)\(/.test(text);

/** namesAccount says whether a text still waits for the id of the account, as in `acs:ram::${config("AccountID")}:role/runner`. */
export const namesAccount = (text: string): boolean => /\$\{\s*config\(/.test(text);

const memberOf = (value: Json | undefined, key: string): Json | undefined => {
  if (Array.isArray(value)) return /^\d+$/.test(key) ? value[Number(key)] : undefined;
  return isJsonRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
};

/** variableAt is what a path of the file leads to; null counts as none, as it does for Serverless Devs. */
const variableAt = (roots: JsonRecord, path: string): Json | undefined => path.split('.').reduce<Json | undefined>(memberOf, roots) ?? undefined;

/** refusals say why other expressions of Serverless Devs are not for a release, by how they begin. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [/^env\./, 'Serverless Devs does not know it either; write ${env(NAME)}'],
  [/^config\(/, 'Sluice hands no credentials into an agent; of the account it knows config("AccountID") alone'],
  [/^(?:file|json|yaml)\(/, 'Sluice reads no other file into an agent; write the value, or take it from env(...)'],
  [/^path\(/, 'paths count from the folder of s.yaml; write the path itself'],
  [/^secret\(/, "the secrets of Serverless Devs lie on one machine; write ${env(NAME)}"],
  [/^(?:resources|components)\.[^.]+\.(?:output|info)\b/, 'it is known only after a deployment of that resource; hand it on as a variable of the environment'],
];

const refusalOf = (expression: string): string => {
  if (variablePath.test(expression.trim())) return 'Serverless Devs allows no space beside the name of a variable';
  return refusals.find(([begin]) => begin.test(expression.trim()))?.[1] ?? "Sluice knows ${vars.x}, ${resources.x.props.y} and ${env('X', 'default')} only";
};

/** absence says that a path leads to nothing, and what was meant where that can be told. */
const absence = (roots: JsonRecord, path: string): string => {
  const keys = path.split('.');
  const holder = keys.slice(0, -1).reduce<Json | undefined>(memberOf, roots);
  const meant = isJsonRecord(holder) ? nearest(keys.at(-1) ?? '', Object.keys(holder)) : undefined;
  return `there is no such variable${meant === undefined ? '' : `; did you mean ${[...keys.slice(0, -1), meant].join('.')}?`}`;
};

interface EnvironmentCall {
  readonly name: string;
  readonly initial?: Json;
  /** variable is the path of a variable that stands in for the initial value. */
  readonly variable?: string;
}

const environmentCallOf = (expression: string): EnvironmentCall | undefined => {
  const [, bare, single, double, singleText, doubleText, number, truth, variable] = environmentCall.exec(expression) ?? [];
  const name = bare ?? single ?? double;
  if (name === undefined) return undefined;
  const initial = singleText ?? doubleText ?? (number === undefined ? undefined : Number(number)) ?? (truth === undefined ? undefined : truth === 'true');
  return { name, ...(initial === undefined ? {} : { initial }), ...(variable === undefined ? {} : { variable }) };
};

/**
 * resolvePlaceholders replaces `${vars.x}`, `${resources.x.props.y}`, `${this.props.y}`, `${env('X', 'd')}` and
 * `${env(X)}` in every text of a document, as Serverless Devs 3.1.10 does; what it knows beside them (`file()`, `<% %>`)
 * is a fault. `others` are the `resources` and `this` of the file, and the `account` that `${config('AccountID')}` gives,
 * which stays as it stands where that is not known. A text that is one
 * placeholder alone takes the value's type, and a key without a value is left out.
 */
export const resolvePlaceholders = (document: Json, variables: JsonRecord, lookup: EnvironmentLookup, others: JsonRecord = {}): Resolved => {
  const roots: JsonRecord = { ...others, vars: variables };
  const environment: EnvironmentName[] = [];
  const faults: { path: KeyPath; message: string }[] = [];
  let replaced = 0;

  const fault = (path: KeyPath, whole: string, why: string): void => {
    if (replaced <= mostReplaced + 1) faults.push({ path, message: `The placeholder ${whole} cannot be resolved: ${why}${why.endsWith('?') ? '' : '.'}` });
  };

  const variable = (whole: string, name: string, path: KeyPath, depth: number): Json | undefined => {
    const value = variableAt(roots, name);
    replaced += 1;
    if (value !== undefined && depth < deepest && replaced <= mostReplaced) return walk(value, path, depth + 1);
    fault(path, whole, value === undefined ? absence(roots, name) : 'variables refer to each other without end');
    return undefined;
  };

  const one = (whole: string, expression: string, path: KeyPath, depth: number): Json => {
    if (accountCall.test(expression.trim())) return others['account'] ?? whole;
    const call = environmentCallOf(expression.trim());
    if (call !== undefined) {
      const initial = call.variable === undefined ? call.initial : variable(whole, call.variable, path, depth);
      environment.push({ name: call.name, path, ...(initial === undefined ? {} : { initial }) });
      return lookup(call.name, initial) ?? whole;
    }
    if (variablePath.test(expression)) return variable(whole, expression, path, depth) ?? whole;
    replaced += 1;
    fault(path, whole, refusalOf(expression));
    return whole;
  };

  const text = (value: string, path: KeyPath, depth: number): Json => {
    if (value.includes('<%')) fault(path, '<%', 'Serverless Devs would run what follows as code');
    const expression = alone.exec(value)?.[1];
    if (expression !== undefined) return one(value, expression, path, depth);
    return value.replaceAll(placeholder, (whole, part: string) => {
      const found = one(whole, part, path, depth);
      if (typeof found !== 'object') return String(found);
      fault(path, whole, 'a list or a mapping cannot stand inside a text');
      return whole;
    });
  };

  const walk = (value: Json, path: KeyPath, depth: number): Json => {
    if (typeof value === 'string') return text(value, path, depth);
    if (Array.isArray(value)) return value.map((item: Json, index) => walk(item, [...path, index], depth));
    if (!isJsonRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, walk(item, [...path, key], depth)]])));
  };

  return { value: walk(document, [], 0), environment, faults };
};
