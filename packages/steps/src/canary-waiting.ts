import { done, failed, type EnvironmentRecord, type Lease, type Outcome, type Problem, type StepContext, type Target } from '@sluice/core';
import type { RolloutState, Versions } from '@sluice/rollout';
import { overUnattended, type Guard } from './lease.ts';
import { changeRecord } from './record.ts';
import { permissionOf, type Permission } from './sweep-find.ts';

/** Waiting is a canary that keeps its share while no run watches, until a person decides or its lease is over. */
export interface Waiting {
  readonly permission: Permission;
  readonly lease: Lease;
}

/** waitingIn finds a canary that waits for a person; undefined when there is none or its time is over. */
export const waitingIn = (context: StepContext, { lease, rollout }: EnvironmentRecord): Waiting | undefined => {
  const permission = permissionOf(rollout);
  if (permission === undefined || lease?.unattended !== true || lease.until <= context.clock.now()) return undefined;
  return { permission, lease };
};

/** untilText writes the end of a lease for people and programs. */
export const untilText = ({ until }: Lease): string => new Date(until).toISOString();

/** waitingText says what keeps its share, and until when. */
export const waitingText = ({ permission: { candidate, weight }, lease }: Waiting): string => `the canary of ${candidate} waits at ${weight} % until ${untilText(lease)} for a person`;

/** leaseFor is the lease of a canary that nobody watches from now on, in real time. */
export const leaseFor = (context: StepContext, { candidate, weight }: Permission, withinMs: number): Lease => ({
  holder: `the canary of ${candidate}, which waits at ${weight} % for a person`,
  until: context.clock.now() + withinMs,
  unattended: true,
});

/** leaveWaiting records a canary and its lease in one write, so that sweep guards it from then on. */
export const leaveWaiting = (context: StepContext, target: Target, rollout: RolloutState, lease: Lease): Promise<Outcome<void>> =>
  changeRecord(context, target, (record) => ({ ...record, rollout, lease }));

/** another is the problem that a canary of other versions waits; undefined when it is of these. */
export const another = (waiting: Waiting | undefined, { stable, candidate }: Versions): Problem | undefined => {
  if (waiting === undefined || (waiting.permission.stable === stable && waiting.permission.candidate === candidate)) return undefined;
  return {
    category: 'conflict',
    reason: `${waitingText(waiting)}, and this is another one, of ${candidate} against ${stable}`,
    tried: 'begin a canary',
    hint: 'End the one that waits, with mode promote or abort, and run this again.',
  };
};

/**
 * inItsPlace lets work that a person asked for take the place of a waiting canary's lease, and puts that lease back where
 * the work has not ended the canary.
 */
export const inItsPlace = ({ lease }: Waiting): Guard => (context, target, work) =>
  overUnattended(context, target, async () => {
    const value = await work();
    const back = await changeRecord(context, target, (record) => (permissionOf(record.rollout) === undefined ? record : { ...record, lease }));
    if (!back.ok) context.host.warn('the lease of the waiting canary was not put back: the next sweep gives everybody the stable version');
    return value;
  });

/** stillWaits tells whether a record's canary is of these versions, with the permission to lower it. */
export const stillWaits = ({ rollout }: EnvironmentRecord, { stable, candidate }: Versions): Outcome<Permission | undefined> => {
  const permission = permissionOf(rollout);
  if (permission === undefined || (permission.stable === stable && permission.candidate === candidate)) return done(permission);
  return failed({
    category: 'conflict',
    reason: `the record has a canary of ${permission.candidate} against ${permission.stable}, and users are split between ${candidate} and ${stable}`,
    tried: 'find the evidence of the canary',
    hint: 'Somebody has moved the users meanwhile. Look at mode status, and use mode abort or rollback.',
  });
};
