import type { Change } from '@sluice/core';
import { canonicalJson } from './content.ts';
import { isMoved, pairsOf, type KeyOf } from './diff-pairs.ts';
import { isCondition, quoted, same, shown, told, type Scope } from './diff-shown.ts';
import { opaque, wordsOf } from './diff-words.ts';
import { fieldOf, isMapping, listOf, textOf, type Mapping } from './shape.ts';
import { modelUse } from './workspace-names.ts';

type About = Change['about'];

/** singular are the words for one thing of a list. */
const singular: ReadonlyMap<string, string> = new Map(Object.entries({
  classes: 'class',
  user_actions: 'action',
  items: 'assignment',
  inputs: 'field',
  delivery_methods: 'delivery method',
  file_upload: 'upload',
}));

const oneOf = (list: string): string => singular.get(list) ?? wordsOf(list).replace(/s$/, '');

/** idKeys are ids that Studio gives to items, and that people never see. */
const idKeys = ['case_id', 'id', 'groupId'] as const;

const nameKeys = ['variable', 'name', 'key', 'output_variable_name', 'label', 'title', 'group_name', 'tool_name', 'variable_selector'] as const;

const nameKeyOf = (item: Mapping): (typeof nameKeys)[number] | undefined => nameKeys.find((key) => (Array.isArray(item[key]) ? key === 'variable_selector' : textOf(item[key]) !== ''));

/** Item is one thing of a list, with what it is called. */
interface Item {
  readonly value: Mapping;
  readonly id: string | undefined;
  readonly name: string | undefined;
  /** rest is what it says besides, without ids and its name. */
  readonly rest: Mapping;
}

const without = (mapping: Mapping, keys: readonly string[]): Mapping => Object.fromEntries(Object.entries(mapping).filter(([key]) => !keys.includes(key)));

const itemOf = (value: Mapping): Item => {
  const nameKey = nameKeyOf(value);
  const id = idKeys.map((key) => textOf(value[key])).find((text) => text !== '');
  return { value, id, name: nameKey === undefined ? undefined : `${textOf(value['provider_name'])} ${canonicalJson(value[nameKey])}`, rest: without(value, [...idKeys, ...(nameKey === undefined ? [] : [nameKey])]) };
};

const keysOfItems: readonly KeyOf<Item>[] = [
  ({ id, name }) => (id === undefined || name === undefined ? undefined : `${id} ${name}`),
  ({ name }) => name,
  ({ id }) => id,
  ({ rest }) => canonicalJson(rest),
  ({ name }) => (name === undefined ? '' : undefined),
];

const labelOf = ({ value }: Item, scope: Scope): string => {
  const key = nameKeyOf(value);
  return key === undefined ? '' : ` ${quoted(shown(value[key], scope))}`;
};

const itemChanges = (scope: Scope, about: About, one: string, older: Item, newer: Item): readonly Change[] => {
  const subject = `${one}${labelOf(newer, scope)}`;
  const key = nameKeyOf(newer.value);
  const renamed = key === undefined || nameKeyOf(older.value) !== key ? [] : told(scope, `${wordsOf(key)} of ${subject}`, older.value[key], newer.value[key], { about });
  const plain = key !== nameKeyOf(older.value) ? [without(older.value, idKeys), without(newer.value, idKeys)] : [older.rest, newer.rest];
  const [before = {}, after = {}] = plain;
  const only = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const [single] = only;
  if (single !== undefined && only.length === 1) return [...renamed, ...valueChanges(scope, about, subject, fieldOf(before, single), fieldOf(after, single))];
  return [...renamed, ...only.flatMap((name) => valueChanges(scope, about, `${wordsOf(name)} of ${subject}`, fieldOf(before, name), fieldOf(after, name), name))];
};

/** listChanges compares lists of objects by what their items are called, not by where they stand. */
export const listChanges = (scope: Scope, about: About, key: string, older: readonly Mapping[], newer: readonly Mapping[]): readonly Change[] => {
  const before = older.map(itemOf);
  const pairs = pairsOf(before, newer.map(itemOf), keysOfItems);
  const one = oneOf(key);
  const summary = ({ rest, value }: Item): string => shown(Object.keys(rest).length === 1 ? Object.values(rest)[0] : Object.keys(rest).length === 0 ? value : rest, scope);
  const show = (value: unknown): string => (isMapping(value) ? summary(itemOf(value)) : '');
  return [
    ...pairs.flatMap(({ older: gone, newer: come }) => {
      if (gone !== undefined && come !== undefined) return itemChanges(scope, about, one, gone, come);
      const item = gone ?? come;
      return item === undefined ? [] : told(scope, `${one}${labelOf(item, scope)}`, gone?.value, come?.value, { about, show });
    }),
    ...(isMoved(before, pairs) ? orderChanges(scope, about, wordsOf(key), before.map((item) => labelOf(item, scope).trim()), pairs.flatMap(({ newer: item }) => (item === undefined ? [] : [labelOf(item, scope).trim()]))) : []),
  ];
};

/** orderChanges tells that a list has the same things in another order. */
export const orderChanges = (scope: Scope, about: About, list: string, before: readonly string[], after: readonly string[]): readonly Change[] =>
  told(scope, `order of ${list}`, before.join(', '), after.join(', '), { about });

const isMappings = (list: readonly unknown[]): list is readonly Mapping[] => list.every(isMapping) && list.length > 0;

/** modelChanges compares two uses of a model: which one, its mode, and each parameter. */
export const modelChanges = (scope: Scope, subject: string, older: Mapping | undefined, newer: Mapping | undefined): readonly Change[] => {
  const about = 'model';
  const [before, after] = [older, newer].map((model) => (model === undefined ? undefined : modelUse(model)));
  const name = (use: typeof before): string | undefined => (use === undefined || use.name === '' ? undefined : `${use.provider}/${use.name}`);
  const parameters = (model: Mapping | undefined): Mapping => (isMapping(model?.['completion_params']) ? model['completion_params'] : {});
  const prefix = subject === 'model' ? '' : `${subject} `;
  const rest = (model: Mapping | undefined): Mapping => without(model ?? {}, ['provider', 'name', 'model', 'completion_params']);
  const keys = (read: (model: Mapping | undefined) => Mapping): readonly string[] => [...new Set([...Object.keys(read(newer)), ...Object.keys(read(older))])];
  return [
    ...told(scope, subject, name(before), name(after), { about }),
    ...keys(parameters).flatMap((key) => told(scope, `${prefix}${key}`, fieldOf(parameters(older), key), fieldOf(parameters(newer), key), { about })),
    ...keys(rest).flatMap((key) => valueChanges(scope, about, `${subject} ${wordsOf(key)}`, fieldOf(rest(older), key), fieldOf(rest(newer), key), key)),
  ];
};

/** valueChanges compares two values of a file and names the deepest things that differ. `key` is what the values are called in the file. */
export const valueChanges = (scope: Scope, about: About, subject: string, older: unknown, newer: unknown, key = ''): readonly Change[] => {
  if (same(older, newer)) return [];
  if (opaque.has(key)) return told(scope, subject, older, newer, { about, show: () => undefined });
  if (Array.isArray(older) && Array.isArray(newer)) {
    const [before, after] = [listOf(older), listOf(newer)];
    const plain = [...before, ...after].every(isMapping) && !(before.every(isCondition) && after.every(isCondition));
    return plain && (isMappings(before) || isMappings(after)) ? listChanges(scope, about, key === '' ? subject : key, before.filter(isMapping), after.filter(isMapping)) : told(scope, subject, older, newer, { about });
  }
  if (!isMapping(older) || !isMapping(newer)) return told(scope, subject, older, newer, { about });
  if (modelUse(older) !== undefined && modelUse(newer) !== undefined && 'provider' in older && 'provider' in newer) return modelChanges(scope, subject, older, newer);
  return [...new Set([...Object.keys(newer), ...Object.keys(older)])].flatMap((name) => valueChanges(scope, about, `${subject} ${wordsOf(name)}`, fieldOf(older, name), fieldOf(newer, name), name));
};
