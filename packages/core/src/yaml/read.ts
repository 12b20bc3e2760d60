import { Composer, Lexer, LineCounter, Pair, Parser, Scalar, YAMLMap, type CollectionTag, type CST } from 'yaml';
import { decodeText } from '../files/decode-text.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { placeText, type Place, type Problem } from '../problem.ts';
import { byteSize } from '../text/byte-size.ts';
import { oneLine } from '../text/one-line.ts';
import { checkDocument } from './check.ts';
import { tooDeepAt } from './depth.ts';
import { excerptAt } from './excerpt.ts';
import { yamlLimits, type YamlLimits } from './limits.ts';
import { placesIn, type KeyPath } from './places.ts';

/** YamlDocument is one document as plain JavaScript values, and where its parts stand. An empty text has the value null. */
export interface YamlDocument {
  readonly value: unknown;
  /** placeOf finds the line and column of a key path; of the nearest ancestor that exists when there is no such value. */
  placeOf(path: KeyPath): Place;
}

const mostReported = 20;

const refused = (reason: string, place: Place, hint: string): Problem => ({ category: 'input', reason, tried: 'read YAML', where: placeText(place), place, hint });

const together = (problems: readonly Problem[]): Outcome<never> | undefined => {
  const [first, ...others] = problems.slice(0, mostReported);
  return first === undefined ? undefined : failed(others.length === 0 ? first : { ...first, others });
};

const oversized = (file: string, bytes: number, limit: number): Outcome<never> =>
  failed(refused(`${file} has ${byteSize(bytes)}; at most ${byteSize(limit)} of YAML are read`, { file }, 'Give a smaller file.'));

/** textOf checks size, encoding and NUL, and takes a byte order mark away. */
const textOf = (file: string, given: string | Uint8Array, limits: YamlLimits): Outcome<string> => {
  const size = typeof given === 'string' ? Buffer.byteLength(given) : given.byteLength;
  if (size > limits.bytes) return oversized(file, size, limits.bytes);
  const text = typeof given === 'string' ? done(given.replace(/^\uFEFF/, '')) : decodeText(given, file);
  if (!text.ok) return text;
  const nul = text.value.indexOf('\0');
  if (nul === -1) return text;
  const before = text.value.slice(0, nul).split('\n');
  const place: Place = { file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
  return failed(refused(`${file} has a NUL character; it is not YAML text`, place, 'Check that it is the right file and that it is not damaged.'));
};

/** tokensOf is the concrete syntax of a text; undefined as soon as it has more than `most` tokens, before they cost memory. */
const tokensOf = (text: string, lines: LineCounter, most: number): readonly CST.Token[] | undefined => {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let count = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    if (count > most) return undefined;
    tokens.push(...parser.next(lexeme));
  }
  tokens.push(...parser.end());
  return tokens;
};

/** syntaxWords is the library's message, with a blank that it leaves out behind a quote and without a full stop. */
const syntaxWords = (message: string): string => oneLine(message, 200).replace(/^Missing closing (["'])quote$/, 'Missing closing quote $1').replace(/\.$/, '');

const parseOptions = {
  prettyErrors: false,
  // Duplicate keys are found by checkDocument: the library compares all pairs, which takes hours for a large mapping.
  uniqueKeys: false,
  logLevel: 'silent',
  merge: true,
  // Such as !!binary and !!set: their values are no plain ones, and nothing that is read here has them.
  resolveKnownTags: false,
} as const;

/** markedList reads a list with a tag as a mapping from the tag to the list. */
const markedList = (tag: string): CollectionTag => ({
  tag,
  collection: 'seq',
  resolve: (list) => {
    const marked = new YAMLMap();
    marked.items.push(new Pair(new Scalar(tag), list));
    return marked;
  },
});

/**
 * readYaml reads one YAML 1.2 document (with `<<` merges) from text or UTF-8 bytes. `file` names it in places.
 * Refused as `input`: other encodings, more than 10 MB, NUL, syntax errors (with place and excerpt), unknown tags, duplicate keys,
 * several documents, aliases of themselves, and documents beyond `limits`. A list with one of `tags`, such as GitLab's
 * `!reference [job, script]`, becomes `{ '!reference': [job, script] }`.
 */
export const readYaml = (file: string, given: string | Uint8Array, limits: YamlLimits = yamlLimits, tags: readonly string[] = []): Outcome<YamlDocument> => {
  const text = textOf(file, given, limits);
  if (!text.ok) return text;
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const tokens = tokensOf(text.value, lines, limits.tokens);
  if (tokens === undefined) return failed(refused(`${file} has more than ${limits.tokens} YAML tokens`, { file }, 'Check that it is the right file, or split it.'));
  const deep = tooDeepAt(tokens, limits.depth);
  if (deep !== undefined) return failed(refused(`values are nested deeper than ${limits.depth} levels`, at(deep), 'Check that it is the right file.'));
  const documents = [...new Composer({ ...parseOptions, customTags: tags.map(markedList) }).compose(tokens)];

  const syntax = documents.flatMap((document) => document.errors).map((error) => {
    const excerpt = excerptAt(text.value, error.pos[0]);
    return refused(`YAML syntax error: ${syntaxWords(error.message)}${excerpt === '' ? '' : `, in the line: ${excerpt}`}`, at(error.pos[0]), 'Correct the line; indentation and quotes are the usual causes.');
  });
  const [document, second] = documents;
  const several = second === undefined ? [] : [refused(`${file} holds several YAML documents; one is expected`, at(second.range[0]), 'Remove the line --- and what follows, or split the file.')];
  const faults = syntax.length > 0 || document === undefined ? [] : checkDocument(document, text.value, limits);
  const found = together([...syntax, ...several, ...faults.map((fault) => refused(fault.reason, at(fault.offset), fault.hint))]);
  if (found !== undefined) return found;
  return done({ value: document?.toJS({ maxAliasCount: -1 }) ?? null, placeOf: placesIn(file, document, lines) });
};
