import type { GraphNode } from './dsl.ts';
import { isMapping, listOf, mappingOf, type Mapping } from './shape.ts';

/** Reference is one use of another node's output, or of a variable of a special head such as `sys`. */
export interface Reference {
  /** node is the id that is referred to, or a special head. */
  readonly node: string;
  /** names are the output and what is asked of it, at least one. */
  readonly names: readonly string[];
  /** path leads from the node's `data` to the reference. */
  readonly path: readonly (string | number)[];
  /** literal is true for `{{#…#}}` that the engine's pattern does not take: it stays in the text as it is. */
  readonly literal: boolean;
}

/** The engine's pattern: other texts in braces are left as they are (Dify 1.13.3, api/dify_graph/runtime/variable_pool.py). */
const replaced = /^[a-zA-Z0-9_]{1,50}(?:\.[a-zA-Z_][a-zA-Z0-9_]{0,29}){1,10}$/;

const braces = /\{\{#([^{}#\n]{3,300})#\}\}/g;

/** specialHeads are no nodes. */
export const specialHeads: ReadonlySet<string> = new Set(['sys', 'env', 'conversation', 'rag']);

const plainKeys = new Set(['title', 'desc', 'code', 'template', 'structured_output', 'outputs_schema', 'output_schema', 'paramSchemas']);

/** Sink takes what is found, one after the other. */
type Sink = (reference: Reference) => void;

type Path = readonly (string | number)[];

const isSelector = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length >= 2 && value.every((part) => typeof part === 'string' && part !== '');

const fromText = (text: string, path: Path, found: Sink): void => {
  if (!text.includes('{{#')) return;
  const seen = new Set<string>();
  for (const [, inner = ''] of text.matchAll(braces)) {
    if (seen.has(inner)) continue;
    seen.add(inner);
    const [node = '', ...names] = inner.split('.');
    // Forms of human-input nodes name their own fields as `$output.name`.
    if (names.length > 0 && node !== '$output') found({ node, names, path, literal: !replaced.test(inner) });
  }
};

const fromSelector = ([node = '', ...names]: readonly string[], path: Path, found: Sink): void => found({ node, names, path, literal: false });

/** unused are parts of a node that do not run: switched off, the text beside a Jinja prompt, and what old editors left behind. */
const unused = (mapping: Mapping, key: string): boolean =>
  (key !== 'enabled' && mapping['enabled'] === false) ||
  (key === 'text' && mapping['edition_type'] === 'jinja2') ||
  (key === 'conditions' && listOf(mapping['cases']).length > 0) ||
  (key === 'groups' && mapping['group_enabled'] !== true);

/** isSelectorKey says where a list of texts is a selector. */
const isSelectorKey = (mapping: Mapping, key: string, path: Path): boolean =>
  key.endsWith('selector') ||
  (path.length === 0 && (key === 'query' || key === 'variable')) ||
  (key === 'file' && path[0] === 'body') ||
  (key === 'value' && [mapping['type'], mapping['input_type'], mapping['value_type']].includes('variable'));

const fromMapping = (mapping: Mapping, path: Path, found: Sink): void => {
  for (const [key, value] of Object.entries(mapping)) {
    if (typeof value === 'string' ? !value.includes('{{#') : typeof value !== 'object' || value === null) continue;
    if (plainKeys.has(key) || unused(mapping, key)) continue;
    if (Array.isArray(value) && isSelectorKey(mapping, key, path)) {
      if (isSelector(value)) fromSelector(value, [...path, key], found);
      // A list of selectors' parts is no list of texts.
      if (value.every((part) => typeof part === 'string')) continue;
    }
    fromValue(value, [...path, key], found);
  }
};

const fromValue = (value: unknown, path: Path, found: Sink): void => {
  if (typeof value === 'string') fromText(value, path, found);
  else if (Array.isArray(value)) value.forEach((item, index) => fromValue(item, [...path, index], found));
  else if (isMapping(value)) fromMapping(value, path, found);
};

const fromSelectors = (list: unknown, path: Path, found: Sink): void =>
  listOf(list).forEach((item, index) => {
    if (isSelector(item)) fromSelector(item, [...path, index], found);
  });

/** isAggregator says whether a node takes the first of several values that is there. */
export const isAggregator = ({ type }: GraphNode): boolean => type === 'variable-aggregator' || type === 'variable-assigner';

/** fromAggregator reads the selectors of an aggregator, which stand in lists of lists. */
const fromAggregator = (data: Mapping, found: Sink): void => {
  const settings = mappingOf(data['advanced_settings']);
  if (settings['group_enabled'] !== true) return fromSelectors(data['variables'], ['variables'], found);
  listOf(settings['groups']).forEach((group, index) => fromSelectors(mappingOf(group)['variables'], ['advanced_settings', 'groups', index, 'variables'], found));
};

/** referencesOf finds every use of other nodes and of special heads in a node that would run. */
export const referencesOf = (node: GraphNode): readonly Reference[] => {
  const references: Reference[] = [];
  const found: Sink = (reference) => references.push(reference);
  if (isAggregator(node)) fromAggregator(node.data, found);
  else fromMapping(node.data, [], found);
  return references;
};
