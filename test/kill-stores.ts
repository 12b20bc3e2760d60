import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EnvironmentRecord, Lease } from '@sluice/core';
import { seal, unseal, type Unsealed } from '../packages/state/src/seal.ts';
import { changeLease, recordPath } from './change-lease.ts';

/** KillStore is where the record of killed runs lies, seen from beside them. */
export interface KillStore {
  readonly name: 'folder' | 'git';
  /** environment are the variables of a run that uses it. */
  readonly environment: Readonly<Record<string, string>>;
  /** record is the stored record; one whose seal does not fit is thrown. */
  record(): Promise<EnvironmentRecord | undefined>;
  /** age lets three minutes pass for what a killed run has left: its lease, and the lock of the record's file. */
  age(): Promise<void>;
  /** verify throws where the stored records are no chain. */
  verify(): Promise<void>;
}

const opened = (text: string): Unsealed => {
  const whole = unseal(text, undefined);
  if (typeof whole === 'string') throw new Error(`the record ${whole}`);
  return whole;
};

const over = (lease: Lease): Lease => ({ ...lease, until: 0 });

/** folderRecords lie in the folder `state` of a project. */
export const folderRecords = (project: string): KillStore => {
  const folder = join(project, 'state');
  const record = async (): Promise<EnvironmentRecord | undefined> => {
    const path = await recordPath(folder);
    return path === undefined ? undefined : (opened(await readFile(path, 'utf8')).content as unknown as EnvironmentRecord);
  };
  return {
    name: 'folder',
    environment: {},
    record,
    age: async () => {
      await changeLease(folder, (lease) => (lease === undefined ? undefined : over(lease)));
      const before = new Date(Date.now() - 180_000);
      for (const name of await readdir(folder)) if (name.endsWith('.lock')) await utimes(join(folder, name), before, before);
    },
    verify: async () => void (await record()),
  };
};

const branch = 'sluice-state';

/** gitRecords lie on a branch of a bare repository beside a project, whose hook takes its time. */
export const gitRecords = async (project: string, hookSeconds: number): Promise<KillStore> => {
  const bare = join(project, 'bare.git');
  const temporary = join(project, 'temporary');
  await mkdir(temporary);
  const git = async (argv: readonly string[], input?: string): Promise<string> => {
    const running = promisify(execFile)('git', [`--git-dir=${bare}`, '-c', 'user.name=test', '-c', 'user.email=test@localhost', ...argv]);
    // One that reads nothing may have ended already.
    running.child.stdin?.on('error', () => undefined).end(input ?? '');
    return (await running).stdout;
  };
  await git(['init', '--quiet', '--bare']);
  const hook = join(bare, 'hooks', 'pre-receive');
  await mkdir(join(bare, 'hooks'), { recursive: true });
  await writeFile(hook, `#!/bin/sh\nsleep ${hookSeconds}\n`);
  await chmod(hook, 0o755);
  const file = join(project, 'sluice.yml');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), state: { git: branch, repository: bare } }));

  const newest = async (): Promise<{ readonly commit: string; readonly name: string; readonly text: string } | undefined> => {
    const commit = (await git(['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`])).trim();
    if (commit === '') return undefined;
    const name = (await git(['ls-tree', '--name-only', commit])).trim();
    return { commit, name, text: await git(['cat-file', 'blob', `${commit}:${name}`]) };
  };
  return {
    name: 'git',
    environment: { SLUICE_STATE: '', TMPDIR: temporary },
    record: async () => {
      const found = await newest();
      return found === undefined ? undefined : (opened(found.text).content as unknown as EnvironmentRecord);
    },
    age: async () => {
      const found = await newest();
      if (found === undefined) return;
      const { content, link } = opened(found.text);
      const { lease, ...record } = content as unknown as EnvironmentRecord;
      if (lease === undefined) return;
      const blob = (await git(['hash-object', '-w', '--stdin'], seal({ ...record, lease: over(lease) }, link, undefined))).trim();
      const tree = (await git(['mktree'], `100644 blob ${blob}\t${found.name}\n`)).trim();
      const commit = (await git(['commit-tree', tree, '-p', found.commit, '-m', 'three minutes pass'])).trim();
      await git(['update-ref', `refs/heads/${branch}`, commit, found.commit]);
    },
    verify: async () => {
      const found = await newest();
      if (found === undefined) return;
      const commits = (await git(['rev-list', '--reverse', branch])).trim().split('\n');
      let before = '';
      for (const [index, commit] of commits.entries()) {
        const { link, previous } = opened(await git(['cat-file', 'blob', `${commit}:${found.name}`]));
        if (previous !== before || link.sequence !== index + 1) throw new Error(`record ${link.sequence} of ${commits.length} does not follow the one before it`);
        before = link.seal;
      }
    },
  };
};
