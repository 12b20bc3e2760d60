import { done, durationText, failed, type CanaryPlanConfig, type Outcome, type Problem } from '@sluice/core';

/** Guard is one thing that is watched; each guard has its own sequential test for each source. */
export type Guard = NonNullable<CanaryPlanConfig['watch']>[number];

/** Margins are by how much a candidate may be worse before it matters. */
export interface Margins {
  /** errors is how many of the answers that stable gets right the candidate may lose: 0.005 is half a percentage point. */
  readonly errors: number;
  /** latency and tokens are fractions of the stable version's values: 0.2 is 20 %. A latency may also be 25 ms more. */
  readonly latency: number;
  readonly tokens: number;
}

/** Judging is what both kinds of plan say about the judgement. */
export interface Judging {
  /** minimumAnswers is how many answers of each arm one weight, or a paired judgement, needs from one source. */
  readonly minimumAnswers: number;
  /** falseAbort is the most that a candidate as good as stable may be aborted, over the whole rollout, as a fraction. */
  readonly falseAbort: number;
  /** miss is how often early promotion may let a candidate through early that is worse by `effect`, as a fraction. */
  readonly miss: number;
  /** effect is what early promotion must have ruled out, in the measure of `margins.errors`. */
  readonly effect: number;
  readonly watch: readonly Guard[];
  /** zeroTokens says whether answers that all count 0 tokens are an app without a model, or, as where tokens were asked for, a source that does not know. */
  readonly zeroTokens: 'no model' | 'unknown';
  readonly margins: Margins;
  /** clump is the most requests of one user or session, which may fail together; null when nobody said. */
  readonly clump: number | null;
  /** deadlineMs is how long the rollout may take, without the way back. */
  readonly deadlineMs: number;
  /** pairs is the most paired probes of the rollout, pairsPerWindow the most of one observation. */
  readonly pairs: number;
  readonly pairsPerWindow: number;
  /** pairsAtOnce is how many paired probes are under way at the same time at most. */
  readonly pairsAtOnce: number;
}

/** WeightedPlan moves real traffic: each weight is kept for `bakeMs` and until there are enough answers. */
export interface WeightedPlan extends Judging {
  readonly kind: 'weighted';
  /** weights are in per cent, rising, above 0 and below 100; promotion follows the last. */
  readonly weights: readonly number[];
  readonly bakeMs: number;
  /** earlyBakeMs is how long a weight is kept at least once `effect` is ruled out; null without early promotion. */
  readonly earlyBakeMs: number | null;
  /** tickMs is the time between two looks at the evidence. */
  readonly tickMs: number;
}

/** PairedPlan moves no traffic: both versions are asked the same questions. */
export interface PairedPlan extends Judging {
  readonly kind: 'paired';
}

/** RolloutPlan is how a candidate is judged. */
export type RolloutPlan = WeightedPlan | PairedPlan;

const everyGuard: readonly Guard[] = ['errors', 'latency', 'tokens'];

/** defaultWeights are the weights of a canary that names none on a target that can split traffic. */
export const defaultWeights: readonly number[] = [5, 25, 50];

/** assumedClump is the clump of a source that counts requests when canary.clump does not say. */
const assumedClump = 4;

/** clumpOf is what the evidence of sources that count requests is divided by. */
export const clumpOf = ({ clump }: RolloutPlan): number => clump ?? assumedClump;

/** pairedLimitMs is when a judgement on paired answers alone is made at the latest, with what there is by then. */
export const pairedLimitMs = 900_000;

/** pairsAtOnce keeps 200 pairs of 5 s each to five minutes; eight answers at a time are few beside what serves the users. */
const pairsAtOnce = 4;

/** leastEffect is one percentage point. */
const leastEffect = 0.01;

/** fewWindows is below how many windows one is kept in reserve for a run that goes on. */
const fewWindows = 10;

const problem = (reason: string, hint: string): Problem => ({ category: 'input', reason, tried: 'read the canary plan', hint });

const weightsProblem = (weights: readonly number[]): Problem | undefined => {
  const shown = weights.map((weight) => `${weight}%`).join(', ');
  const rising = weights.every((weight, index) => weight > (weights[index - 1] ?? 0));
  if (weights.length === 0 || !rising || weights.some((weight) => weight >= 100)) {
    return problem(
      `canary.steps is [${shown}], which is not a rising list of weights above 0 % and below 100 %`,
      'Write rising weights, as in canary: { steps: [5%, 25%, 50%] }; 100 % follows by itself. [100%] alone judges beside the users and then moves everybody.',
    );
  }
  return undefined;
};

/**
 * planOf makes the plan of a canary. Without `steps` it is weighted by the default weights where the target can split
 * traffic, and paired where it cannot. `steps: [100%]` is blue-green: paired also where traffic can be split, so that the
 * caller moves everybody at once after the judgement. A paired plan ends after `pairedMs` at the latest. Problems are `input`: steps that do not rise, steps without a way to split, and
 * a plan that cannot end before its deadline.
 */
export const planOf = (config: CanaryPlanConfig, canSplit: boolean, deadlineMs: number, pairedMs = pairedLimitMs): Outcome<RolloutPlan> => {
  const margins = { errors: config.margins.errors / 100, latency: config.margins.latency / 100, tokens: config.margins.tokens / 100 };
  const early = config['early-promotion'];
  const watch = config.watch ?? everyGuard;
  if (early && !watch.includes('errors')) {
    return failed(problem('canary.early-promotion rests on the errors, and canary.watch does not name them', 'Add errors to canary.watch, or take early-promotion out.'));
  }
  const judging = {
    minimumAnswers: config.minimum,
    falseAbort: config['false-abort'] / 100,
    miss: config.miss / 100,
    watch: [...new Set(watch)],
    zeroTokens: config.watch === undefined ? ('no model' as const) : ('unknown' as const),
    margins,
    effect: Math.max(leastEffect, 2 * margins.errors),
    clump: config.clump ?? null,
    deadlineMs,
    pairs: config.pairs,
    pairsAtOnce,
  };
  const atOnce = config.steps?.length === 1 && config.steps[0] === 100;
  if (!canSplit || atOnce) {
    if (!canSplit && config.steps !== undefined) {
      return failed(
        problem(
          'canary.steps needs a target that can split traffic, and this one cannot',
          'Remove canary.steps to judge on paired answers before anybody is served, or put a gateway in front of the app.',
        ),
      );
    }
    if (config.pairs < config.minimum) {
      return failed(
        problem(
          `canary.pairs is ${config.pairs} and canary.minimum ${config.minimum}, so a judgement on paired answers could never end`,
          'Raise canary.pairs to at least canary.minimum.',
        ),
      );
    }
    return done({ ...judging, kind: 'paired', deadlineMs: Math.min(deadlineMs, pairedMs), pairsPerWindow: Math.min(10, config.pairs) });
  }
  const given = config.steps ?? defaultWeights;
  const weights = given.at(-1) === 100 ? given.slice(0, -1) : given;
  const wrong = weightsProblem(weights);
  if (wrong !== undefined) return failed(wrong);
  const needed = weights.length * config.every;
  if (needed > deadlineMs) {
    return failed(
      problem(
        `the canary needs ${durationText(needed)} for ${weights.length} weights of ${durationText(config.every)}, and its deadline is ${durationText(deadlineMs)}`,
        'Shorten canary.every, take out a step, or give the step a longer deadline.',
      ),
    );
  }
  const tickMs = Math.min(60_000, Math.max(1000, config.every / 10));
  const windows = Math.max(1, Math.ceil(needed / tickMs));
  return done({
    ...judging,
    kind: 'weighted',
    weights,
    bakeMs: config.every,
    earlyBakeMs: early ? Math.min(config.every, Math.max(tickMs, config.every / 10)) : null,
    tickMs,
    // Rounded down, so that the pairs last to the end of the last weight. Of few windows each is much of what can be seen,
    // and a run that is killed takes the pairs of one with it: they were set aside, and are not asked again.
    pairsPerWindow: Math.min(config.pairs, Math.max(1, Math.floor(config.pairs / (windows < fewWindows ? windows + 1 : windows)))),
  });
};
