import type { Change } from '@sluice/core';
import type { ShownChange, ShownPart } from './diff-evidence.ts';
import { aroundChanges, wordParts, type WordPart } from './word-diff.ts';

/** besideColumns is how much of what both texts have stays beside each change. */
const besideColumns = { prose: 120, value: 40 } as const;

/** longestText, in characters, is how much of one change's texts is shown; the files have the rest. */
const longestText = 4000;

/** longestValue is the longest value that is shown whole, beside the one that it took the place of. */
const longestValue = 80;

/** linesOf breaks parts at line ends, so that no text of a document has one. */
const linesOf = (parts: readonly WordPart[]): ShownPart[][] => {
  const lines: ShownPart[][] = [[]];
  for (const { kind, text } of parts) {
    for (const [index, piece] of text.split('\n').entries()) {
      if (index > 0) lines.push([]);
      if (piece !== '') lines.at(-1)?.push({ kind, text: piece });
    }
  }
  while (lines.at(-1)?.length === 0) lines.pop();
  return lines;
};

/** cut leaves the first characters, half of a character never. */
const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')} …`);

const bounded = (parts: readonly WordPart[]): readonly WordPart[] => {
  const kept: WordPart[] = [];
  let left = longestText;
  for (const { kind, text } of parts) {
    if (left <= 0) return [...kept, { kind: 'kept', text: ' …' }];
    kept.push({ kind, text: cut(text, left) });
    left -= text.length;
  }
  return kept;
};

/** whole tells both values as they are: the old one gone, the new one there. */
const whole = (before: string | undefined, after: string | undefined): readonly WordPart[] => [
  ...(before === undefined || before === '' ? [] : [{ kind: 'removed', text: before } as const]),
  ...(before === undefined || after === undefined || before === '' || after === '' ? [] : [{ kind: 'kept', text: ' ' } as const]),
  ...(after === undefined || after === '' ? [] : [{ kind: 'added', text: after } as const]),
];

const partsOf = async ({ before, after, prose }: Change): Promise<readonly WordPart[]> => {
  const short = (before ?? '').length <= longestValue && (after ?? '').length <= longestValue;
  if (before === undefined || after === undefined || (prose !== true && short)) return whole(before, after);
  return aroundChanges(await wordParts(before, after), prose === true ? besideColumns.prose : besideColumns.value);
};

/** shownChange is a change with its texts compared, word by word where people read them. */
export const shownChange = async (change: Change): Promise<ShownChange> => shownAs(change, await partsOf(change));

const shownAs = ({ kind, about, subject }: Change, parts: readonly WordPart[]): ShownChange => ({ kind, about, subject, lines: linesOf(bounded(parts)) });

/** mostCompared, in characters, is how much text is compared by words at all: where more changed, nobody reads words. */
const mostCompared = 200_000;

/** shownChanges are changes as people are shown them, one after the other; those beyond what is compared have both texts whole. */
export const shownChanges = async (changes: readonly Change[]): Promise<readonly ShownChange[]> => {
  const shown: ShownChange[] = [];
  let left = mostCompared;
  for (const change of changes) {
    const { before, after } = change;
    left -= before === undefined || after === undefined ? 0 : before.length + after.length;
    shown.push(left >= 0 ? await shownChange(change) : shownAs(change, whole(before, after)));
  }
  return shown;
};
