import { looksLikeSecretName } from '../secrets/secret-names.ts';
import { oneLine } from '../text/one-line.ts';

const hideSecret = (line: string): string =>
  line.replace(/([\w.-]+)(["']?\s*:\s*)(\S.*)$/, (whole, name: string, colon: string) =>
    looksLikeSecretName(name) ? `${name}${colon}***` : whole,
  );

/**
 * excerptAt is the line of a text at an offset, or the last line before it that is not blank: short, in one line, and
 * without the value of a key that promises a secret.
 */
export const excerptAt = (text: string, offset: number): string => {
  const end = text.indexOf('\n', offset);
  const before = text.slice(0, end === -1 ? text.length : end).trimEnd();
  const line = before.slice(before.lastIndexOf('\n') + 1);
  return oneLine(hideSecret(line.slice(0, 2000)), 80);
};
