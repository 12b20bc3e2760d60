import type { RolloutPlan } from '../plan.ts';

/** cap is where `Reading.evidence` and `Reading.needed` end. */
const cap = 1_000_000;

/** logNeededOf is the logarithm of the evidence that aborts, where this many sources share the false-abort rate. */
export const logNeededOf = (plan: RolloutPlan, sources: number): number => Math.log(Math.min(cap, (plan.watch.length * sources) / plan.falseAbort));
