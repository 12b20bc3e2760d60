import type { Change, Json, Source } from '@sluice/core';
import { contentOf } from './configuration.ts';
import { canonicalJson, isJsonRecord, type JsonRecord } from './json.ts';
import { AgentRunSource } from './source.ts';

const flat = (value: Json, path: string): readonly (readonly [string, Json])[] =>
  isJsonRecord(value) ? Object.entries(value).flatMap(([key, item]) => flat(item, path === '' ? key : `${path}.${key}`)) : [[path, value]];

const textOf = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value));

/** Leaf is a value, and whether people may see it. */
interface Leaf {
  readonly value: Json;
  readonly shown: boolean;
}

const leaves = (content: JsonRecord): ReadonlyMap<string, Leaf> => {
  const { environmentVariables: variables, ...rest } = content;
  const own = isJsonRecord(variables) ? Object.entries(variables) : [];
  return new Map([
    ...flat(rest, '').map(([key, value]): [string, Leaf] => [key, { value, shown: true }]),
    ...own.map(([name, value]): [string, Leaf] => [`environment variable ${name}`, { value, shown: false }]),
  ]);
};

const changeOf = (subject: string, before: Leaf | undefined, after: Leaf | undefined): Change | undefined => {
  if (before !== undefined && after !== undefined && canonicalJson(before.value) === canonicalJson(after.value)) return undefined;
  return {
    kind: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
    about: subject.startsWith('environment variable ') ? 'variable' : 'setting',
    subject,
    ...(before?.shown === true ? { before: textOf(before.value) } : {}),
    ...(after?.shown === true ? { after: textOf(after.value) } : {}),
  };
};

/** diff lists what differs between two agents, by the keys of AgentRun's API. Of environment variables it shows names only. */
export const diff = (before: Source, after: Source): readonly Change[] => {
  if (!(before instanceof AgentRunSource) || !(after instanceof AgentRunSource)) return [];
  const old = leaves(contentOf(before.configuration));
  const now = leaves(contentOf(after.configuration));
  const renamed = changeOf('name', { value: before.title, shown: true }, { value: after.title, shown: true });
  const moved = changeOf('region', { value: before.parts.region, shown: true }, { value: after.parts.region, shown: true });
  const content = [...new Set([...old.keys(), ...now.keys()])].map((subject) => changeOf(subject, old.get(subject), now.get(subject)));
  return [renamed, moved, ...content].filter((change) => change !== undefined);
};
