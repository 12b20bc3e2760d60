import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { environmentRules } from '../src/source/environment-rules.ts';

const folder = new URL('../../../docs/rules/', import.meta.url);

test('every rule on environments has its page, and no page is left over', () => {
  const pages = readdirSync(new URL('environment/', folder)).map((name) => `environment/${name.replace(/\.md$/, '')}`);
  expect(pages.sort()).toEqual(environmentRules.map(({ id }) => id).sort());
});

test('the index names all rules on environments as they are', () => {
  const rows = environmentRules.map(({ id, summary }) => `| [\`${id}\`](${id}.md) | ${summary} |`);
  const index = readFileSync(new URL('README.md', folder), 'utf8');
  expect(index.split('\n').filter((line) => line.startsWith('| [`environment/'))).toEqual(rows);
});

test.each(environmentRules.map(({ id, summary }) => ({ id, summary })))('the page of $id says what is wrong, with two examples, and is short', ({ id, summary }) => {
  const page = readFileSync(new URL(`${id}.md`, folder), 'utf8');
  expect(page.startsWith(`# ${id}\n\n${summary}\n`)).toBe(true);
  expect([...page.matchAll(/^```yaml$/gm)]).toHaveLength(2);
  expect(page.split('\n').length).toBeLessThan(60);
});
