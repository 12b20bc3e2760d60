import * as z from 'zod/mini';
import { defineStep, endedBy, type Target, type Version } from '@sluice/core';
import { commonInputs, text } from './inputs.ts';
import { servedAfter } from './exposure.ts';
import { earlierOutput, releaseName, versionText } from './versions.ts';

const inputs = z.strictObject({
  ...commonInputs,
  name: text('Name of the version. Default: the commit. Platforms shorten it to what they keep.'),
});

const outputsOf = (target: Target, version: Version, before: Version | undefined): Record<string, string> => ({
  version: version.id,
  'version-name': version.name,
  'previous-version': before?.id ?? '',
  digest: version.digest ?? '',
  changed: String(version.id !== before?.id),
  served: servedAfter(target.exposure, 'publish-version'),
});

/** publishVersion makes a version of what was deployed and reads its id back. */
export const publishVersion = defineStep({
  name: 'publish-version',
  summary: 'Make a version of what was deployed, read its id back, and say who is served by it.',
  inputs,
  outputs: {
    version: { description: 'Id of the new version.', initial: '' },
    'version-name': { description: 'Name of the new version, as the platform keeps it.', initial: '' },
    'previous-version': { description: 'Id of the version that was live before.', initial: '' },
    digest: { description: 'Digest of the new version.', initial: '' },
    changed: { description: '`false` when the live version had this content already.', initial: '' },
    served: { description: 'Who meets the new version now: `nobody`, `a share` or `everybody`.', initial: '' },
  },
  offline: false,
  deadlineMs: 120_000,
  run: async (context, values) => {
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const inspected = await target.value.inspect();
    if (!inspected.ok) return endedBy(inspected.problem);
    const { live, candidate } = inspected.value;
    const name = values.name ?? releaseName(context);
    const judged = await earlierOutput(context, 'deploy', 'digest');
    if (context.dryRun) {
      const what = judged === '' && candidate === undefined ? 'nothing is deployed' : `would publish ${judged === '' ? (candidate?.digest ?? 'the candidate') : judged} as ${name}`;
      return { category: 'passed', reason: what, outputs: { 'previous-version': live?.id ?? '' } };
    }
    const verdict = (await context.earlier('canary'))?.category;
    const published = await target.value.publish({
      name,
      marks: {
        commit: context.host.context.commit,
        runUrl: context.host.context.runUrl,
        ...(verdict === 'passed' ? { verdict: 'passed' as const } : {}),
      },
      ...(judged === '' ? {} : { digest: judged }),
    });
    if (!published.ok) return endedBy(published.problem, { outputs: { 'previous-version': live?.id ?? '' } });
    const outputs = outputsOf(target.value, published.value, live);
    return {
      category: 'passed',
      reason: `published ${versionText(published.value)}; it is served to ${outputs['served'] ?? 'nobody'}`,
      outputs,
      evidence: { version: published.value.id, digest: published.value.digest ?? null, previous: live?.id ?? null },
    };
  },
});
