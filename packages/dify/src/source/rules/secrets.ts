import { isPlaceholder, isSecretValue, looksRandom, namesSecret, shapedIn } from '@sluice/core';
import { isMapping, textOf, type Mapping } from '../shape.ts';
import type { Path, Report } from './report.ts';

/** nameOf is what a text is called: its key, or the name beside it in lists of `{name, value}` and `{key, value}`. */
const nameOf = (mapping: Mapping, key: string, path: Path): string =>
  key === 'value' || key === 'default' ? textOf(mapping['name']) || textOf(mapping['key']) || textOf(mapping['variable']) || String(path.at(-1) ?? '') : key;

/** isCredential is the key of an HTTP request node, which is never anything else than a secret. */
const isCredential = (key: string, value: string, path: Path): boolean =>
  key === 'api_key' && path.at(-1) === 'config' && path.at(-2) === 'authorization' && value.length >= 8 && !isPlaceholder(value);

/** kindOf says what a text is when it is a secret. */
const kindOf = (mapping: Mapping, key: string, value: string, path: Path): string | undefined => {
  const shaped = shapedIn(value)[0];
  if (shaped !== undefined) return shaped.what;
  if (value.includes('{{') && !/\s/.test(value)) return undefined;
  if (isCredential(key, value, path)) return 'the key of a request';
  const name = nameOf(mapping, key, path);
  if (isSecretValue(name, value)) return `the value of ${name}`;
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
  const lookAt = (mapping: Mapping, key: string, value: string, path: Path, at: string | number): void => {
    const kind = value.length < 8 ? undefined : kindOf(mapping, key, value, path);
    if (kind === undefined) return;
    found.push(value);
    if (!isSecretVariable(mapping, path)) report('secret-plain', 'error', `A secret stands in the file in plain text: ${kind}.`, [...path, at], hint);
  };
  const look = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) {
      value.forEach((item: unknown, index) => (typeof item === 'string' ? lookAt({}, '', item, path, index) : look(item, [...path, index])));
      return;
    }
    if (!isMapping(value)) return;
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'string') lookAt(value, key, item, path, key);
      else if (typeof item === 'object' && !layoutKeys.has(key)) look(item, [...path, key]);
    }
  };
  look(root, []);
  return found;
};
