import { done, durationText, emptyRecord, type EnvironmentRecord, type Outcome, type StepContext, type Target } from '@sluice/core';
import { environmentName } from './environment-name.ts';
import { stillness } from './lease.ts';

/** Permission is the weight that a canary was about to set, or has set. */
export interface Permission {
  readonly stable: string;
  readonly candidate: string;
  readonly weight: number;
}

/** OpenCanary is a recorded canary that users may be split by. */
export interface OpenCanary {
  readonly record: EnvironmentRecord;
  readonly revision: string;
  readonly permission: Permission;
}

/** Finding is what a sweep finds in a record; `abandoned` and `unattended` canaries are its work, everything else is left alone. */
export type Finding =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'living'; readonly holder: string }
  | { readonly kind: 'unattended' | 'abandoned'; readonly open: OpenCanary };

const pollMs = 5000;

/** permissionOf reads the permission of a recorded rollout of any version of Sluice: going back needs no more than this. */
export const permissionOf = (rollout: unknown): Permission | undefined => {
  if (typeof rollout !== 'object' || rollout === null || !('permission' in rollout)) return undefined;
  const { permission } = rollout;
  if (typeof permission !== 'object' || permission === null || !('stable' in permission && 'candidate' in permission && 'weight' in permission)) return undefined;
  const { stable, candidate, weight } = permission;
  return typeof stable === 'string' && typeof candidate === 'string' && typeof weight === 'number' ? { stable, candidate, weight } : undefined;
};

/** openCanary reads the record for a canary with a permission; undefined when there is none. */
export const openCanary = async (context: StepContext, target: Target): Promise<Outcome<OpenCanary | undefined>> => {
  if (target.application === '') return done(undefined);
  const found = await context.state.read(target.application, environmentName(context));
  if (!found.ok) return found;
  const record = found.value?.record ?? emptyRecord(target.application, environmentName(context));
  const permission = permissionOf(record.rollout);
  return done(permission === undefined || found.value === undefined ? undefined : { record, revision: found.value.revision, permission });
};

/**
 * findOpen looks for a canary that nobody cares for. A lease that has not run out is watched until it is renewed, which
 * a living run does every minute, or runs out; so this run's own job may be followed by a sweep at once, also where the
 * lease is one of the same CI run.
 */
export const findOpen = async (context: StepContext, target: Target): Promise<Outcome<Finding>> => {
  const { clock } = context;
  const watch = stillness(context);
  let watched: number | undefined;
  for (;;) {
    const open = await openCanary(context, target);
    if (!open.ok) return open;
    if (open.value === undefined) return done({ kind: 'nothing' });
    const { lease } = open.value.record;
    const leftMs = lease === undefined ? 0 : lease.until - clock.now();
    if (lease === undefined || leftMs <= 0 || watch.overdue(lease)) return done({ kind: 'abandoned', open: open.value });
    if (lease.unattended === true) return done({ kind: 'unattended', open: open.value });
    if (context.signal.aborted || context.dryRun || (watched !== undefined && lease.until !== watched)) return done({ kind: 'living', holder: lease.holder });
    if (watched === undefined) context.host.log(`the lease of ${context.host.redact(lease.holder)} ends in ${durationText(leftMs)}; waiting to see whether it is renewed`);
    watched = lease.until;
    // In real time, as leases are renewed in real time also where waits are compressed.
    await clock.sleep(Math.min(pollMs, leftMs + 1) * clock.factor, context.signal);
  }
};
