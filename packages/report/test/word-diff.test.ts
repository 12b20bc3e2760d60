import { describe, expect, test } from '@jest/globals';
import { displayWidth } from '@sluice/core';
import fc from 'fast-check';
import { aroundChanges, wordParts, type WordPart } from '../src/word-diff.ts';
import { timedRun } from '../../../test/cpu-time.ts';

const marked = (parts: readonly WordPart[]): string =>
  parts.map(({ kind, text }) => (kind === 'kept' ? text : kind === 'added' ? `{+${text}+}` : `[-${text}-]`)).join('');

describe('words', () => {
  test.each([
    ['English', 'You answer short questions.', 'You answer long questions.', 'You answer [-short-]{+long+} questions.'],
    ['Chinese', '你是客服助手，回答用户的问题。', '你是技术助手，回答用户的问题。', '你是[-客服-]{+技术+}助手，回答用户的问题。'],
    ['Japanese', '東京の天気を教えてください。', '大阪の天気を教えてください。', '[-東京-]{+大阪+}の天気を教えてください。'],
    ['Thai', 'ตอบคำถามภาษาไทย', 'ตอบคำถามภาษาอังกฤษ', 'ตอบคำถามภาษา[-ไทย-]{+อังกฤษ+}'],
    ['nothing before', '', 'new', '{+new+}'],
    ['nothing after', 'old', '', '[-old-]'],
    ['no change', 'same', 'same', 'same'],
    ['an emoji of several code points', 'ok 👨‍👩‍👧', 'ok 👨‍👩‍👦', 'ok [-👨‍👩‍👧-]{+👨‍👩‍👦+}'],
  ])('%s', async (_name, before, after, expected) => {
    expect(marked(await wordParts(before, after))).toBe(expected);
  });

  test('both texts can be put together again, whatever they are', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b ', '中', '文', '。', '\n', '\u{1F600}', 'é', '\uD800'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        const parts = await wordParts(before, after);
        const without = (kind: WordPart['kind']): string => parts.filter((part) => part.kind !== kind).map((part) => part.text).join('');
        expect([without('added'), without('removed')]).toEqual([before, after]);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('texts with nothing in common, and very long ones, are told whole and at once', async () => {
    const other = (seed: number): string => Array.from({ length: 20_000 }, (_, index) => `w${(index * seed) % 7919}`).join(' ');
    const { value: parts, ms } = await timedRun(() => wordParts(other(3), other(5)));
    expect(ms).toBeLessThan(5000);
    expect(parts.length).toBeGreaterThan(0);
    expect((await wordParts('x'.repeat(300_000), 'y')).map(({ kind }) => kind)).toEqual(['removed', 'added']);
  });
});

describe('what stands around a change', () => {
  test('is cut to so many columns, at words', async () => {
    const parts = await wordParts(`${'one two three four five six '.repeat(5)}old ${'seven eight nine '.repeat(5)}`, `${'one two three four five six '.repeat(5)}new ${'seven eight nine '.repeat(5)}`);
    expect(marked(aroundChanges(parts, 20))).toBe(' … three four five six [-old-]{+new+} seven eight nine … ');
  });

  test('counts two columns for a Chinese character', async () => {
    const parts = aroundChanges(await wordParts(`${'请用中文回答。'.repeat(10)}旧`, `${'请用中文回答。'.repeat(10)}新`), 20);
    expect(displayWidth(parts[0]?.text ?? '')).toBeLessThanOrEqual(23);
    expect(parts[0]?.text.endsWith('中文回答。')).toBe(true);
  });

  test('between two changes keeps both ends', async () => {
    const middle = ' a b c d e f g h i j k l m n o p q r s t u v w x y z ';
    expect(marked(aroundChanges(await wordParts(`1${middle}2`, `3${middle}4`), 9))).toBe('[-1-]{+3+} a b c d … w x y z [-2-]{+4+}');
  });
});
