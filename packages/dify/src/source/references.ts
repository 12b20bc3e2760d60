import type { GraphNode } from './dsl.ts';
import { isMapping, type Mapping } from './shape.ts';

/** Reference is one use of another node's output. */
export interface Reference {
  /** node is the id that is referred to, or a special head such as `sys`. */
  readonly node: string;
  readonly name: string;
  /** path leads from the node's `data` to the reference. */
  readonly path: readonly (string | number)[];
  /** text is true for `{{#node.name#}}` in a text: a missing node leaves it literally in the text. */
  readonly text: boolean;
}

/** The pattern of the engine: other texts in braces are left as they are (Dify, graphon variable template parser). */
const template = /\{\{#([a-zA-Z0-9_]{1,50})((?:\.[a-zA-Z_][a-zA-Z0-9_]{0,29}){1,10})#\}\}/g;

/** specialHeads are no nodes. */
const specialHeads = new Set(['sys', 'env', 'conversation', 'rag']);

const plainKeys = new Set(['title', 'desc', 'code', 'template', 'structured_output', 'outputs_schema']);

const isSelector = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length >= 2 && value.every((part) => typeof part === 'string' && part !== '');

type Path = readonly (string | number)[];

const fromText = (text: string, path: Path): Reference[] =>
  [...text.matchAll(template)].map((match) => ({
    node: match[1] ?? '',
    name: (match[2] ?? '').slice(1),
    path,
    text: true,
  }));

const fromSelector = (selector: readonly string[], path: Path): Reference => ({
  node: selector[0] ?? '',
  name: selector.slice(1).join('.'),
  path,
  text: false,
});

/** unused are parts of a node that do not run: switched off, or the text beside a Jinja prompt. */
const unused = (mapping: Mapping, key: string): boolean =>
  (key !== 'enabled' && mapping['enabled'] === false) ||
  (key === 'text' && mapping['edition_type'] === 'jinja2');

const isSelectorKey = (mapping: Mapping, key: string): boolean =>
  /(^|_)selector$/.test(key) || (key === 'value' && mapping['type'] === 'variable');

const fromMapping = (mapping: Mapping, path: Path): Reference[] =>
  Object.entries(mapping).flatMap(([key, value]) => {
    if (plainKeys.has(key) || unused(mapping, key)) return [];
    const here = [...path, key];
    if (isSelectorKey(mapping, key) && Array.isArray(value)) return isSelector(value) ? [fromSelector(value, here)] : [];
    return fromValue(value, here);
  });

const fromValue = (value: unknown, path: Path): Reference[] => {
  if (typeof value === 'string') return fromText(value, path);
  if (Array.isArray(value)) return value.flatMap((item, index) => fromValue(item, [...path, index]));
  return isMapping(value) ? fromMapping(value, path) : [];
};

/** aggregated are the selectors of an aggregator, which stand in a list of lists. */
const aggregated = (node: GraphNode): Reference[] => {
  if (node.type !== 'variable-aggregator' && node.type !== 'variable-assigner') return [];
  const variables: unknown = node.data['variables'];
  if (!Array.isArray(variables)) return [];
  return variables.flatMap((item: unknown, index) => (isSelector(item) ? [fromSelector(item, ['variables', index])] : []));
};

/** referencesOf finds every use of other nodes in a node that would run; `sys`, `env` and `conversation` are left out. */
export const referencesOf = (node: GraphNode): readonly Reference[] =>
  [...fromMapping(node.data, []), ...aggregated(node)].filter((reference) => !specialHeads.has(reference.node));
