import { done, emptyRecord, failed, type Outcome, type StepContext, type Target } from '@sluice/core';
import { changeRecord } from './record.ts';

const waitMs = 600_000;
const pollMs = 10_000;
/** leaseMs is longer than a whole release with the default deadlines, so that a lease only runs out when its holder is gone. */
const leaseMs = 7_200_000;

const environmentName = (context: StepContext): string => (context.selected.ok ? context.selected.value.name : '');

/** holderOf names this run for other runs that wait for the lease. */
const holderOf = (context: StepContext): string => {
  const { runUrl, runId, actor } = context.host.context;
  return [runUrl === '' ? runId : runUrl, actor].filter((part) => part !== '').join(' by ') || `a run started ${new Date(context.clock.now()).toISOString()}`;
};

const heldBy = async (context: StepContext, target: Target): Promise<Outcome<string | undefined>> => {
  const found = await context.state.read(target.application, environmentName(context));
  if (!found.ok) return found;
  const lease = (found.value?.record ?? emptyRecord(target.application, environmentName(context))).lease;
  return done(lease !== undefined && lease.until > context.clock.now() ? lease.holder : undefined);
};

/** takeLease waits up to ten minutes until no other run changes this environment, and then holds it; else `conflict`. */
export const takeLease = async (context: StepContext, target: Target): Promise<Outcome<void>> => {
  const started = context.clock.elapsed();
  for (;;) {
    const held = await heldBy(context, target);
    if (!held.ok) return held;
    if (held.value === undefined) {
      const lease = { holder: holderOf(context), until: context.clock.now() + leaseMs };
      const taken = await changeRecord(context, target, (record) => ({ ...record, lease }));
      if (taken.ok || taken.problem.category !== 'conflict') return taken;
    }
    if (context.signal.aborted || context.clock.elapsed() - started >= waitMs / context.clock.factor) {
      return failed({
        category: 'conflict',
        reason: `another release changes this environment: ${held.value ?? 'it took the lease a moment ago'}`,
        tried: `take the lease of ${target.application} for ten minutes`,
        where: context.state.where,
        hint: 'Wait until it has ended, then run this release again.',
      });
    }
    context.host.log(`waiting for the lease, held by ${held.value ?? 'another run'}`);
    await context.clock.sleep(pollMs, context.signal);
  }
};

/** releaseLease gives the lease back; a failure is told, not hidden, because the lease runs out by itself. */
export const releaseLease = async (context: StepContext, target: Target): Promise<void> => {
  const given = await changeRecord(context, target, ({ lease: _lease, ...record }) => record);
  if (!given.ok) context.host.warn(`the lease was not given back and runs out by itself: ${given.problem.reason}`);
};
