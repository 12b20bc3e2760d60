import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { repository } from './sluice-process.ts';

/* A translation that fell behind is worse than none: it has the blocks, the headings, the tables and the links of its English page. */

interface Page {
  readonly path: string;
  readonly text: string;
}

const pageAt = async (path: string): Promise<Page> => ({ path, text: await readFile(join(repository, path), 'utf8') });

const blocks = ({ text }: Page): readonly string[] => [...text.matchAll(/```\w*\n[^]*?```/g)].map(([block]) => block);

const prose = ({ text }: Page): readonly string[] => text.replaceAll(/```\w*\n[^]*?```/g, '').split('\n');

const headings = (page: Page): readonly string[] => prose(page).flatMap((line) => /^#+(?= )/.exec(line)?.[0] ?? []);

/** tables are the columns and lines of each table. */
const tables = (page: Page): readonly string[] => {
  const found: { columns: number; lines: number }[] = [];
  let open = false;
  for (const line of prose(page)) {
    const isRow = line.startsWith('|');
    const last = found.at(-1);
    if (isRow && open && last !== undefined) last.lines += 1;
    else if (isRow) found.push({ columns: line.replaceAll('\\|', '').split('|').length - 2, lines: 1 });
    open = isRow;
  }
  return found.map(({ columns, lines }) => `${columns} x ${lines}`);
};

/** inEnglish is the English page of a path in a translation. */
const inEnglish = (path: string): string => path.replace('docs/zh-CN/', 'docs/').replace(/\.zh-CN\.md$/, '.md');

/** links are the files that a page leads to, as paths of their English pages; the two languages lead to each other. */
const links = (page: Page): readonly string[] =>
  [...page.text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link.replace(/#.*/, ''))
    .filter((link) => link !== '' && !/^https?:/.test(link))
    .map((link) => inEnglish(normalize(join(dirname(page.path), link))))
    .filter((link) => link !== inEnglish(page.path))
    .toSorted();

const chinese = await readdir(join(repository, 'docs/zh-CN'));
const translated = ['README.zh-CN.md', ...chinese.map((name) => `docs/zh-CN/${name}`)];

test('the pages on CI systems, on validate and diff, and the way in, are there in Chinese', () => {
  expect(translated).toEqual(expect.arrayContaining(['README.zh-CN.md', ...['github', 'gitlab', 'jenkins', 'bitbucket', 'circleci', 'yunxiao', 'validate', 'diff', 'environment-checks'].map((name) => `docs/zh-CN/${name}.md`)]));
});

test('who is served after each step is the same in both languages', async () => {
  const words: Readonly<Record<string, string>> = { 无人: 'nobody', 一部分用户: 'a share', 所有人: 'everybody' };
  const served = async (path: string): Promise<readonly string[]> =>
    prose(await pageAt(path)).flatMap((line) => {
      const [, step = '', who = ''] = /^\| ([a-z -]+) \| (nobody|a share|everybody|无人|一部分用户|所有人) \|/.exec(line) ?? [];
      return step === '' ? [] : [`${step}: ${words[who] ?? who}`];
    });
  const theirs = await served('README.md');
  expect(theirs.length).toBeGreaterThan(30);
  expect(await served('README.zh-CN.md')).toEqual(theirs);
});

describe.each(translated)('%s', (path) => {
  let [ours, theirs]: [Page, Page] = [{ path: '', text: '' }, { path: '', text: '' }];
  beforeAll(async () => {
    [ours, theirs] = [await pageAt(path), await pageAt(inEnglish(path))];
  });

  test('has the same blocks to copy', () => {
    expect(blocks(ours)).toEqual(blocks(theirs));
  });

  test('has the same headings, tables and links', () => {
    expect({ headings: headings(ours), tables: tables(ours), links: [...new Set(links(ours))] }).toEqual({ headings: headings(theirs), tables: tables(theirs), links: [...new Set(links(theirs))] });
  });

  test('is written in Chinese, and each language leads to the other', () => {
    const letters = prose(ours).join('').match(/[\p{Script=Han}]/gu) ?? [];
    expect(letters.length).toBeGreaterThan(prose(ours).join('').length / 8);
    expect(ours.text.split('\n')[0]).toMatch(/^\[English\]\(.+\) · 简体中文$/);
    expect(theirs.text.split('\n').slice(0, 3).join('\n')).toMatch(/English · \[简体中文\]\(.+\)/);
  });
});
