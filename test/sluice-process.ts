import { spawn } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';

/** repository is the folder of this checkout. */
export const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ended is how a run of the bundle ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** RunOptions change the surroundings of one run of the bundle. */
export interface RunOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  /** interruptAfterMs sends SIGINT. */
  readonly interruptAfterMs?: number;
  /** onStart is given a way to send a signal to the run. */
  readonly onStart?: (send: (signal: NodeJS.Signals) => void) => void;
  /** node is the program that runs the bundle; left out, it is the one that runs the tests. */
  readonly node?: string;
  /** closeStdout makes the reader of standard output go away at once. */
  readonly closeStdout?: boolean;
}

/** sluice runs `node dist/index.js` with nothing of this process's environment but PATH and HOME. */
export const sluice = (argv: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(options.node ?? process.execPath, [join(repository, 'dist', 'index.js'), ...argv], {
      cwd: options.folder ?? repository,
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
    if (options.closeStdout === true) child.stdout.destroy();
    child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
    const kill = setTimeout(() => child.kill('SIGKILL'), options.deadlineMs ?? 60_000);
    const interrupt = options.interruptAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGINT'), options.interruptAfterMs);
    options.onStart?.((signal) => child.kill(signal));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(kill);
      clearTimeout(interrupt);
      resolve({
        code,
        stdout: Buffer.concat(chunks.stdout).toString('utf8'),
        stderr: Buffer.concat(chunks.stderr).toString('utf8'),
        durationMs: performance.now() - started,
      });
    });
  });

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** project writes files into a new temporary folder, gives its path, and removes it after the tests of the file. */
export const project = async (files: Readonly<Record<string, string | Buffer>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
};
