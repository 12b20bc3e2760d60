import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentRecord, Lease } from '@sluice/core';
import { seal, unseal } from '../packages/state/src/seal.ts';

/** recordPath finds the only record in a folder of records; undefined when there is none. */
export const recordPath = async (folder: string): Promise<string | undefined> => {
  const name = (await readdir(folder)).find((one) => one.endsWith('.json'));
  return name === undefined ? undefined : join(folder, name);
};

/** changeLease writes another lease into the only record of a folder, sealed as Sluice does it: one that is changed otherwise is refused. */
export const changeLease = async (folder: string, change: (lease: Lease | undefined) => Lease | undefined): Promise<void> => {
  const path = await recordPath(folder);
  if (path === undefined) return;
  const unsealed = unseal(await readFile(path, 'utf8'), undefined);
  if (typeof unsealed === 'string') throw new Error(`the record ${unsealed}`);
  const record = unsealed.content as unknown as EnvironmentRecord;
  const lease = change(record.lease);
  if (lease !== undefined) await writeFile(path, seal({ ...record, lease }, unsealed.link, undefined));
};
