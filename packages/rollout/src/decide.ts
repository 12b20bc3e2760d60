import { durationText, type Observation } from '@sluice/core';
import { absorb } from './absorb.ts';
import type { PairedPlan, RolloutPlan, WeightedPlan } from './plan.ts';
import { crossed, readings, relieved, type Reading } from './reading.ts';
import type { RolloutState } from './rollout-state.ts';
import { lackOf, zeroTokensText } from './sufficiency.ts';
import { crossedText, reliefText, seenText } from './wording.ts';

/** Verdict is what to do next: go on looking, take the next weight, make the candidate stable, or go back. */
export type Verdict = 'hold' | 'raise' | 'promote' | 'abort' | 'inconclusive';

/** Decision is a verdict, the reason with its numbers, and the state to go on with. */
export interface Decision {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly state: RolloutState;
}

type Judgement = Omit<Decision, 'state'>;

const judgement = (verdict: Verdict, reason: string): Judgement => ({ verdict, reason });

const judgeWeighted = (plan: WeightedPlan, state: RolloutState, all: readonly Reading[], nowMs: number): Judgement => {
  const weight = `${plan.weights[state.stage] ?? 0} %`;
  const relief = plan.earlyBakeMs === null ? undefined : relieved(plan, state);
  const bakeMs = relief === undefined ? plan.bakeMs : (plan.earlyBakeMs ?? plan.bakeMs);
  const why = relief === undefined ? '' : `; ${reliefText(plan, relief)}`;
  const baked = nowMs - state.stageSince >= bakeMs;
  const lack = lackOf(plan, state, all);
  const late = nowMs - state.startedAt >= plan.deadlineMs;
  if (baked && lack === undefined) {
    const left = plan.weights.length - 1 - state.stage;
    if (left === 0) return judgement('promote', `no guard aborted up to ${weight}: ${seenText(state)}${zeroTokensText(plan, state)}${why}`);
    const remaining = state.startedAt + plan.deadlineMs - nowMs;
    if (left * bakeMs <= remaining) return judgement('raise', `no guard aborted at ${weight}: ${seenText(state)}${zeroTokensText(plan, state)}${why}`);
    return judgement(
      'inconclusive',
      `the deadline leaves ${durationText(Math.max(0, remaining))}, and the weights after ${weight} need ${durationText(left * bakeMs)}`,
    );
  }
  if (lack !== undefined && (late || (baked && lack.final))) {
    return judgement('inconclusive', `there is not enough evidence at ${weight}${late ? ' and the deadline has passed' : ''}: ${lack.text}`);
  }
  if (late) return judgement('inconclusive', `the deadline has passed before ${weight} had been kept for ${durationText(bakeMs)}`);
  return judgement('hold', lack === undefined ? `no guard aborts at ${weight} so far: ${seenText(state)}` : `waiting at ${weight}: ${lack.text}`);
};

const judgePaired = (plan: PairedPlan, state: RolloutState, all: readonly Reading[], nowMs: number): Judgement => {
  const used = state.asked >= plan.pairs || state.windows >= Math.ceil(plan.pairs / plan.pairsPerWindow);
  const late = nowMs - state.startedAt >= plan.deadlineMs;
  if (!used && !late) return judgement('hold', `no guard aborts so far: ${seenText(state)}`);
  const lack = lackOf(plan, state, all);
  const ending = used ? `all ${plan.pairs} pairs are used` : `the time is over after ${durationText(plan.deadlineMs)}`;
  return lack === undefined
    ? judgement('promote', `no guard aborted and ${ending}: ${seenText(state)}${zeroTokensText(plan, state)}`)
    : judgement('inconclusive', `there is not enough evidence and ${ending}: ${lack.text}`);
};

/**
 * decide adds one round of observations to the state and judges. It is pure; `nowMs` is on the plan's time scale.
 * An abort needs a guard whose evidence reaches the number of guards and sources divided by the false-abort rate, so
 * that a candidate within the margins is aborted with at most that rate over the whole rollout, however often this is
 * called. Everything but an abort needs evidence: thin evidence and a guard that leans against the candidate hold, and
 * at the plan's deadline they are inconclusive. Early promotion leaves out no weight: it shortens how long each is kept.
 */
export const decide = (plan: RolloutPlan, before: RolloutState, observations: readonly Observation[], nowMs: number): Decision => {
  const state = absorb(plan, before, observations, nowMs);
  const all = readings(plan, state);
  const guard = crossed(plan, state, all);
  if (guard !== undefined) return { ...judgement('abort', crossedText(guard)), state };
  return { ...(plan.kind === 'weighted' ? judgeWeighted(plan, state, all, nowMs) : judgePaired(plan, state, all, nowMs)), state };
};
