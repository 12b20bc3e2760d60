import type { Observation } from '@sluice/core';
import type { Guard, Margins } from './plan.ts';
import { logEvidence, logExcess, ratios, type Table } from './two-sample.ts';

/** shares are how many of a window's pooled values count as large: the upper half for shifts, a tenth for tails. */
const shares = [0.5, 0.1];

/** markLargest marks the given share of the pooled values, the largest ones; ties go to stable. */
export const markLargest = (stable: readonly number[], candidate: readonly number[], share: number): Table => {
  const pooled = [
    ...stable.map((value) => ({ value, ours: 0 })),
    ...candidate.map((value) => ({ value, ours: 1 })),
  ].sort((one, other) => other.value - one.value || one.ours - other.ours);
  const count = Math.max(1, Math.round(pooled.length * share));
  const markedCandidate = pooled.slice(0, count).reduce((sum, entry) => sum + entry.ours, 0);
  return {
    stable: stable.length,
    candidate: candidate.length,
    markedStable: Math.min(count, pooled.length) - markedCandidate,
    markedCandidate,
  };
};

/** leastLatencyMs is the slowdown that nobody notices, however large a fraction of a fast answer it is. */
const leastLatencyMs = 25;

/** raised is a value of stable's that a candidate may reach without being worse by more than the margin. */
const raised = (guard: 'latency' | 'tokens', value: number, margins: Margins): number =>
  guard === 'latency' ? value + Math.max(value * margins.latency, leastLatencyMs) : value * (1 + margins.tokens);

const times = (bets: readonly number[], factor: number): number[] => bets.map((bet) => bet * factor);

/** betOnPairs marks the larger value of each pair, a window of its own; ties go to stable. */
const betOnPairs = (stable: readonly number[], candidate: readonly number[]): number[] => {
  const larger = candidate.filter((value, index) => value > (stable[index] ?? value)).length;
  const lost = times(logEvidence({ stable: 1, candidate: 1, markedStable: 0, markedCandidate: 1 }), larger);
  const won = times(logEvidence({ stable: 1, candidate: 1, markedStable: 1, markedCandidate: 0 }), candidate.length - larger);
  return lost.map((bet, index) => bet + (won[index] ?? 0));
};

/** errorsOf is the table of an observation's failures. */
export const errorsOf = ({ stable, candidate }: Observation): Table => ({
  stable: stable.answers,
  candidate: candidate.answers,
  markedStable: stable.errors,
  markedCandidate: candidate.errors,
});

/** Counting is how a source counts: pairs of answers, or answers of which up to `clump` share one fate. */
export interface Counting {
  readonly paired: boolean;
  readonly clump: number;
}

/**
 * betsOf gives the logarithms of what one window makes of a guard's bets. Errors are compared as counts. Latencies and
 * tokens are ranked: stable's values are first raised by the margin, then the largest of the pooled values are marked,
 * so that "no worse than the margin" is the same as "marks fall by chance or on stable", without any assumption about
 * the shape of the values and without a threshold that had to be estimated. Where the source is paired, the larger of a
 * pair's two values is marked, so that easy and hard questions are never compared with each other.
 */
export const betsOf = (guard: Guard, seen: Observation, { paired, clump }: Counting, margins: Margins): number[] => {
  if (guard === 'errors') return logExcess(errorsOf(seen), ratios, margins.errors, clump);
  const field = guard === 'latency' ? 'latenciesMs' : 'tokens';
  const stable = seen.stable[field].map((value) => raised(guard, value, margins));
  const candidate = seen.candidate[field];
  if (paired) return betOnPairs(stable, candidate);
  if (stable.length === 0 || candidate.length === 0) return shares.flatMap(() => ratios.map(() => 0));
  return shares.flatMap((share) => {
    const table = markLargest(stable, candidate, share);
    return clump === 1 ? logEvidence(table) : logExcess(table, ratios, 0, clump);
  });
};
