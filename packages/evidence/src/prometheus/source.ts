import { clause, done, failed, readJson, type Arm, type Clock, type EvidenceSource, type HttpClient, type Observation, type Outcome, type Problem, type PrometheusConfig } from '@sluice/core';
import { within } from '../within.ts';
import { countArms, type Named, type Window } from './count.ts';
import { latenciesOf } from './latencies.ts';
import { readSeries, type Series } from './samples.ts';

/** PrometheusAccess is what reading a Prometheus needs. */
export interface PrometheusAccess {
  readonly http: HttpClient;
  readonly clock: Clock;
  /** token is sent as a bearer's. */
  readonly token?: string;
}

const readMs = 30_000;
/** lookBackMs is how far back a counter's value before the window is looked for. */
const lookBackMs = 3_600_000;

const ask = async ({ http, token }: PrometheusAccess, { url }: PrometheusConfig, metric: string, { from, to }: Window, signal: AbortSignal): Promise<Outcome<readonly Series[]>> => {
  const seconds = Math.ceil((to - from + lookBackMs) / 1000);
  const where = `${url.replace(/\/+$/, '')}/api/v1/query`;
  const answered = await http.send({
    method: 'GET',
    url: `${where}?${new URLSearchParams({ query: `${metric}[${seconds}s]`, time: (to / 1000).toFixed(3) }).toString()}`,
    headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    tried: 'read the counters of both versions',
    deadlineMs: readMs,
    signal,
  });
  if (!answered.ok) return answered;
  const { status } = answered.value;
  if (status === 401 || status === 403) {
    return failed({ category: 'evidence', reason: `Prometheus refused the credentials with HTTP ${status}`, tried: 'read the counters', where, answer: { status }, hint: 'Check the token that canary.evidence names.' });
  }
  const body = readJson(answered.value, 'read the counters');
  return body.ok ? readSeries(answered.value, body.value, where) : body;
};

const saidOf = ({ reason, where }: Problem): string => (where === undefined ? reason : `${clause(reason)} (${where})`);

const noArm = ({ version }: Named): Arm => ({ version, answers: 0, errors: 0, latenciesMs: [], tokens: [] });

/** bucketsOf is the metric of a histogram's buckets. */
const bucketsOf = (histogram: string): string => histogram.replace(/^[^{]+/, (name) => `${name}_bucket`);

const count = async (access: PrometheusAccess, config: PrometheusConfig, arms: readonly [Named, Named], window: Window, signal: AbortSignal): Promise<readonly [Arm, Arm] | string> => {
  const [answers, histogram] = await Promise.all([
    ask(access, config, config.answers, window, signal),
    config.latency === undefined ? undefined : ask(access, config, bucketsOf(config.latency), window, signal),
  ]);
  if (!answers.ok) return saidOf(answers.problem);
  if (histogram?.ok === false) return saidOf(histogram.problem);
  const counted = countArms(answers.value, config, arms, window);
  if (typeof counted === 'string' || histogram === undefined) return counted;
  const latencies = latenciesOf(histogram.value, config, arms, window);
  if (typeof latencies === 'string') return latencies;
  return [{ ...counted[0], latenciesMs: latencies.stable }, { ...counted[1], latenciesMs: latencies.candidate }];
};

/**
 * prometheusSource counts both versions by the counters that a Prometheus scraped. It reads raw samples and adds up
 * their growth itself, because `increase()` extrapolates and forgets a counter's first value, which for an error is the
 * error. What was not scraped until the window's end counts in the next one. Whatever cannot be counted is `missing`.
 */
export const prometheusSource = (name: string, config: PrometheusConfig, access: PrometheusAccess, stable: string, candidate: string): EvidenceSource => {
  const arms: readonly [Named, Named] = [
    { version: stable, value: config.stable ?? stable },
    { version: candidate, value: config.candidate ?? candidate },
  ];
  return {
    name,
    unit: config.unit,
    cost: '',
    observe: async (from, to, signal): Promise<Observation> => {
      const window = { from, to };
      const counted = await within(access.clock, readMs * 2, signal, (limited) => count(access, config, arms, window, limited));
      const base = { source: name, unit: config.unit, ...window };
      if (typeof counted === 'object') return { ...base, stable: counted[0], candidate: counted[1] };
      return { ...base, stable: noArm(arms[0]), candidate: noArm(arms[1]), missing: counted ?? 'reading the counters was cut off' };
    },
    close: () => Promise.resolve(done(undefined)),
  };
};
