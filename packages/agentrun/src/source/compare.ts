import type { Json } from '@sluice/core';
import { contentOf, showsCode } from './configuration.ts';
import { canonicalJson, isJsonRecord, type JsonRecord } from './json.ts';

/** Comparison says how what a platform shows differs from what was wanted. Parts are named by their keys, never by values of variables. */
export interface Comparison {
  /** different are parts that are wanted and shown otherwise, or not shown. */
  readonly different: readonly string[];
  /** extra are environment variables that are shown and were not wanted. */
  readonly extra: readonly string[];
  /** codeUnseen is true when the platform does not show which code it holds. */
  readonly codeUnseen: boolean;
}

const differing = (wanted: Json, shown: Json | undefined, path: string): string[] => {
  if (isJsonRecord(wanted)) {
    const within = isJsonRecord(shown) ? shown : {};
    return Object.entries(wanted).flatMap(([key, value]) => differing(value, within[key], path === '' ? key : `${path}.${key}`));
  }
  return shown !== undefined && canonicalJson(wanted) === canonicalJson(shown) ? [] : [path];
};

/**
 * compare checks that everything that is wanted is shown. What the platform adds of its own (defaults of fields that
 * s.yaml leaves out) does not count.
 */
export const compare = (wanted: JsonRecord, shown: JsonRecord): Comparison => {
  const expected = contentOf(wanted);
  const found = contentOf(shown);
  const codeUnseen = !showsCode(found);
  const { environmentVariables: variables } = found;
  const own = isJsonRecord(expected['environmentVariables']) ? expected['environmentVariables'] : undefined;
  return {
    // `false` and defaults are the same as absent, so they are compared on both sides after contentOf took them out.
    different: differing(expected, found, '').filter((path) => !(codeUnseen && path === 'codeConfiguration.checksum')),
    extra: own === undefined || !isJsonRecord(variables) ? [] : Object.keys(variables).filter((name) => !Object.hasOwn(own, name)),
    codeUnseen,
  };
};

/** isSame says that nothing differs and that this could be seen. */
export const isSame = ({ different, extra, codeUnseen }: Comparison): boolean => different.length === 0 && extra.length === 0 && !codeUnseen;
