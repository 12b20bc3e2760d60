import { lstat } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { clause, done, failed, fileErrorCode, readConfig, readFileText, type Application, type Config, type EnvironmentConfig, type Outcome, type Project, type StepContext } from '@sluice/core';
import type { DiffSide } from '@sluice/report';
import type { Repository } from './diff-git.ts';
import type { Side } from './diff-sides.ts';

/** Revision is a project as one side has it. */
export interface Revision {
  readonly shown: DiffSide;
  /** config is that side's own sluice.yml, else the present one. */
  readonly config: Config;
  /** only is the one application that a side is, where it is a file: whatever path is asked for. */
  readonly only?: string;
  /** read reads a source; undefined where it is not there. */
  read(environment: EnvironmentConfig, path: string): Promise<Outcome<Application | undefined>>;
  close(): Promise<void>;
}

const nothingToClose = (): Promise<void> => Promise.resolve();

const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error;
    return false;
  }
};

/** staysInside tells paths that lead to no other folder. */
const staysInside = (path: string): boolean => {
  const normal = posix.normalize(path.replaceAll('\\', '/'));
  return !posix.isAbsolute(normal) && normal !== '..' && !normal.startsWith('../');
};

const readBelow = async (context: StepContext, folder: string, environment: EnvironmentConfig, path: string, shownAs: string): Promise<Outcome<Application | undefined>> => {
  if (!staysInside(path)) return failed({ category: 'input', reason: `the source ${path} lies outside the folder of ${shownAs}`, tried: 'find the source', hint: 'Put the source beside sluice.yml or below it.' });
  if (!(await exists(join(folder, path)))) return done(undefined);
  const text = await readFileText(join(folder, path), path);
  return text.ok ? done(await context.parseFile(environment, { path, folder, text: text.value })) : text;
};

const ofTree = (context: StepContext, shown: DiffSide): Revision => ({
  shown,
  config: context.project.config,
  read: (environment, path) => readBelow(context, context.project.folder, environment, path, context.project.file),
  close: nothingToClose,
});

const ofFile = (context: StepContext, shown: DiffSide, path: string): Revision => ({
  shown,
  config: context.project.config,
  only: shown.name,
  read: async (environment) => {
    const text = await readFileText(path, shown.name);
    return text.ok ? done(await context.parseFile(environment, { path: shown.name, folder: context.project.folder, text: text.value })) : text;
  },
  close: nothingToClose,
});

/** isBare tells a project that is a source file alone. */
const isBare = ({ folder, config, file }: Project, working: string): boolean => resolve(folder, config.source) === resolve(working, file);

/** configThen is sluice.yml as a commit has it. One that this Sluice cannot read any more gives way to the present one, which is said. */
const configThen = async ({ project, host }: StepContext, folder: string, shown: DiffSide): Promise<Config> => {
  const file = join(folder, basename(project.file));
  if (isBare(project, host.folder) || !(await exists(file))) return project.config;
  const text = await readFileText(file, project.file);
  const read = text.ok ? readConfig(project.file, text.value, folder) : text;
  if (read.ok) return read.value.config;
  host.warn(`${project.file} of ${shown.name} cannot be read, so the paths of the present one are used: ${clause(read.problem.reason)}`);
  return project.config;
};

const ofCommit = async (context: StepContext, repository: Repository, shown: DiffSide, commit: string): Promise<Outcome<Revision>> => {
  const { project } = context;
  const checkout = await repository.checkout(commit);
  if (!checkout.ok) return checkout;
  const { folder, write, remove } = checkout.value;
  const written = await write(basename(project.file));
  if (!written.ok) {
    await remove();
    return written;
  }
  return done({
    shown,
    config: await configThen(context, folder, shown),
    read: async (environment, path) => {
      const files = await write(staysInside(path) && environment.agentrun === undefined ? posix.normalize(path) : undefined);
      return files.ok ? readBelow(context, folder, environment, path, `${project.file} of ${shown.name}`) : files;
    },
    close: remove,
  });
};

/** openRevision opens a side; `running` is none of files, and nothing has no sources. */
export const openRevision = async (context: StepContext, repository: () => Promise<Outcome<Repository>>, side: Side): Promise<Outcome<Revision>> => {
  const { shown } = side;
  switch (side.kind) {
    case 'tree':
      return done(ofTree(context, shown));
    case 'file':
      return done(ofFile(context, shown, side.path));
    case 'nothing':
    case 'running':
      return done({ shown, config: context.project.config, read: () => Promise.resolve(done(undefined)), close: nothingToClose });
    case 'commit': {
      const opened = await repository();
      return opened.ok ? ofCommit(context, opened.value, shown, side.commit) : opened;
    }
  }
};
