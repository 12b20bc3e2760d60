import { spawn, type ChildProcess } from 'node:child_process';
import type { CommandAnswer, CommandRequest, CommandRunner } from './command.ts';
import { done, failed, type Outcome } from './outcome.ts';

/** CommandSurroundings are what every program sees of the environment beside what its request names. */
export interface CommandSurroundings {
  readonly path: string;
  readonly home: string;
}

const outputLimit = 1024 * 1024;
const killAfterMs = 5000;

/** killGroup signals a program and everything it started; a group that has ended already needs nothing. */
const killGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};

/** limited gathers a stream's text up to the limit and drops the rest, so that a chatty program cannot fill the memory. */
const limited = (): { add(chunk: Buffer): void; text(): string } => {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      if (size < outputLimit) chunks.push(chunk.subarray(0, outputLimit - size));
      size += chunk.length;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
};

const startProblem = (argv: readonly string[], code: string | undefined): Outcome<never> =>
  failed({
    category: 'input',
    reason: code === 'ENOENT' ? `the program ${argv[0] ?? ''} was not found` : `the program ${argv[0] ?? ''} did not start (${code ?? 'unknown cause'})`,
    tried: `run ${argv.join(' ')}`,
    hint: 'Install it on this machine, or write its full path in sluice.yml.',
  });

/** createCommandRunner runs programs in a process group of their own, without a shell, and ends the whole group at the deadline. */
export const createCommandRunner = ({ path, home }: CommandSurroundings): CommandRunner => ({
  run: (request: CommandRequest, signal?: AbortSignal) =>
    new Promise<Outcome<CommandAnswer>>((resolve) => {
      const [program = '', ...options] = request.argv;
      const child = spawn(program, options, {
        cwd: request.folder,
        env: { PATH: path, HOME: home, ...request.environment },
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const [stdout, stderr] = [limited(), limited()];
      let ended: 'deadline' | 'signal' | undefined;
      let killer: NodeJS.Timeout | undefined;
      const end = (why: 'deadline' | 'signal'): void => {
        ended ??= why;
        killGroup(child, 'SIGTERM');
        killer ??= setTimeout(() => killGroup(child, 'SIGKILL'), killAfterMs);
      };
      const onSignal = (): void => end('signal');
      const deadline = setTimeout(() => end('deadline'), request.deadlineMs);
      signal?.addEventListener('abort', onSignal, { once: true });
      if (signal?.aborted === true) onSignal();
      const settle = (outcome: Outcome<CommandAnswer>): void => {
        clearTimeout(deadline);
        clearTimeout(killer);
        signal?.removeEventListener('abort', onSignal);
        resolve(outcome);
      };
      child.stdout.on('data', stdout.add);
      child.stderr.on('data', stderr.add);
      // A program that does not read its input closes the pipe; how it ends says the rest.
      child.stdin.on('error', () => undefined);
      child.stdin.end(request.input ?? '');
      child.once('error', (error: NodeJS.ErrnoException) => settle(startProblem(request.argv, error.code)));
      child.once('close', (code) => {
        const tried = `run ${request.argv.join(' ')}`;
        if (ended === undefined) settle(done({ code: code ?? -1, stdout: stdout.text(), stderr: stderr.text() }));
        else if (ended === 'signal') settle(failed({ category: 'cancelled', reason: `${program} was ended because the run was`, tried }));
        else settle(failed({ category: 'timeout', reason: `${program} did not end within ${request.deadlineMs / 1000} s`, tried, hint: stderr.text().trim().split('\n').at(-1) ?? '' }));
      });
    }),
});
