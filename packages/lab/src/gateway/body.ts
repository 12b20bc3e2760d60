const blank = /\s/;

/** endOfString is the position after the string that opens at `at`, or the end of the text. */
const endOfString = (text: string, at: number): number => {
  let next = at + 1;
  while (next < text.length && text[next] !== '"') next += text[next] === '\\' ? 2 : 1;
  return next + 1;
};

const skipBlank = (text: string, at: number): number => {
  let next = at;
  while (next < text.length && blank.test(text[next] ?? '')) next += 1;
  return next;
};

/** valueAfterColon gives a plain value's text as it is spelled, or '' for an object, a list or nothing. */
const valueAfterColon = (text: string, colon: number): string => {
  const at = skipBlank(text, colon + 1);
  if (text[at] === '"') return text.slice(at + 1, endOfString(text, at) - 1);
  return /[^\s,{}[\]"]*/y.exec(text.slice(at, at + 200))?.[0] ?? '';
};

/**
 * userOf finds what the gateway's server block calls `$sluice_user`: `=` and the last `user` of the outermost level,
 * or '' when the body is not one object that closes. It looks at structure only and accepts more than JSON does.
 */
export const userOf = (text: string): string => {
  const start = skipBlank(text, 0);
  if (text[start] !== '{' || text[skipBlank(text, start + 1)] !== '"') return '';
  let user = '';
  let depth = 1;
  let at = start + 1;
  while (at < text.length && depth > 0) {
    const mark = text[at] ?? '';
    if (mark === '"') {
      const end = endOfString(text, at);
      if (end > text.length) return '';
      const colon = skipBlank(text, end);
      if (depth === 1 && text.slice(at, end) === '"user"' && text[colon] === ':') user = valueAfterColon(text, colon);
      at = end;
      continue;
    }
    if (mark === '{' || mark === '[') depth += 1;
    if (mark === '}' || mark === ']') {
      // The outermost level is an object, so a list's end cannot close it.
      if (depth === 1 && mark === ']') return '';
      depth -= 1;
    }
    at += 1;
  }
  return depth === 0 && skipBlank(text, at) === text.length ? `=${user}` : '';
};

/** openBody is an object without its last brace, so that a field can be added. */
export const openBody = (text: string): string => text.slice(0, Math.max(0, text.lastIndexOf('}')));
