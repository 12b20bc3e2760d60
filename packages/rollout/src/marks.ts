import type { Observation } from '@sluice/core';
import type { Guard, Margins } from './plan.ts';
import type { Table } from './two-sample.ts';

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

/** Marked is a table and how many windows like it there are. */
export interface Marked {
  readonly table: Table;
  readonly times: number;
}

const once = (table: Table): readonly Marked[] => [{ table, times: 1 }];

/** markPairs marks the larger value of each pair; ties go to stable. */
const markPairs = (stable: readonly number[], candidate: readonly number[]): readonly Marked[] => {
  const larger = candidate.filter((value, index) => value > (stable[index] ?? value)).length;
  return [
    { table: { stable: 1, candidate: 1, markedStable: 0, markedCandidate: 1 }, times: larger },
    { table: { stable: 1, candidate: 1, markedStable: 1, markedCandidate: 0 }, times: candidate.length - larger },
  ];
};

/**
 * tablesOf gives what a guard bets on in one window: lists of tables, each list one way of marking whose tables'
 * evidence is added up. Errors are marked as they are. Latencies and tokens are ranked: stable's values are first
 * raised by the margin, then the largest of the pooled values are marked, so that "no worse than the margin" is
 * the same as "marks fall by chance or on stable", without any assumption about the shape of the values and without
 * a threshold that had to be estimated. Where the source is paired, each pair is a window of its own and the larger
 * of its two values is marked, so that easy and hard questions are never compared with each other.
 */
export const tablesOf = (guard: Guard, seen: Observation, paired: boolean, margins: Margins): readonly (readonly Marked[])[] => {
  if (guard === 'errors') {
    return [
      once({
        stable: seen.stable.answers,
        candidate: seen.candidate.answers,
        markedStable: seen.stable.errors,
        markedCandidate: seen.candidate.errors,
      }),
    ];
  }
  const field = guard === 'latency' ? 'latenciesMs' : 'tokens';
  const stable = seen.stable[field].map((value) => raised(guard, value, margins));
  const candidate = seen.candidate[field];
  if (paired) return [markPairs(stable, candidate)];
  if (stable.length === 0 || candidate.length === 0) return shares.map(() => []);
  return shares.map((share) => once(markLargest(stable, candidate, share)));
};
