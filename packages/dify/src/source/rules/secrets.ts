import { isMapping, textOf, type Mapping } from '../shape.ts';
import type { Path, Report } from './report.ts';
import { isPlaceholder, looksRandom, shapedIn } from './secret-shapes.ts';

/** secretKey are the keys of nodes, headers and variables that promise a secret. */
const secretKey = /(?:^|[_-])(?:api[_-]?key|x-api-key|app[_-]?key|access[_-]?key(?:[_-]?(?:id|secret))?|secret(?:[_-]?(?:key|id))?|token|access[_-]?token|password|passwd|pwd|authorization|private[_-]?key|webhook)$/i;

const dashed = (key: string): string => key.replace(/([a-z0-9])([A-Z])/g, '$1_$2');

/** assigned are secrets that a text gives a name, as headers and code do. */
const assigned = /([\w-]{2,40})["']?\s*(?::|=(?!=))\s*["']?(?:(?:Bearer|Basic|Token)\s+)?([\w+/=.~-]{16,})/gi;

const bearer = /\b(?:Bearer|Basic)\s+([\w+/=.~-]{20,})/;

const namedIn = (text: string): boolean => {
  if (text.length < 20) return false;
  const carried = bearer.exec(text)?.[1];
  if (carried !== undefined && looksRandom(carried)) return true;
  if (!/key|token|secret|passw|pwd|auth|webhook/i.test(text)) return false;
  return [...text.matchAll(assigned)].some(([, name = '', value = '']) => secretKey.test(dashed(name)) && looksRandom(value));
};

interface Named {
  readonly name: string;
  readonly value: string;
}

/** nameOf is what a text is called: its key, or the name beside it in lists of `{name, value}` and `{key, value}`. */
const nameOf = (mapping: Mapping, key: string, path: Path): string =>
  key === 'value' || key === 'default' ? textOf(mapping['name']) || textOf(mapping['key']) || textOf(mapping['variable']) || String(path.at(-1) ?? '') : key;

const isPassword = ({ name, value }: Named): boolean => /passw(?:or)?d$/i.test(name) && /^\S{6,100}$/.test(value) && /\d/.test(value) && !isPlaceholder(value);

const isSecretValue = ({ name, value }: Named): boolean =>
  isPassword({ name, value }) || (secretKey.test(dashed(name)) && looksRandom(value.replace(/^(?:Bearer|Basic|Token)\s+/i, '')));

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
  if (isSecretValue({ name, value })) return `the value of ${name}`;
  return namedIn(value) ? 'a key or token' : undefined;
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

/** commentSecret finds a secret in a comment; its offset in the text, or undefined. */
export const commentSecrets = (text: string, found: readonly string[]): readonly { readonly what: string; readonly line: number }[] => {
  const known = found.join('\n');
  return text.split('\n').flatMap((line, index) => {
    const [shaped] = line.includes('#') ? shapedIn(line) : [];
    return shaped === undefined || known.includes(shaped.text) ? [] : [{ what: shaped.what, line: index + 1 }];
  });
};
