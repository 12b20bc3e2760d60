import { clause, done, emptyRecord, failed, type Lease, type Outcome, type StepContext, type Target } from '@sluice/core';
import { environmentName } from './environment-name.ts';
import { changeRecord } from './record.ts';

const waitMs = 600_000;
const pollMs = 10_000;
/** leaseMs is how long a run that died keeps others out; a run that is alive renews its lease three times as often. */
const leaseMs = 180_000;
const renewMs = 60_000;
/** longestMs ends the renewing of a run that never gives its lease back. */
const longestMs = 7_200_000;

/** HeldLease is the right to change an environment, renewed until it is given back. */
export interface HeldLease {
  /** lostTo names the run that has taken the lease over; undefined while this run holds it. */
  lostTo(): string | undefined;
  /** giveBack ends the renewing; a failure is told, not hidden, because the lease runs out by itself. */
  giveBack(): Promise<void>;
}

/** holderOf names this run for other runs that wait for the lease. No two runs have the same. */
const holderOf = (context: StepContext): string => {
  const { runUrl, runId, actor } = context.host.context;
  const who = runId === '' ? [actor === '' ? 'a terminal' : `${actor} at a terminal`] : [`run ${runId}`, ...(actor === '' ? [] : [`by ${actor}`])];
  return [...who, `since ${new Date(context.clock.now()).toISOString()}`, ...(runUrl === '' ? [] : [runUrl])].join(', ');
};

/** isOfThisRun tells the leases of this CI run: a job that is run again takes over what its first try left behind. */
const isOfThisRun = (context: StepContext, holder: string): boolean => {
  const { runId } = context.host.context;
  return runId !== '' && holder.startsWith(`run ${runId}, `);
};

/** heldByOther names the other run that holds the lease now; undefined when nobody else does. */
export const heldByOther = (context: StepContext, lease: { readonly holder: string; readonly until: number } | undefined): string | undefined =>
  lease === undefined || lease.until <= context.clock.now() || isOfThisRun(context, lease.holder) ? undefined : lease.holder;

/** Claim is over whose lease another may be taken: nobody's, one that no run watches under, or anybody's. */
export type Claim = 'free' | 'unattended' | 'any';

/** Wish is the lease that a run wants. */
interface Wish {
  readonly holder: string;
  readonly claim: Claim;
  /** untilNow is when it ends if it is written now. */
  untilNow(): number;
}

/** steadyUntil counts from one reading of the time of day on, so that a jump of the wall clock makes no lease of this run shorter or longer. */
const steadyUntil = ({ clock }: StepContext): (() => number) => {
  const began = clock.now() - clock.elapsed();
  return () => began + clock.elapsed() + leaseMs;
};

/** Stillness tells the lease of a run that died from one that is renewed by watching it, whatever the wall clocks say. */
export interface Stillness {
  /** overdue says that a lease which a living run renews every minute has not changed while it was watched for as long as a lease lasts. */
  overdue(lease: Lease): boolean;
}

/** stillness begins to watch the leases that it is shown. */
export const stillness = ({ clock }: StepContext): Stillness => {
  let watched: { readonly holder: string; readonly until: number; readonly since: number } | undefined;
  return {
    overdue: ({ holder, until, unattended }) => {
      if (watched?.holder !== holder || watched.until !== until) watched = { holder, until, since: clock.elapsed() };
      return unattended !== true && clock.elapsed() - watched.since >= leaseMs;
    },
  };
};

/** attempt writes the lease unless somebody else holds it, and gives who that is. */
const attempt = async (context: StepContext, target: Target, { holder, claim, untilNow }: Wish, watch: Stillness): Promise<Outcome<string | undefined>> => {
  const found = await context.state.read(target.application, environmentName(context));
  if (!found.ok) return found;
  const record = found.value?.record ?? emptyRecord(target.application, environmentName(context));
  const other = claim === 'unattended' && record.lease?.unattended === true ? undefined : heldByOther(context, record.lease);
  const dead = other !== undefined && record.lease !== undefined && watch.overdue(record.lease);
  if (other !== undefined && claim !== 'any' && !dead) return done(other);
  if (other !== undefined && !dead) context.host.warn(`the lease was held by ${other}; a rollback does not wait, so that run may still be at work`);
  // Only the record that was looked at may be replaced: another run may take the lease at this moment.
  const written = await context.state.write({ ...record, lease: { holder, until: untilNow() } }, found.value?.revision);
  if (written.ok) return done(undefined);
  return written.problem.category === 'conflict' ? done('another run, which took it a moment ago') : written;
};

/** take waits up to ten minutes until no other run changes this environment, and then writes the lease; else `conflict`. */
const take = async (context: StepContext, target: Target, wish: Wish): Promise<Outcome<void>> => {
  const watch = stillness(context);
  const started = context.clock.elapsed();
  for (;;) {
    const held = await attempt(context, target, wish, watch);
    if (!held.ok) return held;
    if (held.value === undefined) return done(undefined);
    if (context.signal.aborted || context.clock.elapsed() - started >= waitMs / context.clock.factor) {
      return failed({
        category: 'conflict',
        reason: `another release changes this environment: ${held.value}`,
        tried: `take the lease of ${target.application} for ten minutes`,
        where: context.state.where,
        hint: 'Wait until it has ended, then run this release again. The lease of a run that died ends by itself within three minutes; a canary that waits for a person is ended by canary with mode promote or abort.',
      });
    }
    context.host.log(`waiting for the lease, held by ${held.value}`);
    await context.clock.sleep(pollMs, context.signal);
  }
};

/**
 * holdLease takes the lease of this environment and renews it every minute, in real time also where waits are compressed,
 * until it is given back. So a run that died keeps others out for three minutes at most, and a run of the same CI run not
 * at all. With the claim `any` it is taken from whoever holds it: a rollback does not wait.
 */
export const holdLease = async (context: StepContext, target: Target, claim: Claim = 'free'): Promise<Outcome<HeldLease>> => {
  const { clock } = context;
  const holder = holderOf(context);
  const untilNow = steadyUntil(context);
  const taken = await take(context, target, { holder, claim, untilNow });
  if (!taken.ok) return taken;
  const given = new AbortController();
  let lostTo: string | undefined;

  const renewOnce = async (): Promise<void> => {
    const renewed = await changeRecord(context, target, (record) => {
      lostTo = record.lease?.holder === holder ? undefined : (record.lease?.holder ?? 'nobody');
      return lostTo === undefined ? { ...record, lease: { holder, until: untilNow() } } : record;
    });
    if (!renewed.ok) context.host.warn(`the lease was not renewed: ${clause(renewed.problem.reason)}`);
    else if (lostTo !== undefined) context.host.warn(`this run has lost its lease to ${lostTo}`);
  };

  const renewing = (async (): Promise<void> => {
    const ends = clock.elapsed() + longestMs;
    // After the signal has fired, one more lease covers what a step may still put right.
    const either = AbortSignal.any([given.signal, context.signal]);
    while (lostTo === undefined && clock.elapsed() < ends) {
      await clock.sleep(renewMs * clock.factor, either);
      if (given.signal.aborted) return;
      await renewOnce();
      if (context.signal.aborted) return;
    }
  })();

  return done({
    lostTo: () => lostTo,
    giveBack: async () => {
      given.abort();
      await renewing;
      const back = await changeRecord(context, target, ({ lease, ...record }) => (lease === undefined || lease.holder === holder ? record : { ...record, lease }));
      if (!back.ok) context.host.warn(`the lease was not given back and runs out by itself: ${clause(back.problem.reason)}`);
    },
  });
};

/** Guard lets work that changes an environment run, or says why it may not. */
export type Guard = <T>(context: StepContext, target: Target, work: () => Promise<T>) => Promise<Outcome<T>>;

/** guardOf holds the lease while work runs. */
const guardOf = (claim: Claim): Guard => async (context, target, work) => {
  const lease = await holdLease(context, target, claim);
  if (!lease.ok) return lease;
  try {
    return done(await work());
  } finally {
    await lease.value.giveBack();
  }
};

/** underLease holds the lease, once nobody else does, while work runs. */
export const underLease: Guard = guardOf('free');

/** overUnattended does the same in the place of a lease that no run watches under. */
export const overUnattended: Guard = guardOf('unattended');

/** underItsLease runs work whose caller holds the lease. */
export const underItsLease: Guard = async (_context, _target, work) => done(await work());
