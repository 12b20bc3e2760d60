/** Token is one word of an nginx configuration, or one of its marks. */
export interface Token {
  readonly kind: 'word' | ';' | '{' | '}' | 'end';
  readonly text: string;
  readonly line: number;
}

/** Refused is why nginx would not take a configuration, in nginx's own words. */
export interface Refused {
  readonly refused: string;
}

const escapes: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', t: '\t', r: '\r', n: '\n' };

/** unescape resolves the escapes that nginx knows in words; any other backslash stays. */
const unescape = (text: string): string => text.replace(/\\([^])/g, (whole, next: string) => escapes[next] ?? whole);

const quoted = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/y;
const bare = /(?:\\[^]|\$\{|[^\s;{\\])+/y;
const gap = /(?:\s|#[^\n]*)+/y;

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

/** wordAt reads the word at a position: its source length and its text. */
const wordAt = (text: string, at: number, line: number): { readonly length: number; readonly text: string } | Refused => {
  if (text[at] !== '"' && text[at] !== "'") {
    const word = matchAt(bare, text, at) ?? '';
    return { length: word.length, text: unescape(word) };
  }
  const word = matchAt(quoted, text, at);
  if (word === undefined) return { refused: 'unexpected end of file, expecting ";" or "}"' };
  const next = text[at + word.length];
  if (next !== undefined && !/[\s;{)]/.test(next)) return { refused: `unexpected "${next}" on line ${line}` };
  return { length: word.length, text: unescape(word.slice(1, -1)) };
};

/** tokenize splits a configuration as ngx_conf_file.c does: quotes open only at the start of a word, `#` comments too. */
export const tokenize = (text: string): readonly Token[] | Refused => {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const space = matchAt(gap, text, at) ?? '';
    at += space.length;
    line += space.split('\n').length - 1;
    const mark = text[at];
    if (mark === undefined) break;
    if (mark === ';' || mark === '{' || mark === '}') {
      tokens.push({ kind: mark, text: mark, line });
      at += 1;
      continue;
    }
    const word = wordAt(text, at, line);
    if ('refused' in word) return word;
    tokens.push({ kind: 'word', text: word.text, line });
    line += text.slice(at, at + word.length).split('\n').length - 1;
    at += word.length;
  }
  return [...tokens, { kind: 'end', text: '', line }];
};
