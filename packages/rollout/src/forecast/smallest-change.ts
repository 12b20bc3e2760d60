import type { CountedUnit } from '@sluice/core';
import { clumpOf, type RolloutPlan } from '../plan.ts';
import { neededEvidence } from '../reading.ts';
import { binomial, seeded, type Draw } from './chance.ts';
import { tallyOf } from './tally.ts';

/** SeenCounts are what one source counted of both versions until the judgement. */
export interface SeenCounts {
  readonly stableErrors: number;
  readonly stableAnswers: number;
  readonly candidateAnswers: number;
  /** paired is true for answers to the same questions. */
  readonly paired: boolean;
  /** unit is what was counted; `request` when absent. */
  readonly unit?: CountedUnit;
  /** sources is how many sources of evidence share the false-abort rate; when absent, one, and the paired probes of a weighted plan. */
  readonly sources?: number;
}

/** wanted is the chance with which a change counts as one that would have been seen. */
const wanted = 0.9;
const runs = 500;
const mostWindows = 20;
const precision = 1.01;

interface Window {
  readonly stable: number;
  readonly candidate: number;
}

const shared = (count: number, parts: readonly number[]): number[] => {
  const total = parts.reduce((sum, part) => sum + part, 0);
  let [before, given] = [0, 0];
  return parts.map((part) => {
    before += part;
    const until = Math.round((count * before) / total);
    const mine = until - given;
    given = until;
    return mine;
  });
};

/** windowsOf spreads the counts over the looks of the plan: pairs evenly, users' answers by the weights. */
const windowsOf = (plan: RolloutPlan, { stableAnswers, candidateAnswers, paired }: SeenCounts): readonly Window[] => {
  const weights = paired || plan.kind === 'paired' ? [50] : plan.weights;
  const asked = paired ? Math.ceil(candidateAnswers / Math.max(1, plan.pairsPerWindow)) : mostWindows;
  const looks = Math.max(1, Math.floor(Math.min(mostWindows, asked) / weights.length));
  const shares = weights.flatMap((weight) => Array.from({ length: looks }, () => weight / 100));
  const stable = shared(stableAnswers, shares.map((share) => 1 - share));
  return shared(candidateAnswers, shares).map((candidate, index) => ({ candidate, stable: stable[index] ?? 0 }));
};

/**
 * smallestChangeSeen is by how much more of its answers the candidate would have had to fail, as a share from 0 to 1, so
 * that a rollout with these counts aborts in 90 of 100 cases; undefined where it could see no change, or where errors are
 * not watched. Stable's share of errors is taken as it was counted, with half an error added, because none of 200 does
 * not mean never. Simulated with fixed random numbers: the same counts give the same answer, within some ten milliseconds.
 */
export const smallestChangeSeen = (plan: RolloutPlan, counts: SeenCounts): number | undefined => {
  const { stableErrors, stableAnswers, candidateAnswers, paired, unit = 'request' } = counts;
  if (!plan.watch.includes('errors') || stableAnswers <= 0 || candidateAnswers <= 0) return undefined;
  const base = Math.min(1, (stableErrors + 0.5) / (stableAnswers + 1));
  const windows = windowsOf(plan, counts);
  const logNeeded = Math.log(neededEvidence(plan, counts.sources ?? (plan.kind === 'weighted' && plan.pairs > 0 ? 2 : 1)));
  const clump = unit === 'request' && !paired ? clumpOf(plan) : 1;
  const tally = tallyOf({ margin: plan.margins.errors, effect: null, clump, minimum: plan.minimumAnswers });
  const stableDraws = windows.map(({ stable }) => binomial(stable, base));

  const caught = (candidateDraws: readonly Draw[]): boolean => {
    let missed = 0;
    for (let run = 0; run < runs; run += 1) {
      const random = seeded(run);
      tally.clear();
      const aborts = windows.some(({ stable, candidate }, index) => {
        tally.add(stable, candidate, stableDraws[index]?.(random) ?? 0, candidateDraws[index]?.(random) ?? 0);
        return tally.reaches(logNeeded);
      });
      if (!aborts) missed += 1;
      if (missed > runs * (1 - wanted)) return false;
    }
    return true;
  };

  const seenAt = (rate: number): boolean => caught(windows.map(({ candidate }) => binomial(candidate, rate)));
  if (!seenAt(1)) return undefined;
  let [unseen, seen] = [base, 1];
  while (seen > unseen * precision) {
    const between = Math.sqrt(unseen * seen);
    if (seenAt(between)) seen = between;
    else unseen = between;
  }
  return seen - base;
};
