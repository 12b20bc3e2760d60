import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { lintPipeline, pipelineRules, type PipelineFile } from '../src/index.ts';

const folder = new URL('../../../docs/rules/', import.meta.url);
const index = readFileSync(new URL('README.md', folder), 'utf8');

const kinds: Readonly<Record<string, PipelineFile['kind']>> = { yaml: 'github', groovy: 'jenkins', sh: 'shell' };

test('every rule has its page and its row, and none is left over', () => {
  expect(readdirSync(new URL('pipeline/', folder)).map((name) => `pipeline/${name.replace(/\.md$/, '')}`).toSorted()).toEqual(pipelineRules.map(({ id }) => id).toSorted());
  expect(index.split('\n').filter((line) => line.startsWith('| [`pipeline/'))).toEqual(pipelineRules.map(({ id, summary }) => `| [\`${id}\`](${id}.md) | ${summary} |`));
});

describe.each(pipelineRules.map(({ id, summary, scope }) => ({ id, summary, scope })))('the page of $id', ({ id, summary, scope }) => {
  const page = readFileSync(new URL(`${id}.md`, folder), 'utf8');
  const found = [...page.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language = '', text = '']) => lintPipeline({ kind: kinds[language] ?? 'shell', path: 'ci', text }).map(({ rule }) => rule));

  test('says what is wrong and who may change it', () => {
    expect(page.startsWith(`# ${id}\n\n${summary}\n`)).toBe(true);
    expect(page.includes('A pull request cannot change its severity.')).toBe(scope === 'secret');
  });

  test('has an example that breaks it alone, and one that breaks none', () => {
    expect(found).toEqual([[id], []]);
  });
});
