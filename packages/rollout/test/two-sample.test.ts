import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { logEvidence, logExcess, logStaked, lowerRatios, ratios, type Table } from '../src/two-sample.ts';
import { timed } from '../../../test/cpu-time.ts';

const choose = (n: number, k: number): number => {
  let product = 1;
  for (let index = 0; index < k; index += 1) product = (product * (n - index)) / (index + 1);
  return product;
};

const evidence = (stable: number, candidate: number, markedStable: number, markedCandidate: number): number =>
  Math.exp(logStaked(logEvidence({ stable, candidate, markedStable, markedCandidate })));

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

  test('is exact for a hundred thousand answers, and quick', () => {
    const table = { stable: 95_000, candidate: 5_000, markedStable: 47_400, markedCandidate: 2_600 };
    const bets = logEvidence(table);
    const chances = [0];
    for (let x = 0; x < 5000; x += 1) chances.push((chances[x] ?? 0) + Math.log(((5000 - x) * (50_000 - x)) / ((x + 1) * (45_000 + x + 1))));
    const logSum = (tilt: number): number => {
      const largest = chances.reduce((one, chance, x) => Math.max(one, chance + x * tilt), Number.NEGATIVE_INFINITY);
      return largest + Math.log(chances.reduce((sum, chance, x) => sum + Math.exp(chance + x * tilt - largest), 0));
    };
    for (const [index, ratio] of ratios.entries()) {
      expect(bets[index]).toBeCloseTo(2600 * Math.log(ratio) - (logSum(Math.log(ratio)) - logSum(0)), 6);
    }
    const { ms } = timed(() => {
      for (let count = 0; count < 1000; count += 1) logEvidence(table);
    });
    expect(ms).toBeLessThan(5000);
  });
});

/** meanOf is the exact mean of a bet over all outcomes of independent answers, for failure rates of both arms. */
const meanOf = (size: { readonly stable: number; readonly candidate: number }, rates: { readonly stable: number; readonly candidate: number }, bet: (table: Table) => number): number => {
  const binomial = (n: number, k: number, p: number): number => choose(n, k) * p ** k * (1 - p) ** (n - k);
  let mean = 0;
  for (let s = 0; s <= size.stable; s += 1) {
    for (let c = 0; c <= size.candidate; c += 1) {
      const chance = binomial(size.stable, s, rates.stable) * binomial(size.candidate, c, rates.candidate);
      mean += chance * Math.exp(bet({ ...size, markedStable: s, markedCandidate: c }));
    }
  }
  return mean;
};

const sizes = [1, 2, 4, 7].flatMap((stable) => [1, 3, 6].map((candidate) => ({ stable, candidate })));
const baseRates = [0, 0.01, 0.1, 0.5, 0.9, 1];

describe('logExcess', () => {
  test.each([0, 0.005, 0.05, 0.3])('has mean at most 1 for a candidate at the margin %d or better, by enumeration', (margin) => {
    for (const size of sizes) {
      for (const stable of baseRates) {
        for (const used of [1, 0.5, 0]) {
          const candidate = stable + (1 - stable) * margin * used;
          for (const [index] of ratios.entries()) {
            expect(meanOf(size, { stable, candidate }, (table) => logExcess(table, ratios, margin)[index] ?? Number.NaN)).toBeLessThanOrEqual(1 + 1e-9);
          }
        }
      }
    }
  });

  test.each([0.01, 0.2])('with ratios below 1 it has mean at most 1 for a candidate that loses %d or more, by enumeration', (effect) => {
    for (const size of sizes) {
      for (const stable of baseRates) {
        for (const more of [1, 2, 1 / effect]) {
          const candidate = stable + (1 - stable) * Math.min(1, effect * more);
          for (const [index] of lowerRatios.entries()) {
            expect(meanOf(size, { stable, candidate }, (table) => logExcess(table, lowerRatios, effect)[index] ?? Number.NaN)).toBeLessThanOrEqual(1 + 1e-9);
          }
        }
      }
    }
  });

  test.each<[string, readonly number[], number]>([
    ['of one length', [5, 5, 5, 5, 5], 5],
    ['of unlike lengths', [1, 2, 5, 5, 3, 4], 5],
    ['shorter than the bound', [1, 2, 1, 2, 2, 1], 5],
  ])('has mean at most 1 for sessions %s whose requests share their fate, by all ways in which they fall on the arms', (_, lengths, clump) => {
    const whole = 2 ** lengths.length;
    const bit = (set: number, index: number): boolean => Math.floor(set / 2 ** index) % 2 === 1;
    for (const weight of [0.05, 0.25, 0.5]) {
      for (const failing of [1, 0b101, 0b1111]) {
        for (const [index] of ratios.entries()) {
          let mean = 0;
          for (let assigned = 0; assigned < whole; assigned += 1) {
            const table = { stable: 0, candidate: 0, markedStable: 0, markedCandidate: 0 };
            let chance = 1;
            for (const [session, length] of lengths.entries()) {
              const ours = bit(assigned, session);
              chance *= ours ? weight : 1 - weight;
              table[ours ? 'candidate' : 'stable'] += length;
              if (bit(failing, session)) table[ours ? 'markedCandidate' : 'markedStable'] += length;
            }
            mean += chance * Math.exp(logExcess(table, ratios, 0, clump)[index] ?? Number.NaN);
          }
          expect(mean).toBeLessThanOrEqual(1 + 1e-9);
        }
      }
    }
  });

  test('rises with each error of the candidate and falls with each of stable; below 1 it is the other way round', () => {
    const counts = fc.record({ stable: fc.integer({ min: 1, max: 200 }), candidate: fc.integer({ min: 1, max: 200 }), part: fc.double({ min: 0, max: 0.99, noNaN: true }), other: fc.double({ min: 0, max: 0.99, noNaN: true }), margin: fc.constantFrom(0, 0.005, 0.1) });
    fc.assert(
      fc.property(counts, ({ stable, candidate, part, other, margin }) => {
        const table = { stable, candidate, markedStable: Math.floor(stable * part), markedCandidate: Math.floor(candidate * other) };
        const worse = { ...table, markedCandidate: table.markedCandidate + 1 };
        const excused = { ...table, markedStable: table.markedStable + 1 };
        const at = (seen: Table, against: readonly number[], index: number): number => logExcess(seen, against, margin)[index] ?? Number.NaN;
        for (const [index] of ratios.entries()) {
          expect(at(worse, ratios, index)).toBeGreaterThan(at(table, ratios, index));
          expect(at(excused, ratios, index)).toBeLessThan(at(table, ratios, index));
        }
        for (const [index] of lowerRatios.entries()) expect(at(worse, lowerRatios, index)).toBeLessThan(at(table, lowerRatios, index));
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  test('says nothing where an arm has no answers', () => {
    expect(logExcess({ stable: 0, candidate: 9, markedStable: 0, markedCandidate: 9 }, ratios, 0.005)).toEqual(ratios.map(() => 0));
  });
});
