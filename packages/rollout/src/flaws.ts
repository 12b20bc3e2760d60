import { draft, live, percentText, type Arm, type Observation } from '@sluice/core';
import type { RolloutPlan } from './plan.ts';
import type { RolloutState, SourceState } from './rollout-state.ts';

/** isPaired says whether both arms answered the same questions, with the values of one pair at one index. */
export const isPaired = (seen: Observation): boolean => seen.paired === true;

/** mostAnswers is more than anything counts in one window; above it a count is a mistake. */
const mostAnswers = 1e9;

/** aheadMs is by how much a source's clock may be ahead of ours. */
const aheadMs = 300_000;

const armFlaw = (name: string, arm: Arm): string | undefined => {
  const whole = [arm.answers, arm.errors].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!whole || arm.errors > arm.answers || arm.answers > mostAnswers) return `its counts of ${name} are impossible`;
  const values = [arm.latenciesMs, arm.tokens];
  const numbers = values.every((list) => list.every((value) => value >= 0 && value <= Number.MAX_VALUE));
  return numbers ? undefined : `its values of ${name} are not numbers`;
};

const labelFlaw = ({ stable, candidate }: Observation, versions: Pick<RolloutState, 'stable' | 'candidate'>): string | undefined => {
  if (stable.version === candidate.version) return 'both arms are the same version';
  const right =
    (stable.version === versions.stable || stable.version === live) && (candidate.version === versions.candidate || candidate.version === draft);
  return right ? undefined : `it counted ${stable.version} as stable and ${candidate.version} as the candidate`;
};

const windowFlaw = (seen: Observation, timed: boolean, source: SourceState, state: RolloutState, nowMs: number): string | undefined => {
  const { from, to } = seen;
  if (!Number.isFinite(from) || !Number.isFinite(to) || to < from) return 'its window ends before it begins';
  if (to === from && timed && seen.stable.answers + seen.candidate.answers > 0) return 'its window is empty, and it counted answers in it';
  if (from !== source.until) return 'its window does not begin where the last one ended, so something would be counted twice or left out';
  if (to > state.stageOpened + (nowMs - state.stageSince) + aheadMs) return 'its window ends in the future';
  return undefined;
};

/** sharing is how much wider shares scatter than those of single answers would: one user has many. */
const sharing = 10;
const fewest = 100;
const fewestSinceWeight = 500;

/**
 * splitFlaw compares the candidate's share of the answers with its weight. More than five standard deviations away and
 * half as much again or less than two thirds, it is another split than the one that is set, or something else is counted;
 * or sessions that began before the weight was raised still stay where they were.
 */
export const splitFlaw = (plan: RolloutPlan, seen: Observation, { total, before }: SourceState, stage: number): string | undefined => {
  if (plan.kind === 'paired' || isPaired(seen)) return undefined;
  const { stable, candidate } = seen;
  const weight = plan.weights[stage] ?? 0;
  const inWindow = stable.answers + candidate.answers;
  const earlier = { stable: total.stable.answers - before.stable.answers, candidate: total.candidate.answers - before.candidate.answers };
  const answers = inWindow >= fewest ? inWindow : inWindow + earlier.stable + earlier.candidate;
  if (inWindow < fewest && answers < fewestSinceWeight) return undefined;
  const share = (candidate.answers + (inWindow >= fewest ? 0 : earlier.candidate)) / answers;
  const expected = weight / 100;
  const near = share <= expected * 1.5 && share >= expected / 1.5;
  const spread = Math.sqrt((expected * (1 - expected) * Math.max(sharing, plan.clump ?? 1)) / answers);
  if (near || Math.abs(share - expected) <= 5 * spread) return undefined;
  return `${percentText(share)} of ${answers} answers were the candidate's, whose weight is ${weight} %`;
};

const pairsFlaw = ({ stable, candidate }: Observation): string | undefined => {
  const even =
    stable.answers === candidate.answers && stable.latenciesMs.length === candidate.latenciesMs.length && stable.tokens.length === candidate.tokens.length;
  return even ? undefined : 'its pairs are incomplete';
};

/** flawOf says why an observation is no evidence; undefined when it may be. Its window is asked for again. */
export const flawOf = (plan: RolloutPlan, seen: Observation, source: SourceState, state: RolloutState, nowMs: number): string | undefined => {
  const paired = isPaired(seen);
  if (seen.missing !== undefined) return seen.missing === '' ? 'it gave no reason' : seen.missing;
  if (seen.unit !== source.unit) return `it counts by ${seen.unit} and not by ${source.unit} as before`;
  if (source.paired !== undefined && source.paired !== paired) return 'it counted pairs before and does not now, or the other way round';
  return (
    labelFlaw(seen, state) ??
    armFlaw('stable', seen.stable) ??
    armFlaw('the candidate', seen.candidate) ??
    windowFlaw(seen, plan.kind === 'weighted' && !paired, source, state, nowMs) ??
    (paired ? pairsFlaw(seen) : undefined)
  );
};
