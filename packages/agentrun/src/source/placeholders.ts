import type { Json, KeyPath } from '@sluice/core';
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
const variablePath = /^vars(?:\.[\w-]+)+$/;
const deepest = 8;
// Variables that repeat variables grow without bound, as aliases do.
const mostReplaced = 10_000;

/** keepAll leaves every environment variable as a placeholder. */
export const keepAll: EnvironmentLookup = () => undefined;

/** initialOnly puts in the defaults that the document states itself. */
export const initialOnly: EnvironmentLookup = (_name, initial) => initial;

/** hasPlaceholder says whether a text still waits for an environment variable. */
export const hasPlaceholder = (text: string): boolean => /\$\{\s*env\(/.test(text);

const memberOf = (value: Json | undefined, key: string): Json | undefined => {
  if (Array.isArray(value)) return /^\d+$/.test(key) ? value[Number(key)] : undefined;
  return isJsonRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
};

/** variableAt is a variable's value; null counts as none, as it does for Serverless Devs. */
const variableAt = (variables: JsonRecord, path: string): Json | undefined =>
  path.split('.').slice(1).reduce<Json | undefined>(memberOf, variables) ?? undefined;

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
 * resolvePlaceholders replaces `${vars.x}`, `${env('X', 'd')}` and `${env(X)}` in every text of a document, as
 * Serverless Devs 3.1.10 does; what it knows beside them (`file()`, `this`, `<% %>`) is a fault. A text that is one
 * placeholder alone takes the value's type, and a key without a value is left out.
 */
export const resolvePlaceholders = (document: Json, variables: JsonRecord, lookup: EnvironmentLookup): Resolved => {
  const environment: EnvironmentName[] = [];
  const faults: { path: KeyPath; message: string }[] = [];
  let replaced = 0;

  const fault = (path: KeyPath, whole: string, why: string): void => {
    if (replaced <= mostReplaced + 1) faults.push({ path, message: `The placeholder ${whole} cannot be resolved: ${why}.` });
  };

  const variable = (whole: string, name: string, path: KeyPath, depth: number): Json | undefined => {
    const value = variableAt(variables, name);
    replaced += 1;
    if (value !== undefined && depth < deepest && replaced <= mostReplaced) return walk(value, path, depth + 1);
    fault(path, whole, value === undefined ? 'there is no such variable' : 'variables refer to each other without end');
    return undefined;
  };

  const one = (whole: string, expression: string, path: KeyPath, depth: number): Json => {
    const call = environmentCallOf(expression.trim());
    if (call !== undefined) {
      const initial = call.variable === undefined ? call.initial : variable(whole, call.variable, path, depth);
      environment.push({ name: call.name, path, ...(initial === undefined ? {} : { initial }) });
      return lookup(call.name, initial) ?? whole;
    }
    if (variablePath.test(expression)) return variable(whole, expression, path, depth) ?? whole;
    replaced += 1;
    fault(path, whole, variablePath.test(expression.trim()) ? 'Serverless Devs allows no space beside the name of a variable' : "Sluice knows ${vars.x} and ${env('X', 'default')} only");
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
