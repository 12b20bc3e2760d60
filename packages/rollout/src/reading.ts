import type { CountedUnit } from '@sluice/core';
import { clumpOf, type Guard, type RolloutPlan } from './plan.ts';
import type { ArmTally, RolloutState, SourceState } from './rollout-state.ts';
import { logEven, logStaked } from './two-sample.ts';

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
  /**
   * claim says whether the false-abort rate holds for this source. One that counts requests, which fail together when
   * they are one user's, needs the bound canary.clump for that; `claimText` says so, and is empty when all is well.
   */
  readonly claim: 'kept' | 'needs clump';
  readonly claimText: string;
};

const cap = 1_000_000;

const measured = (guard: Guard, tally: ArmTally): { readonly count: number; readonly sum: number } => {
  if (guard === 'errors') return { count: tally.answers, sum: tally.errors };
  if (guard === 'latency') return { count: tally.latencies, sum: tally.latencyMs };
  return { count: tally.tokenCounts, sum: tally.tokens };
};

/** valuesOf is how many values a guard has of one arm. */
export const valuesOf = (guard: Guard, tally: ArmTally): number => measured(guard, tally).count;

/** neededEvidence is 1/alpha, where alpha is the false-abort rate shared by all guards of so many sources; capped as the evidence is. */
export const neededEvidence = (plan: RolloutPlan, sources: number): number => Math.min(cap, (plan.watch.length * sources) / plan.falseAbort);

/** claimOf is the claim of a source: whole sessions and users, and pairs, fail by themselves. */
const claimOf = (plan: RolloutPlan, { unit, paired }: SourceState): Reading['claim'] =>
  unit === 'request' && paired !== true && plan.clump === null ? 'needs clump' : 'kept';

const claimTextOf = (plan: RolloutPlan, name: string, source: SourceState): string =>
  claimOf(plan, source) === 'kept'
    ? ''
    : `${name} counts requests, and up to ${clumpOf(plan)} were taken to fail together; the false-abort rate is claimed only when canary.clump says how many can`;

const readingOf = (plan: RolloutPlan, needed: number, name: string, source: SourceState, guard: Guard): Reading => {
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
    evidence: bets.length === 0 ? 1 : Math.min(cap, Math.exp(logStaked(bets))),
    needed,
    claim: claimOf(plan, source),
    claimText: claimTextOf(plan, name, source),
  };
};

/** readings are all watched guards of all sources. */
export const readings = (plan: RolloutPlan, state: RolloutState): Reading[] => {
  const needed = neededEvidence(plan, Object.keys(state.sources).length);
  return Object.entries(state.sources).flatMap(([name, source]) => plan.watch.map((guard) => readingOf(plan, needed, name, source, guard)));
};

/** crossed finds a guard whose evidence suffices for an abort. */
export const crossed = (plan: RolloutPlan, state: RolloutState, all: readonly Reading[] = readings(plan, state)): Reading | undefined =>
  all.find(({ evidence, needed }) => evidence >= needed);

/** leaning finds a guard that is half-way to an abort, as evidence multiplies: then the candidate's share is not raised. */
export const leaning = (all: readonly Reading[]): Reading | undefined => all.find(({ evidence, needed }) => evidence * evidence >= needed);

/** speaks is how many times more likely the marks must be with a worse candidate to speak against it. */
const speaks = 3;

/** speakingAgainst finds a guard that clearly speaks against the candidate, well before it leans: nothing is let through unjudged then. */
export const speakingAgainst = (all: readonly Reading[]): Reading | undefined =>
  all.find(({ evidence, needed }) => evidence >= speaks || evidence * evidence >= needed);

/** Relief is a source that has ruled out that the candidate is worse by the plan's effect. */
export interface Relief {
  readonly source: string;
  readonly evidence: number;
}

/**
 * relieved finds a source of users' answers whose evidence that the candidate is not worse by the plan's effect
 * reaches the number of sources divided by the miss rate; only sources whose claim is kept count.
 */
export const relieved = (plan: RolloutPlan, state: RolloutState): Relief | undefined => {
  const sources = Object.entries(state.sources);
  return sources
    .filter(([, source]) => source.paired === false && source.silence === '' && claimOf(plan, source) === 'kept')
    .map(([name, { relief }]) => ({ source: name, evidence: relief.length === 0 ? 1 : Math.min(cap, Math.exp(logEven(relief))) }))
    .find(({ evidence }) => evidence >= sources.length / plan.miss);
};
