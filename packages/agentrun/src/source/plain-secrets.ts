import { commentSecrets, isSecretValue, namesSecret, shapedIn, type Finding, type Json, type KeyPath } from '@sluice/core';
import type { Report } from './findings.ts';
import { isJsonRecord, type JsonRecord } from './json.ts';

const hint = 'Replace it where it is issued, since whoever can read the repository has it; then write ${env(NAME)} in its place, or give the value by `variables: { NAME: { env: NAME } }` in sluice.yml.';

/** kindOf says what a text is when it is a secret; what stands in a placeholder is a default, and as plain as the rest. */
const kindOf = (key: string, value: string): string | undefined => {
  const shaped = shapedIn(value)[0];
  if (shaped !== undefined) return shaped.what;
  const plain = /^\$\{\s*env\(\s*['"]?(\w+)['"]?\s*,\s*['"]([^'"]*)['"]\s*\)\}$/.exec(value);
  const [name, text] = plain === null ? [key, value] : [plain[1] ?? key, plain[2] ?? ''];
  if (isSecretValue(name, text) || isSecretValue(key, text)) return `the value of ${key}`;
  return value.includes('${') ? undefined : namesSecret(value) ? 'a key or token' : undefined;
};

interface Found {
  readonly path: KeyPath;
  readonly kind: string;
  readonly text: string;
}

const found = (value: Json, key: string, path: KeyPath): readonly Found[] => {
  if (typeof value === 'string') {
    const kind = value.length < 6 ? undefined : kindOf(key, value);
    return kind === undefined ? [] : [{ path, kind, text: value }];
  }
  if (Array.isArray(value)) return value.flatMap((item: Json, index) => found(item, key, [...path, index]));
  return isJsonRecord(value) ? Object.entries(value).flatMap(([name, item]) => found(item, name, [...path, name])) : [];
};

/** plainSecrets are the secrets that stand in the file for everybody to read, in values anywhere and in comments. */
export const plainSecrets = (document: JsonRecord, text: string, report: Report, file: string): readonly Finding[] => {
  const values = found(document, '', []);
  const comments = commentSecrets(text, values.map((one) => one.text));
  return [
    ...values.map(({ path, kind }) => report('secret-plain', 'error', path, `A secret stands in the file in plain text: ${kind}.`, hint)),
    ...comments.map(({ what, line }): Finding => ({ rule: 'agentrun/secret-plain', severity: 'error', message: `A secret stands in a comment in plain text: ${what}.`, place: { file, line }, hint: 'Replace it where it is issued, and take it out of the comment.' })),
  ];
};
