import { oneLine, type PrometheusConfig } from '@sluice/core';
import type { Named, Window } from './count.ts';
import { increase, knownTargets } from './increase.ts';
import type { Series } from './samples.ts';

interface Bucket {
  /** below and upTo are the bucket's bounds in milliseconds. */
  readonly below: number;
  readonly upTo: number;
  readonly count: number;
}

const boundOf = ({ labels }: Series): number => {
  const bound = labels['le'] ?? '';
  return bound === '+Inf' ? Infinity : bound === '' ? NaN : Number(bound) * 1000;
};

/** bucketsOf takes the counts up to each bound apart; undefined when they do not rise from bound to bound, as in a histogram that was read half-way. */
const bucketsOf = (ours: readonly Series[], { from, to }: Window, targets: ReadonlySet<string>): readonly Bucket[] | undefined => {
  const upTo = new Map<number, number>();
  for (const series of ours) {
    const bound = boundOf(series);
    if (Number.isNaN(bound)) return undefined;
    upTo.set(bound, (upTo.get(bound) ?? 0) + increase(series, from, to, targets));
  }
  const bounds = [...upTo.keys()].sort((one, other) => one - other);
  if (bounds.length < 2 || bounds.at(-1) !== Infinity) return undefined;
  const buckets = bounds.map((bound, index) => ({
    below: bounds[index - 1] ?? 0,
    upTo: bound,
    count: (upTo.get(bound) ?? 0) - (index === 0 ? 0 : (upTo.get(bounds[index - 1] ?? 0) ?? 0)),
  }));
  return buckets.every(({ count }) => Number.isSafeInteger(count) && count >= 0) ? buckets : undefined;
};

const spread = (buckets: readonly Bucket[], value: (bucket: Bucket) => number): number[] =>
  buckets.flatMap((bucket) => new Array<number>(bucket.count).fill(value(bucket)));

/**
 * latenciesOf reads one value an answer from a histogram, in milliseconds; a text says why that is not possible. A
 * bucket says only between which bounds an answer lay, so stable's count as its upper bound and the candidate's as its
 * lower one: that a candidate is slower is then never an effect of where the bounds are, and a difference smaller than
 * a bucket is not seen. What lies above the last bound counts as that bound for both.
 */
export const latenciesOf = (all: readonly Series[], { latency = '', version }: PrometheusConfig, arms: readonly [Named, Named], window: Window): { readonly stable: number[]; readonly candidate: number[] } | string => {
  const targets = knownTargets(all, window.from);
  const [stable, candidate] = arms.map(({ value }) => bucketsOf(all.filter(({ labels }) => labels[version] === value), window, targets));
  if (stable === undefined || candidate === undefined) return `${oneLine(latency, 160)} has no complete histogram of both versions`;
  return { stable: spread(stable, ({ below, upTo }) => (upTo === Infinity ? below : upTo)), candidate: spread(candidate, ({ below }) => below) };
};
