import {
  done,
  emptyRecord,
  type EnvironmentRecord,
  type HistoryEntry,
  type Outcome,
  type StepContext,
  type Stored,
  type Target,
} from '@sluice/core';
import { environmentName } from './environment-name.ts';

const stored = async (context: StepContext, target: Target): Promise<Outcome<Stored | undefined>> =>
  target.application === '' ? done(undefined) : context.state.read(target.application, environmentName(context));

/** recordOf reads what is remembered of this application in this environment; an empty record when nothing is. */
export const recordOf = async (context: StepContext, target: Target): Promise<Outcome<EnvironmentRecord>> => {
  const found = await stored(context, target);
  if (!found.ok) return found;
  return done(found.value?.record ?? emptyRecord(target.application, environmentName(context)));
};

const mostTries = 5;
const pauseMs = 100;

/**
 * changeRecord reads, changes and writes the record. When somebody else wrote in between, as the renewing of this run's
 * own lease does, it begins anew with what is there now, five times at most; then it fails with `conflict`.
 */
export const changeRecord = async (
  context: StepContext,
  target: Target,
  change: (record: EnvironmentRecord) => EnvironmentRecord,
): Promise<Outcome<void>> => {
  for (let tries = 1; ; tries += 1) {
    const found = await stored(context, target);
    if (!found.ok) return found;
    const before = found.value?.record ?? emptyRecord(target.application, environmentName(context));
    const written = await context.state.write(change(before), found.value?.revision);
    if (written.ok) return done(undefined);
    if (written.problem.category !== 'conflict' || tries === mostTries) return written;
    await context.clock.sleep(pauseMs * tries);
  }
};

const mostDeploying = 20;

/** oursIn are the digests that Sluice has deployed or published here, or was about to deploy when a run was killed. */
export const oursIn = ({ candidate, stable, deploying = [] }: EnvironmentRecord): readonly string[] =>
  [candidate?.digest, stable?.digest, ...deploying].filter((digest): digest is string => digest !== undefined && digest !== '');

/**
 * announce records what is about to be deployed, before anything is written, so that the next run knows it for Sluice's
 * own even when this one is killed. An application that is still to be made has no record; that one can be written is proved.
 */
export const announce = async (context: StepContext, target: Target, digest: string): Promise<Outcome<void>> => {
  if (target.application === '') return context.state.prove();
  return changeRecord(context, target, (record) => ({
    ...record,
    deploying: [digest, ...(record.deploying ?? []).filter((one) => one !== digest)].slice(0, mostDeploying),
  }));
};

const historyLength = 50;

/** withHistory puts an entry in front of a record's history and keeps the newest fifty. */
export const withHistory = (record: EnvironmentRecord, entry: HistoryEntry): EnvironmentRecord => ({
  ...record,
  history: [entry, ...record.history].slice(0, historyLength),
});

/** historyEntry describes how a version ended, with who and where from the host. */
export const historyEntry = (
  context: StepContext,
  version: { readonly id: string; readonly name: string; readonly digest?: string },
  verdict: HistoryEntry['verdict'],
  reason: string,
): HistoryEntry => ({
  version: version.id,
  name: version.name,
  digest: version.digest ?? '',
  commit: context.host.context.commit,
  verdict,
  at: new Date(context.clock.now()).toISOString(),
  actor: context.host.context.actor,
  runUrl: context.host.context.runUrl,
  // A reason may quote a server, and a store outlives the masks of this run.
  reason: context.host.redact(reason),
});
