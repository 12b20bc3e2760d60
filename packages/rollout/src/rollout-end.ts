import type { CountedUnit, Observed, Problem } from '@sluice/core';
import type { RolloutPlan } from './plan.ts';
import { readings, type Reading } from './reading.ts';
import type { RolloutState } from './rollout-state.ts';
import { lackOf } from './sufficiency.ts';

/** WhenInconclusive is what follows where too little was seen: back to stable, keep the share, or let the candidate through. */
export type WhenInconclusive = 'abort' | 'hold' | 'promote';

/**
 * RolloutPoint is one look: milliseconds since the start, the weight in per cent, the answers of each arm so far, and the
 * evidence of the guard that was nearest to its boundary, beside that boundary.
 */
export type RolloutPoint = {
  readonly atMs: number;
  readonly weight: number;
  readonly stable: number;
  readonly candidate: number;
  readonly evidence: number;
  readonly needed: number;
};

/** nearest is the reading that is nearest to an abort; all have the same boundary. */
export const nearest = (all: readonly Reading[]): { readonly evidence: number; readonly needed: number } =>
  all.reduce((one, { evidence, needed }) => (evidence > one.evidence ? { evidence, needed } : one), { evidence: 0, needed: all[0]?.needed ?? 1 });

/** RolloutEvidence is what a verdict rests on, as JSON for the result document; the report draws it. */
export type RolloutEvidence = {
  readonly stable: string;
  readonly candidate: string;
  readonly weights: readonly number[];
  readonly readings: readonly Reading[];
  /** silent are the sources whose last window could not be counted, with the reason. */
  readonly silent: readonly string[];
  /** falseAbort and miss are the rates in force, as fractions. */
  readonly falseAbort: number;
  readonly miss: number;
  /** lack is what was missing before the present weight counted as judged; empty when nothing was. */
  readonly lack: string;
  /** moreAnswers is how many more answers of the source that came nearest were needed, of each version. */
  readonly moreAnswers: { readonly stable: number; readonly candidate: number };
  readonly history: readonly RolloutPoint[];
};

/** RolloutEnd is how a rollout ended. */
export interface RolloutEnd {
  /** verdict is `stopped` when something else than the evidence ended it; `problem` then says what. */
  readonly verdict: 'promote' | 'abort' | 'inconclusive' | 'stopped';
  /** reason is for people and says where the traffic is now. */
  readonly reason: string;
  /** weightsSeen are the weights that were set, in per cent. */
  readonly weightsSeen: readonly number[];
  /** observed is the last split that was read back; absent when none was, or when no traffic is moved. */
  readonly observed?: Observed;
  /** users is set where an inconclusive verdict left them on the candidate: everybody, or the share that it had. */
  readonly users?: 'everybody' | 'share';
  readonly evidence: RolloutEvidence;
  readonly state: RolloutState;
  /** problem is set when the rollout could not do what it had to; with `abort` and `inconclusive`, too, when the way back failed. */
  readonly problem?: Problem;
}

/** Seen are the counts of one source, and its name; the name is empty while none has counted anything. */
export interface Seen {
  readonly source: string;
  readonly unit: CountedUnit;
  readonly stable: number;
  readonly candidate: number;
}

/** answersSeen are the counts of the source that counted most of the candidate; sources are never added up. */
export const answersSeen = (state: RolloutState): Seen =>
  Object.entries(state.sources)
    .map(([source, { unit, total }]): Seen => ({ source, unit, stable: total.stable.answers, candidate: total.candidate.answers }))
    .reduce((one, other) => (other.candidate > one.candidate ? other : one), { source: '', unit: 'request', stable: 0, candidate: 0 });

const mostPoints = 200;

/** thinned keeps at most about two hundred points, and every change of the weight. */
const thinned = (history: readonly RolloutPoint[]): readonly RolloutPoint[] => {
  const every = Math.ceil(history.length / mostPoints);
  return history.filter(
    (point, index) =>
      index % every === 0 || index === history.length - 1 || point.weight !== history[index - 1]?.weight || point.weight !== history[index + 1]?.weight,
  );
};

const moreOf = ({ minimumAnswers }: RolloutPlan, state: RolloutState): RolloutEvidence['moreAnswers'] => {
  const lacks = Object.values(state.sources).map(({ total, before }) => ({
    stable: Math.max(0, minimumAnswers - (total.stable.answers - before.stable.answers)),
    candidate: Math.max(0, minimumAnswers - (total.candidate.answers - before.candidate.answers)),
  }));
  const [first, ...others] = lacks;
  return others.reduce((one, other) => (other.stable + other.candidate < one.stable + one.candidate ? other : one), first ?? { stable: minimumAnswers, candidate: minimumAnswers });
};

/** evidenceOf gathers the numbers of a rollout. */
export const evidenceOf = (
  plan: RolloutPlan,
  state: RolloutState,
  weights: readonly number[],
  history: readonly RolloutPoint[],
): RolloutEvidence => ({
  stable: state.stable,
  candidate: state.candidate,
  weights,
  readings: readings(plan, state),
  silent: Object.entries(state.sources)
    .filter(([, source]) => source.silence !== '')
    .map(([name, source]) => `${name}: ${source.silence}`),
  falseAbort: plan.falseAbort,
  miss: plan.miss,
  lack: lackOf(plan, state)?.text ?? '',
  moreAnswers: moreOf(plan, state),
  history: thinned(history),
});
