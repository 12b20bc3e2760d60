import { join } from 'node:path';
import { done, failed, type EnvironmentRecord, type Outcome, type StateStore } from '@sluice/core';
import { contentHash, fileName } from './file-name.ts';
import { proveFolder, readFile, replaceFile } from './files.ts';

/** SealOptions say how records are sealed. */
export interface SealOptions {
  /** key seals records so that only its holders can write them; without one a seal shows changes by others, and stops no forger. */
  readonly key?: string;
}

const write = async (folder: string, record: EnvironmentRecord, revision: string | undefined, key: string | undefined): Promise<Outcome<string>> => {
  const path = join(folder, fileName(record.application, record.environment));
  const { changedBySomebody, readRecord, recordText } = await import('./record-shape.ts');
  const written = await replaceFile(path, (present) => {
    if ((present === undefined ? undefined : contentHash(present)) !== revision) return failed(changedBySomebody(record, path));
    if (present === undefined) return recordText(record, undefined, key);
    const opened = readRecord(present, record.application, record.environment, key);
    return opened.ok ? recordText(record, opened.value.link, key) : failed({ ...opened.problem, where: path });
  });
  return written.ok ? done(contentHash(written.value)) : written;
};

/**
 * folderStore keeps one JSON file for each application and environment in a folder. A record's revision is the hash
 * of its file, so that a change by hand is noticed like any other; one that was changed by hand is refused.
 */
export const folderStore = (folder: string, { key }: SealOptions = {}): StateStore => ({
  where: folder,
  prove: () => proveFolder(folder),
  read: async (application, environment) => {
    const path = join(folder, fileName(application, environment));
    const text = await readFile(path);
    if (!text.ok || text.value === undefined) return text.ok ? done(undefined) : text;
    const { readRecord } = await import('./record-shape.ts');
    const opened = readRecord(text.value, application, environment, key);
    return opened.ok
      ? done({ record: opened.value.record, revision: contentHash(text.value) })
      : failed({ ...opened.problem, where: path });
  },
  write: (record, revision) => write(folder, record, revision, key),
});
