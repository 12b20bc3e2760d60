import { plainLine } from './plain.ts';
import { graphemesOf } from './width.ts';

/** unitsPerCharacter bounds what one character may weigh, so that stacks of combining marks cannot stretch a line. */
const unitsPerCharacter = 16;

/**
 * oneLine is a text as one line of at most `max` characters as people count them: blanks are joined, the ends trimmed,
 * ANSI sequences and control characters gone, and what was cut is marked by an ellipsis.
 */
export const oneLine = (text: string, max: number): string => {
  const line = plainLine(text).replace(/\s+/g, ' ').trim();
  if (line.length <= max) return line;
  const kept: string[] = [];
  let units = 0;
  for (const grapheme of graphemesOf(line)) {
    units += grapheme.length;
    if (kept.length === max || units > max * unitsPerCharacter) return `${kept.slice(0, Math.max(0, max - 1)).join('').trimEnd()}…`;
    kept.push(grapheme);
  }
  return line;
};
