import type { EnvironmentRecord, EvidenceSource, StepContext } from '@sluice/core';
import { continues, readRolloutState, type RolloutPlan, type RolloutState, type Versions } from '@sluice/rollout';

/** Begun is the rollout that is about to be driven. */
export interface Begun {
  readonly plan: RolloutPlan;
  readonly versions: Versions;
  readonly sources: readonly EvidenceSource[];
}

/**
 * earlierRollout is the recorded rollout that a killed run left behind, if it is the one that is about to be driven;
 * else undefined. Either is said. A rollout that ended by itself has given its permission back and is not one of these.
 */
export const earlierRollout = (context: StepContext, record: EnvironmentRecord, { plan, versions, sources }: Begun): RolloutState | undefined => {
  if (record.rollout === undefined) return undefined;
  const earlier = readRolloutState(record.rollout);
  if (earlier === undefined) {
    context.host.log('the recorded canary cannot be read; this one begins anew');
    return undefined;
  }
  if (earlier.permission === undefined) return undefined;
  const { stable, candidate, weight } = earlier.permission;
  const which = `a canary of ${candidate} against ${stable} was broken off at ${weight} %`;
  if (continues(earlier, plan, versions, sources)) {
    context.host.log(`${which}; this one goes on from there, with the evidence of ${earlier.windows} looks`);
    return earlier;
  }
  const other = earlier.stable === versions.stable && earlier.candidate === versions.candidate ? 'another plan or other evidence' : 'other versions';
  context.host.log(`${which}; it had ${other}, so this one begins anew`);
  return undefined;
};
