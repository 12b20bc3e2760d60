import type { Json, KeyPath } from '@sluice/core';
import { isJsonRecord, type JsonRecord } from './json.ts';

/** EnvironmentName is one use of `${env('NAME', 'initial')}`. */
export interface EnvironmentName {
  readonly name: string;
  readonly initial?: string;
  readonly path: KeyPath;
}

/** Resolved is a document whose placeholders were replaced, and what was found on the way. */
export interface Resolved {
  readonly value: Json;
  readonly environment: readonly EnvironmentName[];
  readonly faults: readonly { readonly path: KeyPath; readonly message: string }[];
}

/** EnvironmentLookup gives the text of an environment variable; undefined keeps the placeholder as it stands. */
export type EnvironmentLookup = (name: string, initial: string | undefined) => string | undefined;

const placeholder = /\$\{\s*([^{}]*?)\s*\}/g;
const environmentCall = /^env(?:\.(\w+)|\(\s*(['"]?)(\w+)\2\s*(?:,\s*(?:'([^']*)'|"([^"]*)")\s*)?\))$/;
const variablePath = /^vars((?:\.[\w-]+)+)$/;
const deepest = 8;
// Variables that repeat variables grow without bound, as aliases do.
const mostReplaced = 10_000;

/** keepAll leaves every environment variable as a placeholder. */
export const keepAll: EnvironmentLookup = () => undefined;

/** initialOnly puts in the defaults that the document states itself. */
export const initialOnly: EnvironmentLookup = (_name, initial) => initial;

/** hasPlaceholder says whether a text still waits for an environment variable. */
export const hasPlaceholder = (text: string): boolean => /\$\{\s*env[.(]/.test(text);

const variableAt = (variables: JsonRecord, path: string): Json | undefined => {
  let value: Json | undefined = variables;
  for (const key of path.split('.').slice(1)) {
    value = isJsonRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
};

/**
 * resolvePlaceholders replaces `${vars.x}`, `${env('X', 'd')}` and `${env(X)}` in every text of a document, as
 * Serverless Devs does. A text that is one variable alone takes the variable's type.
 */
export const resolvePlaceholders = (document: Json, variables: JsonRecord, lookup: EnvironmentLookup): Resolved => {
  const environment: EnvironmentName[] = [];
  const faults: { path: KeyPath; message: string }[] = [];
  let replaced = 0;

  const one = (whole: string, expression: string, path: KeyPath, depth: number): Json => {
    const [, dotted, , called, single, double] = environmentCall.exec(expression) ?? [];
    const name = dotted ?? called;
    if (name !== undefined) {
      const initial = single ?? double;
      environment.push({ name, path, ...(initial === undefined ? {} : { initial }) });
      return lookup(name, initial) ?? whole;
    }
    const variable = variablePath.exec(expression)?.[1];
    const value = variable === undefined ? undefined : variableAt(variables, variable);
    replaced += 1;
    if (value !== undefined && depth < deepest && replaced <= mostReplaced) return walk(value, path, depth + 1);
    const why =
      variable === undefined
        ? "Sluice knows ${vars.x} and ${env('X', 'default')} only"
        : value === undefined
          ? 'there is no such variable'
          : 'variables refer to each other without end';
    if (replaced <= mostReplaced + 1) faults.push({ path, message: `The placeholder ${whole} cannot be resolved: ${why}.` });
    return whole;
  };

  const text = (value: string, path: KeyPath, depth: number): Json => {
    const alone = /^\$\{\s*([^{}]*?)\s*\}$/.exec(value)?.[1];
    if (alone !== undefined) return one(value, alone, path, depth);
    return value.replaceAll(placeholder, (whole, expression: string) => {
      const part = one(whole, expression, path, depth);
      return typeof part === 'string' ? part : JSON.stringify(part);
    });
  };

  const walk = (value: Json, path: KeyPath, depth: number): Json => {
    if (typeof value === 'string') return text(value, path, depth);
    if (Array.isArray(value)) return value.map((item: Json, index) => walk(item, [...path, index], depth));
    if (!isJsonRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key], depth)]));
  };

  return { value: walk(document, [], 0), environment, faults };
};
