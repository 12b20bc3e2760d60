import { carriesSecret, isPlaceholder, isSecretValue, looksRandom, namesSecret, shapedIn } from '@sluice/core';
import { graphNodes } from '../dsl.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from '../shape.ts';
import type { Path, Report } from './report.ts';

/** nameOf is what a text is called: its key, or the name beside it in lists of `{name, value}` and `{key, value}`. */
export const nameOf = (mapping: Mapping, key: string, path: Path): string =>
  key === 'value' || key === 'default' ? textOf(mapping['name']) || textOf(mapping['key']) || textOf(mapping['variable']) || String(path.at(-1) ?? '') : key;

/** isCredential is the key of an HTTP request node, which is never anything else than a secret. */
export const isCredential = (key: string, value: string, path: Path): boolean =>
  key === 'api_key' && path.at(-1) === 'config' && path.at(-2) === 'authorization' && value.length >= 8 && !isPlaceholder(value);

/** Promised are the names of values that are secrets by what the file says of them, whatever they are called. */
type Promised = ReadonlySet<string>;

const none: Promised = new Set();

/** secretParameters are the parameters that a tool's plugin asks for as secrets. */
const secretParameters = (node: Mapping): Promised =>
  new Set(listOf(node['paramSchemas']).map(mappingOf).filter(({ type }) => type === 'secret-input').map(({ name }) => textOf(name)));

/** sentVariables are the environment variables that requests send as their key, or in a header that carries one. */
const sentVariables = (root: Mapping): Promised => {
  const texts = graphNodes(mappingOf(root['workflow'])['graph'])
    .filter(({ type }) => type === 'http-request')
    .flatMap(({ data }) => [
      textOf(mappingOf(mappingOf(data['authorization'])['config'])['api_key']),
      ...textOf(data['headers']).split('\n').filter((line) => carriesSecret(line.split(':')[0]?.trim() ?? '')),
    ]);
  return new Set(texts.flatMap((text) => [...text.matchAll(/\{\{#env\.(\w+)#\}\}/g)].map(([, name = '']) => name)));
};

/** kindOf says what a text is when it is a secret. */
const kindOf = (mapping: Mapping, key: string, value: string, path: Path, promised: Promised): string | undefined => {
  const shaped = shapedIn(value)[0];
  if (shaped !== undefined) return shaped.what;
  if (value.includes('{{') && !/\s/.test(value)) return undefined;
  if (isCredential(key, value, path)) return 'the key of a request';
  const name = nameOf(mapping, key, path);
  if (isSecretValue(name, value) || (promised.has(name) && !isPlaceholder(value))) return `the value of ${name}`;
  return namesSecret(value) ? 'a key or token' : undefined;
};

/** looksReal says whether the value of a secret variable is a secret, and no placeholder. */
export const looksReal = (value: unknown): boolean => typeof value === 'string' && (shapedIn(value).length > 0 || looksRandom(value));

const hint = 'Replace it where it is issued, since whoever can read the repository has it; then keep it in a secret environment variable of the app and give its value by `variables: { NAME: { env: NAME } }`.';

const isSecretVariable = (mapping: Mapping, path: Path): boolean => path[1] === 'environment_variables' && mapping['value_type'] === 'secret';

/** layoutKeys hold no text of a person. */
const layoutKeys = new Set(['position', 'positionAbsolute', 'viewport', 'dataset_ids', 'icon']);

/**
 * checkSecrets finds secrets in plain text anywhere in the file: by their shape, or by a name that promises one beside a
 * value that looks drawn at random. It gives the texts that hold one, so that they are not found twice.
 */
export const checkSecrets = (root: Mapping, report: Report): readonly string[] => {
  const found: string[] = [];
  const sent = sentVariables(root);
  const lookAt = (mapping: Mapping, key: string, value: string, path: Path, at: string | number, promised: Promised): void => {
    const kind = value.length < 8 ? undefined : kindOf(mapping, key, value, path, promised);
    if (kind === undefined) return;
    found.push(value);
    if (!isSecretVariable(mapping, path)) report('secret-plain', 'error', `A secret stands in the file in plain text: ${kind}.`, [...path, at], hint);
  };
  const look = (value: unknown, path: Path, promised: Promised): void => {
    if (Array.isArray(value)) {
      value.forEach((item: unknown, index) => (typeof item === 'string' ? lookAt({}, '', item, path, index, none) : look(item, [...path, index], promised)));
      return;
    }
    if (!isMapping(value)) return;
    const inner = value['paramSchemas'] === undefined ? promised : secretParameters(value);
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'string') lookAt(value, key, item, path, key, promised);
      else if (typeof item === 'object' && !layoutKeys.has(key)) look(item, [...path, key], key === 'environment_variables' ? sent : inner);
    }
  };
  look(root, [], none);
  return found;
};
