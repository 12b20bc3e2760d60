import type { Sample, Series } from './samples.ts';

const newestAt = (samples: readonly Sample[], at: number): Sample | undefined => samples.findLast((sample) => sample.at <= at);

/** targetOf names what a series was scraped from. */
const targetOf = ({ labels }: Series): string => JSON.stringify([labels['job'] ?? '', labels['instance'] ?? '']);

/** knownTargets are the targets that had been scraped before a time: a counter of theirs that appears later began at zero. */
export const knownTargets = (all: readonly Series[], before: number): ReadonlySet<string> =>
  new Set(all.filter(({ samples }) => newestAt(samples, before) !== undefined).map(targetOf));

/**
 * increase is how much a counter grew from `from` (excluded) to `to` (included), by its own samples: nothing is
 * extrapolated, so the windows of a rollout add up to what was counted, and counts stay whole. At any time the counter
 * has the value of its newest sample; a smaller value than before means that it began again at zero. A counter that
 * first appears inside the window began at zero where its target had been scraped before (such is the first error of a
 * version), and at its first sample otherwise: what a target counted before Prometheus knew it belongs to no window.
 */
export const increase = (series: Series, from: number, to: number, known: ReadonlySet<string>): number => {
  const inside = series.samples.filter(({ at }) => at > from && at <= to);
  const [first] = inside;
  if (first === undefined) return 0;
  const base = newestAt(series.samples, from)?.value ?? (known.has(targetOf(series)) ? 0 : first.value);
  let before = base;
  let grown = 0;
  for (const { value } of inside) {
    grown += value >= before ? value - before : value;
    before = value;
  }
  return grown;
};

/** newestSampleAt is when the newest of all samples was taken; undefined without samples. */
export const newestSampleAt = (all: readonly Series[]): number | undefined =>
  all.reduce<number | undefined>((newest, { samples }) => {
    const at = samples.at(-1)?.at;
    return at === undefined || (newest !== undefined && newest >= at) ? newest : at;
  }, undefined);
