import { defaultCanaryPlan, failed, type CanaryPlanConfig, type EvidenceSource, type Outcome, type StepContext, type Target } from '@sluice/core';
import { pairedAsk } from '@sluice/probe';
import { pairedLimitMs, planOf, readRolloutState, isOfPlan, type RolloutPlan, type Versions, type WhenInconclusive } from '@sluice/rollout';
import { canaryConfigOf, judgingMs } from './canary-config.ts';
import { newUsers, probesOf } from './questions.ts';

/** rehearsalSlack is by how much a plan may be longer in a rehearsal, whose waits are compressed but whose answers take real time. */
const rehearsalSlack = 3;

/** planConfig is the long form of the selected environment's canary; undefined when there is none. */
export const planConfig = ({ selected }: StepContext): CanaryPlanConfig | undefined => (selected.ok ? canaryConfigOf(selected.value.config) : undefined);

/** planFor is the plan of a canary's configuration on this target. */
export const planFor = ({ rehearsal }: StepContext, target: Target, config: CanaryPlanConfig): Outcome<RolloutPlan> => {
  const slack = rehearsal ? rehearsalSlack : 1;
  const plan = planOf(config, target.traffic !== undefined, judgingMs * slack, pairedLimitMs * slack);
  if (plan.ok || target.lacking.traffic === undefined) return plan;
  return failed({ ...plan.problem, where: target.address, hint: `${plan.problem.hint ?? ''} ${target.lacking.traffic}`.trim() });
};

/** canaryPlanOf is the plan of the selected environment; undefined when sluice.yml asks for no canary there. */
export const canaryPlanOf = (context: StepContext, target: Target): Outcome<RolloutPlan> | undefined => {
  const config = planConfig(context);
  return config === undefined ? undefined : planFor(context, target, config);
};

/** Policy is who moves users, and what follows where too little was seen. */
export interface Policy {
  readonly decide: CanaryPlanConfig['decide'];
  readonly onInconclusive: WhenInconclusive;
  /** promoteWithinMs is how long a canary that nobody watches waits for a person. */
  readonly promoteWithinMs: number;
}

/** policyOf is the policy of the selected environment. */
export const policyOf = (context: StepContext): Policy => {
  const config = planConfig(context) ?? defaultCanaryPlan;
  return { decide: config.decide, onInconclusive: config['on-inconclusive'], promoteWithinMs: config['promote-within'] };
};

/** askedBefore is how many paired probes a recorded rollout of this plan and these versions may have sent before it was broken off. */
export const askedBefore = (rollout: unknown, plan: RolloutPlan, { stable, candidate }: Versions): number => {
  const state = rollout === undefined ? undefined : readRolloutState(rollout);
  if (state?.permission === undefined || !isOfPlan(plan, state)) return 0;
  return state.stable === stable && state.candidate === candidate ? state.asked : 0;
};

/**
 * openEvidence opens what sees both versions; each source has to be closed. The paired probes that the rollout has `asked`
 * already are not sent again, and `keep` of them are left to a later look.
 */
export const openEvidence = async (
  context: StepContext,
  target: Target,
  versions: Versions,
  plan: RolloutPlan,
  asked = 0,
  keep = 0,
): Promise<Outcome<readonly EvidenceSource[]>> => {
  const source = await context.overlaid();
  if (!source.ok) return source;
  const probes = probesOf(context, source.value);
  if (!probes.ok) return probes;
  return context.evidence({
    target,
    ...versions,
    ask: pairedAsk(probes.value, newUsers()),
    pairs: plan.pairs - keep,
    asked,
    pairsPerWindow: plan.pairsPerWindow,
    pairsAtOnce: plan.pairsAtOnce,
    ...(plan.kind === 'paired' ? { pairsMs: plan.deadlineMs } : {}),
  });
};
