import { durationText, percentText, type CountedUnit } from '@sluice/core';
import type { Guard, RolloutPlan } from './plan.ts';
import type { Reading, Relief } from './reading.ts';
import type { Seen } from './rollout-end.ts';
import type { RolloutState } from './rollout-state.ts';

const units: Readonly<Record<CountedUnit, string>> = { request: 'answers', user: 'users', session: 'sessions' };

const number = (value: number): string => String(Number(value.toPrecision(3)));

interface Failures {
  readonly errors: number;
  readonly answers: number;
}

const failuresText = (source: string, unit: CountedUnit, stable: Failures, candidate: Failures): string =>
  `the candidate failed in ${candidate.errors} of ${candidate.answers} and stable in ${stable.errors} of ${stable.answers} ${units[unit]} (${source})`;

const failures = ({ source, unit, stable, candidate, stableCount, candidateCount }: Reading): string => {
  const ofArm = (rate: number | null, answers: number): Failures => ({ errors: Math.round((rate ?? 0) * answers), answers });
  return failuresText(source, unit, ofArm(stable, stableCount), ofArm(candidate, candidateCount));
};

const means = (reading: Reading): string => {
  const written = (mean: number | null): string => {
    if (mean === null) return 'nothing';
    return reading.guard === 'latency' ? durationText(mean) : `${Math.round(mean)} tokens`;
  };
  return (
    `the candidate needs ${written(reading.candidate)} and stable ${written(reading.stable)} on average, ` +
    `over ${reading.candidateCount} and ${reading.stableCount} ${units[reading.unit]} (${reading.source})`
  );
};

const guardNames: Readonly<Record<Guard, string>> = { errors: 'error', latency: 'latency', tokens: 'token' };

/** crossedText says why a guard aborts. */
export const crossedText = (reading: Reading): string =>
  `${reading.guard === 'errors' ? failures(reading) : means(reading)}; the ${guardNames[reading.guard]} evidence is ` +
  `${number(reading.evidence)} to 1, and ${number(reading.needed)} to 1 aborts`;

/** leansText says which guard keeps a weight from being raised. */
export const leansText = ({ guard, source, evidence }: Reading): string =>
  `the ${guardNames[guard]} evidence of ${source} leans against the candidate, ${number(evidence)} to 1`;

/** reliefText says what makes the weights shorter. */
export const reliefText = ({ effect }: RolloutPlan, { source, evidence }: Relief): string =>
  `${source} rules out that the candidate loses ${percentText(effect)} more of the answers, ${number(evidence)} to 1`;

/** seenText says in one clause what all sources saw of errors, without a judgement. */
export const seenText = (state: RolloutState): string => {
  const errors = Object.entries(state.sources).map(([name, { unit, total }]) => failuresText(name, unit, total.stable, total.candidate));
  return errors.length === 0 ? 'no source was asked' : errors.join('; ');
};

/** countedText says how much one source counted of each version. */
export const countedText = ({ source, unit, stable, candidate }: Seen): string =>
  source === '' ? 'nothing was counted yet' : `${candidate} ${units[unit]} of the candidate and ${stable} of stable by ${source}`;
