import { describe, expect, test } from '@jest/globals';
import type { Change } from '@sluice/core';
import * as fc from 'fast-check';
import { commentSection, diffEvidenceOf, diffLines, diffSection, releaseSummary, shownChange, shownChanges, type DiffEvidence, type DiffedApplication } from '../src/index.ts';
import { result } from './fixtures.ts';

const sides = { from: { name: 'main', commit: '0123456789abcdef0123456789abcdef01234567', why: 'where the pull request began' }, to: { name: 'the working tree' } } as const;

const prompt = (before: string, after: string): Change => ({ kind: 'changed', about: 'prompt', subject: 'prompt 1 (system) of node "回答"', before, after, prose: true });

const application = async (changes: readonly Change[], more: Partial<DiffedApplication> = {}): Promise<DiffedApplication> => ({
  path: 'app/客服.yml',
  fate: 'changed',
  total: changes.length,
  changes: await Promise.all(changes.map(shownChange)),
  ...more,
});

const evidence = async (changes: readonly Change[], more: Partial<DiffedApplication> = {}): Promise<DiffEvidence> => ({ ...sides, applications: [await application(changes, more)] });

describe('shownChange', () => {
  const linesOf = async (change: Change): Promise<readonly string[]> => (await shownChange(change)).lines.map((parts) => parts.map(({ kind, text }) => (kind === 'kept' ? text : `${kind === 'added' ? '+' : '-'}${text}`)).join('|'));

  test.each<[string, Change, readonly string[]]>([
    ['words of a prompt, without blanks between them', prompt('请用中文回答。', '请用简体中文回答。'), ['请用|+简体|中文回答。']],
    ['lines stay lines', prompt('one\ntwo\n', 'one\nthree\n'), ['one', '-two|+three']],
    ['a short value whole', { kind: 'changed', about: 'model', subject: 'model', before: 'gpt-4o', after: 'gpt-4o-mini' }, ['-gpt-4o| |+gpt-4o-mini']],
    ['what is new', { kind: 'added', about: 'prompt', subject: 'p', after: 'a\nb', prose: true }, ['+a', '+b']],
    ['what is gone', { kind: 'removed', about: 'variable', subject: 'v', before: '7' }, ['-7']],
    ['no value at all', { kind: 'added', about: 'node', subject: 'node "x"' }, []],
    ['a value that was empty', { kind: 'changed', about: 'setting', subject: 's', before: '', after: 'x' }, ['+x']],
  ])('shows %s', async (_, change, expected) => {
    expect(await linesOf(change)).toEqual(expected);
  });

  test('beyond 200,000 characters both texts are whole', async () => {
    const big = prompt(`old ${'x'.repeat(99_000)}`, `new ${'x'.repeat(102_000)}`);
    const [first, second] = await shownChanges([prompt('a b', 'a c'), { ...big, prose: true }]);
    expect(first?.lines).toEqual([[{ kind: 'kept', text: 'a ' }, { kind: 'removed', text: 'b' }, { kind: 'added', text: 'c' }]]);
    expect(second?.lines[0]?.map(({ kind }) => kind)).toEqual(['removed', 'kept']);
  });

  test('a long text is cut, and no text of it has a line end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 1, max: 100 }), async (one, other, times) => {
        const { lines } = await shownChange(prompt(`${one}\n`.repeat(times), `${other}\n`.repeat(times)));
        const texts = lines.flat().map(({ text }) => text);
        expect(texts.join('').length).toBeLessThan(4100);
        for (const text of texts) expect(text).not.toContain('\n');
      }),
      { seed: 7, numRuns: 12 },
    );
  });
});

describe('diffSection', () => {
  test('says of an application that finds no room that it has changes, and shows none of them under another', async () => {
    const [empty, last] = [await application([]), await application([{ kind: 'added', about: 'node', subject: 'node x' }], { path: `last/${'of/'.repeat(20)}all.yml` })];
    for (let pad = 0; pad < 60; pad += 1) {
      const text = diffSection({ ...sides, applications: [{ ...empty, path: 'a'.repeat(pad + 1) }, ...Array.from({ length: 600 }, () => empty), last] });
      const [, after = ''] = text.split('last/');
      expect(after).toMatch(/: 1 change, in the log\.$/);
      expect(text).not.toContain('node x');
    }
  });

  test('has a group for each kind of change, the words that differ marked', async () => {
    const text = diffSection(
      await evidence([
        { kind: 'removed', about: 'edge', subject: 'edge "a" to "b"' },
        { kind: 'changed', about: 'model', subject: 'model of node "回答"', before: 'gpt-4o', after: 'qwen-max' },
        prompt('You are  kind.\n  - Be short.', 'You are  kind.\n  - Be very short.'),
      ]),
    );
    expect(text).toBe(
      [
        'From main \\(0123456\\) to the working tree (where the pull request began). <del>Struck through</del> is gone, <ins>underlined</ins> is new.',
        '#### app/客服\\.yml: 3 changes',
        '**Prompts and texts**',
        '- prompt 1 \\(system\\) of node \\"回答\\"',
        '  > You are  kind\\.<br>&nbsp;&nbsp;\\- Be <ins>very </ins>short\\.',
        '**Models**',
        '- model of node \\"回答\\": <del>gpt\\-4o</del> <ins>qwen\\-max</ins>',
        '**Connections**',
        '- removed: edge \\"a\\" to \\"b\\"',
      ].join('\n\n'),
    );
  });

  test('folds long texts, whose title is HTML', async () => {
    const text = diffSection(await evidence([{ kind: 'added', about: 'prompt', subject: 'prompt of <b> @all (1)', after: 'word '.repeat(300), prose: true }]));
    expect(text).toContain('<details><summary>added: prompt of &lt;b&gt; @\u200Ball (1)</summary>\n\n> word word');
    expect(text).toMatch(/\n\n<\/details>$/);
  });

  test('says how much it leaves out, and stays below a comment of GitHub', async () => {
    const one = await shownChange(prompt('a '.repeat(900), 'b '.repeat(900)));
    const text = diffSection(await evidence([], { total: 500, changes: Array.from({ length: 200 }, () => one) }));
    const shown = text.match(/<details>/g)?.length ?? 0;
    expect(shown).toBeGreaterThan(3);
    expect(text.length).toBeLessThan(31_000);
    expect(text).toMatch(new RegExp(`And ${500 - shown} more: they are in the log\\.$`));
  });

  test('has nothing of an application that did not change', async () => {
    expect(diffSection(await evidence([], { fate: 'kept' }))).not.toContain('####');
    expect(diffSection(await evidence([], { fate: 'added' }))).toContain('#### app/客服\\.yml: is new');
    expect(diffSection(await evidence([prompt('a', 'b')], { before: 'old.yml' }))).toContain('#### old\\.yml → app/客服\\.yml: 1 change');
  });

  test('text from outside adds no tag, no line and no order', async () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('<img src=x>', '</details>', '</summary>', '</ins></del>', '@everyone #1', '/close', '```', '<!-- sluice section: plan -->', '| a |', '- b', '> c', '&lt;', '[x](y)'));
    const made = async (one: string, other: string): Promise<string> =>
      diffSection({ from: { name: one, why: other }, to: { name: other }, applications: [await application([{ ...prompt(one, other), subject: one }, { kind: 'changed', about: 'setting', subject: other, before: 'x', after: one }], { path: other, before: one })] });
    await fc.assert(
      fc.asyncProperty(text, text, async (one, other) => {
        const markdown = await made(`a${one}`, `b${other}`);
        const bare = markdown.replaceAll(/<\/?(?:ins|del|br|details|summary)>/g, '');
        expect(bare).not.toMatch(/<|@\w|(?<!&)#\w|```/);
        expect(markdown.split('\n').filter((line) => /^\s*\//.test(line))).toEqual([]);
        expect(markdown.match(/<details>/g)?.length ?? 0).toBe(markdown.match(/<\/details>/g)?.length ?? 0);
        expect(markdown.match(/<(?:ins|del)>/g)?.length).toBe(markdown.match(/<\/(?:ins|del)>/g)?.length);
      }),
      { seed: 11, numRuns: 40 },
    );
  });
});

describe('a result of diff', () => {
  test('shows it in the summary and in the comment, as the document keeps it', async () => {
    const made = await evidence([prompt('one', 'two')]);
    const kept = result('diff', { category: 'passed', reason: 'app has 1 change', evidence: JSON.parse(JSON.stringify(made)) });
    expect(diffEvidenceOf(kept)).toEqual(made);
    for (const text of [releaseSummary(kept), commentSection(kept, { commit: '', runUrl: '' })]) expect(text).toContain(diffSection(made));
  });

  test('is a list on a terminal', async () => {
    const lines = diffLines(await evidence([prompt('请用中文。', '请用简体中文。'), { kind: 'added', about: 'variable', subject: 'environment variable KEY', after: 'x' }], { total: 3 }));
    expect(lines).toEqual([
      'from main (0123456): where the pull request began',
      'to the working tree',
      'app/客服.yml: 3 changes',
      ' Prompts and texts',
      '  ~ prompt 1 (system) of node "回答"',
      '      请用{+简体+}中文。',
      ' Variables',
      '  + environment variable KEY',
      '      x',
      '  and 1 more change',
    ]);
  });
});
