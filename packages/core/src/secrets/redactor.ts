import { derivedForms, shortestForm } from './forms.ts';

/** Redactor hides secrets in text. It is for whole texts: a secret cut in two between calls is not found. */
export interface Redactor {
  /** add hides a secret and its derived forms from now on. */
  add(secret: string): void;
  /** redact puts `***` in place of everything that was added. */
  redact(text: string): string;
}

const mark = '***';

/** Known are forms by their beginning, as long as the shortest form; those of one beginning are longest first. */
type Known = Map<string, readonly string[]>;

/** longestAt is the length of the longest form that begins at an index, 0 when there is none. */
const longestAt = (text: string, index: number, known: Known): number =>
  known.get(text.slice(index, index + shortestForm))?.find((form) => text.startsWith(form, index))?.length ?? 0;

/** redactOnce covers every place where any form stands; places that overlap or touch become one mark. */
const redactOnce = (text: string, known: Known): string => {
  const kept: string[] = [];
  let keptTo = 0;
  let coveredFrom = 0;
  let coveredTo = -1;
  for (let index = 0; index < text.length; index += 1) {
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
  const known: Known = new Map();
  let formsHoldMark = false;
  return {
    add: (secret) => {
      for (const form of derivedForms(secret)) {
        const beginning = form.slice(0, shortestForm);
        const others = known.get(beginning) ?? [];
        if (others.includes(form)) continue;
        known.set(beginning, [...others, form].toSorted((one, other) => other.length - one.length));
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
