import { done, failed, type Outcome } from '../outcome.ts';

const startsWith = (bytes: Uint8Array, ...first: readonly number[]): boolean =>
  first.every((byte, index) => bytes[index] === byte);

const decodes = (bytes: Uint8Array, encoding: string): string | undefined => {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    // A fatal decoder has no other way to say no.
    return undefined;
  }
};

/** zeroShare is the share of NUL among the first bytes; UTF-16 without a mark shows by it. */
const zeroShare = (bytes: Uint8Array): number => {
  const first = bytes.subarray(0, 4096);
  return first.length === 0 ? 0 : first.filter((byte) => byte === 0).length / first.length;
};

const likelyEncoding = (bytes: Uint8Array): string | undefined => {
  if (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff) || zeroShare(bytes) > 0.2) return 'UTF-16';
  const asGbk = decodes(bytes, 'gb18030');
  return asGbk !== undefined && /\p{Script=Han}/u.test(asGbk) ? 'GBK' : undefined;
};

/** decodeText reads bytes as strict UTF-8 without its byte order mark; `shownAs` names the file in the `input` problem. */
export const decodeText = (bytes: Uint8Array, shownAs: string): Outcome<string> => {
  const text = zeroShare(bytes) > 0.2 ? undefined : decodes(bytes, 'utf-8');
  if (text !== undefined) return done(text);
  const encoding = likelyEncoding(bytes);
  return failed({
    category: 'input',
    reason: `${shownAs} is not UTF-8 text${encoding === undefined ? '' : `; it looks like ${encoding}`}`,
    tried: 'read the file as text',
    where: shownAs,
    hint: 'Save the file as UTF-8.',
  });
};
