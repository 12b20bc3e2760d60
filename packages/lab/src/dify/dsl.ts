import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { parse, stringify, type Tags } from 'yaml';
import type { Dialect } from './dialect.ts';
import { isFields, isUuid, type Fields } from './reading.ts';
import { typeName } from './python.ts';

/** scalars are PyYAML's own tests where they differ from YAML 1.1: `y` and `n` are texts, and so is `1e3`. */
const scalars: Readonly<Record<string, RegExp>> = {
  'bool true': /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/,
  'bool false': /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/,
  'float EXP': /^[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*[eE][-+][0-9]+$/,
  'int TIME': /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/,
};

const asPython = (tags: Tags): Tags =>
  tags.map((tag) => {
    if (typeof tag === 'string' || !('test' in tag) || tag.test === undefined) return tag;
    const kind = tag.tag.replace('tag:yaml.org,2002:', '');
    const test = scalars[`${kind} ${kind === 'bool' ? tag.test.test('true') : (tag.format ?? '')}`];
    return test === undefined ? tag : { ...tag, test };
  });

const yaml = { version: '1.1', customTags: asPython } as const;

/** readDsl parses a DSL file as PyYAML does: YAML 1.1, later keys win. A string is Dify's complaint. */
export const readDsl = (content: string): Fields | string => {
  let parsed: unknown;
  try {
    parsed = parse(content, { ...yaml, uniqueKeys: false, logLevel: 'error', maxAliasCount: 1000 });
  } catch (error) {
    return `Invalid YAML format: ${error instanceof Error ? error.message : String(error)}`;
  }
  return isFields(parsed) ? parsed : 'Invalid YAML format: content must be a mapping';
};

/** writeDsl writes a DSL file like PyYAML: sorted keys, lists not indented, no block texts. */
export const writeDsl = (content: Fields): string =>
  stringify(content, {
    ...yaml, sortMapEntries: true, indentSeq: false, blockQuote: false, singleQuote: true, lineWidth: 80, aliasDuplicateObjects: false,
  });

/** Compatibility is what Dify makes of a file's version; `refused` carries its complaint. */
export type Compatibility =
  | { readonly status: 'completed' | 'completed-with-warnings' | 'pending' | 'failed'; readonly version: string }
  | { readonly refused: string };

const numbers = (version: string): number[] | undefined => {
  const match = /^\s*v?(\d+(?:\.\d+)*)(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?\d*)*\s*$/i.exec(version);
  return match?.[1]?.split('.').map(Number);
};

/** compatibility compares a file's version with the server's (services/app_dsl_service.py). */
export const compatibility = (given: unknown, { dsl: server, olderWaits, badVersionIsTaken }: Dialect): Compatibility => {
  const version = given === undefined || given === null || given === '' || given === 0 || given === false ? '0.1.0' : given;
  if (typeof version !== 'string') return { refused: `Invalid version type, expected str, got <class '${typeName(version)}'>` };
  const imported = numbers(version);
  const current = numbers(server) ?? [];
  if (imported === undefined && badVersionIsTaken) return { status: 'failed', version };
  if (imported === undefined) return { refused: `Invalid version: '${version}'` };
  const at = (parts: readonly number[], index: number): number => parts[index] ?? 0;
  const length = Math.max(imported.length, current.length);
  const different = Array.from({ length }, (_, index) => at(imported, index) - at(current, index)).find((difference) => difference !== 0) ?? 0;
  if (olderWaits) {
    const sameMinor = at(imported, 0) === at(current, 0) && at(imported, 1) === at(current, 1);
    return { status: !sameMinor ? 'pending' : at(imported, 2) === at(current, 2) ? 'completed' : 'completed-with-warnings', version };
  }
  if (different > 0 || at(imported, 0) < at(current, 0)) return { status: 'pending', version };
  return { status: at(imported, 1) < at(current, 1) ? 'completed-with-warnings' : 'completed', version };
};

const keyOf = (workspace: string): Buffer => createHash('sha256').update(workspace).digest();

/** encryptDataset hides a knowledge base's id from other workspaces: AES-CBC with a key made from the workspace's id. */
export const encryptDataset = (id: string, workspace: string): string => {
  const key = keyOf(workspace);
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16));
  return Buffer.concat([cipher.update(id, 'utf8'), cipher.final()]).toString('base64');
};

/** decryptDataset reads an id back; a plain UUID stays, what another workspace wrote is undefined. */
export const decryptDataset = (value: string, workspace: string): string | undefined => {
  if (isUuid(value)) return value;
  const key = keyOf(workspace);
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16));
    const id = Buffer.concat([decipher.update(Buffer.from(value, 'base64')), decipher.final()]).toString('utf8');
    return isUuid(id) ? id : undefined;
  } catch {
    // Text of another workspace does not decrypt; Dify then drops the id without a word, and so does the lab.
    return undefined;
  }
};
