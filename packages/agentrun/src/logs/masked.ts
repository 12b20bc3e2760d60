import { looksLikeSecretName } from '@sluice/core';
import { isJsonRecord, type JsonRecord } from '../source/json.ts';

/** Values below these lengths would blacken ordinary words; a name that promises a secret lowers it. */
const shortest = 8;
const shortestSecret = 4;

/** hiderOf gives what takes the values of a runtime's environment variables out of a text: agents log them, and AgentRun shows them in clear. */
export const hiderOf = (shown: JsonRecord): ((text: string) => string) => {
  const { environmentVariables: variables } = shown;
  const values = Object.entries(isJsonRecord(variables) ? variables : {})
    .flatMap(([name, value]) => (typeof value === 'string' && value.length >= (looksLikeSecretName(name) ? shortestSecret : shortest) ? [value] : []))
    .sort((one, other) => other.length - one.length);
  return (text) => values.reduce((hidden, value) => hidden.replaceAll(value, '***'), text);
};
