import * as z from 'zod/mini';
import {
  clause,
  defineStep,
  done,
  endedBy,
  failed,
  lastGood,
  type EnvironmentRecord,
  type Inspection,
  type Outcome,
  type StepContext,
  type StepEnding,
  type Target,
  type Version,
} from '@sluice/core';
import { reportDeployment } from './deployment.ts';
import { commonInputs, text } from './inputs.ts';
import { holdLease } from './lease.ts';
import { changeRecord, historyEntry, recordOf, withHistory } from './record.ts';
import { versionText } from './versions.ts';

const inputs = z.strictObject({
  ...commonInputs,
  version: text('Id of the version to go back to. Default: the last good one.'),
  reason: text('Why, for the record and the notification.'),
});

const listed = (versions: readonly Version[]): string =>
  versions.length === 0 ? 'The platform lists no versions.' : `The newest versions are ${versions.slice(0, 10).map(versionText).join(', ')}.`;

type Left = Pick<Version, 'id' | 'name' | 'digest'>;

/** leftVersion is the version to get away from: one that users meet beside the live one, as in a canary that was broken off, else the live one. */
const leftVersion = async (target: Target, { live, ungoverned }: Inspection): Promise<Outcome<Left | undefined>> => {
  if (ungoverned !== undefined) return done(ungoverned);
  const observed = await target.traffic?.read();
  if (observed?.ok === false) return observed;
  const { candidate, weight } = observed?.value.split ?? { weight: 0 };
  return done(candidate === undefined || weight === 0 ? live : { id: candidate, name: candidate });
};

/** without leaves out what the version to get away from contains, under whatever id: a restored version is the old content under a new one. */
const without = (record: EnvironmentRecord, left: Left | undefined): EnvironmentRecord => ({
  ...record,
  history: record.history.filter((entry) => entry.version !== left?.id && (entry.digest === '' || entry.digest !== left?.digest)),
});

/** chooseVersion gives the version to go back to: the named one, else the last good one by record; never a neighbour in a list. */
const chooseVersion = async (
  context: StepContext,
  target: Target,
  named: string | undefined,
  left: Left | undefined,
): Promise<Outcome<string>> => {
  if (named !== undefined) return done(named);
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const good = lastGood(without(record.value, left));
  if (good !== undefined) return done(good.version);
  const versions = await target.versions?.();
  if (versions !== undefined && !versions.ok) return versions;
  return failed({
    category: 'input',
    reason: 'there is no record of another version that passed, so the version to go back to must be named',
    tried: `find the last good version of ${target.application}`,
    where: context.state.where,
    hint: `Run rollback with the input version. ${listed(versions?.value ?? [])}`,
  });
};

/** Way is what to get away from, where to, and why. */
interface Way {
  readonly left: Left | undefined;
  readonly chosen: string;
  readonly reason: string | undefined;
}

const goBack = async (context: StepContext, target: Target, { left, chosen, reason }: Way): Promise<StepEnding> => {
  const outputs = { 'previous-version': left?.id ?? '' };
  const { commit, runUrl } = context.host.context;
  const restored = await target.restore(chosen, { commit, runUrl, verdict: 'rolled-back' });
  if (!restored.ok) return endedBy(restored.problem, { outputs });
  const written = await changeRecord(context, target, (record) =>
    withHistory(
      { ...record, stable: { version: restored.value.id, digest: restored.value.digest ?? '' } },
      left === undefined
        ? historyEntry(context, restored.value, 'passed', reason ?? 'rolled back to')
        : historyEntry(context, left, 'rolled-back', reason ?? `rolled back to ${restored.value.id}`),
    ),
  );
  if (!written.ok) context.host.warn(`the roll-back was done but not recorded: ${clause(written.problem.reason)}`);
  const told = `${versionText(restored.value)} is live again; before it was ${left === undefined ? 'nothing' : versionText(left)}`;
  await reportDeployment(context, target, 'success', told);
  return {
    category: 'passed',
    reason: told,
    outputs: { ...outputs, version: restored.value.id },
    evidence: { asked: chosen, live: restored.value.id, digest: restored.value.digest ?? null },
  };
};

/** rollback makes the last good version live again for everybody and verifies it. */
export const rollback = defineStep({
  name: 'rollback',
  summary: 'Make the last good version, or a named one, live again for everybody, and verify it.',
  inputs,
  outputs: {
    version: { description: 'Id of the version that is live now.', initial: '' },
    'previous-version': { description: 'Id of the version that it went away from.', initial: '' },
  },
  offline: false,
  deadlineMs: 180_000,
  run: async (context, values) => {
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const inspected = await target.value.inspect();
    if (!inspected.ok) return endedBy(inspected.problem);
    const left = await leftVersion(target.value, inspected.value);
    if (!left.ok) return endedBy(left.problem);
    const chosen = await chooseVersion(context, target.value, values.version, left.value);
    if (!chosen.ok) return endedBy(chosen.problem);
    const outputs = { 'previous-version': left.value?.id ?? '' };
    if (context.dryRun) {
      return { category: 'passed', reason: `would go back from ${left.value?.id ?? 'nothing'} to ${chosen.value}`, outputs };
    }
    // Neither another run nor an unwritable record keeps users on a bad version.
    const lease = await holdLease(context, target.value, 'any');
    if (!lease.ok) context.host.warn(`the roll-back goes on without the lease: ${clause(lease.problem.reason)}`);
    const ended = await goBack(context, target.value, { left: left.value, chosen: chosen.value, reason: values.reason });
    if (lease.ok) await lease.value.giveBack();
    return ended;
  },
});
