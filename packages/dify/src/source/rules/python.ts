/** PythonFault is what a light check finds wrong with Python, with its line from 1. */
export interface PythonFault {
  readonly line: number;
  readonly reason: string;
}

const pairs: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** pieces are comments, texts (with their prefix), brackets and line ends; texts that do not end match their beginning alone. */
const pieces = /#[^\n]*|[rRbBuUfF]{0,2}(?:"""(?:[^\\]|\\[\s\S])*?"""|'''(?:[^\\]|\\[\s\S])*?'''|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|"""|'''|"|')|[()[\]{}]|\n/g;

const lineAt = (code: string, offset: number): number => code.slice(0, offset).split('\n').length;

/** withoutTexts blanks comments and texts, so that what is left is code of the same length; or gives the text that does not end. */
const withoutTexts = (code: string): { readonly code: string; readonly fault?: PythonFault } => {
  let fault: PythonFault | undefined;
  const plain = code.replace(pieces, (piece, offset: number) => {
    if (/^[()[\]{}\n]$/.test(piece)) return piece;
    if (/^[rRbBuUfF]{0,2}(?:"""|'''|"|')$/.test(piece)) fault ??= { line: lineAt(code, offset), reason: 'a text is not ended' };
    return piece.replace(/[^\n]/g, piece.startsWith('#') ? ' ' : '_');
  });
  return fault === undefined ? { code: plain } : { code: plain, fault };
};

/** deepest is the most brackets inside of each other that Python takes (CPython, Parser/tokenizer.h MAXLEVEL). */
const deepest = 200;

const bracketFault = (code: string): PythonFault | undefined => {
  const open: number[] = [];
  for (const { 0: text, index } of code.matchAll(/[()[\]{}]/g)) {
    const wanted = pairs[text];
    if (wanted === undefined) open.push(index);
    else if (code[open.pop() ?? -1] !== wanted) return { line: lineAt(code, index), reason: `"${text}" closes nothing that is open` };
    if (open.length > deepest) return { line: lineAt(code, index), reason: `more than ${deepest} brackets are open` };
  }
  const last = open.at(-1);
  return last === undefined ? undefined : { line: lineAt(code, last), reason: `"${code[last] ?? ''}" is never closed` };
};

const blockFault = (code: string): PythonFault | undefined => {
  const lines = code.split('\n');
  const block = lines.findIndex((line) => /^(?:def|class|if|for|while|try|with|else)\b[^#]*:\s*$/.test(line));
  const next = lines.slice(block + 1).find((line) => line.trim() !== '');
  if (block === -1 || (next !== undefined && /^\s/.test(next))) return undefined;
  return { line: block + 1, reason: 'a block has nothing in it' };
};

/** pythonFault finds what is broken beyond doubt: texts and brackets that do not end, and blocks with nothing in them. */
export const pythonFault = (code: string): PythonFault | undefined => {
  const { code: plain, fault } = withoutTexts(code);
  return fault ?? bracketFault(plain) ?? blockFault(plain);
};

/** PythonMain is the function `main`; its parameters are absent where they take anything, or cannot be read. */
export interface PythonMain {
  readonly parameters?: readonly { readonly name: string; readonly optional: boolean }[];
}

/** splitParameters splits at commas outside of brackets. */
const splitParameters = (text: string): readonly string[] => {
  const parts = [''];
  let depth = 0;
  for (const sign of text) {
    if ('([{'.includes(sign)) depth += 1;
    if (')]}'.includes(sign)) depth -= 1;
    if (sign === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] = `${parts.at(-1) ?? ''}${sign}`;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
};

const closing = (code: string, from: number): number => {
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    if (code[at] === '(') depth += 1;
    if (code[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return code.length;
};

/** mainOf finds the function `main` that Dify calls with the node's variables by name; undefined when there is none. */
export const mainOf = (source: string): PythonMain | undefined => {
  const { code } = withoutTexts(source);
  const found = [...code.matchAll(/^(?:def\s+main\s*\(|(?:main\s*(?::[^=\n]*)?=(?!=)|from\s.*\bmain\b|import\s.*\bmain\b|class\s+main\b|(?:async|if|try|with|for)\b[\s\S]*?\bdef\s+main\s*\())/gm)].at(-1);
  if (found === undefined) return undefined;
  if (!found[0].startsWith('def')) return {};
  const from = found.index + found[0].length - 1;
  const parts = splitParameters(code.slice(from + 1, closing(code, from)));
  if (parts.some((part) => part.startsWith('*'))) return {};
  return { parameters: parts.filter((part) => part !== '/').map((part) => ({ name: /^\w+/u.exec(part)?.[0] ?? part, optional: /=/.test(part) })) };
};

/** standardModules are those of Python's own library that code nodes use, and what every sandbox has installed (dify-sandbox, dependencies/python-requirements.txt). */
const standardModules = new Set([
  'abc', 'argparse', 'array', 'ast', 'asyncio', 'base64', 'binascii', 'bisect', 'builtins', 'calendar', 'cmath', 'codecs', 'collections', 'colorsys', 'contextlib', 'contextvars', 'copy', 'csv',
  'dataclasses', 'datetime', 'decimal', 'difflib', 'dis', 'email', 'enum', 'errno', 'fnmatch', 'fractions', 'functools', 'gc', 'gettext', 'glob', 'graphlib', 'gzip', 'hashlib', 'heapq', 'hmac', 'html', 'http', 'importlib', 'inspect', 'io', 'ipaddress', 'itertools',
  'json', 'keyword', 'locale', 'logging', 'lzma', 'math', 'mimetypes', 'numbers', 'operator', 'os', 'pathlib', 'pickle', 'platform', 'pprint', 'queue', 'quopri', 'random', 're', 'reprlib', 'secrets', 'select', 'shlex', 'shutil', 'signal', 'socket', 'sqlite3', 'ssl', 'stat', 'statistics', 'string', 'stringprep', 'struct', 'sys',
  'tempfile', 'textwrap', 'threading', 'time', 'timeit', 'token', 'tokenize', 'traceback', 'types', 'typing', 'unicodedata', 'unittest', 'urllib', 'uuid', 'warnings', 'weakref', 'xml', 'zipfile', 'zlib', 'zoneinfo', '__future__', 'bz2', 'cProfile', 'concurrent', 'configparser', 'tarfile',
  'certifi', 'charset_normalizer', 'httpx', 'idna', 'jinja2', 'markupsafe', 'requests', 'urllib3', 'anyio', 'sniffio', 'h11', 'httpcore', 'socksio',
]);

/** foreignModules are the imported modules that a fresh sandbox does not have, or that start programs, which it kills. */
export const foreignModules = (source: string): readonly string[] => {
  const { code } = withoutTexts(source);
  const names = [...code.matchAll(/^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([^\n;#]+))/gm)].flatMap((match) =>
    match[1] !== undefined ? [match[1]] : (match[2] ?? '').split(',').map((part) => part.trim().split(/\s/)[0] ?? ''),
  );
  return [...new Set(names.map((name) => name.split('.')[0] ?? ''))].filter((name) => name !== '' && !standardModules.has(name));
};
