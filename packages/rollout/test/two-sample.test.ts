import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { logEvidence, logMean, ratios } from '../src/two-sample.ts';

const choose = (n: number, k: number): number => {
  let product = 1;
  for (let index = 0; index < k; index += 1) product = (product * (n - index)) / (index + 1);
  return product;
};

const evidence = (stable: number, candidate: number, markedStable: number, markedCandidate: number): number =>
  Math.exp(logMean(logEvidence({ stable, candidate, markedStable, markedCandidate })));

describe('logEvidence', () => {
  test('has mean 1 over all ways in which marks can fall, for all small windows', () => {
    for (let stable = 0; stable <= 7; stable += 1) {
      for (let candidate = 0; candidate <= 7; candidate += 1) {
        for (let marked = 0; marked <= stable + candidate; marked += 1) {
          let mean = 0;
          for (let x = Math.max(0, marked - stable); x <= Math.min(marked, candidate); x += 1) {
            const chance = (choose(candidate, x) * choose(stable, marked - x)) / choose(stable + candidate, marked);
            mean += chance * evidence(stable, candidate, marked - x, x);
          }
          expect(mean).toBeCloseTo(1, 9);
        }
      }
    }
  });

  test('has mean 1 over two windows with different shares, and over unlike error rates of the hours', () => {
    const binomial = (n: number, k: number, p: number): number => choose(n, k) * p ** k * (1 - p) ** (n - k);
    const windowMean = (ratio: number, stable: number, candidate: number, rate: number): number => {
      let mean = 0;
      for (let s = 0; s <= stable; s += 1) {
        for (let c = 0; c <= candidate; c += 1) {
          const bets = logEvidence({ stable, candidate, markedStable: s, markedCandidate: c });
          mean += binomial(stable, s, rate) * binomial(candidate, c, rate) * Math.exp(bets[ratio] ?? 0);
        }
      }
      return mean;
    };
    for (const ratio of ratios.keys()) {
      expect(windowMean(ratio, 6, 1, 0.05) * windowMean(ratio, 3, 4, 0.6)).toBeCloseTo(1, 9);
    }
  });

  test('is at least the evidence of the conditional binomial, and says nothing about one arm alone', () => {
    const counts = fc.record({ stable: fc.integer({ min: 0, max: 300 }), candidate: fc.integer({ min: 0, max: 300 }), part: fc.double({ min: 0, max: 1, noNaN: true }), other: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(counts, ({ stable, candidate, part, other }) => {
        const markedStable = Math.floor(stable * part);
        const markedCandidate = Math.floor(candidate * other);
        const ours = logEvidence({ stable, candidate, markedStable, markedCandidate });
        if (stable === 0 || candidate === 0) {
          for (const bet of ours) expect(bet).toBeCloseTo(0, 9);
          return;
        }
        const share = candidate / (candidate + stable);
        for (const [index, ratio] of ratios.entries()) {
          const binomial = markedCandidate * Math.log(ratio) - (markedStable + markedCandidate) * Math.log(1 - share + share * ratio);
          expect(ours[index]).toBeGreaterThanOrEqual(binomial - 1e-6);
          expect(Number.isFinite(ours[index])).toBe(true);
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('stays finite for a hundred thousand answers', () => {
    const bets = logEvidence({ stable: 95_000, candidate: 5_000, markedStable: 47_500, markedCandidate: 2_500 });
    expect(bets.every(Number.isFinite)).toBe(true);
    expect(Math.max(...bets)).toBeLessThan(0);
  });
});
