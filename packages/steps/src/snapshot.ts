import * as z from 'zod/mini';
import { join } from 'node:path';
import { defineStep, endedBy, type Outcome, type StepContext } from '@sluice/core';
import { environmentName } from './environment-name.ts';
import { commonInputs, flag, text } from './inputs.ts';
import { filesOfCopy, verification } from './snapshot-manifest.ts';

const inputs = z.strictObject({
  ...commonInputs,
  folder: text('Folder for the copy. Default: `.sluice/snapshots/<environment>` beside sluice.yml.'),
  verify: flag('Hold the copy in the folder against its checksums instead of taking one. Default: `false`.'),
});

const writeAll = async (context: StepContext, folder: string, files: Readonly<Record<string, string>>): Promise<Outcome<void>> => {
  for (const [name, content] of Object.entries(files)) {
    const written = await context.files.write(join(folder, name), content);
    if (!written.ok) return written;
  }
  return { ok: true, value: undefined };
};

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
    const environment = environmentName(context);
    const folder = values.folder ?? join(context.workFolder, 'snapshots', environment);
    if (values.verify === true && !context.offline) return verification(context, folder);
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const inspected = await target.value.inspect();
    if (!inspected.ok) return endedBy(inspected.problem);
    if (!inspected.value.exists) {
      return { category: 'skipped', reason: 'nothing to copy: the application does not exist yet' };
    }
    const taken = await target.value.snapshot();
    if (!taken.ok) return endedBy(taken.problem);
    const outputs = { folder, digest: taken.value.digest, version: taken.value.version?.id ?? '' };
    const names = Object.keys(taken.value.files);
    if (context.dryRun) {
      return { category: 'passed', reason: `would copy ${names.join(', ')} to ${folder}`, outputs: { ...outputs, folder: '' } };
    }
    const files = await filesOfCopy(context, target.value, folder, taken.value);
    const written = files.ok ? await writeAll(context, folder, files.value) : files;
    if (!written.ok) return endedBy(written.problem);
    return { category: 'passed', reason: `copied ${names.join(', ')} to ${folder}`, outputs, evidence: { files: names, ...outputs } };
  },
});
