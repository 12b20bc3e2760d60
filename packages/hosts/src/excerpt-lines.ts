import { displayWidth, graphemesOf, type Excerpt } from '@sluice/core';

/** Part is what of a drawn finding may have a colour. */
export type Part = 'error' | 'warning' | 'notice' | 'gutter';

/** Paint gives a part its colour where the stream has colours. */
export type Paint = (text: string, part: Part) => string;

/** unpainted is how streams without colours have it. */
export const unpainted: Paint = (text) => text;

/** widestPlain is how wide lines are where nobody says how wide the screen is. */
export const widestPlain = 120;

const narrowest = 40;

/** behind is how many columns behind the caret stay in sight. */
const behind = 20;

/** between is what of a line stands from one terminal column to another; ellipses stand for the rest, and a blank for half of a wide character. */
const between = (text: string, from: number, to: number): string => {
  const width = displayWidth(text);
  if (width <= from) return '';
  const [start, end] = [from === 0 ? 0 : from + 1, width <= to ? to : to - 1];
  let [kept, column] = ['', 0];
  for (const grapheme of graphemesOf(text)) {
    const next = column + displayWidth(grapheme);
    if (column >= start && next <= end) kept += grapheme;
    else if (column < start && next > start) kept += ' '.repeat(next - start);
    column = next;
    if (column >= end) break;
  }
  return `${from === 0 ? '' : '…'}${kept}${width <= to ? '' : '…'}`;
};

/**
 * excerptLines draws an excerpt as compilers do, at most `columns` wide: the lines with their numbers, `>` before the one that
 * is meant, and a caret below the place. All lines are cut at the same columns, so that the caret stays in sight and the
 * indentation stays what it is.
 */
export const excerptLines = ({ lines, caret }: Excerpt, columns: number, paint: (text: string) => string): readonly string[] => {
  const digits = Math.max(...lines.map(({ number }) => String(number).length));
  const room = Math.max(narrowest, columns - digits - 5);
  const from = caret === undefined || caret < room - 1 ? 0 : caret - room + behind;
  const gutter = (mark: string, label: string): string => paint(`${mark} ${label.padStart(digits)} |`);
  return lines.flatMap(({ number, text, meant }) => [
    `${gutter(meant ? '>' : ' ', String(number))} ${between(text, from, from + room)}`.trimEnd(),
    ...(meant && caret !== undefined ? [`${gutter(' ', '')} ${' '.repeat(caret - from)}^`] : []),
  ]);
};
