import { resolve } from 'node:path';
import { clause, done, failed, fileErrorCode, oneLine, type Host, type Outcome, type StepContext } from '@sluice/core';
import type { DiffSide } from '@sluice/report';
import { stat } from 'node:fs/promises';
import { cloneHints, mergeBaseHint } from './diff-clone-hints.ts';
import type { Repository } from './diff-git.ts';

/** Side is one of the two things that are compared, found. */
export type Side =
  | { readonly kind: 'tree'; readonly shown: DiffSide }
  | { readonly kind: 'running'; readonly shown: DiffSide }
  | { readonly kind: 'file'; readonly shown: DiffSide; readonly path: string }
  | { readonly kind: 'commit'; readonly shown: DiffSide; readonly commit: string }
  | { readonly kind: 'nothing'; readonly shown: DiffSide };

/** tree is the side of the working tree. */
export const tree: Side = { kind: 'tree', shown: { name: 'the working tree' } };

/** Sides is what finding a side takes; git is asked when a side needs it, once. */
export interface Sides {
  readonly context: StepContext;
  repository(): Promise<Outcome<Repository>>;
}

const refused = (reason: string, hint: string): Outcome<never> => failed({ category: 'input', reason, tried: 'find what to compare', hint });

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (fileErrorCode(error) !== undefined) return false;
    throw error;
  }
};

const absent = (what: string, { shallow }: Repository, host: Host['name']): Outcome<never> =>
  refused(`${what} is not in this clone${shallow ? ', which is a shallow one' : ''}`, shallow || host !== 'terminal' ? cloneHints[host] : `Check the name. ${cloneHints.terminal}`);

const commitSide = (name: string, commit: string, why?: string): Side => ({ kind: 'commit', commit, shown: { name, commit, ...(why === undefined ? {} : { why }) } });

/** left is the side of the commit where HEAD left a branch. */
const left = async ({ context }: Sides, repository: Repository, name: string): Promise<Outcome<Side>> => {
  const { host } = context;
  const tip = await repository.commitOf(name);
  if (!tip.ok) return tip;
  if (tip.value === undefined) return absent(oneLine(name, 100), repository, host.name);
  const base = await repository.mergeBase([tip.value]);
  if (!base.ok) return base;
  if (base.value === undefined) return absent(`a commit that HEAD has in common with ${oneLine(name, 100)}`, repository, host.name);
  return done(commitSide(name, base.value, `where HEAD left ${oneLine(name, 100)}`));
};

/** namedSide is the side that a person named: `source`, `running`, a git ref, one with `...` behind it, or a file. A ref wins over a file of its name. */
export const namedSide = async (sides: Sides, given: string): Promise<Outcome<Side>> => {
  if (given === 'source') return done(tree);
  if (given === 'running') return done({ kind: 'running', shown: { name: 'what runs' } });
  const path = resolve(sides.context.host.folder, given);
  const file: Side = { kind: 'file', path, shown: { name: given } };
  const repository = await sides.repository();
  if (!repository.ok) return (await isFile(path)) ? done(file) : repository;
  if (given.endsWith('...')) return left(sides, repository.value, given.slice(0, -3));
  const commit = await repository.value.commitOf(given);
  if (!commit.ok) return commit;
  if (commit.value !== undefined) return done(commitSide(given, commit.value));
  if (await isFile(path)) return done(file);
  const { shallow } = repository.value;
  const { name } = sides.context.host;
  return refused(
    `${oneLine(given, 100)} is neither a commit of this clone nor a file`,
    shallow || name !== 'terminal' ? `The clone ${shallow ? 'is a shallow one' : 'may not have that branch'}. ${cloneHints[name]}` : `Check the name. ${cloneHints.terminal}`,
  );
};

/** mergedInto is the commit that a checked-out merge of a change merges it into: the CI made the merge, and HEAD is it. */
const mergedInto = async (repository: Repository, head: string | undefined): Promise<Outcome<string | undefined>> => {
  if (head === undefined) return done(undefined);
  const now = await repository.commitOf('HEAD');
  if (!now.ok || now.value === undefined) return now;
  const parents = await repository.parentsOf(now.value);
  if (!parents.ok) return parents;
  const [first, second] = parents.value;
  return done(second !== undefined && second.startsWith(head) ? first : undefined);
};

/** requestSide is the base of a pull request, as its reviewer sees it. */
const requestSide = async ({ context }: Sides, repository: Repository): Promise<Outcome<Side>> => {
  const { host } = context;
  const { base, head } = host.context.pullRequest ?? {};
  const into = await mergedInto(repository, head);
  if (!into.ok) return into;
  const name = base === undefined || base.branch === '' ? 'the base' : base.branch;
  if (into.value !== undefined) {
    const here = await repository.commitOf(into.value);
    if (!here.ok) return here;
    return here.value === undefined ? absent(`the base of this pull request, ${into.value.slice(0, 12)},`, repository, host.name) : done(commitSide(name, here.value, 'what the pull request is merged into'));
  }
  if (base === undefined) return refused('this CI does not tell the base of the pull request', mergeBaseHint);
  const known: string[] = [];
  for (const one of [`refs/remotes/origin/${base.branch}`, base.commit]) {
    const commit = await repository.commitOf(one);
    if (!commit.ok) return commit;
    if (commit.value !== undefined) known.push(commit.value);
  }
  const found = known.length === 0 ? done(undefined) : await repository.mergeBase(known);
  if (!found.ok) return found;
  if (found.value === undefined) return absent(`the base of this pull request${base.branch === '' ? '' : `, ${oneLine(base.branch, 100)},`}`, repository, host.name);
  return done(commitSide(name, found.value, 'where the pull request began'));
};

const beforeHead = async (sides: Sides, repository: Repository, head: string): Promise<Outcome<Side>> => {
  const parents = await repository.parentsOf(head);
  if (!parents.ok) return parents;
  const [first] = parents.value;
  if (first === undefined) return done({ kind: 'nothing', shown: { name: 'nothing', why: 'HEAD is the first commit' } });
  const here = await repository.commitOf(first);
  if (!here.ok) return here;
  return here.value === undefined ? absent('the commit before HEAD', repository, sides.context.host.name) : done(commitSide('HEAD~1', here.value, 'the commit before'));
};

/**
 * usualSides are the sides that `from` may stand for when nobody names it, the first that differs from `to` being meant: the
 * base on a pull request; else HEAD, and the commit before it where the working tree is HEAD.
 */
export const usualSides = async (sides: Sides): Promise<Outcome<readonly (() => Promise<Outcome<Side>>)[]>> => {
  const repository = await sides.repository();
  if (!repository.ok) return failed({ ...repository.problem, reason: clause(repository.problem.reason) });
  if (sides.context.host.context.pullRequest !== undefined) return done([() => requestSide(sides, repository.value)]);
  const head = await repository.value.commitOf('HEAD');
  if (!head.ok) return head;
  const { value } = head;
  if (value === undefined) return done([() => Promise.resolve(done<Side>({ kind: 'nothing', shown: { name: 'nothing', why: 'there is no commit yet' } }))]);
  return done([() => Promise.resolve(done(commitSide('HEAD', value, 'the newest commit'))), () => beforeHead(sides, repository.value, value)]);
};
