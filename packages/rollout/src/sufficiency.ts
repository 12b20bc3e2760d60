import type { Guard, RolloutPlan } from './plan.ts';
import { leaning, readings, valuesOf, type Reading } from './reading.ts';
import type { RolloutState, SourceState } from './rollout-state.ts';
import { leansText } from './wording.ts';

/** Lack is what keeps a rollout from going on. */
export interface Lack {
  /** text is a clause with the numbers. */
  readonly text: string;
  /** final lacks do not go away by waiting. */
  readonly final: boolean;
}

/** fresh is how many values of a guard came in since the present weight was set. */
const fresh = (source: SourceState, guard: Guard, arm: 'stable' | 'candidate'): number =>
  valuesOf(guard, source.total[arm]) - valuesOf(guard, source.before[arm]);

/** succeeded is how many answers did not fail since the present weight was set. */
const succeeded = (source: SourceState, arm: 'stable' | 'candidate'): number =>
  fresh(source, 'errors', arm) - (source.total[arm].errors - source.before[arm].errors);

const answersLack = (plan: RolloutPlan, name: string, source: SourceState): string | undefined => {
  if (source.silence !== '') return `${name}: ${source.silence}`;
  const candidate = fresh(source, 'errors', 'candidate');
  const stable = fresh(source, 'errors', 'stable');
  if (candidate < plan.minimumAnswers || stable < plan.minimumAnswers) {
    return `${name} counted ${candidate} of the candidate and ${stable} of stable, and ${plan.minimumAnswers} of each are needed`;
  }
  const dead = (['stable', 'candidate'] as const).find((arm) => succeeded(source, arm) < plan.minimumAnswers / 2);
  return dead === undefined ? undefined : `${name} counted ${succeeded(source, dead)} answers of ${dead === 'stable' ? 'stable' : 'the candidate'} that did not fail, and nothing can be compared by that`;
};

/** onlyZeros tells a source that writes 0 for what it does not know; an app without a model really uses 0 tokens. */
const onlyZeros = ({ zeroTokens }: RolloutPlan, { total: { stable, candidate } }: SourceState, guard: Guard): boolean =>
  (guard === 'latency' && stable.latencyMs + candidate.latencyMs === 0) ||
  (guard === 'tokens' && zeroTokens === 'unknown' && stable.tokens + candidate.tokens === 0);

/** zeroTokensText says that nothing was compared by tokens, where every answer counted 0; empty otherwise. */
export const zeroTokensText = (plan: RolloutPlan, state: RolloutState): string => {
  const totals = Object.values(state.sources).flatMap(({ total }) => [total.stable, total.candidate]);
  const counted = totals.some(({ tokenCounts }) => tokenCounts > 0);
  return plan.watch.includes('tokens') && counted && totals.every(({ tokens }) => tokens === 0) ? '; every answer counted 0 tokens, so that the tokens say nothing' : '';
};

/** Answers that failed have neither latency nor tokens, so half as many values as answers are enough. */
const hasValues = (plan: RolloutPlan, source: SourceState, guard: Guard): boolean =>
  !onlyZeros(plan, source, guard) && (['stable', 'candidate'] as const).every((arm) => fresh(source, guard, arm) >= plan.minimumAnswers / 2);

/**
 * lackOf says what is missing before the present weight counts as judged; undefined when nothing is. One source must
 * have enough answers of both arms, and its last window must have been counted; every watched guard must have values
 * from such a source. A guard without any value is not a guard that saw nothing wrong, and a guard that leans against
 * the candidate is not one that saw enough.
 */
export const lackOf = (plan: RolloutPlan, state: RolloutState, all: readonly Reading[] = readings(plan, state)): Lack | undefined => {
  const sources = Object.entries(state.sources);
  if (sources.length === 0) return { text: 'there is no source of evidence', final: true };
  const lacks = sources.map(([name, source]) => answersLack(plan, name, source));
  const speaking = sources.filter((_, index) => lacks[index] === undefined).map(([, source]) => source);
  if (speaking.length === 0) {
    const spent = plan.pairs > 0 && state.asked >= plan.pairs;
    const text = [...lacks.filter((lack) => lack !== undefined), ...(spent ? [`all ${plan.pairs} pairs are used`] : [])].join('; ');
    return { text, final: spent && sources.every(([, source]) => source.paired === true) };
  }
  const blind = plan.watch.find((guard) => !speaking.some((source) => hasValues(plan, source, guard)));
  if (blind === undefined) {
    const against = leaning(all);
    return against === undefined ? undefined : { text: leansText(against), final: false };
  }
  const never = sources.every(([, source]) => valuesOf(blind, source.total.stable) + valuesOf(blind, source.total.candidate) === 0);
  return never
    ? { text: `no source counts ${blind}, which canary.watch names: take it out of canary.watch or add a source that counts it`, final: true }
    : { text: `there are too few values of ${blind}, which canary.watch names, in both arms`, final: false };
};
