import type { Clock, EvidenceSource, Outcome, Traffic } from '@sluice/core';
import type { RolloutState } from './rollout-state.ts';

/** RolloutProgress is where a rollout stands. */
export interface RolloutProgress {
  /** weight is in per cent; 0 where no traffic is moved. */
  readonly weight: number;
  /** seen says in a clause how many answers of each version were counted, and by which source. */
  readonly seen: string;
  /** verdictSoFar is a phrase with the numbers. */
  readonly verdictSoFar: string;
  /** share is between 0 and 1. */
  readonly share: number;
}

/** RolloutPorts are everything that a rollout may touch. */
export interface RolloutPorts {
  /** traffic is needed for a weighted plan. It must go on working after `signal` has fired, for the way back. */
  readonly traffic?: Traffic;
  readonly sources: readonly EvidenceSource[];
  readonly clock: Clock;
  /** signal ends the rollout; a weighted one then goes back to stable. */
  readonly signal: AbortSignal;
  /** cancelled tells a cancellation from a deadline once the signal has fired. */
  cancelled(): boolean;
  /** save records the state before each weight, after each look and at the end. A failure before a weight stops the rollout there. */
  save(state: RolloutState): Promise<Outcome<void>>;
  report(progress: RolloutProgress): void;
}
