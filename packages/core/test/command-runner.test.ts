import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../src/clock.ts';
import { createCommandRunner } from '../src/command-runner.ts';
import type { CommandRequest } from '../src/command.ts';

const path = process.env['PATH'] ?? '';
const node = process.execPath;
const real = systemClock();
/** runner takes a twentieth of the waits between signals, and of the deadlines. */
const runner = createCommandRunner({ path, home: '/home/nobody', clock: { ...real, sleep: (milliseconds, signal) => real.sleep(milliseconds / 20, signal) } });

const script = (code: string, change: Partial<CommandRequest> = {}): CommandRequest => ({ argv: [node, '-e', code], deadlineMs: 200_000, ...change });

/** isAlive does not count a process that has ended and that nobody has asked about yet, as in containers without an init. */
const isAlive = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  } catch {
    return false;
  }
};

const gone = async (pid: number): Promise<boolean> => {
  for (let tries = 0; tries < 40 && (await isAlive(pid)); tries += 1) await real.sleep(25);
  return !(await isAlive(pid));
};

describe('command runner', () => {
  test('gives code and outputs; a non-zero code is an answer', async () => {
    expect(await runner.run(script('process.stdout.write("出"); process.stderr.write("err"); process.exitCode = 3'))).toEqual({ ok: true, value: { code: 3, stdout: '出', stderr: 'err' } });
  });

  test('hands over input and only the named environment, and uses no shell', async () => {
    const code = 'process.stdin.pipe(process.stdout); process.stdin.on("end", () => console.log(JSON.stringify([Object.keys(process.env).filter((name) => name !== "__CF_USER_TEXT_ENCODING").sort(), process.argv[1], process.cwd()])))';
    const answer = await runner.run({ argv: [node, '-e', code, '$(id); *'], input: 'in:', environment: { MINE: '1' }, folder: tmpdir(), deadlineMs: 200_000 });
    expect(answer).toMatchObject({ ok: true, value: { stdout: `in:${JSON.stringify([['HOME', 'MINE', 'PATH'], '$(id); *', tmpdir()])}\n` } });
  });

  test('a program that reads no input', async () => {
    expect(await runner.run(script('process.exit(0)', { input: 'x'.repeat(1_000_000) }))).toMatchObject({ ok: true, value: { code: 0 } });
  });

  test.each<[string, Partial<CommandRequest>, RegExp]>([
    ['a program that is not there', { argv: ['no-such-program-here', 'x'] }, /no-such-program-here was not found/],
    ['a folder that is not there', { argv: [node], folder: '/no/such/folder' }, /was not found, or the folder \/no\/such\/folder is not there/],
    ['a folder', { argv: [tmpdir()] }, /may not be run by this user/],
    ['NUL in an argument', { argv: [node, 'a\0b'] }, /a character that no command line may have/],
    ['no program', { argv: [] }, /names no program/],
  ])('%s is an input problem with a hint', async (_name, change, reason) => {
    const answer = await runner.run(script('', change));
    expect(answer).toMatchObject({ ok: false, problem: { category: 'input', hint: expect.any(String) } });
    expect(answer.ok ? '' : answer.problem.reason).toMatch(reason);
  });

  test('keeps 1 MB of output and says that it was cut', async () => {
    const answer = await runner.run(script('process.stdout.write("x".repeat(3 * 1024 * 1024))'));
    expect(answer.ok && answer.value.stdout.length).toBeLessThan(1024 * 1024 + 100);
    expect(answer.ok && answer.value.stdout.slice(-70)).toContain('cut after 1 MB; the program wrote 3 MB');
  });

  const family = (ignoring: boolean): string => `
    const fs = require('node:fs');
    const code = ${JSON.stringify(`${ignoring ? "process.on('SIGTERM', () => {});" : ''} setInterval(() => {}, 1000)`)};
    const child = require('node:child_process').spawn(process.execPath, ['-e', code], { stdio: 'inherit' });
    fs.writeFileSync(process.argv[1], String(child.pid));
    ${ignoring ? "process.on('SIGTERM', () => {});" : ''}
    process.stderr.write('first\\nwaiting for the lock\\n');
    setInterval(() => {}, 1000);`;

  const inFolder = async (work: (file: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-command-'));
    try {
      await work(join(folder, 'pid'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  test.each([
    ['that listen to SIGTERM', false],
    ['that ignore SIGTERM', true],
  ])('at the deadline the program and its children %s are ended', (_name, ignoring) =>
    inFolder(async (file) => {
      const answer = await runner.run({ argv: [node, '-e', family(ignoring), file], deadlineMs: 16_000 });
      expect(answer).toMatchObject({ ok: false, problem: { category: 'timeout', reason: expect.stringMatching(/did not end within 16 s$/), answer: { message: 'waiting for the lock' } } });
      expect(await gone(Number(await readFile(file, 'utf8')))).toBe(true);
    }),
  );

  test.each([
    ['while its parents wait for it', 'setInterval(() => {}, 1000)'],
    ['whose parents have ended already', 'process.exit(0)'],
  ])('at the deadline a grandchild is ended, %s', (_name, parents) =>
    inFolder(async (file) => {
      const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
      const starting = (code: string, then: string): string =>
        `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(code)}, process.argv[1]], { stdio: 'inherit' }); ${then}`;
      const child = starting(stubborn, `require('node:fs').writeFileSync(process.argv[1], String(child.pid)); ${parents}`);
      const answer = await runner.run({ argv: [node, '-e', starting(child, 'setInterval(() => {}, 1000)'), file], deadlineMs: 16_000 });
      expect(answer).toMatchObject({ ok: false, problem: { category: 'timeout' } });
      expect(await gone(Number(await readFile(file, 'utf8')))).toBe(true);
    }),
  );

  test.each([
    ['cancelled', new DOMException('stop', 'AbortError')],
    ['timeout', new DOMException('the step is over', 'TimeoutError')],
  ] as const)('a signal ends it as %s', async (category, reason) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    expect(await runner.run(script('setInterval(() => {}, 1000)'), controller.signal)).toMatchObject({ ok: false, problem: { category } });
    expect(await runner.run(script(''), controller.signal)).toMatchObject({ ok: false, problem: { category } });
  });

  test.each([
    ['SIGKILL', "process.stderr.write('first\\nloading\\n'); process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)"],
    ['SIGTERM', "process.stderr.write('first\\nloading\\n'); process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)"],
  ])('a program that something else ends by %s gives no exit code', async (signal, code) => {
    expect(await runner.run(script(code))).toMatchObject({ ok: false, problem: { category: 'platform', reason: expect.stringContaining(`was ended by ${signal}`), answer: { message: 'loading' } } });
  });

  test.each([
    ['by its signal', 'the signal of its request', "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)"],
    ['with the exit code that stands for it', 'the signal of its request', 'process.exit(143)'],
    ['by its signal', 'nothing but what explains it', "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)"],
  ])('an abort of the whole job that ends the program first, %s, is a cancellation by %s', (_name, told, code) =>
    inFolder(async (file) => {
      const controller = new AbortController();
      const own = told === 'the signal of its request';
      const clock = { ...real, sleep: (milliseconds: number, signal?: AbortSignal) => real.sleep(milliseconds * 20, signal) };
      const patient = createCommandRunner({ path, home: '/home/nobody', clock, ...(own ? {} : { cancelled: controller.signal }) });
      const argv = [node, '-e', `require('node:fs').writeFileSync(process.argv[1], String(process.pid)); ${code}`, file];
      const answered = patient.run({ argv, deadlineMs: 200_000 }, own ? controller.signal : undefined);
      const pid = async (): Promise<number> => Number(await readFile(file, 'utf8').catch(() => ''));
      while ((await pid()) === 0 || (await isAlive(await pid()))) await real.sleep(25);
      await real.sleep(100);
      controller.abort(new DOMException('stop', 'AbortError'));
      expect(await answered).toMatchObject({ ok: false, problem: { category: 'cancelled' } });
    }),
  );

  test('an exit code that only looks like an abort is an answer', async () => {
    expect(await runner.run(script('process.exit(143)'))).toMatchObject({ ok: true, value: { code: 143 } });
  });

  test('a child that keeps the pipes does not keep the answer', () =>
    inFolder(async (file) => {
      const code = `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20000)'], { stdio: 'inherit', detached: true });
        require('node:fs').writeFileSync(process.argv[1], String(child.pid)); console.log('done'); process.exit(0)`;
      const begun = performance.now();
      expect(await runner.run({ argv: [node, '-e', code, file], deadlineMs: 200_000 })).toMatchObject({ ok: true, value: { code: 0, stdout: 'done\n' } });
      expect(performance.now() - begun).toBeLessThan(5000);
      process.kill(Number(await readFile(file, 'utf8')), 'SIGKILL');
    }),
  );
});
