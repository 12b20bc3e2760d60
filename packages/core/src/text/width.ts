/** wideRanges are the code points of East Asian width W and F (Unicode 15.1, EastAsianWidth.txt), joined where only unassigned ones lie between. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x23f0, 0x23f0],
  [0x23f3, 0x23f3],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

const isWide = (codePoint: number): boolean =>
  codePoint >= 0x1100 && wideRanges.some(([from, to]) => codePoint >= from && codePoint <= to);

const emoji = /^(?:\p{Emoji_Presentation}|\p{Regional_Indicator}{2})|\uFE0F|\p{Extended_Pictographic}\u200D/u;
const withoutWidth = /^[\p{Mark}\p{Control}\p{Format}\p{Line_Separator}\p{Paragraph_Separator}]/u;

const graphemeWidth = (grapheme: string): number => {
  if (withoutWidth.test(grapheme)) return 0;
  return emoji.test(grapheme) || isWide(grapheme.codePointAt(0) ?? 0) ? 2 : 1;
};

/** graphemesOf gives the characters of a text as people count them. A segmenter takes 10 ms to make, so plain text goes without. */
export function* graphemesOf(text: string): Generator<string> {
  if (/^[ -~]*$/.test(text)) {
    yield* text;
    return;
  }
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { segment } of graphemes.segment(text)) yield segment;
}

/** displayWidth is the number of terminal columns that a line of text takes; CJK and emoji take two. */
export const displayWidth = (text: string): number => {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemesOf(text)) width += graphemeWidth(grapheme);
  return width;
};

/** padToWidth fills a line with blanks to at least `width` columns; `end` aligns it to the right. */
export const padToWidth = (text: string, width: number, align: 'start' | 'end' = 'start'): string => {
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'start' ? text + blanks : blanks + text;
};
