import type { diffArrays } from 'diff';
import { displayWidth } from '@sluice/core';

/** WordPart is a stretch of two texts: in both, only in the newer, or only in the older one. */
export interface WordPart {
  readonly kind: 'kept' | 'added' | 'removed';
  readonly text: string;
}

/** mostEdits is when two texts have so little in common that they are told as one gone and one new. */
const mostEdits = 600;

/** longestBlock, in UTF-16 units, is what is compared word by word at once; where more lines than that changed together, nobody reads words. */
const longestBlock = 20_000;

/** pieces are what the segmenter gets at once: for each word that it finds it makes a copy of its whole text. */
const pieces = /\s+|[^\s]{1,200}/gu;

/** Words of Chinese, Japanese and Thai have no blanks between them; the segmenter knows them by its dictionary, whatever its language. */
const wordsOf = (text: string): string[] => {
  const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });
  return (text.match(pieces) ?? []).flatMap((piece) => [...segmenter.segment(piece)].map(({ segment }) => segment));
};

const replaced = (before: string, after: string): readonly WordPart[] => [
  ...(before === '' ? [] : [{ kind: 'removed', text: before } as const]),
  ...(after === '' ? [] : [{ kind: 'added', text: after } as const]),
];

type Compare = typeof diffArrays;

/** compared finds what two lists of stretches have in common; undefined where that is next to nothing. */
const compared = (compare: Compare, before: readonly string[], after: readonly string[]): readonly WordPart[] | undefined =>
  compare([...before], [...after], { maxEditLength: mostEdits })?.map(({ added, removed, value }) => ({ kind: added ? 'added' : removed ? 'removed' : 'kept', text: value.join('') }));

const inBlock = (compare: Compare, before: string, after: string): readonly WordPart[] => {
  if (before.length + after.length > longestBlock) return replaced(before, after);
  return compared(compare, wordsOf(before), wordsOf(after)) ?? replaced(before, after);
};

const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** wordParts compares two texts, first by lines and then the lines that changed word by word; removed words stand before the added ones that take their place. */
export const wordParts = async (before: string, after: string): Promise<readonly WordPart[]> => {
  if (before === after) return before === '' ? [] : [{ kind: 'kept', text: before }];
  const { diffArrays: compare } = await import('diff');
  const lines = compared(compare, linesOf(before), linesOf(after)) ?? replaced(before, after);
  const parts = lines.flatMap((line, index): readonly WordPart[] => {
    const [last, next] = [lines[index - 1], lines[index + 1]];
    if (line.kind === 'removed' && next?.kind === 'added') return inBlock(compare, line.text, next.text);
    return line.kind === 'added' && last?.kind === 'removed' ? [] : [line];
  });
  return joined(parts);
};

/** joined puts neighbours of one kind together. */
const joined = (parts: readonly WordPart[]): readonly WordPart[] => {
  const found: WordPart[] = [];
  for (const part of parts) {
    const last = found.at(-1);
    if (last?.kind === part.kind) found[found.length - 1] = { kind: part.kind, text: last.text + part.text };
    else found.push(part);
  }
  return found;
};

const inColumns = (pieces: readonly string[], columns: number): number => {
  let [width, count] = [0, 0];
  for (const piece of pieces) {
    width += displayWidth(piece);
    if (width > columns) return count;
    count += 1;
  }
  return count;
};

const start = (text: string, columns: number): string => {
  const words = wordsOf(text);
  const count = inColumns(words, columns);
  return count === words.length ? text : `${words.slice(0, count).join('').trimEnd()} … `;
};

const end = (text: string, columns: number): string => {
  const words = wordsOf(text);
  const count = inColumns(words.toReversed(), columns);
  return count === words.length ? text : ` … ${words.slice(words.length - count).join('').trimStart()}`;
};

const middle = (text: string, columns: number): string => {
  const [first, last] = [start(text, columns), end(text, columns)];
  return displayWidth(first) + displayWidth(last) >= displayWidth(text) ? text : `${first.replace(/ … $/, '')} … ${last.replace(/^ … /, '')}`;
};

/** aroundChanges leaves of what both texts have only so many columns beside each change; CJK takes two for each character. */
export const aroundChanges = (parts: readonly WordPart[], columns: number): readonly WordPart[] =>
  parts.map(({ kind, text }, index) => {
    if (kind !== 'kept') return { kind, text };
    if (parts.length === 1) return { kind, text: start(text, columns) };
    if (index === 0) return { kind, text: end(text, columns) };
    return { kind, text: index === parts.length - 1 ? start(text, columns) : middle(text, columns) };
  });
