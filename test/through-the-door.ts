import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { enter } from '../packages/cli/src/door.ts';
import { repository, sluice, type Ended, type RunOptions } from './sluice-process.ts';

/** Told is what a run has said, its exit code, and its result document. */
export interface Told {
  readonly code: number | null;
  readonly said: string;
  readonly document: string;
}

const sources = join(repository, 'packages');

/** laterParts are the modules that Sluice loads when it needs them, by their own paths or names. */
const laterParts = async (): Promise<ReadonlySet<string>> => {
  const names = (await readdir(sources, { recursive: true })).filter((name) => /^[^/]+\/src\/.*\.ts$/.test(name));
  const parts = await Promise.all(names.map(async (name) => {
    const text = await readFile(join(sources, name), 'utf8');
    return [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, path = '']) => (path.startsWith('.') ? join(sources, name, '..', path) : path));
  }));
  return new Set(parts.flat());
};

/** loadAll loads them one after the other: Jest's loader fails when two runs load the same one at the same time. */
const loadAll = async (): Promise<void> => {
  for (const part of await laterParts()) await import(part);
};

const started: Promise<void>[] = [];

/**
 * here runs one command line in this process, by the function that the bundle enters by, with streams, an environment and
 * a working directory of its own. It costs a tenth of the CPU time of a process; `sluice` runs the bundle itself.
 */
export const here = async (argv: readonly string[], { folder = repository, environment = {} }: Pick<RunOptions, 'folder' | 'environment'> = {}): Promise<Ended> => {
  if (started.length === 0) started.push(loadAll());
  await started[0];
  const begun = performance.now();
  const streamInto = (written: string[]) => ({ write: (text: string, done?: () => void) => (written.push(text), done?.(), true), on: () => undefined });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const nothing = (): void => undefined;
  const surroundings = { env: { ...environment }, stdout: streamInto(stdout), stderr: streamInto(stderr), on: nothing, off: nothing, exit: nothing, cwd: () => folder };
  const code = await enter(argv, surroundings as unknown as NodeJS.Process);
  return { code, stdout: stdout.join(''), stderr: stderr.join(''), durationMs: performance.now() - begun };
};

/** hereIfSo runs one command line here; with SLUICE_EVERY_PROCESS=1, or where the case is about a process, it is one of the bundle. */
export const hereIfSo: typeof sluice = (argv, options = {}) => {
  const { onStart, interruptAfterMs, closeStdout, node } = options;
  const isProcess = process.env['SLUICE_EVERY_PROCESS'] === '1' || [onStart, interruptAfterMs, closeStdout, node, options.environment?.['NODE_OPTIONS']].some((one) => one !== undefined);
  return isProcess ? sluice(argv, options) : here(argv, options);
};

/** everyEighth is how one of many alike cases is run: every eighth in a process of the bundle, the others here. */
export const everyEighth = (index: number): typeof sluice => (index % 8 === 0 ? sluice : hereIfSo);

/** throughTheDoor runs one command line here; results lie in `results`. */
export const throughTheDoor = async (argv: readonly string[], folder: string, environment: Readonly<Record<string, string>> = {}): Promise<Told> => {
  const { code, stdout, stderr } = await here(argv, { folder, environment: { SLUICE_RESULTS: join(folder, 'results'), NO_COLOR: '1', ...environment } });
  const name = (await readdir(join(folder, 'results'))).find((one) => one.endsWith(`-${argv[0] ?? ''}.json`));
  return { code, said: stdout + stderr, document: await readFile(join(folder, 'results', name ?? ''), 'utf8') };
};
