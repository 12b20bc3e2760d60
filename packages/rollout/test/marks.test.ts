import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Arm, Observation } from '@sluice/core';
import { logStaked } from '../src/two-sample.ts';
import { betsOf, markLargest } from '../src/marks.ts';

describe('markLargest', () => {
  test.each([
    ['the slower half is the candidate', [1, 2], [3, 4], 0.5, { markedStable: 0, markedCandidate: 2 }],
    ['ties go to stable', [5, 5], [5, 5], 0.5, { markedStable: 2, markedCandidate: 0 }],
    ['at least one value is marked', [1, 2, 3], [9], 0.1, { markedStable: 0, markedCandidate: 1 }],
    ['one arm is empty', [], [1, 2], 0.5, { markedStable: 0, markedCandidate: 1 }],
  ])('%s', (_, stable, candidate, share, expected) => {
    expect(markLargest(stable, candidate, share)).toMatchObject(expected);
  });

  test('marks less of the candidate when one of its values falls', () => {
    const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, values, fc.nat(19), fc.nat(50), (stable, candidate, at, by) => {
        const better = candidate.map((value, index) => (index === at % candidate.length ? value - by : value));
        for (const share of [0.5, 0.1]) {
          const before = markLargest(stable, candidate, share);
          const after = markLargest(stable, better, share);
          expect(after.markedCandidate).toBeLessThanOrEqual(before.markedCandidate);
          expect(after.markedCandidate + after.markedStable).toBe(before.markedCandidate + before.markedStable);
        }
      }),
      { seed: 11, numRuns: 500 },
    );
  });
});

describe('betsOf', () => {
  const margins = { errors: 0.005, latency: 0.2, tokens: 0.2 };
  const arm = (version: string, latencyMs: number): Arm => ({ version, answers: 1, errors: 0, latenciesMs: [latencyMs], tokens: [] });
  test.each([
    [5, 9, false],
    [5, 31, true],
    [100, 124, false],
    [100, 126, true],
    [1000, 1190, false],
    [1000, 1210, true],
  ])('where stable needs %i ms, a pair of %i ms counts against the candidate: %j', (stable, candidate, against) => {
    const seen: Observation = { source: 'paired probes', unit: 'request', from: 0, to: 1, stable: arm('a', stable), candidate: arm('b', candidate) };
    const [bet = 0] = betsOf('latency', seen, { paired: true, clump: 1 }, margins);
    expect(bet > 0).toBe(against);
    expect(bet).not.toBe(0);
  });

  test('values that are as good as drawn from one pot have mean 1, whatever their shape, by all ways to draw them', () => {
    const pot = [1, 2, 3, 40, 500, 6000, 70_000];
    const at = { paired: false, clump: 1 };
    const plain = { errors: 0, latency: 0, tokens: 0 };
    for (const size of [1, 2, 3, 4]) {
      let mean = 0;
      let ways = 0;
      for (let drawn = 0; drawn < 2 ** pot.length; drawn += 1) {
        const ours = pot.filter((_, index) => (drawn >> index) % 2 === 1);
        if (ours.length !== size) continue;
        const seen: Observation = {
          source: 'logs',
          unit: 'session',
          from: 0,
          to: 1,
          stable: { ...arm('a', 0), answers: pot.length - size, latenciesMs: [], tokens: pot.filter((_, index) => (drawn >> index) % 2 === 0) },
          candidate: { ...arm('b', 0), answers: size, latenciesMs: [], tokens: ours },
        };
        ways += 1;
        mean += Math.exp(logStaked(betsOf('tokens', seen, at, plain)));
      }
      expect(mean / ways).toBeCloseTo(1, 9);
    }
  });
});
