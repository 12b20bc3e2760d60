import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { enter } from '../packages/cli/src/door.ts';

/** Told is what a run has said, its exit code, and its result document. */
export interface Told {
  readonly code: number | null;
  readonly said: string;
  readonly document: string;
}

/** throughTheDoor runs one command line in this process, by the function that the bundle enters by, with a terminal and an environment of its own; results lie in `results`. */
export const throughTheDoor = async (argv: readonly string[], folder: string, environment: Readonly<Record<string, string>> = {}): Promise<Told> => {
  const written: string[] = [];
  const stream = { write: (text: string, done?: () => void) => (written.push(text), done?.(), true), on: () => undefined };
  const nothing = (): void => undefined;
  const surroundings = { env: { SLUICE_RESULTS: join(folder, 'results'), NO_COLOR: '1', ...environment }, stdout: stream, stderr: stream, on: nothing, off: nothing, exit: nothing, cwd: () => folder };
  const code = await enter(argv, surroundings as unknown as NodeJS.Process);
  const name = (await readdir(join(folder, 'results'))).find((one) => one.endsWith(`-${argv[0] ?? ''}.json`));
  return { code, said: written.join(''), document: await readFile(join(folder, 'results', name ?? ''), 'utf8') };
};
