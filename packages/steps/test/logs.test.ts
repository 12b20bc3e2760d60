import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { momentOf, windowOf } from '../src/logs.ts';
import { mostOf } from '../src/published.ts';
import { tableLines } from '../src/table.ts';

const now = Date.UTC(2026, 0, 2, 12, 0, 0);

describe('when to look', () => {
  test.each([
    ['15m', now - 900_000],
    ['2h', now - 7_200_000],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T11:04+08:00', Date.UTC(2026, 0, 2, 3, 4)],
    ['2026-01-02T03:04:05.250Z', Date.UTC(2026, 0, 2, 3, 4, 5, 250)],
  ])('%s is read', (given, at) => expect(momentOf(given, now)).toBe(at));

  test.each(['5 minutes ago', 'yesterday', '900', '2026-01-02', '2026-01-02T03:04:05', '2026-02-31T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-02T25:00:00Z', '-5m', '', 'm'])(
    '"%s" is refused, and never taken for another time',
    (given) => expect(momentOf(given, now)).toBeUndefined(),
  );

  test.each([
    ['5 minutes ago', /since is neither a duration nor a time with its zone: 5 minutes ago/],
    ['2026-01-02T13:00:00Z', /since is not before now/],
    ['999h', /longer than 31 days/],
  ])('since %p is refused', (since, reason) => {
    expect(windowOf(since, now)).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringMatching(reason) } });
  });

  test('the last quarter of an hour is looked at without any', () => expect(windowOf(undefined, now)).toEqual({ ok: true, value: { from: now - 900_000, to: now } }));

  test('a time that was written by a machine is that time', () => {
    fc.assert(fc.property(fc.date({ min: new Date('1971-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }), (date) => {
      expect(momentOf(date.toISOString(), now)).toBe(date.getTime());
    }), { seed: 7, numRuns: 200 });
  });
});

test.each([['20', 20], ['1000', 1000], [undefined, 50], ['0', undefined], ['1001', undefined], ['-1', undefined], ['1e3', undefined], ['many', undefined]])('%p entries at most are %p', (given, most) =>
  expect(mostOf(given, 50, 1000)).toBe(most));

test('columns line up where characters are two columns wide', () => {
  expect(tableLines(['name', 'live'], [['订单', 'live'], ['orders', '']])).toEqual(['name    live', '订单    live', 'orders']);
});
