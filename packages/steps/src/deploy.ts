import * as z from 'zod/mini';
import { clause, defineStep, endedBy, type Deployment, type StepContext, type StepEnding, type Target, type Version } from '@sluice/core';
import { commonInputs, flag } from './inputs.ts';
import { servedAfter } from './exposure.ts';
import { changeRecord, recordOf } from './record.ts';

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
 * unpublished work, and publish-version knows what is still to be published: a new secret changes no digest.
 */
const remember = async (context: StepContext, target: Target, deployment: Deployment): Promise<void> => {
  const { digest } = deployment.version;
  if (digest === undefined) return;
  const { id } = await publishedAs(target, deployment);
  const written = await changeRecord(context, target, (record) =>
    !deployment.changed && record.candidate?.digest === digest ? record : { ...record, candidate: { version: id, digest } },
  );
  if (!written.ok) context.host.warn(`the deployment was not recorded: ${clause(written.problem.reason)}`);
};

/** deploy puts the source beside what runs and reads back what is there. */
export const deploy = defineStep({
  name: 'deploy',
  summary: 'Put the application beside what runs, keep its secrets, and read back what is there.',
  inputs,
  outputs: {
    version: { description: 'Id of the deployed, unpublished version.', initial: '' },
    digest: { description: 'Digest of what was read back.', initial: '' },
    changed: { description: '`true` when something was written, `false` when it was there already.', initial: '' },
    application: { description: 'Id of the app or runtime.', initial: '' },
    served: { description: 'Who meets the new version now: `nobody`, `a share` or `everybody`.', initial: '' },
  },
  offline: false,
  deadlineMs: 1_200_000,
  run: async (context, values) => {
    const source = await context.overlaid();
    if (!source.ok) return endedBy(source.problem);
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const record = await recordOf(context, target.value);
    if (!record.ok) return endedBy(record.problem);
    if (context.dryRun) return dryRun(target.value, source.value.digest);
    const lastDigest = record.value.candidate?.digest ?? record.value.stable?.digest;
    const deployed = await target.value.deploy(source.value, {
      create: values.create ?? false,
      overwrite: values.overwrite ?? false,
      ...(lastDigest === undefined ? {} : { lastDigest }),
    });
    if (!deployed.ok) return endedBy(deployed.problem);
    await remember(context, target.value, deployed.value);
    say(context, deployed.value);
    const what = deployed.value.changed ? 'deployed and read back' : 'already there, nothing written';
    return {
      category: 'passed',
      reason: `${source.value.title}: ${what} (${deployed.value.version.digest ?? 'the platform shows no content'})`,
      outputs: outputsOf(target.value, deployed.value),
      evidence: { sent: source.value.digest, readBack: deployed.value.version.digest ?? null },
    };
  },
});

const dryRun = async (target: Target, digest: string): Promise<StepEnding> => {
  const inspected = await target.inspect();
  if (!inspected.ok) return endedBy(inspected.problem);
  const same = (inspected.value.candidate ?? inspected.value.live)?.digest === digest;
  const what = !inspected.value.exists ? 'would make the application' : same ? 'is there already' : 'would be deployed';
  return { category: 'passed', reason: `${digest} ${what}`, outputs: { digest, changed: String(!same), application: target.application } };
};
