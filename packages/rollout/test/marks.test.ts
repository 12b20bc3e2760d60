import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Arm, Observation } from '@sluice/core';
import { markLargest, tablesOf } from '../src/marks.ts';

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

describe('tablesOf', () => {
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
    const marked = tablesOf('latency', seen, true, margins).flat().filter(({ times }) => times > 0);
    expect(marked.map(({ table }) => table.markedCandidate)).toEqual([against ? 1 : 0]);
  });
});
