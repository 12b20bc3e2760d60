import { describe, expect, test } from '@jest/globals';
import type { Finding, Place } from '@sluice/core';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { excerpts, secretLines } from '../src/excerpt.ts';
import { timed } from '../../../test/cpu-time.ts';

const finding = (place: Partial<Place>, rule = 'dify/cycle'): Finding => ({ rule, severity: 'error', message: 'm', place: { file: 'a.yml', ...place } });
const isSecret = (rule: string): boolean => rule === 'dify/secret-plain';

/** lines of an excerpt as `number text`, and the caret. */
const drawn = (text: string, place: Partial<Place>, others: readonly Finding[] = [], redact = (one: string): string => one) => {
  const about = finding(place);
  const excerpt = excerpts({ texts: new Map([['a.yml', text]]), findings: [about, ...others], isSecret, redact })(about);
  return excerpt === undefined ? undefined : [...excerpt.lines.map(({ number, text: line, meant }) => `${meant ? '>' : ' '}${number} ${line}`), excerpt.caret];
};

describe('an excerpt', () => {
  const text = 'app:\n\tname: 机器人, mode: chat\r\nkind: app\n';
  test.each<[string, Partial<Place>, unknown]>([
    ['has a line before and after', { line: 2, column: 2 }, [' 1 app:', '>2     name: 机器人, mode: chat', ' 3 kind: app', 4]],
    ['counts wide characters as two columns', { line: 2, column: 13 }, [' 1 app:', '>2     name: 机器人, mode: chat', ' 3 kind: app', 18]],
    ['ends with the file', { line: 3, column: 1 }, [' 2     name: 机器人, mode: chat', '>3 kind: app', 0]],
    ['has no caret without a column', { line: 1 }, ['>1 app:', ' 2     name: 机器人, mode: chat', undefined]],
    ['is not there without a line', {}, undefined],
    ['nor for a line that the file does not have', { line: 9 }, undefined],
    ['nor for a file that is not known', { file: 'b.yml', line: 1 }, undefined],
  ])('%s', (_, place, wanted) => expect(drawn(text, place)).toEqual(wanted));

  test('shows what cannot be seen', () => {
    expect(drawn('a: "\u001B[31m\u202Ex\u200B"', { line: 1, column: 4 })).toEqual(['>1 a: "<U+001B>[31m<U+202E>x<U+200B>"', 3]);
  });

  test('takes of a long line what is around the place', () => {
    const [line = '', caret] = drawn(`${'字'.repeat(3000)}here${'x'.repeat(3000)}`, { line: 1, column: 3001 }) ?? [];
    expect([String(line).length, String(line).slice(0, 5), String(line).endsWith('x…'), caret]).toEqual([1005, '>1 …字', true, 1001]);
  });

  test('is redacted before it is cut', () => {
    const secret = `s${'3'.repeat(1200)}`;
    expect(JSON.stringify(drawn(`key: ${secret} ${'x'.repeat(40)}`, { line: 1, column: 700 }, [], (one) => one.replaceAll(secret, '***')))).not.toContain('3333');
  });
});

describe('a secret', () => {
  const text = 'a:\n  key: |\n    first\n\n    second\n  next: 1\n  last: 2\n';
  const secret = finding({ line: 2, column: 3 }, 'dify/secret-plain');
  test.each<[number, unknown]>([
    [1, ['>1 a:', undefined]],
    [2, undefined],
    [3, undefined],
    [5, undefined],
    [6, ['>6   next: 1', ' 7   last: 2', undefined]],
  ])('is in no excerpt: line %d', (line, wanted) => expect(drawn(text, { line }, [secret])).toEqual(wanted));

  test.each<[string, string, number, readonly number[]]>([
    ['ends with the next key', 'a: 1\nb: 2\nc: 3', 2, [1]],
    ['goes on where nothing begins', 'script:\n  - run --id x \\\n--secret y\nnext: 1', 2, [1, 2]],
    ['ends with the next item', '- a: |\n    x\n- b', 1, [0, 1]],
    ['ends with a key of other letters', 'a:\n  钥匙: |\n   x\n  名: 1', 2, [1, 2]],
    ['is anywhere in a file of braces', '# c\n---\n{"a":\n"x", "b": 1}', 3, [0, 1, 2, 3]],
  ])('%s', (_, content, line, wanted) => expect([...secretLines(content.split('\n'), [line])]).toEqual(wanted));

  test('is looked for in time, whatever blanks the lines have', () => {
    const blanks = ' '.repeat(200_000);
    for (const lines of [[`${blanks}k: s`, `${blanks}!`, 'a: b'], ['k: s', `a${blanks}`, 'a: b']]) {
      const { value, ms } = timed(() => secretLines(lines, [1]));
      expect(value.has(2)).toBe(false);
      expect(ms).toBeLessThan(1000);
    }
  });

  test('whose line is not known hides all lines', () => {
    expect(drawn(text, { line: 7 }, [finding({}, 'dify/secret-plain')])).toBeUndefined();
  });

  test('that no rule names any more is known by its shape', () => {
    const key = ['sk', 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe'].join('-');
    expect(drawn(`a: 1\nb: ${key}\nc: 3`, { line: 1 })).toEqual(['>1 a: 1', undefined]);
    expect(drawn(`a: 1\nb: ${key}\nc: 3`, { line: 2 })).toBeUndefined();
  });

  const word = fc.string({ unit: fc.constantFrom(...'abcxyz 字:#"\'\n-{'), minLength: 1, maxLength: 30 });
  const tree = fc.letrec((tie) => ({ node: fc.oneof({ maxDepth: 4, depthSize: 'small' }, word, fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('node'), { maxKeys: 4 }), fc.array(tie('node'), { maxLength: 3 })) })).node;
  const planted = 'PLANTED-SECRET';
  const plant = (value: unknown, at: number): unknown => {
    let left = at;
    const walk = (one: unknown): unknown => {
      if (typeof one === 'string') return left-- === 0 ? `${one}\n${planted}\n${one}` : one;
      if (Array.isArray(one)) return one.map(walk);
      return typeof one === 'object' && one !== null ? Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, walk(inner)])) : one;
    };
    return walk(value);
  };
  const styles = [undefined, 'BLOCK_LITERAL', 'BLOCK_FOLDED', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'PLAIN'] as const;

  test('planted anywhere in any style is in no excerpt of any line', async () => {
    const { LineCounter, isMap, isScalar, isSeq, parseDocument } = await import('yaml');
    let shown = 0;
    fc.assert(
      fc.property(tree, fc.nat(6), fc.constantFrom(...styles), fc.integer({ min: 1, max: 6 }), (value, at, style, indent) => {
        const text = stringify({ root: plant(value, at), end: 1 }, { ...(style === undefined ? {} : { defaultStringType: style }), indent, lineWidth: 24 });
        const lines = new LineCounter();
        const document = parseDocument(text, { lineCounter: lines });
        // The place of a value is its key in a mapping and its beginning in a list, as linters give it.
        const places: number[] = [];
        const look = (node: unknown, start: number): void => {
          if (isScalar(node) && String(node.value).includes(planted)) places.push(lines.linePos(start).line);
          if (isMap(node)) for (const pair of node.items) look(pair.value, isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0);
          if (isSeq(node)) for (const item of node.items) look(item, isScalar(item) ? (item.range?.[0] ?? 0) : 0);
        };
        look(document.contents, 0);
        const secrets = places.map((line) => finding({ line }, 'dify/secret-plain'));
        fc.pre(text.includes(planted) && secrets.length > 0);
        text.split('\n').forEach((_, index) => {
          const seen = drawn(text, { line: index + 1, column: 1 }, secrets);
          shown += seen === undefined ? 0 : 1;
          expect(JSON.stringify(seen ?? '')).not.toContain(planted);
        });
      }),
      { seed: 7, numRuns: 500 },
    );
    expect(shown).toBeGreaterThan(500);
  });
});
