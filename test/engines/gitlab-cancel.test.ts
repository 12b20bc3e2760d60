import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { openProject, until, type LabProject } from '../lab-project.ts';
import { repository } from '../sluice-process.ts';

/*
 * A job that is cancelled, as the shell executor of gitlab-runner does it: bash as a login shell with the script on its
 * standard input, in a process group of its own; SIGTERM to the group, and SIGKILL after ten minutes. The runner waits
 * until nobody holds the job's output any more. gitlab-runner.test.ts does the same with the real one where there is one.
 */

interface Job {
  readonly before_script: readonly string[];
  readonly script: readonly string[];
  readonly variables: Readonly<Record<string, { readonly value: string }>>;
}

const inputs: Readonly<Record<string, string>> = { environment: 'production' };

/** componentJob is the job of a committed component as GitLab fills it in: what is not given is empty. */
const componentJob = (step: string): Job => {
  const [, jobs] = parseAllDocuments(readFileSync(join(repository, 'templates', `${step}.yml`), 'utf8')).map((document) => document.toJS() as Readonly<Record<string, Job>>);
  const job = jobs?.['$[[ inputs.job ]]'];
  if (job === undefined) throw new Error(`templates/${step}.yml has no job`);
  return job;
};

const filledIn = (text: string): string => text.replace(/\$\[\[ inputs\.([a-z-]+) \]\]/g, (_, name: string) => inputs[name] ?? '');

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** wrappings are what the runner puts around a script (gitlab-org/gitlab-runner, shells/bash.go). */
const wrappings: Readonly<Record<string, (script: string) => string>> = {
  'v16.0.0': (script) => `set -o pipefail; set -o errexit\nset +o noclobber\n: | eval ${quoted(script)}\nexit 0\n`,
  'of 2026, with its own trap': (script) => `trap 'exit 1' TERM\nset -o pipefail; set -o errexit\n(trap 'exit 1' TERM; eval ${quoted(script)}) < /dev/null\nexit 0\n`,
};

let house: LabProject;

/** startJob starts a component's job; `ended` resolves when nothing of it holds its output any more. */
const startJob = (step: string, wrapping: (script: string) => string) => {
  const job = componentJob(step);
  const { email, password } = house.lab.dify.credentials;
  const child = spawn('bash', ['-l'], {
    cwd: house.folder,
    detached: true,
    env: {
      ...{ PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: join(house.folder, 'state') },
      ...{ GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main', CI_PIPELINE_ID: '4711', CI_PROJECT_DIR: house.folder, SLUICE_HOME: repository },
      ...{ SLUICE_STATE: join(house.folder, 'state'), DIFY_EMAIL: email, DIFY_PASSWORD: password, SLACK_WEBHOOK: house.lab.inbox.slack.url },
      ...Object.fromEntries(Object.entries(job.variables).map(([name, { value }]) => [name, filledIn(value)])),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A login shell reads /etc/profile, which replaces PATH.
  child.stdin.end(wrapping([`export PATH=${quoted(`${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`)}`, ...job.before_script, ...job.script].join('\n')));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const group = -(child.pid ?? 0);
  const send = (signal: NodeJS.Signals): void => {
    if (left().length > 0) process.kill(group, signal);
  };
  /** left are the processes of the group that run; one that has ended may wait for its new parent to take note. */
  const left = (): readonly string[] =>
    execFileSync('ps', ['-A', '-o', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n').filter((line) => line.trim().startsWith(`${-group} `) && !/^\s*\d+\s+Z/.test(line));
  return { send, left, said: () => said, ended: new Promise<void>((resolve) => child.on('close', () => resolve())) };
};

describe('the job of the component canary, cancelled as gitlab-runner does it', () => {
  beforeAll(async () => {
    house = await openProject({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
    for (const step of ['deploy', 'publish-version']) expect((await house.run([step])).code).toBe(0);
  });
  afterAll(() => house.close());

  test.each(Object.entries(wrappings))('runner %s: users are on stable, read back, and nothing is left to kill', async (_, wrapping) => {
    const job = startJob('canary', wrapping);
    try {
      await until('a share of users on the candidate', async () => (await house.weight()) === 50).catch((error: unknown) => {
        throw new Error(job.said(), { cause: error });
      });
      await until('the gateway serves both', async () => Object.keys(await house.served()).length === 2);
      const before = performance.now();
      job.send('SIGTERM');
      await until('thirty users on stable', async () => (await house.served())[house.stable] === 30);
      const stableMs = performance.now() - before;
      await job.ended;
      const endedMs = performance.now() - before;
      expect(job.left()).toEqual([]);
      expect(job.said()).toMatch(/canary cancelled in .*; all traffic is back on .*, read back from what answers users/);
      expect((await house.rollout())?.permission).toBeUndefined();
      expect(await house.lease()).toBeUndefined();
      process.stderr.write(`SIGTERM to the group: stable seen after ${(stableMs / 1000).toFixed(1)} s, all had ended after ${(endedMs / 1000).toFixed(1)} s of 600\n`);
      expect(endedMs).toBeLessThan(30_000);
    } finally {
      job.send('SIGKILL');
    }
  });
});
