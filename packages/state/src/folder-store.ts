import { join } from 'node:path';
import { done, failed, type EnvironmentRecord, type Outcome, type StateStore } from '@sluice/core';
import { contentHash, fileName } from './file-name.ts';
import { proveFolder, readFile, replaceFile } from './files.ts';

const revisionOf = (text: string | undefined): string | undefined => (text === undefined ? undefined : contentHash(text));

const write = async (folder: string, record: EnvironmentRecord, revision: string | undefined): Promise<Outcome<string>> => {
  const path = join(folder, fileName(record.application, record.environment));
  const text = `${JSON.stringify(record, null, 2)}\n`;
  const { readRecord } = await import('./record-shape.ts');
  const readable = readRecord(text, record.application, record.environment);
  if (!readable.ok) {
    return failed({ category: 'defect', reason: 'a record was to be written that could not be read again', tried: 'write a record', where: path });
  }
  const written = await replaceFile(path, text, (present) =>
    revisionOf(present) === revision
      ? done(undefined)
      : failed({
          category: 'conflict',
          reason: `somebody else changed what is remembered of ${record.application} in ${record.environment}`,
          tried: 'write a record',
          where: path,
          hint: 'Another release is under way, or has just ended. Run again.',
        }),
  );
  return written.ok ? done(contentHash(text)) : written;
};

/**
 * folderStore keeps one JSON file for each application and environment in a folder. A record's revision is the hash
 * of its file, so that a change by hand is noticed like any other.
 */
export const folderStore = (folder: string): StateStore => ({
  where: folder,
  prove: () => proveFolder(folder),
  read: async (application, environment) => {
    const path = join(folder, fileName(application, environment));
    const text = await readFile(path);
    if (!text.ok || text.value === undefined) return text.ok ? done(undefined) : text;
    const { readRecord } = await import('./record-shape.ts');
    const record = readRecord(text.value, application, environment);
    return record.ok
      ? done({ record: record.value, revision: contentHash(text.value) })
      : failed({ ...record.problem, where: path });
  },
  write: (record, revision) => write(folder, record, revision),
});
