import * as z from 'zod/mini';
import { clause, defineStep, done, endedBy, type Deployment, type Outcome, type StepContext, type StepDefinition, type StepEnding, type Target, type Version } from '@sluice/core';
import { copyText, nothingToCopy, takeCopy } from './copy.ts';
import { commonInputs, flag } from './inputs.ts';
import { servedAfter } from './exposure.ts';
import { addressOutput } from './outputs.ts';
import { announce, changeRecord, oursIn, recordOf } from './record.ts';
import { snapshotFolder } from './snapshot.ts';

const inputs = z.strictObject({
  ...commonInputs,
  create: flag('Make the application when it does not exist, and print the lines for sluice.yml. Default: `false`.'),
  overwrite: flag('Replace a candidate that somebody else edited since the last release. Default: `false`.'),
});

const say = (context: StepContext, deployment: Deployment): void => {
  for (const note of deployment.notes) context.host.log(note);
  if (deployment.created === undefined) return;
  context.host.log('The application is new. Add to sluice.yml:');
  for (const line of deployment.created.lines) context.host.log(`  ${line}`);
};

const outputsOf = (target: Target, deployment: Deployment): Record<string, string> => ({
  version: deployment.version.id,
  digest: deployment.version.digest ?? '',
  changed: String(deployment.changed),
  application: deployment.created?.application ?? target.application,
  served: servedAfter(target.exposure, 'deploy'),
  address: target.address,
});

/** publishedAs is the live version when it has this content already, which an unchanged deployment then adds nothing to. */
const publishedAs = async (target: Target, { changed, version }: Deployment): Promise<Version> => {
  if (changed) return version;
  const inspected = await target.inspect();
  const live = inspected.ok ? inspected.value.live : undefined;
  return live?.digest === version.digest && live !== undefined ? live : version;
};

/**
 * remember records what was deployed, so that the next deployment takes it for Sluice's own and not for somebody's
 * unpublished work, and publish-version knows what is still to be published: a new secret changes no digest. Nothing is
 * being deployed any more then.
 */
const remember = async (context: StepContext, target: Target, deployment: Deployment): Promise<void> => {
  const { digest } = deployment.version;
  const id = digest === undefined ? '' : (await publishedAs(target, deployment)).id;
  const written = await changeRecord(context, target, ({ deploying: _deploying, ...record }) =>
    digest === undefined || (!deployment.changed && record.candidate?.digest === digest) ? record : { ...record, candidate: { version: id, digest } },
  );
  if (!written.ok) context.host.warn(`the deployment was not recorded: ${clause(written.problem.reason)}`);
};

/** warn says what is dubious about the source, as validate does; a release has run that before. */
const warn = async (context: StepContext): Promise<void> => {
  const application = await context.application();
  if (!application.ok) return;
  for (const finding of application.value.parsed.findings) if (finding.severity === 'warning') context.host.annotate(finding);
};

/**
 * copyFirst takes a copy of what is live before anything is written, unless the snapshot step of this run has. With
 * `overwrite` the draft that is about to be replaced is copied, too, which that step does not do.
 */
const copyFirst = async (context: StepContext, target: Target, overwrite: boolean, inRelease: boolean): Promise<Outcome<void>> => {
  const { runId } = context.host.context;
  const earlier = await context.earlier('snapshot');
  const taken = inRelease || (earlier?.status === 'passed' && runId !== '' && earlier.run === runId);
  if (taken && !overwrite) return done(undefined);
  const copy = await takeCopy(context, target, snapshotFolder(context), { draft: overwrite });
  if (!copy.ok) return copy;
  context.host.log(copy.value === undefined ? nothingToCopy : copyText(context, copy.value));
  return done(undefined);
};

const whatIsDone = ({ dryRun }: StepContext, target: Target, changed: boolean): string => {
  if (!changed) return dryRun ? 'is there already' : 'already there, nothing written';
  if (!dryRun) return 'deployed and read back';
  return target.application === '' ? 'would make the application' : 'would be deployed';
};

const run = async (context: StepContext, values: z.output<typeof inputs>, inRelease: boolean): Promise<StepEnding> => {
  const source = await context.overlaid();
  if (!source.ok) return endedBy(source.problem);
  if (!inRelease) await warn(context);
  const target = await context.target();
  if (!target.ok) return endedBy(target.problem);
  const record = await recordOf(context, target.value);
  if (!record.ok) return endedBy(record.problem);
  const { create = false, overwrite = false } = values;
  const copied = await copyFirst(context, target.value, overwrite, inRelease);
  if (!copied.ok) return endedBy(copied.problem);
  const { dryRun } = context;
  const deployed = await target.value.deploy(source.value, { create, overwrite, dryRun, ours: oursIn(record.value), writing: (digest) => announce(context, target.value, digest) });
  if (!deployed.ok) return endedBy(deployed.problem);
  const { changed, version } = deployed.value;
  if (!dryRun) await remember(context, target.value, deployed.value);
  say(context, deployed.value);
  return {
    category: 'passed',
    reason: `${source.value.title}: ${whatIsDone(context, target.value, changed)} (${version.digest ?? 'the platform shows no content'})`,
    outputs: outputsOf(target.value, deployed.value),
    evidence: { sent: source.value.digest, [dryRun ? 'planned' : 'readBack']: version.digest ?? null },
  };
};

const definition: Omit<StepDefinition<typeof inputs>, 'run'> = {
  name: 'deploy',
  summary: 'Put the application beside what runs, keep its secrets, and read back what is there.',
  inputs,
  outputs: {
    version: { description: 'Id of the deployed, unpublished version.', initial: '' },
    digest: { description: 'Digest of what was read back.', initial: '' },
    changed: { description: '`true` when something was written, `false` when it was there already.', initial: '' },
    application: { description: 'Id of the app or runtime.', initial: '' },
    served: { description: 'Who meets the new version now: `nobody`, `a share` or `everybody`.', initial: '' },
    address: addressOutput,
  },
  offline: false,
  deadlineMs: 1_200_000,
};

/** deploy puts the source beside what runs and reads back what is there. */
export const deploy = defineStep({ ...definition, run: (context, values) => run(context, values, false) });

/** deployOfRelease is deploy inside a release, which has taken a copy before. */
export const deployOfRelease = defineStep({ ...definition, run: (context, values) => run(context, values, true) });
