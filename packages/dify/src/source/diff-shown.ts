import { hideSecrets, oneLine, type Change } from '@sluice/core';
import { canonicalJson } from './content.ts';
import { hiddenMark, untagged } from './diff-secrets.ts';
import { opaque, wordsOf } from './diff-words.ts';
import { isMapping, listOf, textOf, type Mapping } from './shape.ts';

/** Scope is what a change belongs to, and how people know the nodes that it speaks of. */
export interface Scope {
  /** of ends every subject, as in ` of node "Answer"`. */
  readonly of: string;
  /** node is the id of the node. */
  readonly node?: string;
  /** title gives the title of a node, safe and on one line; undefined for what is no node. */
  title(id: string): string | undefined;
}

/** longestName is how much of a title or name a subject shows, in characters. */
const longestName = 80;

/** safely hides the secrets of a text that people will see. */
export const safely = (text: string): string => untagged(hideSecrets(text, () => hiddenMark));

/** named is a title or name on one line and not endless; it is cut only after its secrets are hidden. */
export const named = (name: string): string => oneLine(safely(name), longestName);

/** quoted is `named` in quotes. */
export const quoted = (name: string): string => `"${named(name)}"`;

const reference = /\{\{#([^{}#.\n]{1,100})(?=\.)/g;

const specials = ['sys', 'env', 'conversation'];

/** selectorShown writes a selector as `title.name`; undefined where a list is none. */
const selectorShown = (list: readonly unknown[], { title }: Scope): string | undefined => {
  const [head, ...names] = list;
  if (typeof head !== 'string' || names.length === 0 || !names.every((part) => typeof part === 'string')) return undefined;
  const node = specials.includes(head) ? head : title(head);
  return node === undefined ? undefined : [node, ...names].join('.');
};

/** operators are those that the editor shows by other words. */
const operators: ReadonlyMap<string, string> = new Map(Object.entries({ empty: 'is empty', 'not empty': 'is not empty', null: 'is null', 'not null': 'is not null' }));

/** conditionShown writes one condition, as in `sys.query contains "price"`. */
const conditionShown = (condition: Mapping, scope: Scope): string => {
  const { variable_selector: selector, key, name, comparison_operator: operator, value, sub_variable_condition: inner } = condition;
  const what = Array.isArray(selector) ? shown(selector, scope) : textOf(key) || textOf(name);
  const given = value === undefined || value === '' || value === null ? '' : ` ${typeof value === 'string' && !/^-?\d+(\.\d+)?$/.test(value) ? JSON.stringify(shown(value, scope)) : shown(value, scope)}`;
  return `${what} ${operators.get(textOf(operator)) ?? textOf(operator)}${given}${isMapping(inner) ? ` (${conditionsShown(inner, scope)})` : ''}`;
};

/** isCondition says whether a value is one condition of a list. */
export const isCondition = (value: unknown): value is Mapping => isMapping(value) && typeof value['comparison_operator'] === 'string';

/** conditionsShown writes conditions that belong together, joined as they are at a run. */
export const conditionsShown = (owner: Mapping, scope: Scope): string =>
  listOf(owner['conditions']).filter(isMapping).map((one) => conditionShown(one, scope)).join(owner['logical_operator'] === 'or' ? ' or ' : ' and ');

const listShown = (list: readonly unknown[], scope: Scope): string => {
  const selector = selectorShown(list, scope);
  if (selector !== undefined) return selector;
  if (list.length > 0 && list.every(isCondition)) return conditionsShown({ conditions: list }, scope);
  const sentences = list.length > 0 && list.every((item) => typeof item === 'string' && item.length > 12);
  return list.length === 0 ? 'none' : list.map((item) => inner(item, scope)).join(sentences ? '\n' : ', ');
};

const isNothing = (value: unknown): boolean => value === null || value === undefined || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

const inner = (value: unknown, scope: Scope): string => (isMapping(value) ? `{ ${shown(value, scope)} }` : shown(value, scope));

/** shown writes a value for people: references by the titles of nodes, selectors with dots, objects as `key: value` without what is empty. */
export const shown = (value: unknown, scope: Scope): string => {
  if (typeof value === 'string') return value.replace(reference, (_whole, id: string) => `{{#${scope.title(id) ?? id}`);
  if (Array.isArray(value)) return listShown(value, scope);
  if (!isMapping(value)) return value === undefined ? '' : canonicalJson(value);
  if (listOf(value['conditions']).some(isCondition)) return conditionsShown(value, scope);
  const said = Object.entries(value).filter(([key, item]) => !opaque.has(key) && !isNothing(item));
  return said.length === 0 ? 'none' : said.map(([key, item]) => `${wordsOf(key)}: ${inner(item, scope)}`).join(', ');
};

/** same compares two values as their canonical JSON would, without writing it. */
export const same = (one: unknown, other: unknown): boolean => {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((item, index) => same(item, other[index]));
  if (!isMapping(one) || !isMapping(other)) return typeof one === typeof other && canonicalJson(one) === canonicalJson(other);
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
};

/** Telling says how two values are told. */
export interface Telling {
  readonly about: Change['about'];
  readonly prose?: boolean;
  /** show writes the values; undefined shows nothing of them. */
  readonly show?: (value: unknown) => string | undefined;
}

/** longestPlain is the longest value, in UTF-16 units, that is no prose. */
const longestPlain = 100;

const isLong = (text: string | undefined): boolean => text !== undefined && (text.length > longestPlain || text.includes('\n'));

/** textsOf writes both values; as they stand in the file where people's words for them are the same. */
const textsOf = (older: unknown, newer: unknown, show: (value: unknown) => string | undefined): readonly [string | undefined, string | undefined] => {
  const texts = [older, newer].map((value) => (value === undefined ? undefined : show(value)));
  const [before, after] = texts;
  if (before === undefined || before !== after) return [before, after];
  const raw = (value: unknown): string => (typeof value === 'string' && (typeof older === typeof newer) ? value : canonicalJson(value));
  return [raw(older), raw(newer)];
};

/** told is the change of one thing; none where both values are the same. */
export const told = (scope: Scope, words: string, older: unknown, newer: unknown, telling: Telling): readonly Change[] => {
  if (same(older, newer)) return [];
  const [before, after] = textsOf(older, newer, telling.show ?? ((value) => shown(value, scope)));
  return [
    {
      kind: older === undefined ? 'added' : newer === undefined ? 'removed' : 'changed',
      about: telling.about,
      subject: safely(`${words}${scope.of}`),
      ...(before === undefined ? {} : { before: safely(before) }),
      ...(after === undefined ? {} : { after: safely(after) }),
      ...(scope.node === undefined ? {} : { node: scope.node }),
      ...(telling.prose ?? (isLong(before) || isLong(after)) ? { prose: true } : {}),
    },
  ];
};
