import type { Refused } from './tokens.ts';

/** Lookup gives a variable's value for one request; unknown names were refused before. */
export type Lookup = (name: string) => string;

/** Template is text with variables in it. */
export interface Template {
  readonly names: readonly string[];
  fill(lookup: Lookup, captures: readonly string[]): string;
}

const reference = /\$(?:\{([A-Za-z0-9_]*)\}|([1-9])|([A-Za-z0-9_]*))/g;

/** template reads `$name`, `${name}` and `$1`. */
export const template = (text: string): Template | Refused => {
  const names: string[] = [];
  for (const [, braced, digit, plain] of text.matchAll(reference)) {
    if (digit !== undefined) continue;
    const name = braced ?? plain ?? '';
    if (name === '') return { refused: 'invalid variable name' };
    names.push(name);
  }
  return {
    names,
    fill: (lookup, captures) =>
      text.replace(reference, (_, braced?: string, digit?: string, plain?: string) =>
        digit === undefined ? lookup(braced ?? plain ?? '') : (captures[Number(digit)] ?? ''),
      ),
  };
};
