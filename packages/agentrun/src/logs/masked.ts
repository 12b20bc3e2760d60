import { createRedactor, looksLikeSecretName, type Connection } from '@sluice/core';
import { isJsonRecord, type JsonRecord } from '../source/json.ts';

/** Values below these lengths would blacken ordinary words; a name that promises a secret lowers it. */
const shortest = 8;
const shortestSecret = 4;

/** valuesOf are the values of a runtime's environment variables that can be hidden. */
const valuesOf = ({ environmentVariables: variables }: JsonRecord): readonly string[] =>
  Object.entries(isJsonRecord(variables) ? variables : {}).flatMap(([name, value]) => (typeof value === 'string' && value.length >= (looksLikeSecretName(name) ? shortestSecret : shortest) ? [value] : []));

/** hiderOf gives what takes the values of environment variables, of a runtime and of its versions, out of a text: agents log them, and AgentRun shows them in clear. */
export const hiderOf = (...shown: readonly JsonRecord[]): ((text: string) => string) => {
  const redactor = createRedactor();
  for (const value of shown.flatMap(valuesOf)) redactor.add(value);
  return (text) => redactor.redact(text);
};

/** Variables hides the values of a runtime's environment variables, as they become known, in all that is written. */
export interface Variables {
  /** learn takes them from a configuration, or from a runtime as the platform shows it. */
  learn(shown: JsonRecord): void;
  /** hide takes those that are known out of a text that is going to be cut to a length: a cut can leave half a value, which nothing recognises any more. */
  hide(text: string): string;
}

/** createVariables hands each value on to `mask`, once. `plain` are words that Sluice itself writes, such as the region: hiding those would hide no secret and make its own messages unreadable. */
export const createVariables = (mask: Connection['mask'], plain: readonly string[]): Variables => {
  const known = new Set(plain);
  const redactor = createRedactor();
  return {
    learn: (shown) => {
      for (const value of valuesOf(shown)) {
        if (known.has(value)) continue;
        known.add(value);
        redactor.add(value);
        mask(value);
      }
    },
    hide: (text) => redactor.redact(text),
  };
};
