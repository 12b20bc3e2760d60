import { defaultCanaryPlan, type Arm, type CanaryPlanConfig, type Json, type Observation } from '@sluice/core';
import { enterStage, planOf, startRollout, type RolloutPlan, type RolloutState } from '../src/index.ts';

/** minute is a window's length. */
const minute = 60_000;

export type PairedObservation = Observation & { readonly paired: true };

const { imul, sqrt, log, cos, floor, PI } = Math;

/** random is a small seeded generator of numbers in [0, 1) (mulberry32). */
export const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export const normal = (next: () => number): number =>
  sqrt(-2 * log(1 - next())) * cos(2 * PI * next());

/** binomial counts successes by skipping from one to the next. */
export const binomial = (next: () => number, trials: number, chance: number): number => {
  if (chance <= 0) return 0;
  const scale = log(1 - chance);
  let count = 0;
  for (let at = floor(log(1 - next()) / scale); at < trials; at += 1 + floor(log(1 - next()) / scale)) count += 1;
  return count;
};

export const planFor = (config: Partial<CanaryPlanConfig>, canSplit: boolean, deadlineMs = 3_000_000): RolloutPlan => {
  const plan = planOf({ ...defaultCanaryPlan, ...config }, canSplit, deadlineMs);
  if (!plan.ok) throw new Error(plan.problem.reason);
  return plan.value;
};

export const started = (sources: readonly { name: string; unit: Observation['unit'] }[] = [{ name: 'logs', unit: 'session' }]): RolloutState =>
  enterStage(startRollout(planFor({}, true), { stable: 'v1', candidate: 'v2' }, sources, 0), 0, 0, 0);

export const arm = (version: string, answers: number, errors: number, value: (index: number) => number = () => 1000): Arm => {
  const values = Array.from({ length: answers - errors }, (_, index) => value(index));
  return { version, answers, errors, latenciesMs: values, tokens: values };
};

export const observed = (stable: Arm, candidate: Arm, more: Partial<Observation> = {}): Observation => ({
  source: 'logs',
  unit: 'session',
  from: 0,
  to: 60_000,
  stable,
  candidate,
  ...more,
});

/** asJson fails to compile when a rollout's state could not be stored in a record. */
export const asJson = (state: RolloutState): Json => state;

/** following gives observations the windows that follow each other from `from` on, a minute each. */
export const following = (observations: readonly Observation[], from = 0): Observation[] =>
  observations.map((seen, index) => ({ ...seen, from: from + index * minute, to: from + (index + 1) * minute }));
