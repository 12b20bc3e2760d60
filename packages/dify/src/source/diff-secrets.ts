import { hideSecrets, isSecretValue } from '@sluice/core';
import { isCredential, nameOf } from './rules/secrets.ts';
import { isMapping, type Mapping } from './shape.ts';

/** hiddenMark stands where a secret was. */
export const hiddenMark = '•••';

/** A private-use character behind the mark tells one secret from another, until the text is shown. */
const firstTag = 0xf0000;
const mostTags = 0xffff;
const tagged = /•••[\u{f0000}-\u{fffff}]/gu;

/** untagged is a sealed text as people see it. */
export const untagged = (text: string): string => text.replace(tagged, hiddenMark);

/** Seal gives a value with every secret in it replaced, the same secret always by the same mark. */
export type Seal = (value: unknown, path: readonly (string | number)[]) => unknown;

/** hide replaces what the linter would call a secret, by its shape or by its name. */
const sealedText = (mapping: Mapping, key: string, value: string, path: readonly (string | number)[], hide: (secret: string) => string): string => {
  if (value.length < 6) return value;
  const named = isCredential(key, value, path) || isSecretValue(nameOf(mapping, key, path), value);
  return named && !(value.includes('{{') && !/\s/.test(value)) ? hide(value) : hideSecrets(value, hide);
};

/** sealer makes a Seal: a changed secret is seen as a change, and never itself. */
export const sealer = (): Seal => {
  const marks = new Map<string, string>();
  const hide = (secret: string): string => {
    const mark = marks.get(secret) ?? `${hiddenMark}${String.fromCodePoint(firstTag + (marks.size % mostTags))}`;
    marks.set(secret, mark);
    return mark;
  };
  const seal: Seal = (value, path) => {
    if (typeof value === 'string') return sealedText({}, '', value, path, hide);
    if (Array.isArray(value)) return value.map((item: unknown, index) => seal(item, [...path, index]));
    if (!isMapping(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typeof item === 'string' ? sealedText(value, key, item, path, hide) : seal(item, [...path, key])]));
  };
  return seal;
};
