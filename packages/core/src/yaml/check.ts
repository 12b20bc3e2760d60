import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type Alias, type Document, type Pair, type ParsedNode } from 'yaml';
import { oneLine } from '../text/one-line.ts';
import type { YamlLimits } from './limits.ts';

/** YamlFault is what is wrong with a document beyond its syntax, at an offset in its text. */
export interface YamlFault {
  readonly offset: number;
  readonly reason: string;
  readonly hint: string;
}

interface Anchored {
  readonly isMap: boolean;
  /** size is how many values the anchor stands for; undefined while the walk is inside of it. */
  readonly size: number | undefined;
}

interface Walk {
  readonly limits: YamlLimits;
  readonly faults: YamlFault[];
  readonly anchors: Map<string, Anchored>;
  aliases: number;
  values: number;
  /** stopped ends the walk once a limit is passed. */
  stopped: boolean;
}

const offsetOf = (node: unknown): number =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range) ? Number(node.range[0]) : 0;

const fault = (walk: Walk, node: unknown, reason: string, hint: string): void => {
  walk.faults.push({ offset: offsetOf(node), reason, hint });
};

const stop = (walk: Walk, node: unknown, reason: string): number => {
  walk.stopped = true;
  fault(walk, node, reason, 'Split the file, or write the values out instead of repeating aliases.');
  return 0;
};

const count = (walk: Walk, node: unknown, size: number): number => {
  walk.values += size;
  return walk.values > walk.limits.values ? stop(walk, node, `the document stands for more than ${walk.limits.values} values`) : size;
};

const aliasSize = (walk: Walk, alias: Alias): number => {
  walk.aliases += 1;
  if (walk.aliases > walk.limits.aliases) return stop(walk, alias, `more than ${walk.limits.aliases} aliases are used`);
  const anchored = walk.anchors.get(alias.source);
  if (anchored === undefined) fault(walk, alias, `the alias *${alias.source} names nothing`, `Write &${alias.source} before the value that is meant, above this line.`);
  else if (anchored.size === undefined) fault(walk, alias, `the alias *${alias.source} stands inside the value that it names`, 'A value cannot contain itself.');
  return count(walk, alias, anchored?.size ?? 1);
};

const isMergeSource = (walk: Walk, node: unknown): boolean =>
  isMap(node) || (isAlias(node) && walk.anchors.get(node.source)?.isMap !== false);

const checkMerge = (walk: Walk, pair: Pair): void => {
  const sources: readonly unknown[] = isSeq(pair.value) ? pair.value.items : [pair.value];
  if (sources.every((source) => isMergeSource(walk, source))) return;
  fault(walk, pair.key, 'the value of << is not a mapping', 'Give the alias of a mapping, or a list of such aliases.');
};

const checkKey = (walk: Walk, seen: Set<string>, pair: Pair): void => {
  if (isAlias(pair.key)) return;
  if (!isScalar(pair.key)) {
    fault(walk, pair.key, 'a key is a list or a mapping', 'Keys must be plain text.');
    return;
  }
  // The YAML library gives an unquoted << as a symbol.
  if (typeof pair.key.value === 'symbol') {
    checkMerge(walk, pair);
    return;
  }
  const name = String(pair.key.value);
  if (name === '__proto__') fault(walk, pair.key, 'the key "__proto__" cannot be used', 'Choose another name: this one has a meaning of its own in JavaScript.');
  if (seen.has(name)) fault(walk, pair.key, `the key "${oneLine(name, 60)}" is there twice`, 'Remove one of them.');
  seen.add(name);
};

const itemsSize = (walk: Walk, items: readonly unknown[]): number => {
  const seen = new Set<string>();
  let size = 0;
  for (const item of items) {
    if (!isPair(item)) {
      size += sizeOf(walk, item);
      continue;
    }
    checkKey(walk, seen, item);
    size += sizeOf(walk, item.key) + sizeOf(walk, item.value);
  }
  return size;
};

const sizeOf = (walk: Walk, node: unknown): number => {
  if (walk.stopped) return 0;
  if (isAlias(node)) return aliasSize(walk, node);
  const own = count(walk, node, 1);
  if (!isCollection(node)) {
    if (isScalar(node) && node.anchor !== undefined) walk.anchors.set(node.anchor, { isMap: false, size: own });
    return own;
  }
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, { isMap: isMap(node), size: undefined });
  const size = own + itemsSize(walk, node.items);
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, { isMap: isMap(node), size });
  return size;
};

const tagFaults = (document: Document.Parsed<ParsedNode>, text: string): readonly YamlFault[] =>
  document.warnings
    .filter(({ code }) => code === 'TAG_RESOLVE_FAILED')
    .map(({ pos: [offset, end] }) => {
      const tag = oneLine(text.slice(offset, end), 60);
      const known = /^!!(?:str|int|float|bool|null|map|seq)$/.test(tag);
      return { offset, reason: `the tag ${tag} ${known ? 'does not fit its value' : 'is unknown'}`, hint: 'Remove the tag: values are text, numbers, true, false, lists and mappings.' };
    });

/** checkDocument finds unknown tags, duplicate keys, keys that are no text, aliases of themselves, and what is beyond the limits, in time linear in the text. */
export const checkDocument = (document: Document.Parsed<ParsedNode>, text: string, limits: YamlLimits): readonly YamlFault[] => {
  const walk: Walk = { limits, faults: [], anchors: new Map(), aliases: 0, values: 0, stopped: false };
  sizeOf(walk, document.contents);
  return [...tagFaults(document, text), ...walk.faults].toSorted((one, other) => one.offset - other.offset);
};
