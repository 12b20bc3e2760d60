import { join } from 'node:path';
import { done, type Outcome, type StepContext, type SnapshotOptions, type Target, type Version } from '@sluice/core';
import { filesOfCopy } from './snapshot-manifest.ts';

/** Copy is a copy of what is live; in a dry run it is one that would be taken. */
export interface Copy {
  readonly folder: string;
  readonly files: readonly string[];
  readonly digest: string;
  readonly version?: Version;
}

const writeAll = async (context: StepContext, folder: string, files: Readonly<Record<string, string>>): Promise<Outcome<void>> => {
  for (const [name, content] of Object.entries(files)) {
    const written = await context.files.write(join(folder, name), content);
    if (!written.ok) return written;
  }
  return done(undefined);
};

/** takeCopy writes a copy of what is live, without secrets, into a folder; undefined when there is nothing to copy yet. */
export const takeCopy = async (context: StepContext, target: Target, folder: string, options: SnapshotOptions): Promise<Outcome<Copy | undefined>> => {
  const taken = await target.snapshot(options);
  if (!taken.ok) return taken;
  const { files, digest, version } = taken.value;
  const copy: Copy = { folder, files: Object.keys(files), digest, ...(version === undefined ? {} : { version }) };
  if (copy.files.length === 0) return done(undefined);
  if (context.dryRun) return done(copy);
  const whole = await filesOfCopy(context, target, folder, taken.value);
  const written = whole.ok ? await writeAll(context, folder, whole.value) : whole;
  return written.ok ? done(copy) : written;
};

/** copyText says what was copied, or would be. */
export const copyText = (context: StepContext, { files, folder }: Copy): string => `${context.dryRun ? 'would copy' : 'copied'} ${files.join(', ')} to ${folder}`;

/** nothingToCopy is said of an application that does not exist yet, or holds nothing. */
export const nothingToCopy = 'nothing to copy: there is neither a published version nor a draft yet';
