import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changeLease, recordPath } from './change-lease.ts';
import { fieldsOf } from './contract/dify/caller.ts';
import { sluice, type Ended, type RunOptions } from './sluice-process.ts';
import type { Document } from './lab-project.ts';
import type { Ran } from './fault-verdicts.ts';

/** RecordFile is the record of a project's only environment, in the folder `state`. */
export interface RecordFile {
  /** lease is who holds the environment by the record, undefined when nobody does. */
  lease(): Promise<unknown>;
  /** hold gives the lease to somebody else for an hour. */
  hold(holder: string): Promise<void>;
  /** expireLease lets the time of a killed run's lease be over. */
  expireLease(): Promise<void>;
}

/** recordIn finds the record of a project in its folder. */
export const recordIn = (folder: string): RecordFile => {
  const state = join(folder, 'state');
  return {
    lease: async () => {
      const path = await recordPath(state);
      return path === undefined ? undefined : fieldsOf(JSON.parse(await readFile(path, 'utf8')))['lease'];
    },
    hold: (holder) => changeLease(state, () => ({ holder, until: Date.now() + 3_600_000 })),
    expireLease: () => changeLease(state, (lease) => (lease === undefined ? undefined : { ...lease, until: 0 })),
  };
};

/** Runner runs one command line: `sluice` in a process of the bundle, `here` in that of the tests. */
export type Runner = (argv: readonly string[], options: RunOptions) => Promise<Ended>;

/** runIn runs a command line in a project's production environment and reads its result document. */
export const runIn = async (argv: readonly string[], options: RunOptions, runner: Runner = sluice): Promise<Ran> => {
  const ended = await runner([...argv, '--environment', 'production', '--json'], { deadlineMs: 240_000, ...options });
  return { ...ended, document: ended.stdout === '' ? {} : (JSON.parse(ended.stdout) as Document) };
};
