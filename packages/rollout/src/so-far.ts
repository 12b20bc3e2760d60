import { crossed, readings, speakingAgainst } from './reading.ts';
import type { RolloutPlan } from './plan.ts';
import { evidenceOf, type RolloutEvidence } from './rollout-end.ts';
import type { RolloutState } from './rollout-state.ts';
import { lackOf, type Lack } from './sufficiency.ts';
import { crossedText, leansText, seenText } from './wording.ts';

/** SoFar is what a rollout has shown until its last look. */
export interface SoFar {
  /** verdict is `abort` when a guard's evidence suffices for that, else `hold`: a state alone promotes nothing. */
  readonly verdict: 'abort' | 'hold';
  readonly reason: string;
  readonly evidence: RolloutEvidence;
  /** lack is what is missing before anybody may promote; absent when nothing is. */
  readonly lack?: Lack;
  /** against is a clause about the guard that clearly speaks against the candidate; absent when none does. */
  readonly against?: string;
  /** until is the end of the newest window that was counted, in milliseconds since 1970; 0 when none was. */
  readonly until: number;
}

/** isOfPlan tells whether a state was gathered under this plan. */
export const isOfPlan = (plan: RolloutPlan, state: RolloutState): boolean => state.plan === JSON.stringify(plan);

/** soFar reads a rollout's state and adds nothing to it. */
export const soFar = (plan: RolloutPlan, state: RolloutState): SoFar => {
  const all = readings(plan, state);
  const guard = crossed(plan, state, all);
  const lack = lackOf(plan, state, all);
  const against = speakingAgainst(all);
  const { permission } = state;
  return {
    verdict: guard === undefined ? 'hold' : 'abort',
    reason: guard !== undefined ? crossedText(guard) : lack === undefined ? `no guard aborts so far: ${seenText(state)}` : `${seenText(state)}; still waiting: ${lack.text}`,
    ...(lack === undefined ? {} : { lack }),
    ...(against === undefined ? {} : { against: leansText(against) }),
    evidence: evidenceOf(plan, state, permission === undefined ? [] : [permission.weight], []),
    until: Math.max(0, ...Object.values(state.sources).map(({ until }) => until)),
  };
};
