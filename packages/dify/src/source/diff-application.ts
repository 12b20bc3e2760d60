import type { Change } from '@sluice/core';
import { named, told, type Scope } from './diff-shown.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** labels are what users see of an app without running it. */
const labels: readonly (readonly [subject: string, ...keys: string[]])[] = [
  ['name of the app', 'name'],
  ['description of the app', 'description'],
  ['icon of the app', 'icon', 'icon_type', 'icon_background'],
  ['icon beside answers', 'use_icon_as_answer_icon'],
];

const absent = ['', null, false, undefined];

/** applicationChanges compares the head of two files; what is empty or off is the same as what is not there. */
export const applicationChanges = (scope: Scope, before: Mapping, after: Mapping): readonly Change[] =>
  labels.flatMap(([subject, ...keys]) => {
    const [older, newer] = [before, after].map((app) => {
      const values = keys.map((key) => app[key]).filter((value) => !absent.some((one) => one === value));
      return values.length === 0 ? undefined : values.join(' ');
    });
    return told(scope, subject, older, newer, { about: 'application' });
  });

/** pluginsOf are the plugins that a file depends on, each with its version. A digest behind `@` is shown by its first digits. */
const pluginsOf = (list: unknown): ReadonlyMap<string, string> =>
  new Map(
    listOf(list).filter(isMapping).map((item): readonly [string, string] => {
      const value = mappingOf(item['value']);
      const whole = ['marketplace_plugin_unique_identifier', 'github_plugin_unique_identifier', 'plugin_unique_identifier'].map((key) => textOf(value[key])).find((text) => text !== '') ?? (textOf(value['repo']) || textOf(item['current_identifier']));
      const [name = '', version = ''] = whole.split(/:(.*)/s);
      const [, release = version, digest = ''] = /^([^@]*)@([0-9a-f]{13,})$/.exec(version) ?? [];
      const from = textOf(item['type']);
      return [name, [release || textOf(value['version']) || 'any version', digest === '' ? '' : `(${digest.slice(0, 12)})`, from === '' ? '' : `from ${from}`].filter((text) => text !== '').join(' ')];
    }),
  );

/** dependencyChanges compares the plugins that two files depend on. */
export const dependencyChanges = (scope: Scope, before: unknown, after: unknown): readonly Change[] => {
  const [older, newer] = [pluginsOf(before), pluginsOf(after)];
  return [...new Set([...newer.keys(), ...older.keys()])].flatMap((name) => told(scope, `plugin ${named(name)}`, older.get(name), newer.get(name), { about: 'setting' }));
};
