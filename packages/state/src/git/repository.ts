import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { done, failed, fileErrorCode, type Outcome } from '@sluice/core';
import { gitIn, gitVersion, type Deadline, type Git, type GitSurroundings } from './program.ts';

/** RepositoryOptions say which repository the state lies in and how to get there. */
export interface RepositoryOptions extends GitSurroundings {
  /** address holds no credentials. */
  readonly address: string;
  /** credentials say that SLUICE_GIT_USERNAME and SLUICE_GIT_PASSWORD are in the environment, for this address alone. */
  readonly credentials: boolean;
}

/** Repository is a bare repository of Sluice's own, in a folder for the time of a run. */
export interface Repository {
  readonly git: Git;
  readonly folder: string;
  remove(): Promise<void>;
}

const quoted = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** helper hands git the credentials from the environment, so that they stand in no argument and no file. */
const helper = `!f() { test "$1" = get && printf '%s\\n' "username=$SLUICE_GIT_USERNAME" "password=$SLUICE_GIT_PASSWORD"; }; f`;

/** configurationOf is what git reads after the user's own: no hooks, no housekeeping in the background, and nothing signed by surprise. */
export const configurationOf = ({ address, credentials }: Pick<RepositoryOptions, 'address' | 'credentials'>): string =>
  [
    ...['[core]', 'repositoryformatversion = 0', 'bare = true', 'hooksPath = /dev/null', 'logAllRefUpdates = false'],
    ...['[gc]', 'auto = 0', '[maintenance]', 'auto = false', '[fetch]', 'fsckObjects = true', 'recurseSubmodules = false'],
    ...['[push]', 'gpgSign = false', 'recurseSubmodules = no', 'followTags = false'],
    ...['[remote "state"]', `url = ${quoted(address)}`],
    // The empty helper takes away those that were configured elsewhere.
    ...(credentials ? [`[credential ${quoted(new URL(address).origin)}]`, 'helper = ', `helper = ${quoted(helper)}`] : []),
  ].join('\n');

const broken = (error: unknown, tried: string): Outcome<never> => {
  const code = fileErrorCode(error);
  if (code === undefined) throw error;
  return failed({ category: 'platform', reason: `there is no room for a copy of the branch of the state (${code})`, tried, where: tmpdir(), hint: 'Let this job write its temporary folder.' });
};

/** openRepository makes an empty repository in a temporary folder; nothing of the user's checkout is read or written. */
export const openRepository = async (options: RepositoryOptions, deadline: Deadline): Promise<Outcome<Repository>> => {
  const tried = 'make a copy of the branch of the state';
  const version = await gitVersion(options);
  if (!version.ok) return version;
  try {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-state-'));
    const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
    const git = gitIn(folder, options);
    const made = await git.run({ argv: ['init', '--quiet', '--bare', '--template='] }, deadline);
    if (made.ok && made.value.code === 0) {
      await writeFile(join(folder, 'config'), configurationOf(options));
      return done({ git, folder, remove });
    }
    await remove();
    if (!made.ok) return made;
    return failed({ category: 'input', reason: 'git could not make a repository in the temporary folder', tried, where: folder, answer: { message: made.value.stderr.trim().slice(0, 200) } });
  } catch (error) {
    return broken(error, tried);
  }
};
