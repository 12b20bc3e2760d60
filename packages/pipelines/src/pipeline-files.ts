import { access, readdir, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, posix, relative, sep } from 'node:path';
import { fileErrorCode, readFileText } from '@sluice/core';
import { localIncludes } from './gitlab-includes.ts';
import { localUses } from './github-calls.ts';
import { fixedPlaces, isWorkflow, workflowFolder, type Kind } from './kind.ts';

/** PipelineFile is a file of a CI system in the user's repository. */
export interface PipelineFile {
  readonly kind: Kind;
  /** path is written as the path of sluice.yml is, with `/` everywhere. */
  readonly path: string;
  readonly text: string;
  /** beside are files of the same repository that belong to it: what a GitLab pipeline includes, what a workflow of GitHub calls. */
  readonly beside?: readonly Neighbour[];
}

/** Neighbour is a file by its path from the root of the repository. */
export interface Neighbour {
  readonly at: string;
  readonly text: string;
}

/** mostFiles and mostBytes keep a folder full of generated files from taking a validate's minute. */
const mostFiles = 200;
const mostBytes = 1024 * 1024;
const mostTogether = 8 * 1024 * 1024;
const mostParents = 40;

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (fileErrorCode(error) !== undefined) return false;
    throw error;
  }
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    // Most repositories have workflows of one system only.
    if (fileErrorCode(error) !== undefined) return [];
    throw error;
  }
};

/** repositoryOf is the folder at or above `folder` that Git works in; `folder` itself where there is none. */
const repositoryOf = async (folder: string): Promise<string> => {
  let here = folder;
  for (let step = 0; step < mostParents; step += 1) {
    if (await exists(join(here, '.git'))) return here;
    if (dirname(here) === here) break;
    here = dirname(here);
  }
  return folder;
};

/** Reader reads a file below the root of the repository; undefined where there is none that it may read. */
type Reader = (at: string) => Promise<string | undefined>;

/** readerBelow reads each file once, and together no more than 200 files and 8 MiB. A link may not lead out of the repository. */
const readerBelow = async (root: string): Promise<Reader> => {
  const real = await realpath(root);
  const read = new Map<string, Promise<string | undefined>>();
  let [files, bytes] = [0, 0];
  const load = async (at: string): Promise<string | undefined> => {
    const path = join(root, at);
    if (!(await exists(path))) return undefined;
    files += 1;
    if (files > mostFiles || !isBelow(real, await realpath(path))) return undefined;
    const text = await readFileText(path, at, Math.min(mostBytes, mostTogether - bytes));
    if (!text.ok) return undefined;
    bytes += Buffer.byteLength(text.value);
    return text.value;
  };
  return (at) => {
    const before = read.get(at) ?? load(at);
    read.set(at, before);
    return before;
  };
};

const isBelow = (folder: string, path: string): boolean => {
  const inside = relative(folder, path);
  return inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
};

/** fits says whether a name is of a pattern with stars; each part is looked for once, where an expression would try every place of each. */
export const fits = (name: string, pattern: string): boolean => {
  const [first = '', ...rest] = pattern.split(/\*+/);
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + last.length <= name.length;
};

/** matching are the files of a pattern whose last part may have stars, by their paths from the root. */
const matching = async (root: string, pattern: string): Promise<readonly string[]> => {
  const at = posix.normalize(pattern.replace(/^\/+/, ''));
  const [folder, name] = [posix.dirname(at), posix.basename(at)];
  if (at.startsWith('..') || folder.includes('*')) return [];
  if (!name.includes('*')) return [at];
  return (await namesIn(join(root, folder))).filter((one) => fits(one, name)).map((one) => posix.join(folder, one));
};

/** withNamed are files with all that they name, what those name, and so on. */
const withNamed = async (first: readonly Neighbour[], named: (text: string) => readonly string[], root: string, read: Reader): Promise<readonly Neighbour[]> => {
  const found = new Map(first.map((one) => [one.at, one]));
  // A map that grows while it is walked is walked to its end.
  for (const { text } of found.values()) {
    for (const pattern of named(text)) {
      for (const at of await matching(root, pattern)) {
        const inner = found.has(at) ? undefined : await read(at);
        if (inner !== undefined) found.set(at, { at, text: inner });
      }
    }
  }
  return [...found.values()];
};

interface Candidate {
  readonly kind: Kind;
  readonly at: string;
}

const candidatesIn = async (root: string, place: string): Promise<readonly Candidate[]> => {
  const below = (...parts: readonly string[]): string => relative(root, join(place, ...parts)).replaceAll('\\', '/');
  return [
    ...(await namesIn(join(place, workflowFolder))).filter(isWorkflow).map((name) => ({ kind: 'github' as const, at: below(workflowFolder, name) })),
    ...Object.entries(fixedPlaces).map(([name, kind]) => ({ kind, at: below(name) })),
  ];
};

/** others are the files that belong to one, without itself. */
const others = (all: readonly Neighbour[], at: string): { beside?: readonly Neighbour[] } => {
  const beside = all.filter((one) => one.at !== at);
  return beside.length === 0 ? {} : { beside };
};

/**
 * pipelineFiles reads the CI files of the repository around a project, and those in the project's own folder, with the files
 * of the repository that they include or call. `folder` is absolute; `shown` is that folder as the user writes it, '' for the
 * one he stands in. At most 200 files of at most 1 MiB, together 8 MiB; a file that cannot be read is none of ours to judge
 * and is left out.
 */
export const pipelineFiles = async (folder: string, shown: string): Promise<readonly PipelineFile[]> => {
  const root = await repositoryOf(folder);
  const read = await readerBelow(root);
  const candidates = (await Promise.all([...new Set([root, folder])].map((place) => candidatesIn(root, place)))).flat();
  const path = (at: string): string => join(shown, relative(folder, join(root, at))).replaceAll('\\', '/');
  const present: (Candidate & Neighbour)[] = [];
  for (const candidate of candidates) {
    const text = await read(candidate.at);
    if (text !== undefined) present.push({ ...candidate, text });
  }
  const found: PipelineFile[] = [];
  const actions = await withNamed(present.filter(({ kind }) => kind === 'github'), localUses, root, read);
  for (const { at, text } of actions) found.push({ kind: 'github', path: path(at), text, ...others(actions, at) });
  for (const one of present.filter(({ kind }) => kind === 'gitlab')) {
    const pipeline = await withNamed([one], localIncludes, root, read);
    for (const { at, text } of pipeline) found.push({ kind: 'gitlab', path: path(at), text, ...others(pipeline, at) });
  }
  for (const { kind, at, text } of present) if (kind !== 'github' && kind !== 'gitlab') found.push({ kind, path: path(at), text });
  return found;
};
