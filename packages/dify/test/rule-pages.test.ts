import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { configSchema } from '@sluice/core';
import { parse as parseYaml, stringify } from 'yaml';
import { difyPlatform } from '@sluice/dify';
import { difyRules } from '../src/source/rules/names.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from '../src/source/shape.ts';

const folder = new URL('../../../docs/rules/', import.meta.url);
const index = readFileSync(new URL('README.md', folder), 'utf8');

interface Block {
  readonly kind: string;
  readonly text: string;
}

const blocksOf = (page: string): readonly Block[] => [...page.matchAll(/^```yaml ?(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({ kind: match[1] ?? '', text: match[2] ?? '' }));

const base = mappingOf(parseYaml(blocksOf(index).at(-1)?.text ?? ''));

/** withNodes puts nodes together by id; a second one with an id that the example has had already is one more. */
const withNodes = (before: readonly unknown[], added: readonly unknown[]): readonly unknown[] => {
  const seen = new Set<string>();
  return added.reduce<readonly unknown[]>((nodes, node) => {
    const id = textOf(mappingOf(node)['id']);
    const at = nodes.findIndex((one) => textOf(mappingOf(one)['id']) === id);
    const again = seen.has(id);
    seen.add(id);
    return at === -1 || again ? [...nodes, node] : nodes.with(at, merged(mappingOf(nodes[at]), mappingOf(node)));
  }, before);
};

const merged = (before: Mapping, added: Mapping): Mapping =>
  Object.entries(added).reduce<Mapping>((all, [key, value]) => {
    const old = all[key];
    if (key === 'nodes') return { ...all, nodes: withNodes(listOf(old), listOf(value)) };
    return { ...all, [key]: isMapping(value) && isMapping(old) ? merged(old, value) : value };
  }, before);

const lint = { models: ['gpt-4o'] };
const parsed = (text: string) => difyPlatform.parse({ path: 'app.yml', folder: '', text }, lint);

const withDataset = stringify(merged(base, { workflow: { graph: { nodes: [{ id: 'find', data: { type: 'knowledge-retrieval', title: 'Find', dataset_ids: ['4c1e0000-0000-4000-8000-000000000001'], query_variable_selector: ['sys', 'query'] } }] } } }));

/** foundIn are the ids of the rules that an example breaks. */
const foundIn = ({ kind, text }: Block): readonly string[] => {
  const values: unknown = kind === 'file' ? undefined : parseYaml(text);
  if (kind === 'environment') {
    const { environments } = configSchema.parse({ name: 'guide', source: 'app.yml', environments: { here: values } });
    const { source } = parsed(withDataset);
    return environments['here'] === undefined ? [] : (difyPlatform.review?.(environments['here'], source) ?? []).map(({ rule }) => rule);
  }
  return parsed(kind === 'file' ? text : stringify(merged(base, mappingOf(values)))).findings.map(({ rule }) => rule);
};

test('the app of the examples has no findings', () => {
  expect(parsed(stringify(base)).findings).toEqual([]);
});

test('every rule has its page, and no page is left over', () => {
  const pages = readdirSync(new URL('dify/', folder)).map((name) => `dify/${name.replace(/\.md$/, '')}`);
  expect([...pages].sort()).toEqual(difyRules.map(({ id }) => id).sort());
});

test('the index names all rules as they are', () => {
  const rows = difyRules.map(({ id, summary }) => `| [\`${id}\`](${id}.md) | ${summary} |`);
  expect(index.split('\n').filter((line) => line.startsWith('| [`dify/'))).toEqual(rows);
});

describe.each(difyRules.map(({ id, summary, scope }) => ({ id, summary, scope })))('the page of $id', ({ id, summary, scope }) => {
  const page = readFileSync(new URL(`${id}.md`, folder), 'utf8');
  const [wrong, right, ...more] = blocksOf(page);

  test('says what is wrong, who may change it, and is short', () => {
    expect(page.startsWith(`# ${id}\n\n${summary}\n`)).toBe(true);
    expect(page.includes('A pull request cannot change its severity.')).toBe(scope === 'secret');
    expect(page.includes('Its severity cannot be changed')).toBe(scope === 'shape');
    expect(page.split('\n').length).toBeLessThan(60);
  });

  test('has an example that breaks the rule, and one that does not', () => {
    if (wrong === undefined || right === undefined) throw new Error('two examples are wanted');
    expect(more).toEqual([]);
    expect(foundIn(wrong)).toContain(id);
    expect(foundIn(right)).not.toContain(id);
  });
});
