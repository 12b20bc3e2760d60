import type { Arm, Observation } from '@sluice/core';
import { flawOf, isPaired, splitFlaw } from './flaws.ts';
import { betsOf, errorsOf, type Counting } from './marks.ts';
import { clumpOf, type Guard, type RolloutPlan } from './plan.ts';
import type { ArmTally, RolloutState, SourceState } from './rollout-state.ts';
import { logExcess, lowerRatios } from './two-sample.ts';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const addArm = (tally: ArmTally, arm: Arm): ArmTally => ({
  answers: tally.answers + arm.answers,
  errors: tally.errors + arm.errors,
  latencies: tally.latencies + arm.latenciesMs.length,
  latencyMs: tally.latencyMs + sum(arm.latenciesMs),
  tokenCounts: tally.tokenCounts + arm.tokens.length,
  tokens: tally.tokens + sum(arm.tokens),
});

const add = (before: readonly number[], window: readonly number[]): number[] => window.map((bet, index) => (before[index] ?? 0) + bet);

/** countingOf is how an observation counts: answers to pairs and whole sessions or users have a fate of their own. */
const countingOf = (plan: RolloutPlan, seen: Observation): Counting => {
  const paired = isPaired(seen);
  return { paired, clump: seen.unit === 'request' && !paired ? clumpOf(plan) : 1 };
};

const promotesEarly = (plan: RolloutPlan): boolean => plan.kind === 'weighted' && plan.earlyBakeMs !== null;

const count = (plan: RolloutPlan, source: SourceState, seen: Observation): SourceState => {
  const counting = countingOf(plan, seen);
  const after = (guard: Guard): number[] =>
    plan.watch.includes(guard) ? add(source.bets[guard], betsOf(guard, seen, counting, plan.margins)) : source.bets[guard];
  return {
    unit: source.unit,
    paired: counting.paired,
    until: seen.to,
    silence: '',
    total: { stable: addArm(source.total.stable, seen.stable), candidate: addArm(source.total.candidate, seen.candidate) },
    before: source.before,
    bets: { errors: after('errors'), latency: after('latency'), tokens: after('tokens') },
    relief: promotesEarly(plan) ? add(source.relief, logExcess(errorsOf(seen), lowerRatios, plan.effect, counting.clump)) : source.relief,
  };
};

const absorbOne = (plan: RolloutPlan, state: RolloutState, source: SourceState, observations: readonly Observation[], nowMs: number): SourceState => {
  const [seen, another] = observations;
  if (seen === undefined) return { ...source, silence: 'it was not asked' };
  const flaw = another === undefined ? flawOf(plan, seen, source, state, nowMs) : 'it gave several counts of one window';
  if (flaw !== undefined) return { ...source, silence: flaw };
  const skewed = splitFlaw(plan, seen, source, state.stage);
  // Such a window is left out for good: counted together with later ones, a share that moves while errors come and go
  // would look like a bad candidate. Leaving it out by its share alone says nothing about its errors.
  return skewed === undefined ? count(plan, source, seen) : { ...source, silence: skewed, until: seen.to };
};

/** askedBy is how many pairs were asked after an observation; where it does not say, those that it counted are added. */
const askedBy = (asked: number, seen: Observation): number => {
  if (!isPaired(seen)) return asked;
  const told = seen.asked ?? asked + seen.candidate.answers;
  return Number.isSafeInteger(told) ? Math.max(asked, told) : asked;
};

/**
 * absorb adds one round of observations to the state, at most one for each source. A source that gave none or several,
 * or one that cannot be used, is silent for this round; an observation of a source that the rollout did not start with
 * is not counted. `nowMs` is on the plan's time scale.
 */
export const absorb = (plan: RolloutPlan, state: RolloutState, observations: readonly Observation[], nowMs: number): RolloutState => ({
  ...state,
  windows: state.windows + 1,
  asked: observations.filter(({ source }) => state.sources[source] !== undefined).reduce(askedBy, state.asked),
  sources: Object.fromEntries(
    Object.entries(state.sources).map(([name, source]) => {
      const ours = observations.filter((seen) => seen.source === name);
      return [name, absorbOne(plan, state, source, ours, nowMs)];
    }),
  ),
});
