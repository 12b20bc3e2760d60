import { hideSecrets, type Change, type Json, type Source } from '@sluice/core';
import { contentOf } from './configuration.ts';
import { fileChanges } from './diff-files.ts';
import { canonicalJson, isJsonRecord, type JsonRecord } from './json.ts';
import { AgentRunSource } from './source.ts';

/** Leaf is a value, with what it is about. */
interface Leaf {
  readonly value: Json;
  readonly about: Change['about'];
  /** shown is whether people may see the value. */
  readonly shown: boolean;
}

/** owners are what the long names of AgentRun's API stand for; what is left of a path is as people write it in s.yaml. */
const owners: Readonly<Record<string, string>> = {
  codeConfiguration: 'code',
  containerConfiguration: 'container',
  networkConfiguration: 'network',
  logConfiguration: 'log',
  protocolConfiguration: 'protocol',
  healthCheckConfiguration: 'health check',
};

const flat = (value: Json, path: string): readonly (readonly [string, Json])[] =>
  isJsonRecord(value) ? Object.entries(value).flatMap(([key, item]) => flat(item, path === '' ? (owners[key] ?? key) : `${path} ${key}`)) : [[path, value]];

const hidden = '•••';

const textOf = (value: Json): string => {
  const text = typeof value === 'string' ? value : Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.join(' ') : canonicalJson(value);
  return hideSecrets(text, () => hidden);
};

const leaves = ({ parts, configuration, title }: AgentRunSource): ReadonlyMap<string, Leaf> => {
  const { environmentVariables: variables, description, ...rest } = contentOf(configuration);
  const own = isJsonRecord(variables) ? Object.entries(variables) : [];
  const head: JsonRecord = { name: title, region: parts.region, ...(description === undefined ? {} : { description }) };
  return new Map([
    ...Object.entries(head).map(([key, value]): [string, Leaf] => [key, { value, about: 'application', shown: true }]),
    ...flat(rest, '').map(([key, value]): [string, Leaf] => [key, { value, about: 'setting', shown: true }]),
    ...own.map(([name, value]): [string, Leaf] => [`environment variable ${name}`, { value, about: 'variable', shown: false }]),
  ]);
};

const changeOf = (subject: string, before: Leaf | undefined, after: Leaf | undefined): readonly Change[] => {
  if (before !== undefined && after !== undefined && canonicalJson(before.value) === canonicalJson(after.value)) return [];
  return [
    {
      kind: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
      about: (after ?? before)?.about ?? 'setting',
      subject,
      ...(before?.shown === true ? { before: textOf(before.value) } : {}),
      ...(after?.shown === true ? { after: textOf(after.value) } : {}),
    },
  ];
};

const checksum = 'code checksum';

/** placeOfCode is where in OSS a code lies, which says nothing where its checksum is known. */
const placeOfCode = ['code ossBucketName', 'code ossObjectName'];

/** diff lists what differs between two agents. Of environment variables it shows names only, of code the files that differ. */
export const diff = (before: Source, after: Source): readonly Change[] => {
  if (!(before instanceof AgentRunSource) || !(after instanceof AgentRunSource)) return [];
  const [old, now] = [leaves(before), leaves(after)];
  const [packed, repacked] = [before.parts.archive, after.parts.archive];
  const files = packed === undefined || repacked === undefined ? [] : fileChanges(packed.bytes, repacked.bytes);
  const unsaid = [...(files.length > 0 ? [checksum] : []), ...(old.has(checksum) && now.has(checksum) ? placeOfCode : [])];
  const subjects = [...new Set([...old.keys(), ...now.keys()])].filter((subject) => !unsaid.includes(subject));
  return [...subjects.flatMap((subject) => changeOf(subject, old.get(subject), now.get(subject))), ...files];
};
