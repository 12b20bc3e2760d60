import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { done, failed, oneLine, type CommandRunner, type Outcome, type Problem } from '@sluice/core';

const deadlineMs = 30_000;

/** environment keeps git from asking, from fetching what a partial clone left out, and from reading a path as a pattern. */
const environment = { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'none', GIT_OPTIONAL_LOCKS: '0', GIT_LITERAL_PATHSPECS: '1', GIT_LFS_SKIP_SMUDGE: '1' };

/** Git runs one git command in a folder; a non-zero code is an answer. */
type Git = (argv: readonly string[], more?: Readonly<Record<string, string>>) => ReturnType<CommandRunner['run']>;

const gitIn =
  (commands: CommandRunner, folder: string, signal: AbortSignal): Git =>
  (argv, more = {}) =>
    // No hook, no monitor and no link of a repository that strangers may write to.
    commands.run({ argv: ['git', '-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'core.symlinks=false', ...argv], folder, environment: { ...environment, ...more }, deadlineMs }, signal);

const refused = (reason: string, tried: string, stderr: string, hint: string): Problem => ({
  category: 'input',
  reason,
  tried,
  ...(stderr.trim() === '' ? {} : { answer: { message: oneLine(stderr, 300) } }),
  hint,
});

/** Repository is what git knows of the folder of a project. Nothing in it is changed, and nothing is fetched. */
export interface Repository {
  /** root is the absolute folder of the working tree. */
  readonly root: string;
  /** prefix leads from there to the project's folder, with slashes; empty where that is the root. */
  readonly prefix: string;
  /** shallow is true where older commits were left out of the clone. */
  readonly shallow: boolean;
  /** commitOf is the full hash of a name, of a branch of `origin` too; undefined where there is none here. */
  commitOf(name: string): Promise<Outcome<string | undefined>>;
  /** parentsOf are the hashes that a commit names as its parents, whether they are here or not. */
  parentsOf(commit: string): Promise<Outcome<readonly string[]>>;
  /** mergeBase is the newest commit that HEAD has in common with the others taken together; undefined where none is here. */
  mergeBase(others: readonly string[]): Promise<Outcome<string | undefined>>;
  /** checkout gives the project as a commit has it. */
  checkout(commit: string): Promise<Outcome<Checkout>>;
}

/** Checkout is a project as a commit has it, in a folder of its own; files are put there when they are asked for. */
export interface Checkout {
  /** folder stands for the project's folder. */
  readonly folder: string;
  /** write puts files there, by paths relative to the folder; all of them when no path is given. One that the commit does not have is left out. */
  write(path?: string): Promise<Outcome<void>>;
  remove(): Promise<void>;
}

/** isName refuses what git could take for anything but a name. */
const isName = (name: string): boolean => name !== '' && !name.startsWith('-') && !/[\u0000-\u0020\u007F]/.test(name);

const commitIn = async (git: Git, name: string): Promise<Outcome<string | undefined>> => {
  for (const one of [name, `refs/remotes/origin/${name}`]) {
    const answer = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${one}^{commit}`]);
    if (!answer.ok) return answer;
    const hash = answer.value.stdout.trim();
    if (answer.value.code === 0 && /^[0-9a-f]{40,64}$/.test(hash)) return done(hash);
  }
  return done(undefined);
};

const parentsIn = async (git: Git, commit: string): Promise<Outcome<readonly string[]>> => {
  const answer = await git(['cat-file', 'commit', commit]);
  if (!answer.ok) return answer;
  const [head = ''] = answer.value.stdout.split('\n\n', 1);
  return done(head.split('\n').flatMap((line) => /^parent ([0-9a-f]{40,64})$/.exec(line)?.[1] ?? []));
};

const mergeBaseIn = async (git: Git, others: readonly string[]): Promise<Outcome<string | undefined>> => {
  const answer = await git(['merge-base', 'HEAD', ...others]);
  if (!answer.ok) return answer;
  const hash = answer.value.stdout.trim();
  return done(answer.value.code === 0 && hash !== '' ? hash : undefined);
};

/** Place is where a commit's files are put: a folder of its own, with an index. */
interface Place {
  readonly folder: string;
  readonly index: Readonly<Record<string, string>>;
}

const writer =
  (git: Git, { folder, index }: Place, tried: string): Checkout['write'] =>
  async (path) => {
    const listed = path === undefined ? done({ code: 0, stdout: 'all', stderr: '' }) : await git(['ls-files', '-z', '--', path], index);
    if (!listed.ok) return listed;
    if (listed.value.stdout === '') return done(undefined);
    const written = await git(['checkout-index', '--force', `--prefix=${folder}/`, ...(path === undefined ? ['--all'] : ['--', path])], index);
    if (!written.ok) return written;
    return written.value.code === 0 ? done(undefined) : failed(refused('git cannot give the files of the commit', tried, written.value.stderr, 'The clone may be a partial one, without the files of older commits. Let the CI make a full clone.'));
  };

/** readInto reads a commit's tree of the project's folder into an index; false where the folder was made later, so that nothing of the project is there. */
const readInto = async (git: Git, { index }: Place, tree: string, tried: string): Promise<Outcome<boolean>> => {
  const found = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', tree]);
  if (!found.ok) return found;
  if (found.value.code !== 0) return done(false);
  const read = await git(['read-tree', found.value.stdout.trim()], index);
  if (!read.ok) return read;
  return read.value.code === 0 ? done(true) : failed(refused('git cannot read the commit', tried, read.value.stderr, 'The clone may be a partial one. Let the CI make a full clone.'));
};

/** checkoutFrom reads a commit's tree of the project's folder into an index of its own, and writes files from there: as a checkout would have them, line ends included. */
const checkoutFrom = async (git: Git, commit: string, prefix: string): Promise<Outcome<Checkout>> => {
  const own = await mkdtemp(join(tmpdir(), 'sluice-diff-'));
  const remove = (): Promise<void> => rm(own, { recursive: true, force: true });
  const place = { folder: join(own, 'project'), index: { GIT_INDEX_FILE: join(own, 'index') } };
  await mkdir(place.folder);
  const tried = `read the project as of ${commit.slice(0, 12)}`;
  const read = await readInto(git, place, `${commit}:${prefix}`, tried);
  if (!read.ok) {
    await remove();
    return read;
  }
  return done({ folder: place.folder, write: read.value ? writer(git, place, tried) : () => Promise.resolve(done(undefined)), remove });
};

/** openRepository finds the repository around a folder; `input` where there is none, or git refuses it. */
export const openRepository = async (commands: CommandRunner, folder: string, signal: AbortSignal): Promise<Outcome<Repository>> => {
  const asked = await gitIn(commands, folder, signal)(['rev-parse', '--show-toplevel', '--is-shallow-repository', '--show-prefix']);
  if (!asked.ok) return asked;
  const { code, stdout, stderr } = asked.value;
  const [root = '', shallow = '', prefix = ''] = stdout.split('\n');
  if (code !== 0 || root === '') {
    const owner = stderr.includes('safe.directory');
    return failed(
      owner
        ? refused('git does not trust the folder of this repository, which belongs to another user', 'find the repository', stderr, 'Run before it: `git config --global --add safe.directory "$PWD"`.')
        : refused('the project lies in no git repository', 'find the repository', stderr, 'Check the repository out, or give the two files with `from` and `to`.'),
    );
  }
  const git = gitIn(commands, root, signal);
  const path = prefix.replace(/\/$/, '');
  return done({
    root,
    prefix: path,
    shallow: shallow === 'true',
    commitOf: async (name) => (isName(name) ? commitIn(git, name) : done(undefined)),
    parentsOf: (commit) => parentsIn(git, commit),
    mergeBase: (others) => mergeBaseIn(git, others),
    checkout: (commit) => checkoutFrom(git, commit, path),
  });
};
