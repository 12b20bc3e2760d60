import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judge, saidText } from '../src/index.ts';
import { checkExpectation } from '../src/expectation.ts';
import { refused, reply } from './fakes.ts';

describe('judge', () => {
  test.each([
    ['contains', { contains: 'pong' }, 'ping pong', undefined],
    ['contains in Chinese', { contains: ['您好', '退款'] }, '您好,退款已受理', undefined],
    ['lacks one of several', { contains: ['pong', 'done'] }, 'pong', 'the answer does not contain "done"'],
    ['not-contains', { 'not-contains': 'error' }, 'all fine', undefined],
    ['contains what it must not', { 'not-contains': ['sorry', 'error'] }, 'an error', 'the answer contains "error"'],
    ['matches', { matches: '^\\p{L}+ \\d{2}$' }, '号码 42', undefined],
    ['does not match', { matches: '^\\d+$' }, 'forty', 'the answer does not match /^\\d+$/'],
    ['in time', { within: 120 }, 'pong', undefined],
    ['too late', { within: 119 }, 'pong', 'the answer took 120 ms, and at most 119 ms is allowed'],
    ['empty', {}, ' \n ', 'the answer is empty'],
    ['empty is not saved by not-contains', { 'not-contains': 'x' }, '', 'the answer is empty'],
  ])('%s', (_, expectation, text, failed) => {
    expect(judge(reply({ text }), expectation).failed).toBe(failed);
  });

  test('a reply that failed stays failed, whatever it says', () => {
    expect(judge(refused(500, 'HTTP 500'), { contains: '' }).failed).toBe('HTTP 500');
  });

  test('a workflow answers by its outputs', () => {
    const outputs = { answer: 'refund granted', score: 3 };
    expect(saidText(reply({ text: '', outputs }))).toBe('refund granted\n3');
    expect(judge(reply({ text: '', outputs }), { contains: 'granted' }, 'inputs').failed).toBeUndefined();
    expect(judge(reply({ text: '', outputs: {} }), {}, 'inputs').failed).toBeUndefined();
    expect(judge(reply({ text: '', outputs: { answer: '', list: [] } }), {}, 'inputs').failed).toBe('the answer is empty');
  });

  test('a pattern that takes for ever on some text is stopped and fails', () => {
    const began = performance.now();
    expect(judge(reply({ text: `${'a'.repeat(40)}!` }), { matches: '^(a+)+$' }).failed).toContain('took longer than 1 s');
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test('a text too long to search fails, whatever the pattern', () => {
    expect(judge(reply({ text: 'a'.repeat(100_001) }), { matches: 'a' }).failed).toContain('too many');
  });

  test('judging only ever adds a failure, and contains means contains', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme', minLength: 1 }), (text, part) => {
        const judged = judge(reply({ text }), { contains: part });
        expect({ ...judged, failed: undefined }).toEqual({ ...reply({ text }), failed: undefined });
        expect(judged.failed === undefined).toBe(text.trim() !== '' && text.includes(part));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('checkExpectation', () => {
  test.each([
    ['(', 'is no regular expression'],
    ['\\q', 'is no regular expression'],
    ['a'.repeat(501), 'has 501 characters'],
  ])('refuses %s', (matches, reason) => {
    const result = checkExpectation({ matches }, 'health.ask[0]');
    expect(result).toMatchObject({ ok: false, problem: { category: 'input', where: 'health.ask[0]', reason: expect.stringContaining(reason) } });
  });
});
