import * as z from 'zod/mini';
import { clause, defineStep, endedBy, previewKeepMs, type StepContext, type StepEnding, type Target } from '@sluice/core';
import { commonInputs } from './inputs.ts';
import { sweepBack } from './sweep-back.ts';
import { findOpen, type OpenCanary } from './sweep-find.ts';
import { underLease } from './lease.ts';
import { recordOf } from './record.ts';

const inputs = z.strictObject(commonInputs);

/** judged lets an open canary that nobody watches go on, or ends it; it never raises its weight. */
const judged = async (context: StepContext, target: Target, open: OpenCanary): Promise<StepEnding> => {
  const { judgeUnwatched } = await import('./sweep-judge.ts');
  const verdict = await judgeUnwatched(context, target, open);
  const { stable, candidate, weight } = open.permission;
  const outputs = { stable, candidate, weight: String(weight) };
  const changed: StepEnding = { category: 'skipped', reason: 'another run changed the record meanwhile; what was counted is left to it', outputs };
  if (!verdict.ok) return verdict.problem.category === 'conflict' ? changed : endedBy(verdict.problem, { outputs });
  if (verdict.value.abort) return sweepBack(context, target, verdict.value.open, verdict.value.reason);
  const { state } = verdict.value;
  const stays = `the canary stays at ${weight} %: ${verdict.value.reason}`;
  if (state === undefined || context.dryRun) return { category: 'passed', reason: stays, outputs };
  const written = await context.state.write({ ...verdict.value.open.record, rollout: state }, verdict.value.open.revision);
  if (written.ok) return { category: 'passed', reason: stays, outputs };
  return written.problem.category === 'conflict' ? changed : endedBy(written.problem, { outputs });
};

/** tidied removes left-over helpers of killed runs; that they stay is said, and is no reason to fail. */
const tidied = async (context: StepContext, target: Target): Promise<void> => {
  if (context.dryRun || target.application === '') return;
  const gone = await target.tidy?.();
  if (gone?.ok === false) context.host.warn(`what killed runs have left was not removed: ${clause(gone.problem.reason)}`);
};

/**
 * unloaded takes out a split that a killed run has written and not loaded, so that nobody's reload moves users to it;
 * undefined when there is none, or when a run that holds the lease may be about to load it.
 */
const unloaded = async (context: StepContext, target: Target): Promise<StepEnding | undefined> => {
  const { traffic } = target;
  const seen = await traffic?.read();
  if (traffic === undefined || seen?.ok !== true || seen.value.ready === undefined) return undefined;
  const record = await recordOf(context, target);
  if (!record.ok || (record.value.lease?.until ?? 0) > context.clock.now()) return undefined;
  const what = 'no canary is open, and a split lay written and not loaded';
  const outputs = { stable: seen.value.split.stable, observed: seen.value.split.stable };
  if (context.dryRun) return { category: 'passed', reason: `${what}; would write the one that is served`, outputs };
  const set = await underLease(context, target, async () => {
    const now = await traffic.read();
    return now.ok ? traffic.set(now.value.split, now.value.split) : now;
  });
  if (!set.ok) return endedBy(set.problem, { outputs });
  if (!set.value.ok) return endedBy(set.value.problem, { outputs });
  return { category: 'passed', reason: `${what}; the one that is served was written again, read back`, outputs };
};

const run = async (context: StepContext): Promise<StepEnding> => {
  const keepMs = context.selected.ok ? previewKeepMs(context.selected.value.config) : undefined;
  if (keepMs !== undefined) return (await import('./preview-removal.ts')).sweepPreviews(context, keepMs);
  const connected = await context.target();
  if (!connected.ok) return endedBy(connected.problem);
  const target = connected.value;
  const found = await findOpen(context, target);
  if (!found.ok) return endedBy(found.problem);
  switch (found.value.kind) {
    case 'nothing':
      await tidied(context, target);
      return (await unloaded(context, target)) ?? { category: 'skipped', reason: 'no canary is open in the record, so there is nothing to put back' };
    case 'living':
      return { category: 'skipped', reason: `a canary is under way, by ${context.host.redact(found.value.holder)}; nothing was changed` };
    case 'unattended':
      return judged(context, target, found.value.open);
    case 'abandoned': {
      const { lease } = found.value.open.record;
      const who = lease === undefined ? 'no run holds the lease' : `${context.host.redact(lease.holder)} let its lease run out`;
      const ended = await sweepBack(context, target, found.value.open, `the canary of ${found.value.open.permission.candidate} was abandoned: ${who}`);
      await tidied(context, target);
      return ended;
    }
  }
};

/** sweep gives the users of abandoned canaries the stable version; it may lower a candidate's weight, and never raises one. */
export const sweep = defineStep({
  name: 'sweep',
  summary: 'End canaries that a dead run left behind, judge those that nobody watches, and remove old previews.',
  inputs,
  outputs: {
    swept: { description: '`true` when users were taken off a candidate, or previews were removed.', initial: 'false' },
    stable: { description: 'Id of the stable version of the canary that was found.', initial: '' },
    candidate: { description: 'Id of its candidate.', initial: '' },
    weight: { description: "The candidate's share by the record, in per cent.", initial: '' },
    observed: { description: 'The split of traffic as it was read back last.', initial: '' },
  },
  offline: false,
  previews: 'too',
  eachEnvironment: true,
  deadlineMs: 600_000,
  run,
});
