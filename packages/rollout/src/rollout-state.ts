import * as z from 'zod/mini';
import type { RolloutPlan } from './plan.ts';
import { lowerRatios, ratios } from './two-sample.ts';

const count = z.number().check(z.gte(0));

const arm = z.strictObject({
  answers: count,
  errors: count,
  /** latencies and tokenCounts say how many values there were; latencyMs and tokens are their sums. */
  latencies: count,
  latencyMs: count,
  tokenCounts: count,
  tokens: count,
});

const arms = z.strictObject({ stable: arm, candidate: arm });

const bets = z.array(z.number()).check(z.maxLength(ratios.length * 2));

const source = z.strictObject({
  unit: z.enum(['request', 'user', 'session']),
  /** paired says whether it compares answers to the same questions; absent until it has counted. */
  paired: z.exactOptional(z.boolean()),
  /** until is the end of the last window that was counted, milliseconds since 1970. */
  until: count,
  /** silence says why the last window gave no evidence; empty when it gave some. */
  silence: z.string(),
  total: arms,
  /** before is `total` as it was when the present weight was set. */
  before: arms,
  /** bets are the logarithms of each guard's bets. */
  bets: z.strictObject({ errors: bets, latency: bets, tokens: bets }),
  /** relief are the logarithms of the bets that the candidate is not worse by the plan's effect. */
  relief: z.array(z.number()).check(z.maxLength(lowerRatios.length)),
});

const split = z.strictObject({ stable: z.string(), candidate: z.string(), weight: z.number().check(z.gte(0), z.lte(100)) });

const rolloutState = z.strictObject({
  format: z.literal(2),
  stable: z.string(),
  candidate: z.string(),
  /** plan is the whole plan as text: evidence that was gathered under another one is not used. */
  plan: z.string(),
  startedAt: count,
  /** stage is the index of the present weight; stageSince is when it was set. */
  stage: z.int().check(z.gte(0)),
  stageSince: count,
  /** stageOpened is the same moment by the time of day, which sources count by. */
  stageOpened: count,
  /** windows is the number of observations since the start. */
  windows: z.int().check(z.gte(0)),
  /** asked is how many paired probes may have been sent: in a record, those of the look that follows are in it already. */
  asked: z._default(z.int().check(z.gte(0)), 0),
  sources: z.record(z.string(), source),
  /** permission is the weight that is about to be set, or is set: whoever finds it may lower it to 0. */
  permission: z.exactOptional(split),
});

/** ArmTally adds up what one source saw of one version. */
export type ArmTally = z.output<typeof arm>;

/** SourceState is what one source has shown so far. Sources are never added up: each has its own tests. */
export type SourceState = z.output<typeof source>;

/** RolloutState is all that a rollout must remember: small, serialisable, and enough to be picked up after a crash. */
export type RolloutState = z.output<typeof rolloutState>;

/** Versions are the ids of the two arms. */
export interface Versions {
  readonly stable: string;
  readonly candidate: string;
}

/** readRolloutState checks a stored state's shape; undefined when it is none. */
export const readRolloutState = (stored: unknown): RolloutState | undefined => rolloutState.safeParse(stored).data;

const noTally: ArmTally = { answers: 0, errors: 0, latencies: 0, latencyMs: 0, tokenCounts: 0, tokens: 0 };

const newSource = (unit: SourceState['unit']): SourceState => ({
  unit,
  until: 0,
  silence: 'nothing was asked yet',
  total: { stable: noTally, candidate: noTally },
  before: { stable: noTally, candidate: noTally },
  bets: { errors: [], latency: [], tokens: [] },
  relief: [],
});

/** startRollout is the state before the first weight; `asked` counts paired probes that were sent before it. The sources are fixed here, because they share the false-abort rate. */
export const startRollout = (
  plan: RolloutPlan,
  versions: Versions,
  sources: readonly { readonly name: string; readonly unit: SourceState['unit'] }[],
  nowMs: number,
  asked = 0,
): RolloutState => ({
  format: 2,
  stable: versions.stable,
  candidate: versions.candidate,
  plan: JSON.stringify(plan),
  startedAt: nowMs,
  stage: 0,
  stageSince: nowMs,
  stageOpened: nowMs,
  windows: 0,
  asked,
  sources: Object.fromEntries(sources.map(({ name, unit }) => [name, newSource(unit)])),
});

/** enterStage begins a weight: answers are counted anew, the evidence is kept. `wallMs` is the time of day. */
export const enterStage = (state: RolloutState, stage: number, nowMs: number, wallMs: number): RolloutState => ({
  ...state,
  stage,
  stageSince: nowMs,
  stageOpened: wallMs,
  sources: Object.fromEntries(
    Object.entries(state.sources).map(([name, seen]) => [
      name,
      { ...seen, until: wallMs, silence: 'nothing was asked yet', before: seen.total },
    ]),
  ),
});

/** reserving is what is recorded before the next looks: the pairs that they may ask count as asked, whoever dies in between. */
export const reserving = (plan: RolloutPlan, state: RolloutState, looks = 1): RolloutState => ({
  ...state,
  asked: Math.max(state.asked, Math.min(plan.pairs, state.asked + looks * plan.pairsPerWindow)),
});

/** continues says whether a stored state belongs to this rollout: the same plan, versions and sources. */
export const continues = (
  state: RolloutState,
  plan: RolloutPlan,
  versions: Versions,
  sources: readonly { readonly name: string; readonly unit: SourceState['unit'] }[],
): boolean =>
  state.stable === versions.stable &&
  state.candidate === versions.candidate &&
  state.plan === JSON.stringify(plan) &&
  state.stage < (plan.kind === 'weighted' ? plan.weights.length : 1) &&
  Object.keys(state.sources).length === sources.length &&
  sources.every(({ name, unit }) => state.sources[name]?.unit === unit);
