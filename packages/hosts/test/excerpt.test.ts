import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { displayWidth, type Excerpt, type Finding, type Shown } from '@sluice/core';
import * as fc from 'fast-check';
import { excerptLines } from '../src/excerpt-lines.ts';
import { detectHost } from '../src/index.ts';
import { captures, temporaryFolder } from './fakes.ts';

const excerpt: Excerpt = {
  lines: [
    { number: 9, text: '  edges:', meant: false },
    { number: 10, text: '    - target: 回答', meant: true },
    { number: 11, text: '      ::error::x ##[group]', meant: false },
  ],
  caret: 6,
};
const finding: Finding = { rule: 'dify/cycle', severity: 'warning', message: 'Edges run in a circle.', place: { file: 'app/bot.yml', line: 10, column: 7 }, hint: 'Cut one.' };
const shown: Shown = { excerpt, page: 'https://example.com/cycle.md' };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const written = async (environment: Readonly<Record<string, string>>, terminal?: { columns: number }, json = false) => {
  const streams = captures(terminal);
  const host = await detectHost(environment, streams, { folder: folder.path, json });
  host.mask('not-for-you');
  host.annotate({ ...finding, hint: 'Cut not-for-you.' }, { ...shown, excerpt: { ...excerpt, lines: excerpt.lines.map((line) => ({ ...line, text: line.text.replace('edges', 'not-for-you') })) } });
  await host.close();
  return { stdout: streams.stdout.text(), stderr: streams.stderr.text() };
};

const block = ['warning app/bot.yml:10:7 Edges run in a circle. (dify/cycle)', '   9 |   ***:', '> 10 |     - target: 回答', '     |       ^', '  11 |       : :error::x ## [group]', '  next: Cut ***.', '  rule: https://example.com/cycle.md', '', ''];

describe('a finding with its excerpt', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['a pipe', {}],
    ['GitLab', { GITLAB_CI: 'true' }],
    ['Jenkins', { JENKINS_URL: 'x' }],
    ['Yunxiao', { PIPELINE_ID: '1', BUILD_NUMBER: '2', BUILD_EXECUTOR: 'li' }],
  ])('in the log of %s', async (_, environment) => expect((await written(environment)).stdout.split('\n')).toEqual(block));

  test('on GitHub is an annotation of one line, and what the log does not show of it', async () => {
    const lines = (await written({ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push' })).stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect(lines).toEqual(['::warning file=app/bot.yml,line=10,col=7,title=dify/cycle::Edges run in a circle. Cut ***.', '  app/bot.yml:10:7 (dify/cycle)', ...block.slice(1, 5), ...block.slice(6)]);
  });

  test('has colours on a terminal, and none with NO_COLOR, in CI and on a dumb one', async () => {
    const coloured = (await written({}, { columns: 100 })).stdout;
    expect(coloured).toContain('\u001B[33mwarning\u001B[39m app/bot.yml:10:7');
    expect(coloured).toContain('\u001B[90m> 10 |\u001B[39m     - target');
    expect(coloured.replace(/\u001B\[\d+m/g, '').split('\n')).toEqual(block);
    for (const environment of [{ NO_COLOR: '1' }, { CI: 'true' }, { TERM: 'dumb' }]) expect((await written(environment, { columns: 100 })).stdout.split('\n')).toEqual(block);
  });

  test('leaves standard output alone with --json', async () => {
    const { stdout, stderr } = await written({}, undefined, true);
    expect([stdout, stderr.split('\n')]).toEqual(['', block]);
  });
});

describe('a line that is too long', () => {
  const lineOf = (text: string, caret: number, columns: number): readonly string[] => excerptLines({ lines: [{ number: 1, text, meant: true }], caret }, columns, (one) => one);

  test('is cut around the place', () => {
    const text = `${'a'.repeat(100)}HERE${'b'.repeat(100)}`;
    expect(lineOf(text, 100, 60)).toEqual([`> 1 | …${'a'.repeat(33)}HERE${'b'.repeat(15)}…`, `    | ${' '.repeat(34)}^`]);
    expect(lineOf(text, 5, 60)).toEqual([`> 1 | ${'a'.repeat(53)}…`, `    | ${' '.repeat(5)}^`]);
  });

  test('keeps within its columns, with the caret below its character, whatever is in it', () => {
    const character = fc.constantFrom('a', '中', '。', ' ', '🙂', 'é');
    fc.assert(
      fc.property(fc.array(character, { maxLength: 200 }), fc.array(character, { maxLength: 200 }), fc.integer({ min: 46, max: 200 }), (before, after, columns) => {
        const text = `${before.join('')}X${after.join('')}`;
        const [line = '', pointer = ''] = lineOf(text, displayWidth(before.join('')), columns);
        expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        expect(displayWidth(line.slice(0, line.indexOf('X')))).toBe(pointer.indexOf('^'));
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
