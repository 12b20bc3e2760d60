import { describe, expect, test } from '@jest/globals';
import type { Observation } from '@sluice/core';
import { decide, enterStage, smallestChangeSeen, startRollout, type RolloutPlan } from '../src/index.ts';
import { binomial, planFor, random } from './support.ts';
import { timed } from '../../../test/cpu-time.ts';

const paired = planFor({}, false);
const weighted = planFor({ watch: ['errors'] }, true);

const arm = (version: string, answers: number, errors: number): Observation['stable'] => ({ version, answers, errors, latenciesMs: [], tokens: [] });

/** abortRate says how often the product aborts within so many pairs. */
const abortRate = (plan: RolloutPlan, pairs: number, base: number, rate: number, runs: number): number => {
  const next = random(9);
  let aborted = 0;
  for (let run = 0; run < runs; run += 1) {
    let state = enterStage(startRollout(plan, { stable: 'v1', candidate: 'v2' }, [{ name: 'probes', unit: 'request' }], 0), 0, 0, 0);
    for (let window = 0; window * plan.pairsPerWindow < pairs; window += 1) {
      const size = plan.pairsPerWindow;
      const seen: Observation = { source: 'probes', unit: 'request', paired: true, from: window, to: window + 1, stable: arm('v1', size, binomial(next, size, base)), candidate: arm('v2', size, binomial(next, size, rate)) };
      const decision = decide(plan, state, [seen], window + 1);
      state = decision.state;
      if (decision.verdict === 'abort') aborted += 1;
      if (decision.verdict !== 'hold') break;
    }
  }
  return aborted / runs;
};

describe('smallestChangeSeen', () => {
  test.each([
    [0, 200],
    [4, 200],
    [40, 200],
    [1, 60],
  ])('%i errors of %i pairs: the product aborts a change as large in 90 %% of rollouts', (stableErrors, pairs) => {
    const change = smallestChangeSeen(paired, { stableErrors, stableAnswers: pairs, candidateAnswers: pairs, paired: true }) ?? Number.NaN;
    const base = (stableErrors + 0.5) / (pairs + 1);
    const rate = abortRate(paired, pairs, base, base + change, 600);
    expect(rate).toBeGreaterThan(0.86);
    expect(rate).toBeLessThan(0.94);
  });

  test('more answers, fewer guards and counting by session see smaller changes', () => {
    const counts = { stableErrors: 20, stableAnswers: 2000, candidateAnswers: 600, paired: false } as const;
    const change = (plan: RolloutPlan, more: Partial<Parameters<typeof smallestChangeSeen>[1]> = {}): number => smallestChangeSeen(plan, { ...counts, ...more }) ?? Number.NaN;
    const usual = change(weighted);
    expect(change(weighted, { stableErrors: 200, stableAnswers: 20_000, candidateAnswers: 6000 })).toBeLessThan(usual);
    expect(change(weighted, { unit: 'session' })).toBeLessThan(usual);
    expect(change(planFor({}, true))).toBeGreaterThan(usual);
    expect(change(weighted, { sources: 1 })).toBeLessThan(usual);
  });

  test('sees nothing where nothing was counted, or errors are not watched', () => {
    const counts = { stableErrors: 0, stableAnswers: 200, candidateAnswers: 200, paired: true };
    expect(smallestChangeSeen(paired, { ...counts, candidateAnswers: 0 })).toBeUndefined();
    expect(smallestChangeSeen(paired, { ...counts, stableAnswers: 0 })).toBeUndefined();
    expect(smallestChangeSeen(paired, { ...counts, candidateAnswers: 3, stableAnswers: 3 })).toBeUndefined();
    expect(smallestChangeSeen(paired, { ...counts, stableErrors: 200 })).toBeUndefined();
    expect(smallestChangeSeen(planFor({ watch: ['latency'] }, false), counts)).toBeUndefined();
  });

  test('is the same for the same counts, and soon there', () => {
    const counts = { stableErrors: 600, stableAnswers: 60_000, candidateAnswers: 12_000, paired: false };
    const first = smallestChangeSeen(weighted, counts);
    const { value, ms } = timed(() => smallestChangeSeen(weighted, counts));
    expect(value).toBe(first);
    expect(first).toBeGreaterThan(0);
    expect(ms).toBeLessThan(1000);
  });
});
