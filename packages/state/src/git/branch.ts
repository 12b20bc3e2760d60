import { createHash } from 'node:crypto';
import { done, failed, type CommandAnswer, type Outcome } from '@sluice/core';
import { refusalOf, type Refusal } from './answers.ts';
import type { Deadline, Git } from './program.ts';

/** Entry is one file at the top of the branch. */
export interface Entry {
  readonly mode: string;
  readonly kind: string;
  readonly id: string;
  readonly size: number;
  readonly name: string;
}

/** Tip is the branch as it was seen: its newest commit, absent where there is no branch, and the files in it. */
export interface Tip {
  readonly commit?: string;
  readonly entries: readonly Entry[];
}

/** Author is who a commit names. */
export interface Author {
  readonly name: string;
  readonly message: string;
}

/** Branch is one branch of another repository. */
export interface Branch {
  /** look gives the branch as it is now; only its newest commit is fetched. */
  look(deadline: Deadline): Promise<Outcome<Tip | Refusal>>;
  /** text is a file's text, checked against the name that git gives its bytes. */
  text(entry: Entry, deadline: Deadline): Promise<Outcome<string>>;
  /** commit makes a commit on top of what was seen, in which one file is different. */
  commit(seen: Tip, name: string, text: string, author: Author, deadline: Deadline): Promise<Outcome<string>>;
  /** push sends a commit, if the branch is still what the commit was made on: never forced. Undefined means that it was taken. */
  push(commit: string, deadline: Deadline, dryRun?: boolean): Promise<Outcome<Refusal | undefined>>;
}

/** isRefusal tells why git could not from what it gave. */
export const isRefusal = (value: Tip | Refusal): value is Refusal => 'kind' in value;

const largestFile = 1_000_000;

const tried = 'work on a copy of the branch of the state';

/** own is git's answer where nothing but this machine is asked: it does not fail, unless the machine does. */
const own = async (git: Git, argv: readonly string[], deadline: Deadline, input?: string): Promise<Outcome<string>> => {
  const answered = await git.run({ argv, ...(input === undefined ? {} : { input }) }, deadline);
  if (!answered.ok) return answered;
  if (answered.value.code === 0) return done(answered.value.stdout);
  return failed({ category: 'platform', reason: `git ${argv[0] ?? ''} failed on this machine with exit code ${answered.value.code}`, tried, answer: { message: answered.value.stderr.trim().slice(0, 300) } });
};

const entryPattern = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)$/s;

/** entriesOf reads what `ls-tree -z -l` prints. */
export const entriesOf = (listing: string): readonly Entry[] =>
  listing.split('\0').flatMap((line) => {
    const [, mode, kind, id, size, name] = entryPattern.exec(line) ?? [];
    return mode === undefined || kind === undefined || id === undefined || name === undefined ? [] : [{ mode, kind, id, size: Number(size === '-' ? 0 : size), name }];
  });

const blobName = (text: string, length: number): string => {
  const bytes = Buffer.from(text);
  return createHash(length === 64 ? 'sha256' : 'sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
};

const tipOf = (stdout: string, ref: string): string | undefined =>
  stdout.split('\n').find((line) => line.endsWith(`\t${ref}`))?.split('\t')[0];

const local = 'refs/sluice/tip';

/** identity is who git names in a commit; a CI's own settings of the address win. */
const identity = (name: string, environment: Readonly<Record<string, string>>): readonly string[] => {
  const address = environment['GIT_COMMITTER_EMAIL'] ?? environment['GIT_AUTHOR_EMAIL'] ?? 'sluice@localhost';
  return ['-c', `user.name=${name}`, '-c', `user.email=${address}`];
};

/** branchOf is the branch `name` of the repository that `git` knows as `state`. */
export const branchOf = (git: Git, name: string, environment: Readonly<Record<string, string>>): Branch => {
  const ref = `refs/heads/${name}`;
  /** have is the commit whose objects are here. */
  let have: string | undefined;

  const remote = async (argv: readonly string[], deadline: Deadline): Promise<Outcome<CommandAnswer>> => git.run({ argv }, deadline);

  const fetch = async (deadline: Deadline): Promise<Outcome<Refusal | undefined>> => {
    const fetched = await remote(['fetch', '--quiet', '--no-tags', '--depth=1', 'state', `+${ref}:${local}`], deadline);
    if (!fetched.ok) return fetched;
    const refusal = refusalOf(fetched.value);
    if (refusal !== undefined) return done(refusal);
    const at = await own(git, ['rev-parse', '--verify', '--quiet', `${local}^{commit}`], deadline);
    if (!at.ok) return at;
    have = at.value.trim();
    return done(undefined);
  };

  const look: Branch['look'] = async (deadline) => {
    const listed = await remote(['ls-remote', 'state', ref], deadline);
    if (!listed.ok) return listed;
    const refusal = refusalOf(listed.value);
    if (refusal !== undefined) return done(refusal);
    const commit = tipOf(listed.value.stdout, ref);
    if (commit === undefined) return done({ entries: [] });
    if (have !== commit) {
      const fetched = await fetch(deadline);
      if (!fetched.ok) return fetched;
      if (fetched.value !== undefined) return done(fetched.value);
    }
    const at = have ?? commit;
    const tree = await own(git, ['ls-tree', '-z', '-l', at], deadline);
    return tree.ok ? done({ commit: at, entries: entriesOf(tree.value) }) : tree;
  };

  const text: Branch['text'] = async ({ id, size, name: file, mode, kind }, deadline) => {
    const wrong = (reason: string): Outcome<never> => failed({ category: 'input', reason, tried: `read ${file} on the branch ${name}`, hint: 'Find out who changed it, and restore it from the history of the branch.' });
    if (kind !== 'blob' || !mode.startsWith('100')) return wrong('the stored record is not a file');
    if (size > largestFile) return wrong(`the record has ${size} bytes, more than ${largestFile}`);
    const read = await own(git, ['cat-file', 'blob', id], deadline);
    if (!read.ok) return read;
    return blobName(read.value, id.length) === id ? read : wrong('the stored record is not UTF-8 text');
  };

  const commit: Branch['commit'] = async (seen, file, content, author, deadline) => {
    const blob = await own(git, ['hash-object', '-w', '--stdin'], deadline, content);
    if (!blob.ok) return blob;
    const others = seen.entries.filter((entry) => entry.name !== file).map(({ mode, kind, id, name: other }) => `${mode} ${kind} ${id}\t${other}\0`);
    const tree = await own(git, ['mktree', '-z', '--missing'], deadline, [...others, `100644 blob ${blob.value.trim()}\t${file}\0`].join(''));
    if (!tree.ok) return tree;
    const parent = seen.commit === undefined ? [] : ['-p', seen.commit];
    const made = await own(git, [...identity(author.name, environment), 'commit-tree', tree.value.trim(), ...parent, '-F', '-'], deadline, author.message);
    return made.ok ? done(made.value.trim()) : made;
  };

  return {
    look,
    text,
    commit,
    push: async (made, deadline, dryRun = false) => {
      const pushed = await remote(['push', '--porcelain', '--no-verify', ...(dryRun ? ['--dry-run'] : []), 'state', `${made}:${ref}`], deadline);
      if (!pushed.ok) return pushed;
      const refusal = refusalOf(pushed.value);
      if (refusal === undefined && !dryRun) have = made;
      return done(refusal);
    },
  };
};
