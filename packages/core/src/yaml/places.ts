import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type ParsedNode } from 'yaml';
import type { Place } from '../problem.ts';

/** KeyPath leads from the root of a document to a value: keys of mappings and indexes of lists, from 0. */
export type KeyPath = readonly (string | number)[];

interface Step {
  /** at is the node whose beginning is the place. */
  readonly at: unknown;
  readonly value: unknown;
}

const keyText = (key: unknown): string | undefined => (isScalar(key) ? String(key.value) : undefined);

const child = (node: unknown, part: string | number): Step | undefined => {
  if (isMap(node)) {
    const pair = node.items.find((one) => keyText(one.key) === String(part));
    return pair === undefined ? undefined : { at: pair.key, value: pair.value };
  }
  const item = isSeq(node) ? node.items[Number(part)] : undefined;
  return item === undefined ? undefined : { at: item, value: item };
};

const startOf = (node: unknown): number | undefined => {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const [start] = node.range;
  return typeof start === 'number' ? start : undefined;
};

/**
 * placesIn makes the function that finds the place of a key path: of the key itself in a mapping, of the entry in a
 * list, and of the nearest ancestor that exists when there is no such value.
 */
export const placesIn =
  (file: string, document: Document.Parsed<ParsedNode> | undefined, lines: LineCounter): ((path: KeyPath) => Place) =>
  (path) => {
    let node: unknown = document?.contents;
    let offset = startOf(node);
    for (const part of path) {
      const resolved = isAlias(node) && document !== undefined ? node.resolve(document) : node;
      const step = child(resolved, part);
      if (step === undefined) break;
      offset = startOf(step.at) ?? offset;
      node = step.value;
    }
    if (offset === undefined) return { file, line: 1, column: 1 };
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
