/** tail marks what was cut off. */
const tail = '…';

/**
 * clip writes text code point by code point through `write` and stops before the sum of `measure` passes `limit`.
 * It never cuts inside a code point or inside what `write` made of one; text that was cut ends with an ellipsis.
 */
export const clip = (
  text: string,
  limit: number,
  write: (codePoint: string) => string,
  measure: (written: string) => number,
): string => {
  const room = limit - measure(tail);
  let used = 0;
  let fitting = '';
  let whole = '';
  for (const codePoint of text) {
    const written = write(codePoint);
    used += measure(written);
    if (used > limit) return room < 0 ? '' : `${fitting}${tail}`;
    whole += written;
    if (used <= room) fitting = whole;
  }
  return whole;
};

/** jsonBytes is how many bytes a text takes inside a JSON string in UTF-8. */
export const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text), 'utf8') - 2;
