import { readFileSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { configSchema } from '@sluice/core';
import { parse as parseYaml, stringify } from 'yaml';
import { agentrunPlatform } from '../src/index.ts';
import { isJsonRecord, toJson, type JsonRecord } from '../src/source/json.ts';
import { agentrunRules } from '../src/source/rules.ts';
import { newProject, type TestProject } from './fixture.ts';

const folder = new URL('../../../docs/rules/', import.meta.url);
const index = readFileSync(new URL('README.md', folder), 'utf8');

interface Block {
  readonly kind: string;
  readonly text: string;
}

/** together are rules whose example cannot but break others. */
const together = new Set(['agentrun/endpoint-duplicate']);

const blocksOf = (page: string): readonly Block[] => [...page.matchAll(/^```yaml ?(\w*)\n([^]*?)^```$/gm)].map((match) => ({ kind: match[1] ?? '', text: match[2] ?? '' }));

const record = (value: unknown): JsonRecord => {
  const json = toJson(value);
  return isJsonRecord(json) ? json : {};
};

const base = record(parseYaml(blocksOf(index.slice(index.indexOf('## The s.yaml of the examples')))[0]?.text ?? ''));

/** merged puts a part into the file; a key without a value takes one out. */
const merged = (before: JsonRecord, added: JsonRecord): JsonRecord =>
  Object.entries(added).reduce<JsonRecord>((all, [key, value]) => {
    const old = all[key];
    const { [key]: _out, ...rest } = all;
    return value === null ? rest : { ...all, [key]: isJsonRecord(value) && isJsonRecord(old) ? merged(old, value) : value };
  }, before);

const withAgent = (agent: JsonRecord): JsonRecord => merged(base, { resources: { agent: { props: { agent } } } });

const code = (parts: JsonRecord): JsonRecord => ({ customContainerConfig: null, code: { language: 'nodejs20', command: ['node', 'index.js'], ...parts } });

/** sources are the other files that examples of environments name. */
const sources: Readonly<Record<string, JsonRecord>> = {
  's.yaml': base,
  'custom.yaml': withAgent(code({ language: 'custom', src: './code' })),
  'large.yaml': withAgent(code({ src: './large.zip' })),
  'locked.yaml': withAgent({ credentialName: 'orders-key' }),
  'free.yaml': withAgent({ disableSessionAffinity: true }),
  'role.yaml': withAgent({ role: 'runner' }),
};

let project: TestProject;
let beside: TestProject;
beforeAll(() => {
  project = newProject();
  beside = newProject();
  beside.write('.env', 'AccountID=1\n');
  project.write('with-keys/.env', 'TOKEN=abc\n');
  project.write('large.zip', '');
  truncateSync(join(project.folder, 'large.zip'), 51 * 1024 * 1024);
});
afterAll(() => {
  project.remove();
  beside.remove();
});

/** foundIn are the ids of the rules that an example breaks. */
const foundIn = ({ kind, text }: Block): readonly string[] => {
  const values: unknown = kind === 'file' ? undefined : parseYaml(text);
  if (kind === 'environment') {
    const { environments } = configSchema.parse({ name: 'guide', source: 's.yaml', environments: { here: values } });
    const { here } = environments;
    if (here === undefined) throw new Error('no environment');
    const source = here.agentrun?.source ?? 's.yaml';
    return (agentrunPlatform.review?.(here, project.source(stringify(sources[source]))) ?? []).map(({ rule }) => rule);
  }
  const { findings } = (kind === 'dotenv' ? beside : project).parse(kind === 'file' ? text : stringify(merged(base, record(values))));
  return findings.map(({ rule }) => rule);
};

test('the s.yaml of the examples has no findings', () => {
  expect(project.parse(stringify(base)).findings).toEqual([]);
});

test('every rule has its page and its row, and none is left over', () => {
  const pages = readdirSync(new URL('agentrun/', folder)).map((name) => `agentrun/${name.replace(/\.md$/, '')}`);
  expect(pages.toSorted()).toEqual(agentrunRules.map(({ id }) => id).toSorted());
  expect(index.split('\n').filter((line) => line.startsWith('| [`agentrun/'))).toEqual(agentrunRules.map(({ id, summary }) => `| [\`${id}\`](${id}.md) | ${summary} |`));
});

describe.each(agentrunRules.map(({ id, summary, scope }) => ({ id, summary, scope })))('the page of $id', ({ id, summary, scope }) => {
  const page = readFileSync(new URL(`${id}.md`, folder), 'utf8');
  const [wrong, right, ...more] = blocksOf(page);

  test('says what is wrong, who may change it, and is short', () => {
    expect(page.startsWith(`# ${id}\n\n${summary}\n`)).toBe(true);
    expect(page.includes('A pull request cannot change its severity.')).toBe(scope === 'secret');
    expect(page.includes('Its severity cannot be changed')).toBe(scope === 'shape');
    expect(page.split('\n').length).toBeLessThan(60);
  });

  test('has an example that breaks it alone, and one that breaks none', () => {
    if (wrong === undefined || right === undefined) throw new Error('two examples are wanted');
    expect(more).toEqual([]);
    expect([...new Set(foundIn(wrong))]).toEqual(together.has(id) ? expect.arrayContaining([id]) : [id]);
    expect(foundIn(right)).toEqual([]);
  });
});
