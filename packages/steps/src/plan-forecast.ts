import { done, durationText, type CanaryPlanConfig, type CountedUnit, type EnvironmentConfig, type Outcome } from '@sluice/core';
import { defaultWeights, fateOf, planOf, smallestCaught, type Circumstances, type Fate, type RolloutPlan } from '@sluice/rollout';
import { canaryConfigOf, judgingMs } from './canary-config.ts';
import type { Asked } from './plan-inputs.ts';

/** withinMs is the time by which a worse version should be caught, and answerMs how long one pair of probes takes. */
export const withinMs = 900_000;
const answerMs = 5000;

const healthyRuns = 2000;
const improvedRuns = 1000;
/** worthwhile is by how much something must be better before it is told. */
const worthwhile = 0.03;

/** Improvement is a change of sluice.yml that catches the worse version more often. */
export type Improvement = { readonly change: string; readonly abort: number };

/** ForecastRow is what a plan does at one rate of requests; shares are from 0 to 1. */
export type ForecastRow = {
  readonly traffic: number;
  /** healthy is how rollouts of a version as good as stable end, and worse those of the one that fails more. */
  readonly healthy: Omit<Fate, 'abortedBy'>;
  readonly worse: Fate;
  /** smallest is the share of failing answers that is caught in 90 of 100 rollouts; null when none is. */
  readonly smallest: number | null;
  readonly improvements: readonly Improvement[];
};

/** PlanForecast is what one environment's plan does. */
export type PlanForecast = {
  readonly environment: string;
  readonly plan: string;
  /** leastMs is how long it takes at least where nothing is shortened. */
  readonly leastMs: number;
  readonly falseAbort: number;
  readonly rows: readonly ForecastRow[];
};

interface Setting {
  readonly config: CanaryPlanConfig;
  readonly splits: boolean;
  readonly units: readonly CountedUnit[];
}

const evidenceUnits = ({ evidence }: CanaryPlanConfig): readonly CountedUnit[] => {
  const named = evidence.map((source) => ('prometheus' in source ? source.prometheus.unit : source.command.unit));
  return named.length === 0 ? ['request'] : named;
};

const circumstancesOf = (plan: RolloutPlan, { units }: Setting, asked: Asked, traffic: number): Circumstances => ({
  traffic,
  session: asked.session,
  stable: asked.base,
  candidate: asked.change,
  units: plan.kind === 'weighted' ? units : [],
  probes: plan.pairs > 0,
  answerMs,
});

interface Variant {
  readonly change: string;
  readonly setting: Setting;
}

/** variantsOf are what could be changed in sluice.yml so that more is seen. */
const variantsOf = ({ config, splits, units }: Setting, plan: RolloutPlan): readonly Variant[] => {
  const changed = (change: string, more: Partial<CanaryPlanConfig>, counted = units): Variant => ({ change, setting: { config: { ...config, ...more }, splits, units: counted } });
  const later = (config.steps ?? defaultWeights).filter((weight) => weight >= 25);
  const longest = plan.kind === 'weighted' ? Math.floor(judgingMs / plan.weights.length / 60_000) * 60_000 : 0;
  const weighted = plan.kind !== 'weighted' ? [] : [
    ...((plan.weights[0] ?? 100) < 25 && later.some((weight) => weight < 100) ? [changed(`steps: [${later.map((weight) => `${weight}%`).join(', ')}]`, { steps: later })] : []),
    ...(longest > plan.bakeMs ? [changed(`every: ${longest / 60_000}m`, { every: longest })] : []),
    ...(units.includes('request') ? [changed('counting by session', {}, units.map(() => 'session'))] : []),
  ];
  return [
    ...weighted,
    ...(config.pairs < 1000 ? [changed('pairs: 1000', { pairs: 1000 })] : []),
    ...(config.margins.errors > 0 ? [changed('margins: { errors: 0% }', { margins: { ...config.margins, errors: 0 } })] : []),
    ...(plan.watch.length > 1 && plan.watch.includes('errors') ? [changed('watch: [errors]', { watch: ['errors'] })] : []),
  ];
};

const improvementsOf = (setting: Setting, plan: RolloutPlan, asked: Asked, traffic: number, now: number): readonly Improvement[] =>
  variantsOf(setting, plan)
    .flatMap(({ change, setting: other }): readonly Improvement[] => {
      const made = planOf(other.config, other.splits, judgingMs);
      if (!made.ok) return [];
      const { abort } = fateOf(made.value, circumstancesOf(made.value, other, asked, traffic), { runs: improvedRuns });
      return abort >= now + worthwhile ? [{ change, abort }] : [];
    })
    .toSorted((one, other) => other.abort - one.abort);

const rowOf = (setting: Setting, plan: RolloutPlan, asked: Asked, traffic: number): ForecastRow => {
  const circumstances = circumstancesOf(plan, setting, asked, traffic);
  const worse = fateOf(plan, circumstances, { withinMs });
  const { abortedBy: _curve, ...healthy } = fateOf(plan, { ...circumstances, candidate: asked.base }, { withinMs, runs: healthyRuns });
  return {
    traffic,
    healthy,
    worse,
    smallest: smallestCaught(plan, circumstances) ?? null,
    improvements: worse.abort >= 0.9 ? [] : improvementsOf(setting, plan, asked, traffic, worse.abort),
  };
};

const planText = (plan: RolloutPlan): string => {
  const probes = plan.pairs === 0 ? 'no paired probes' : `at most ${plan.pairs} pairs of probes, so ${plan.pairs * 2} answers`;
  return `${plan.kind === 'weighted' ? `${plan.weights.map((weight) => `${weight} %`).join(', ')} for ${durationText(plan.bakeMs)} each, ${probes}` : `${probes}, no user on the candidate`}; watches ${plan.watch.join(', ')}`;
};

/** forecastOf is what the canary of one environment does; undefined when sluice.yml asks for none there. Nothing is asked: whether traffic can be split is read from sluice.yml. */
export const forecastOf = (environment: string, environmentConfig: EnvironmentConfig, asked: Asked): Outcome<PlanForecast> | undefined => {
  const { gateway, agentrun } = environmentConfig;
  const config = canaryConfigOf(environmentConfig);
  if (config === undefined) return undefined;
  const splits = gateway !== undefined || agentrun !== undefined;
  const made = planOf(config, splits, judgingMs);
  if (!made.ok) return made;
  const plan = made.value;
  const setting = { config, splits, units: evidenceUnits(config) };
  // Without users on the candidate the traffic makes no difference.
  const [first, ...others] = asked.traffic;
  const one = rowOf(setting, plan, asked, first ?? 1);
  const rows = [one, ...others.map((traffic) => (plan.kind === 'paired' ? { ...one, traffic } : rowOf(setting, plan, asked, traffic)))];
  return done({
    environment,
    plan: planText(plan),
    leastMs: plan.kind === 'weighted' ? plan.weights.length * plan.bakeMs : Math.min(plan.deadlineMs, Math.ceil(plan.pairsPerWindow / plan.pairsAtOnce) * answerMs * Math.ceil(plan.pairs / plan.pairsPerWindow)),
    falseAbort: plan.falseAbort,
    rows,
  });
};
