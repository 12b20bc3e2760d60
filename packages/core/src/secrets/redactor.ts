import { derivedForms, shortestForm } from './forms.ts';

/** Redactor hides secrets in text. It is for whole texts: a secret cut in two between calls is not found. */
export interface Redactor {
  /** add hides a secret and its derived forms from now on. */
  add(secret: string): void;
  /** redact puts `***` in place of everything that was added. */
  redact(text: string): string;
}

const mark = '***';

/** Known are the forms to hide. */
interface Known {
  /** forms are by their beginning, as long as the shortest form; those of one beginning are longest first. */
  readonly forms: Map<string, readonly string[]>;
  /** slots is 1 where some form's first two units lead: most places of a text are left by one look at it. */
  readonly slots: Uint8Array;
}

const slotCount = 4096;

/** slotAt is the slot of the two units at an index. */
const slotAt = (text: string, index: number): number => ((text.charCodeAt(index) << 5) ^ text.charCodeAt(index + 1)) & (slotCount - 1);

/** longestAt is the length of the longest form that begins at an index, 0 when there is none. */
const longestAt = (text: string, index: number, { forms }: Known): number =>
  forms.get(text.slice(index, index + shortestForm))?.find((form) => text.startsWith(form, index))?.length ?? 0;

/** redactOnce covers every place where any form stands; places that overlap or touch become one mark. */
const redactOnce = (text: string, known: Known): string => {
  const kept: string[] = [];
  let keptTo = 0;
  let coveredFrom = 0;
  let coveredTo = -1;
  for (let index = 0; index < text.length; index += 1) {
    if (known.slots[slotAt(text, index)] === 0) continue;
    const length = longestAt(text, index, known);
    if (length === 0) continue;
    if (index > coveredTo) {
      if (coveredTo >= 0) {
        kept.push(text.slice(keptTo, coveredFrom), mark);
        keptTo = coveredTo;
      }
      coveredFrom = index;
    }
    coveredTo = Math.max(coveredTo, index + length);
  }
  if (coveredTo < 0) return text;
  return [...kept, text.slice(keptTo, coveredFrom), mark, text.slice(coveredTo)].join('');
};

/** createRedactor makes a redactor that knows no secret yet. Its cost grows with the text, hardly with the number of secrets. */
export const createRedactor = (): Redactor => {
  const known: Known = { forms: new Map(), slots: new Uint8Array(slotCount) };
  let formsHoldMark = false;
  return {
    add: (secret) => {
      for (const form of derivedForms(secret)) {
        const beginning = form.slice(0, shortestForm);
        const others = known.forms.get(beginning) ?? [];
        if (others.includes(form)) continue;
        known.slots[slotAt(form, 0)] = 1;
        known.forms.set(beginning, [...others, form].toSorted((one, other) => other.length - one.length));
        formsHoldMark ||= form.includes('*');
      }
    },
    redact: (text) => {
      let before = text;
      let after = redactOnce(before, known);
      // A mark beside other text can spell a secret that holds asterisks itself; each pass makes the text shorter.
      while (formsHoldMark && after !== before) {
        before = after;
        after = redactOnce(before, known);
      }
      return after;
    },
  };
};
