import * as z from 'zod/mini';
import { join } from 'node:path';
import { defineStep, endedBy, type StepContext } from '@sluice/core';
import { copyText, nothingToCopy, takeCopy } from './copy.ts';
import { environmentName } from './environment-name.ts';
import { commonInputs, flag, text } from './inputs.ts';
import { verification } from './snapshot-manifest.ts';

const inputs = z.strictObject({
  ...commonInputs,
  folder: text('Folder for the copy. Default: `.sluice/snapshots/<environment>` beside sluice.yml.'),
  verify: flag('Hold the copy in the folder against its checksums instead of taking one. Default: `false`.'),
});

/** snapshotFolder is where the copies of the selected environment are kept by default. */
export const snapshotFolder = (context: StepContext): string => join(context.workFolder, 'snapshots', environmentName(context));

/** snapshot keeps a copy of what is live, without secrets, before anything is changed. */
export const snapshot = defineStep({
  name: 'snapshot',
  summary: 'Keep a copy of what is live, without secrets, before anything is changed.',
  inputs,
  outputs: {
    folder: { description: 'Folder of the copy.', initial: '' },
    digest: { description: 'Digest of what is live.', initial: '' },
    version: { description: 'Id of the live version.', initial: '' },
  },
  offline: false,
  deadlineMs: 120_000,
  run: async (context, values) => {
    const folder = values.folder ?? snapshotFolder(context);
    if (values.verify === true && !context.offline) return verification(context, folder);
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const copy = await takeCopy(context, target.value, folder, { draft: false });
    if (!copy.ok) return endedBy(copy.problem);
    if (copy.value === undefined) return { category: 'skipped', reason: nothingToCopy };
    const outputs = { folder: context.dryRun ? '' : folder, digest: copy.value.digest, version: copy.value.version?.id ?? '' };
    return { category: 'passed', reason: copyText(context, copy.value), outputs, evidence: { files: copy.value.files, ...outputs } };
  },
});
