import { derivedForms } from './forms.ts';

/** Redactor hides secrets in text. It is for whole texts: a secret cut in two between calls is not found. */
export interface Redactor {
  /** add hides a secret and its derived forms from now on. */
  add(secret: string): void;
  /** redact puts `***` in place of everything that was added. */
  redact(text: string): string;
}

const mark = '***';

/** longestAt is the length of the longest form that begins at an index, 0 when there is none; `forms` are longest first. */
const longestAt = (text: string, index: number, forms: readonly string[]): number =>
  forms.find((form) => text.startsWith(form, index))?.length ?? 0;

/** redactOnce covers every place where any form stands; places that overlap or touch become one mark. */
const redactOnce = (text: string, byFirst: ReadonlyMap<string, readonly string[]>): string => {
  const kept: string[] = [];
  let keptTo = 0;
  let coveredFrom = 0;
  let coveredTo = -1;
  for (let index = 0; index < text.length; index += 1) {
    const forms = byFirst.get(text.charAt(index));
    const length = forms === undefined ? 0 : longestAt(text, index, forms);
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
  const byFirst = new Map<string, string[]>();
  let formsHoldMark = false;
  const addForms = (forms: readonly string[]): void => {
    for (const first of new Set(forms.map((form) => form.charAt(0)))) {
      const all = new Set([...(byFirst.get(first) ?? []), ...forms.filter((form) => form.startsWith(first))]);
      byFirst.set(first, [...all].toSorted((one, other) => other.length - one.length));
    }
    formsHoldMark ||= forms.some((form) => form.includes('*'));
  };
  return {
    add: (secret) => {
      addForms(derivedForms(secret));
    },
    redact: (text) => {
      let before = text;
      let after = redactOnce(before, byFirst);
      // A mark beside other text can spell a secret that holds asterisks itself; each pass makes the text shorter.
      while (formsHoldMark && after !== before) {
        before = after;
        after = redactOnce(before, byFirst);
      }
      return after;
    },
  };
};
