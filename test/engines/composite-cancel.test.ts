import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { openProject, until, type LabProject } from '../lab-project.ts';
import { repository } from '../sluice-process.ts';

/*
 * A job that is cancelled, as GitHub's runner does it (actions/runner, ProcessInvoker): SIGINT to the entry process
 * alone, after 7.5 seconds SIGTERM, after 2.5 more everything is killed. The entry process is bash with the line that
 * action.yml holds, in a file and in a process group of its own.
 */

type Signals = readonly (readonly [signal: 'SIGINT' | 'SIGTERM', patienceMs: number])[];

const asTheRunner: Signals = [['SIGINT', 7500], ['SIGTERM', 2500]];
/** atOnce is the same patience without the first signal, as where a supervisor in between passes on the second alone. */
const atOnce: Signals = [['SIGTERM', 10_000]];

/** runLine is the text of an action's one step. */
const runLine = async (folder: string): Promise<string> => {
  const { runs } = parse(await readFile(join(repository, folder, 'action.yml'), 'utf8')) as { readonly runs: { readonly steps: readonly { readonly run: string }[] } };
  return runs.steps[0]?.run ?? '';
};

let house: LabProject;

/** startLine starts the line of an action as the runner does; `ended` has the exit code, or the signal that ended it. */
const startLine = async (folder: string) => {
  const file = join(house.folder, 'state', `${Math.random().toString(36).slice(2)}.sh`);
  await writeFile(file, await runLine(folder));
  const { email, password } = house.lab.dify.credentials;
  const child = spawn('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', file], {
    cwd: house.folder,
    detached: true,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      ...{ GITHUB_ACTIONS: 'true', GITHUB_ACTION_PATH: join(repository, folder), GITHUB_EVENT_NAME: 'push', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main', GITHUB_RUN_ID: '4711' },
      ...{ RUNNER_TEMP: join(house.folder, 'state'), GITHUB_OUTPUT: join(house.folder, 'state/output'), GITHUB_STEP_SUMMARY: join(house.folder, 'state/summary') },
      ...{ SLUICE_INPUTS: JSON.stringify({ environment: 'production', config: '' }), SLUICE_STATE: join(house.folder, 'state'), SLUICE_RESULTS: join(house.folder, '.sluice/results'), DIFY_EMAIL: email, DIFY_PASSWORD: password, SLACK_WEBHOOK: house.lab.inbox.slack.url },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const pid = child.pid ?? 0;
  return {
    ended: new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => child.on('close', (code) => resolve({ code, said }))),
    send: (signal: NodeJS.Signals) => void child.kill(signal),
    /** killTree ends what is left of the process group, and tells whether there was any. */
    killTree: (): boolean => {
      try {
        return process.kill(-pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
        throw error;
      }
    },
  };
};

interface Cancelled {
  /** stableMs is when thirty users at once were first all served stable. */
  readonly stableMs: number;
  readonly endedMs: number;
  readonly code: number | null;
  readonly said: string;
  readonly sent: readonly NodeJS.Signals[];
  /** hadToKill is true when anything was left at the end of the runner's patience. */
  readonly hadToKill: boolean;
}

/** cancelled starts the line of an action, waits until users are on the candidate, and cancels it with the first of the signals. */
const cancelled = async (folder: string, signals: Signals): Promise<Cancelled> => {
  const run = await startLine(folder);
  try {
    await until('users on both versions', async () => (await house.weight()) === 50 && Object.keys(await house.served()).length === 2);
  } catch (error) {
    run.killTree();
    throw new Error((await run.ended).said, { cause: error });
  }
  const served: { readonly atMs: number; readonly versions: readonly string[] }[] = [];
  const sent: NodeJS.Signals[] = [];
  let isOver = false;
  const before = performance.now();
  const since = (): number => performance.now() - before;
  const asking = (async () => {
    while (!isOver) {
      const versions = Object.keys(await house.served());
      served.push({ atMs: since(), versions });
      await after(100);
    }
  })();
  const ended = run.ended.then((end) => ({ ...end, endedMs: since() }));
  let end: Awaited<typeof ended> | undefined;
  for (const [signal, patienceMs] of signals) {
    sent.push(signal);
    run.send(signal);
    end = await Promise.race([ended, after(patienceMs, undefined, { ref: false })]);
    if (end !== undefined) break;
  }
  const hadToKill = run.killTree();
  isOver = true;
  await asking;
  const last = served.findLastIndex(({ versions }) => versions.length !== 1 || versions[0] !== house.stable);
  return { stableMs: served[last + 1]?.atMs ?? Infinity, sent, hadToKill, ...(end ?? (await ended)) };
};

const times: string[] = [];

describe("an action's own line, cancelled while users are on the candidate", () => {
  beforeAll(async () => {
    house = await openProject({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
    for (const step of ['deploy', 'publish-version']) expect((await house.run([step])).code).toBe(0);
  });
  afterAll(async () => {
    await house.close();
    process.stderr.write(`test/engines/composite-cancel: all users on stable again after ${times.join(', ')}\n`);
  });

  test.each<[string, Signals]>([
    ['SIGINT', asTheRunner],
    ['SIGINT again', asTheRunner],
    ['SIGTERM alone', atOnce],
  ])('by %s: they are all on stable again, it is said, and nothing is left to kill', async (_, signals) => {
    const { code, said, sent, stableMs, endedMs, hadToKill } = await cancelled('actions/canary', signals);
    times.push(`${(stableMs / 1000).toFixed(1)} s (${sent.join(', ')})`);
    expect({ code, hadToKill, sent, said }).toEqual({ code: 130, hadToKill: false, sent: signals.slice(0, 1).map(([signal]) => signal), said: expect.stringMatching(/the canary was cancelled.*; all traffic is back on .*, read back from what answers users/) });
    expect(stableMs).toBeLessThan(endedMs + 1000);
    expect(await house.weight()).toBe(0);
  }, 60_000);

  test("the root action's, in a release: the last good version is back before the kill", async () => {
    await house.change('again');
    const { code, said, hadToKill, endedMs } = await cancelled('.', asTheRunner);
    times.push(`${(endedMs / 1000).toFixed(1)} s (the whole release)`);
    expect({ code, hadToKill, said }).toEqual({ code: 130, hadToKill: false, said: expect.stringMatching(/release cancelled in .*is live again as .*, read back/) });
    expect(await house.weight()).toBe(0);
    const [served = ''] = Object.keys(await house.served());
    expect(house.lab.dify.sameContent(house.app, served, house.stable)).toBe(true);
  }, 60_000);
});
