import { durationText, oneLine, type Arm, type PrometheusConfig } from '@sluice/core';
import { increase, knownTargets, newestSampleAt } from './increase.ts';
import type { Series } from './samples.ts';

/** Window is from `from` (excluded) to `to` (included), in milliseconds since 1970. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Named is a version's id, and the value of the label by which the metrics know it. */
export interface Named {
  readonly version: string;
  readonly value: string;
}

/** staleMs is how old the newest sample of a version may be: as long as Prometheus itself takes one for current. */
const staleMs = 300_000;

const mostLabels = 12;

const ofVersion = (all: readonly Series[], label: string, { value }: Named): readonly Series[] => all.filter(({ labels }) => labels[label] === value);

const known = (values: readonly string[]): string => {
  const shown = [...new Set(values)].sort().slice(0, mostLabels).map((value) => oneLine(value, 60));
  return shown.length === 0 ? 'none' : shown.join(', ');
};

/** labelsFault says which label the series lack: without it nothing tells the versions apart, or the failed answers from the others. */
const labelsFault = (all: readonly Series[], { version, errors }: PrometheusConfig): string | undefined => {
  const lacking = [version, ...Object.keys(errors)].find((label) => all.some(({ labels }) => labels[label] === undefined));
  if (lacking === undefined) return undefined;
  const one = all.find(({ labels }) => labels[lacking] === undefined);
  return `a counter has no label "${lacking}", which canary.evidence names; its labels are ${known(Object.keys(one?.labels ?? {}))}`;
};

const isFailed = (errors: PrometheusConfig['errors']): ((series: Series) => boolean) => {
  const patterns = Object.entries(errors).map(([label, pattern]) => [label, new RegExp(`^(?:${pattern})$`, 'u')] as const);
  return ({ labels }) => patterns.every(([label, pattern]) => pattern.test(labels[label] ?? ''));
};

const whole = (value: number): boolean => Number.isSafeInteger(value);

/**
 * countArm counts one version's answers and errors in a window. A text says why they cannot be counted: no counter has
 * the version's label, its samples are old, or a counter is no count. A version without errors has no counter of them,
 * so zero errors are believed only because the labels that tell them were seen on the answers.
 */
const countArm = (all: readonly Series[], config: PrometheusConfig, named: Named, { from, to }: Window): Arm | string => {
  const ours = ofVersion(all, config.version, named);
  if (ours.length === 0) return `no counter has ${config.version}="${named.value}" for version ${named.version}; seen are ${known(all.map(({ labels }) => labels[config.version] ?? ''))}`;
  const newest = newestSampleAt(ours) ?? 0;
  if (newest < to - staleMs) return `the newest sample of version ${named.version} is ${durationText(to - newest)} old`;
  const targets = knownTargets(all, from);
  const grown = ours.map((series) => ({ failed: isFailed(config.errors)(series), count: increase(series, from, to, targets) }));
  if (!grown.every(({ count }) => whole(count))) return `a counter of version ${named.version} is no count of whole answers`;
  const sum = (counts: readonly { readonly count: number }[]): number => counts.reduce((total, { count }) => total + count, 0);
  return { version: named.version, answers: sum(grown), errors: sum(grown.filter(({ failed }) => failed)), latenciesMs: [], tokens: [] };
};

/** countArms counts both versions, or says why that is not possible. */
export const countArms = (all: readonly Series[], config: PrometheusConfig, arms: readonly [Named, Named], window: Window): readonly [Arm, Arm] | string => {
  if (all.length === 0) return `no counter matches ${oneLine(config.answers, 160)}`;
  const fault = labelsFault(all, config);
  if (fault !== undefined) return fault;
  const [stable, candidate] = [countArm(all, config, arms[0], window), countArm(all, config, arms[1], window)];
  if (typeof stable === 'string') return stable;
  return typeof candidate === 'string' ? candidate : [stable, candidate];
};
