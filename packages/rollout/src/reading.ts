import type { CountedUnit } from '@sluice/core';
import type { Guard, RolloutPlan } from './plan.ts';
import type { ArmTally, RolloutState, SourceState } from './rollout-state.ts';
import { logMean } from './two-sample.ts';

/** Reading is what one source says about one guard. */
export type Reading = {
  readonly source: string;
  readonly unit: CountedUnit;
  readonly guard: Guard;
  /** stable and candidate are error rates (0 to 1), mean milliseconds or mean tokens; null when nothing was counted. */
  readonly stable: number | null;
  readonly candidate: number | null;
  /** stableCount and candidateCount are the numbers of values behind them. */
  readonly stableCount: number;
  readonly candidateCount: number;
  /** evidence is how many times more likely the marks are if the candidate is worse (capped at a million); `needed` aborts. */
  readonly evidence: number;
  readonly needed: number;
};

const cap = 1_000_000;

const measured = (guard: Guard, tally: ArmTally): { readonly count: number; readonly sum: number } => {
  if (guard === 'errors') return { count: tally.answers, sum: tally.errors };
  if (guard === 'latency') return { count: tally.latencies, sum: tally.latencyMs };
  return { count: tally.tokenCounts, sum: tally.tokens };
};

/** valuesOf is how many values a guard has of one arm. */
export const valuesOf = (guard: Guard, tally: ArmTally): number => measured(guard, tally).count;

/** neededEvidence is 1/alpha, where alpha is the false-abort rate shared by all guards of all sources. */
export const neededEvidence = (plan: RolloutPlan, state: RolloutState): number =>
  (plan.watch.length * Object.keys(state.sources).length) / plan.falseAbort;

const readingOf = (plan: RolloutPlan, state: RolloutState, name: string, source: SourceState, guard: Guard): Reading => {
  const stable = measured(guard, source.total.stable);
  const candidate = measured(guard, source.total.candidate);
  const bets = source.bets[guard];
  return {
    source: name,
    unit: source.unit,
    guard,
    stable: stable.count === 0 ? null : stable.sum / stable.count,
    candidate: candidate.count === 0 ? null : candidate.sum / candidate.count,
    stableCount: stable.count,
    candidateCount: candidate.count,
    evidence: bets.length === 0 ? 1 : Math.min(cap, Math.exp(logMean(bets))),
    needed: Math.min(cap, neededEvidence(plan, state)),
  };
};

/** readings are all watched guards of all sources. */
export const readings = (plan: RolloutPlan, state: RolloutState): Reading[] =>
  Object.entries(state.sources).flatMap(([name, source]) =>
    plan.watch.map((guard) => readingOf(plan, state, name, source, guard)),
  );

/** excessErrors is by how much the candidate's error rate is above stable's, compared within each window. */
export const excessErrors = (source: SourceState): number =>
  source.excess.weight === 0 ? 0 : source.excess.sum / source.excess.weight;

/** crossed finds a guard whose evidence suffices for an abort. Errors must also be worse by more than their margin. */
export const crossed = (plan: RolloutPlan, state: RolloutState): Reading | undefined =>
  readings(plan, state).find(({ source: name, guard, evidence, needed }) => {
    const source = state.sources[name];
    const matters = guard !== 'errors' || (source !== undefined && excessErrors(source) > plan.margins.errors);
    return evidence >= needed && matters;
  });
