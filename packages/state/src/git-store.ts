import { clause, done, failed, oneLine, type Clock, type CommandRunner, type EnvironmentRecord, type Outcome, type Problem, type StateStore, type Stored } from '@sluice/core';
import { contentHash, fileName } from './file-name.ts';
import type { SealOptions } from './folder-store.ts';
import { refusalProblem, type Refusal } from './git/answers.ts';
import { branchOf, isRefusal, type Branch, type Tip } from './git/branch.ts';
import { messageOf, type Who } from './git/message.ts';
import { deadlineIn, type Deadline } from './git/program.ts';
import { openRepository, type Repository } from './git/repository.ts';
import { remoteOf } from './git/remote.ts';

/** GitStoreOptions say which branch keeps the records, and how to get there. */
export interface GitStoreOptions extends SealOptions {
  /** address is the repository's; credentials in it go to git by its environment alone. */
  readonly address: string;
  readonly branch: string;
  /** credentials are for an http address; those of the user's own git are used when absent. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** environment is what git may see beside PATH and HOME, as where an ssh agent, a proxy or an authority is. */
  readonly environment: Readonly<Record<string, string>>;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly who: Who;
  /** rights are the lines to add on this CI so that the run may push to the branch. */
  readonly rights: string;
  /** redact hides the secrets of this run in what a commit says. */
  redact(text: string): string;
  /** callMs is the longest time of one call of git, and operationMs that of one read or write. */
  readonly callMs?: number;
  readonly operationMs?: number;
}

const defaultCallMs = 20_000;
const defaultOperationMs = 45_000;
/** mostRaces is how often a write begins anew because another file of the branch changed. */
const mostRaces = 20;
/** mostLost is how often a push is repeated after its answer was lost and the branch did not show it. */
const mostLost = 2;
const pauseMs = 150;

interface Opened {
  readonly repository: Repository;
  readonly branch: Branch;
}

/** Present is the record's file as it was seen. */
interface Present {
  readonly tip: Tip;
  readonly text: string | undefined;
}

/**
 * gitStore keeps one file for each application and environment on a branch of a git repository; every write is a
 * commit, and a push that is not forced is the lock: it is taken only while the branch is what the commit was made on.
 * It works in a bare repository of its own in a temporary folder, so the user's checkout is neither read nor written.
 * When the answer to a push is lost, the branch is read to find out whether it was taken.
 */
export const gitStore = (options: GitStoreOptions): StateStore => {
  const { branch: name, clock, who, rights, key } = options;
  const remote = remoteOf(options.address);
  const where = remote === undefined ? `the branch ${name}` : `the branch ${name} of ${remote.address}`;
  const password = options.credentials?.password ?? remote?.password;
  const username = options.credentials?.username ?? remote?.username ?? 'git';
  const environment = { ...options.environment, ...(password === undefined ? {} : { SLUICE_GIT_USERNAME: username, SLUICE_GIT_PASSWORD: password }) };
  let opened: Opened | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const open = async (deadline: Deadline): Promise<Outcome<Branch>> => {
    if (opened !== undefined) return done(opened.branch);
    if (remote === undefined) {
      return failed({ category: 'input', reason: 'the address of the repository for the state is none that git may use', tried: 'find the branch of the state', hint: 'Write https://host/path, ssh://host/path or host:path as `state.repository` in sluice.yml.' });
    }
    const credentials = password !== undefined && /^https?:/i.test(remote.address);
    const made = await openRepository({ address: remote.address, credentials, commands: options.commands, environment, callMs: options.callMs ?? defaultCallMs }, deadline);
    if (!made.ok) return made;
    opened = { repository: made.value, branch: branchOf(made.value.git, name, options.environment) };
    return done(opened.branch);
  };

  const drop = async (): Promise<void> => {
    const { repository } = opened ?? {};
    opened = undefined;
    await repository?.remove();
  };

  /** alone lets one operation after the other use the copy, each with a deadline; what did not end in time may have left it locked. */
  const alone = <T>(work: (branch: Branch, deadline: Deadline) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const next = last.then(async () => {
      const deadline = deadlineIn(clock, options.operationMs ?? defaultOperationMs);
      const branch = await open(deadline);
      const ended = branch.ok ? await work(branch.value, deadline) : branch;
      if (!ended.ok && ended.problem.category === 'timeout') await drop();
      return ended.ok || ended.problem.where !== undefined ? ended : failed({ ...ended.problem, where });
    });
    last = next.catch(() => undefined);
    return next;
  };

  const refused = (refusal: Refusal, tried: string): Outcome<never> => failed(refusalProblem(refusal, tried, where, rights));

  /** seen reads the branch; a reading that got no answer is repeated once. */
  const seen = async (branch: Branch, deadline: Deadline): Promise<Outcome<Tip>> => {
    const tried = 'read the branch of the state';
    for (let tries = 1; ; tries += 1) {
      const tip = await branch.look(deadline);
      if (!tip.ok) return tip;
      if (!isRefusal(tip.value)) return done(tip.value);
      // A branch that moved or went while it was fetched is looked at again, too.
      if (tip.value.kind !== 'unreachable' || tries === 2) return refused(tip.value, tried);
      await clock.sleep(pauseMs * 4 * clock.factor);
    }
  };

  const presentOf = async (branch: Branch, file: string, deadline: Deadline): Promise<Outcome<Present>> => {
    const tip = await seen(branch, deadline);
    if (!tip.ok) return tip;
    const entry = tip.value.entries.find((one) => one.name === file);
    if (entry === undefined) return done({ tip: tip.value, text: undefined });
    const text = await branch.text(entry, deadline);
    return text.ok ? done({ tip: tip.value, text: text.value }) : text;
  };

  const read = (application: string, environmentName: string): Promise<Outcome<Stored | undefined>> =>
    alone(async (branch, deadline) => {
      const present = await presentOf(branch, fileName(application, environmentName), deadline);
      if (!present.ok || present.value.text === undefined) return present.ok ? done(undefined) : present;
      const { readRecord } = await import('./record-shape.ts');
      const found = readRecord(present.value.text, application, environmentName, key);
      return found.ok ? done({ record: found.value.record, revision: contentHash(present.value.text) }) : found;
    });

  const lostProblem = (lost: Problem, why: Problem): Problem => ({ ...lost, reason: `${clause(lost.reason)}; whether the record was written is not known: ${clause(why.reason)}` });

  const write = (record: EnvironmentRecord, revision: string | undefined): Promise<Outcome<string>> =>
    alone(async (branch, deadline) => {
      const { changedBySomebody, readRecord, recordText } = await import('./record-shape.ts');
      const file = fileName(record.application, record.environment);
      let text: string | undefined;
      let message = '';
      let lost: Problem | undefined;
      let losses = 0;
      for (let tries = 1; ; tries += 1) {
        const present = await presentOf(branch, file, deadline);
        if (!present.ok) return lost === undefined ? present : failed(lostProblem(lost, present.problem));
        // No two writes have the same text, so this one is there: the push was taken, and only its answer was lost.
        if (text !== undefined && present.value.text === text) return done(contentHash(text));
        if ((present.value.text === undefined ? undefined : contentHash(present.value.text)) !== revision) return failed(changedBySomebody(record, where));
        if (text === undefined) {
          const before = present.value.text === undefined ? undefined : readRecord(present.value.text, record.application, record.environment, key);
          if (before?.ok === false) return before;
          const made = recordText(record, before?.value.link, key);
          if (!made.ok) return made;
          text = made.value;
          message = options.redact(messageOf(before?.value.record, record, who));
        }
        const author = { name: authorName(options.redact(who.actor)), message };
        const commit = await branch.commit(present.value.tip, file, text, author, deadline);
        if (!commit.ok) return commit;
        const pushed = await branch.push(commit.value, deadline);
        if (pushed.ok && pushed.value === undefined) return done(contentHash(text));
        const raced = pushed.ok && pushed.value?.kind === 'raced';
        if (pushed.ok && pushed.value !== undefined && !raced && pushed.value.kind !== 'unreachable') return refused(pushed.value, 'push a record');
        if (!raced) {
          lost = pushed.ok ? refusalProblem({ kind: 'unreachable', said: pushed.value?.said ?? '' }, 'push a record', where, rights) : pushed.problem;
          losses += 1;
        }
        if (tries === mostRaces || losses > mostLost) return failed(lost ?? refusalProblem({ kind: 'raced', said: '' }, 'push a record', where, rights));
        // Writers that were refused together must not come back together.
        await clock.sleep((pauseMs + Math.random() * pauseMs * tries) * clock.factor);
      }
    });

  const prove = (): Promise<Outcome<void>> =>
    alone(async (branch, deadline) => {
      const tip = await seen(branch, deadline);
      if (!tip.ok) return tip;
      const commit = tip.value.commit === undefined ? await branch.commit({ entries: [] }, 'proof', 'proof\n', { name: 'Sluice', message: 'proof\n' }, deadline) : done(tip.value.commit);
      if (!commit.ok) return commit;
      const pushed = await branch.push(commit.value, deadline, true);
      if (!pushed.ok) return pushed;
      // A branch that moved meanwhile can be pushed to.
      return pushed.value === undefined || pushed.value.kind === 'raced' ? done(undefined) : refused(pushed.value, 'prove that records can be pushed');
    });

  return {
    where,
    prove,
    read,
    write,
    close: async () => {
      await last;
      await drop();
    },
  };
};

/** authorName is a name that git takes: it refuses one without a letter and leaves out angle brackets. */
const authorName = (actor: string): string => {
  const name = oneLine(actor.replaceAll(/[<>]/g, ''), 100);
  return /[\p{L}\p{N}]/u.test(name) ? name : 'Sluice';
};
