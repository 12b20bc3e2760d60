import { displayWidth, namesSecret, shapedIn, visibleLine, type Excerpt, type Finding } from '@sluice/core';

/** around is how many lines before and after the place are shown. */
const around = 1;

/** mostCharacters bounds what is taken of a line on either side of the place: minified code stands in one line. */
const mostCharacters = 500;

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** entry is a line, without its indentation, that begins a key, an item or a document of YAML; no blank can be read in two ways, which would take ever longer. */
const entry = /^(?:-(?:\s|$)|(?:(?:"[^"]*"|'[^']*')\s*|[\p{L}\p{N}_ \t.$/@*-]+):(?:\s|$)|---|\.\.\.)/u;

/** inBraces tells a file that is all braces or brackets, whose lines need no order. */
const inBraces = (lines: readonly string[]): boolean => /^(?:---)?\s*[[{]/.test(lines.find((line) => !/^\s*(?:#|%|---\s*$|$)/.test(line)) ?? '');

/**
 * secretLines are the lines of a text, from 0, that findings about secrets cover, whose lines count from 1: a value goes on in
 * lines that are indented more, are blank, or begin nothing. All lines, where it is not known which.
 */
export const secretLines = (lines: readonly string[], places: readonly (number | undefined)[]): ReadonlySet<number> => {
  if (places.length === 0) return new Set();
  if (places.includes(undefined) || inBraces(lines)) return new Set(lines.keys());
  const [begins, hidden] = [new Set(places), new Set<number>()];
  let indent: number | undefined;
  for (const [index, line] of lines.entries()) {
    const own = indentOf(line);
    if (indent !== undefined && own <= indent && entry.test(line.trimStart())) indent = undefined;
    if (begins.has(index + 1)) indent = Math.min(indent ?? own, own);
    if (indent !== undefined) hidden.add(index);
  }
  return hidden;
};

/** File is a text in lines, and which of them nobody is shown. */
interface File {
  readonly lines: readonly string[];
  readonly hidden: ReadonlySet<number>;
}

/** Surroundings are what excerpts are made from. */
export interface Surroundings {
  /** texts are the files as they were read, by the names that places give them. */
  readonly texts: ReadonlyMap<string, string>;
  /** findings are all of the run: what one of them calls a secret, no excerpt shows. */
  readonly findings: readonly Finding[];
  isSecret(rule: string): boolean;
  redact(text: string): string;
}

const piece = (line: string, from: number, to: number): string => `${from > 0 ? '…' : ''}${line.slice(from, to)}${to < line.length ? '…' : ''}`;

/** holdsSecret is true for what the linters would call a secret, also where nobody lets them say so. */
const holdsSecret = (line: string): boolean => shapedIn(line).length > 0 || namesSecret(line);

/** excerpts makes the function that gives the excerpt of a finding; undefined where the file is not known, or the line holds a secret. */
export const excerpts = ({ texts, findings, isSecret, redact }: Surroundings): ((finding: Finding) => Excerpt | undefined) => {
  const files = new Map<string, File>();
  const fileOf = (path: string, text: string): File => {
    const known = files.get(path);
    if (known !== undefined) return known;
    const lines = text.replace(/\r?\n$/, '').split('\n').map((line) => line.replace(/\r$/, ''));
    const file = { lines, hidden: secretLines(lines, findings.filter(({ rule, place }) => place.file === path && isSecret(rule)).map(({ place }) => place.line)) };
    files.set(path, file);
    return file;
  };
  return ({ place: { file: path, line, column } }) => {
    const text = texts.get(path);
    if (text === undefined || line === undefined) return undefined;
    const { lines, hidden } = fileOf(path, text);
    const meant = line - 1;
    const content = lines[meant];
    const mayBeShown = (number: number): boolean => !hidden.has(number) && !holdsSecret(lines[number] ?? '');
    if (content === undefined || !mayBeShown(meant)) return undefined;
    const before = visibleLine(redact(content.slice(0, (column ?? 1) - 1)));
    const [from, to] = [Math.max(0, before.length - mostCharacters), before.length + mostCharacters];
    const shownAs = (one: string): string => piece(visibleLine(redact(one)), from, to);
    const numbers = Array.from({ length: 2 * around + 1 }, (_, index) => meant - around + index);
    return {
      lines: numbers.flatMap((number) => {
        const one = lines[number];
        return one === undefined || !mayBeShown(number) ? [] : [{ number: number + 1, text: shownAs(one), meant: number === meant }];
      }),
      ...(column === undefined ? {} : { caret: (from > 0 ? 1 : 0) + displayWidth(before.slice(from)) }),
    };
  };
};
