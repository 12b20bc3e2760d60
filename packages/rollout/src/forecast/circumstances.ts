import type { CountedUnit } from '@sluice/core';

/** Circumstances are what a rollout meets: the users, what counts them, and how both versions fare. */
export interface Circumstances {
  /** traffic is requests a second, of both versions together. */
  readonly traffic: number;
  /** session is how many requests come from one session; they fail together or not at all. */
  readonly session: number;
  /** stable and candidate are the shares of sessions, and of paired probes, that fail. */
  readonly stable: number;
  readonly candidate: number;
  /** units are what each source of users' answers counts; none where no traffic is split. */
  readonly units: readonly CountedUnit[];
  /** probes tells whether paired probes are sent. */
  readonly probes: boolean;
  /** answerMs is how long both versions take to answer one pair. */
  readonly answerMs: number;
}

/** sourcesOf is how many sources share the false-abort rate. */
export const sourcesOf = ({ units, probes }: Pick<Circumstances, 'units' | 'probes'>): number => units.length + (probes ? 1 : 0);
