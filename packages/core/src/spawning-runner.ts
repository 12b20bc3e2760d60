import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createAbort, onAbort, type Abort } from './abort.ts';
import { boundedOutput } from './bounded-output.ts';
import { systemClock, type Clock } from './clock.ts';
import type { CommandAnswer, CommandRequest, CommandRunner } from './command.ts';
import type { CommandSurroundings } from './command-runner.ts';
import { durationText } from './config/duration.ts';
import { errorField } from './error-fields.ts';
import { done, failed, type Outcome } from './outcome.ts';
import type { Problem } from './problem.ts';
import { oneLine } from './text/one-line.ts';

const outputLimit = 1024 * 1024;

/** killAfterMs is how long a program may take to end by itself once it was asked to. */
const killAfterMs = 5000;

/** closeAfterMs is how long output is still read when the program has ended and something that it started holds its pipes. */
const closeAfterMs = 1000;

/** ownSignalAfterMs is how long a signal to this run may come after the one that ended its program: Jenkins signals the youngest process first. */
const ownSignalAfterMs = 1000;

/** askedToEnd tells that somebody asked a program to end: by the signal itself, or by the exit code with which shells and git pass it on. */
const askedToEnd = (code: number | null, signal: NodeJS.Signals | null): boolean =>
  code === null ? signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP' : code === 143 || code === 130;

/** killGroup signals a program and everything it started; what has ended already, or changed its user, cannot be signalled. */
const killGroup = (child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    const code = errorField(error, 'code');
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
};

const startProblem = (request: CommandRequest, code: string | undefined): Problem => {
  const program = oneLine(request.argv[0] ?? '', 100);
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: `the program ${program} was not found${request.folder === undefined ? '' : `, or the folder ${request.folder} is not there`}`,
    EACCES: `the program ${program} may not be run by this user`,
    ERR_INVALID_ARG_VALUE: `the command line of ${program} has a character that no command line may have`,
  };
  return {
    category: 'input',
    reason: reasons[code ?? ''] ?? `the program ${program} did not start (${code ?? 'unknown cause'})`,
    tried: `run ${oneLine(request.argv.join(' '), 200)}`,
    hint: 'Install it on this machine, or write its full path in sluice.yml.',
  };
};

const start = (request: CommandRequest, { path, home }: CommandSurroundings): Outcome<ChildProcessWithoutNullStreams> => {
  const [program, ...options] = request.argv;
  if (program === undefined || program === '') {
    return failed({ category: 'input', reason: 'the command names no program', tried: 'run a command', hint: 'Write it as a list: the program, then its arguments.' });
  }
  try {
    const env = { PATH: path, HOME: home, ...request.environment };
    return done(spawn(program, options, { ...(request.folder === undefined ? {} : { cwd: request.folder }), env, detached: true }));
  } catch (error) {
    const code = errorField(error, 'code');
    if (code === undefined) throw error;
    return failed(startProblem(request, code));
  }
};

const cancelledProblem = (request: CommandRequest): Problem => ({
  category: 'cancelled',
  reason: `${oneLine(request.argv[0] ?? '', 100)} was ended because the run was cancelled`,
  tried: `run ${oneLine(request.argv.join(' '), 200)}`,
});

const endedProblem = (request: CommandRequest, abort: Abort, stderr: string): Problem => {
  if (abort.ended() === 'cancelled') return cancelledProblem(request);
  const program = oneLine(request.argv[0] ?? '', 100);
  const tried = `run ${oneLine(request.argv.join(' '), 200)}`;
  const last = oneLine(stderr.trimEnd().split('\n').at(-1) ?? '', 200);
  const within = abort.ended() === 'deadline' ? `within ${durationText(request.deadlineMs)}` : 'before the deadline of the step';
  return {
    category: 'timeout',
    reason: `${program} did not end ${within}`,
    tried,
    ...(last === '' ? {} : { answer: { message: last } }),
    hint: 'Run the command by hand on this machine to see what it waits for.',
  };
};

const killedProblem = (request: CommandRequest, signal: NodeJS.Signals | null, stderr: string): Problem => {
  const last = oneLine(stderr.trimEnd().split('\n').at(-1) ?? '', 200);
  return {
    category: 'platform',
    reason: `${oneLine(request.argv[0] ?? '', 100)} was ended by ${signal ?? 'a signal'}, which did not come from this run`,
    tried: `run ${oneLine(request.argv.join(' '), 200)}`,
    ...(last === '' ? {} : { answer: { message: last } }),
    hint: 'A person, a limit of this machine, or the system when memory is short ends programs so; its log says which.',
  };
};

const runStarted = (child: ChildProcessWithoutNullStreams, request: CommandRequest, abort: Abort, clock: Clock, cancelled: AbortSignal | undefined): Promise<Outcome<CommandAnswer>> =>
  new Promise((resolve) => {
    const [stdout, stderr] = [boundedOutput(outputLimit), boundedOutput(outputLimit)];
    const over = new AbortController();
    const later = (milliseconds: number, work: () => void): void =>
      void clock.sleep(milliseconds * clock.factor, over.signal).then(() => {
        if (!over.signal.aborted) work();
      });
    const settle = (outcome: Outcome<CommandAnswer>): void => {
      if (over.signal.aborted) return;
      for (const remove of removals) remove();
      over.abort();
      // What outlives the program must hold neither its pipes nor this process.
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      child.unref();
      resolve(outcome);
    };
    const answer = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (abort.ended() === undefined) {
        settle(code === null ? failed(killedProblem(request, signal, stderr.text())) : done({ code, stdout: stdout.text(), stderr: stderr.text() }));
        return;
      }
      // Children that ignored the first signal are in the group still, although the program itself has ended.
      killGroup(child, 'SIGKILL');
      settle(failed(endedProblem(request, abort, stderr.text())));
    };
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (!askedToEnd(code, signal)) {
        answer(code, signal);
        return;
      }
      const explained = (): void => (cancelled?.aborted === true ? settle(failed(cancelledProblem(request))) : answer(code, signal));
      later(ownSignalAfterMs, explained);
      removals.push(onAbort(abort.signal, explained), ...(cancelled === undefined ? [] : [onAbort(cancelled, explained)]));
    };
    const removals = [onAbort(abort.signal, () => {
      killGroup(child, 'SIGTERM');
      later(killAfterMs, () => {
        killGroup(child, 'SIGKILL');
        later(closeAfterMs, () => answer(null, null));
      });
    })];
    child.stdout.on('data', stdout.add);
    child.stderr.on('data', stderr.add);
    // A program that does not read its input closes the pipe; how it ends says the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(request.input ?? '');
    child.once('error', (error) => settle(failed(startProblem(request, errorField(error, 'code')))));
    child.once('exit', (code, signal) => later(closeAfterMs, () => ended(code, signal)));
    child.once('close', ended);
  });

/**
 * spawningRunner runs programs without a shell, each in a process group of its own, and ends the whole group at the
 * deadline or when the signal fires: SIGTERM, then SIGKILL. Each output is kept up to 1 MB.
 */
export const spawningRunner = (surroundings: CommandSurroundings): CommandRunner => {
  const clock = surroundings.clock ?? systemClock();
  return {
    run: async (request, signal) => {
      const abort = createAbort(clock, [signal]);
      try {
        if (abort.ended() !== undefined) return failed(endedProblem(request, abort, ''));
        const child = start(request, surroundings);
        if (!child.ok) return child;
        abort.arm(request.deadlineMs);
        return await runStarted(child.value, request, abort, clock, surroundings.cancelled);
      } finally {
        abort.release();
      }
    },
  };
};
