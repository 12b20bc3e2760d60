import type { Refused, Token } from './tokens.ts';

/** Directive is a block such as `map $a $b { … }`: its words, and the words of each line inside. */
export interface Directive {
  readonly words: readonly string[];
  readonly entries: readonly (readonly string[])[];
  readonly line: number;
}

const outside = (token: Token): Refused => ({
  refused: token.kind === 'end' ? 'unexpected end of file, expecting "}"' : `unexpected "${token.text}" on line ${token.line}`,
});

/** directives groups tokens into the two blocks that an include file may hold. */
export const directives = (tokens: readonly Token[]): readonly Directive[] | Refused => {
  const found: Directive[] = [];
  let words: string[] = [];
  let entries: string[][] | undefined;
  let head: { readonly words: readonly string[]; readonly line: number } | undefined;
  for (const token of tokens) {
    if (token.kind === 'word') {
      words.push(token.text);
    } else if (token.kind === 'end') {
      if (words.length > 0) return { refused: 'unexpected end of file, expecting ";" or "}"' };
      if (head !== undefined) return outside(token);
    } else if (token.kind === ';') {
      if (words.length === 0) return outside(token);
      if (entries === undefined) return { refused: wrongDirective(words) };
      entries.push(words);
      words = [];
    } else if (token.kind === '{') {
      if (words.length === 0 || head !== undefined) return outside(token);
      const refused = badHead(words);
      if (refused !== undefined) return { refused };
      head = { words, line: token.line };
      entries = [];
      words = [];
    } else {
      if (words.length > 0 || head === undefined || entries === undefined) return outside(token);
      found.push({ ...head, entries });
      head = undefined;
      entries = undefined;
    }
  }
  return found;
};

const known = (name: string | undefined): boolean => name === 'map' || name === 'split_clients';

const wrongDirective = (words: readonly string[]): string =>
  known(words[0]) ? `directive "${words[0] ?? ''}" has no opening "{"` : `unknown directive "${words[0] ?? ''}"`;

const badHead = (words: readonly string[]): string | undefined => {
  if (!known(words[0])) return `unknown directive "${words[0] ?? ''}"`;
  if (words.length !== 3) return `invalid number of arguments in "${words[0] ?? ''}" directive`;
  return words[2]?.startsWith('$') === true ? undefined : `invalid variable name "${words[2] ?? ''}"`;
};
