import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../lab-project.ts';
import { repository } from '../sluice-process.ts';
import { startCoordinator, type Coordinator } from './gitlab-coordinator.ts';
import { openStage, ready, type GitlabStage } from './gitlab-stage.ts';

/*
 * The real gitlab-runner and its shell executor, for jobs of our hidden jobs and components as gitlab-ci-local expands
 * them, handed out by a GitLab of some sixty lines. It takes longer to build than .ci/run may, and a minute to run: it was
 * seen with v16.0.0, built from a checkout by `go build` (3cc4d81a5cce, without the executors for clouds), as
 * `SLUICE_GITLAB_RUNNER=/path/to/gitlab-runner npm run test:engines -- gitlab-runner`.
 */

const program = process.env['SLUICE_GITLAB_RUNNER'] ?? '';
const runs = existsSync(program) && ready;
if (!runs) process.stderr.write('test/engines/gitlab-runner: not shown, SLUICE_GITLAB_RUNNER names no gitlab-runner or there is no gitlab-ci-local\n');

let stage: GitlabStage;
let coordinator: Coordinator;
let running: Running | undefined;

interface Running {
  readonly send: (signal: NodeJS.Signals) => void;
  /** ended gives the runner's own messages. */
  readonly ended: Promise<string>;
}

/** start lets the runner take one job of a pipeline, with more lines at the end of its script. */
const start = async (name: string, pipeline: unknown, variables: Readonly<Record<string, string>> = {}, ...also: readonly string[]): Promise<Running> => {
  const job = (await stage.expanded(pipeline))[name];
  if (job === undefined) throw new Error(`there is no job ${name}`);
  const predefined = { GITLAB_CI: 'true', CI: 'true', CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main', CI_SERVER_URL: 'https://gitlab.example.com', CI_PIPELINE_ID: '4711' };
  coordinator = await startCoordinator({
    ...{ name, job: { ...job, script: [...job.script, ...also] }, repository: `file://${stage.house.folder}`, commit: stage.git(stage.house.folder, 'rev-parse', 'HEAD') },
    variables: { ...predefined, ...stage.variables, SLUICE_HOME: repository, ...variables },
  });
  const builds = join(stage.home, 'builds');
  const argv = ['run-single', '--url', coordinator.origin, '--token', 'runner-token', '--executor', 'shell', '--shell', 'bash', '--builds-dir', builds, '--max-builds', '1', '--wait-timeout', '20'];
  const child = spawn(program, argv, { cwd: stage.home, env: { PATH: process.env['PATH'] ?? '', HOME: stage.home, GIT_CONFIG_GLOBAL: join(stage.home, 'gitconfig') }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(Buffer.concat(said).toString('utf8'))));
  return { send: (signal) => void child.kill(signal), ended };
};

const plain = (step: string, inputs: Readonly<Record<string, string>> = {}): object => ({
  include: [{ project: 'acme/sluice', ref: '1.0.0', file: '/gitlab/sluice.gitlab-ci.yml' }],
  stages: ['deploy'],
  [step]: { extends: `.sluice-${step}`, variables: { SLUICE_INPUT_ENVIRONMENT: 'production', ...inputs } },
});

(runs ? describe : describe.skip)('the real gitlab-runner', () => {
  beforeEach(async () => {
    stage = await openStage({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
  });
  afterEach(async () => {
    running?.send('SIGKILL');
    await coordinator.close();
    await stage.house.close();
  });

  test('runs a job: its log has sections, its reports are uploaded, and what an earlier report quotes is not expanded', async () => {
    running = await start('deploy', plain('deploy'), { SLUICE_EARLIER: 'the server said $$DIFY_PASSWORD' }, 'echo "a later job sees: $SLUICE_EARLIER"');
    const said = await running.ended;
    expect({ state: coordinator.state(), log: coordinator.log(), said }).toMatchObject({ state: 'success', log: expect.stringMatching(/section_start:\d+:sluice_\d+_1\r\u001B\[0Kdeploy started[^]*deploy passed in/) });
    expect(coordinator.log()).toContain('a later job sees: the server said $DIFY_PASSWORD');
    expect(coordinator.log()).not.toContain(stage.variables['DIFY_PASSWORD']);
    expect(coordinator.uploads()).toEqual(expect.arrayContaining(['archive', 'dotenv']));
  });

  test.each<[string, (running: Running) => void]>([
    // The runner hears of it with its next line of log, or after thirty seconds; a stop without hurry tells the job nothing.
    ['a person cancels the job', ({ send }) => {
      send('SIGQUIT');
      coordinator.cancel();
    }],
    ['the runner is stopped by SIGTERM', ({ send }) => send('SIGTERM')],
  ])('%s while half of the users are on the candidate: they have stable again, read back', async (how, end) => {
    for (const step of ['deploy', 'publish-version']) expect((await stage.house.run([step])).code).toBe(0);
    running = await start('canary', plain('canary', { SLUICE_INPUT_CANDIDATE: stage.house.lab.dify.published(stage.house.app) ?? '' }));
    await until('a share of users on the candidate', async () => (await stage.house.weight()) === 50).catch((error: unknown) => {
      throw new Error(coordinator.log(), { cause: error });
    });
    await until('the gateway serves both', async () => Object.keys(await stage.house.served()).length === 2);
    const before = performance.now();
    end(running);
    await running.ended;
    const seconds = ((performance.now() - before) / 1000).toFixed(1);
    expect(await stage.house.served()).toEqual({ [stage.house.stable]: 30 });
    expect((await stage.house.rollout())?.permission).toBeUndefined();
    expect(coordinator.log()).toMatch(/canary cancelled in .*; all traffic is back on .*, read back from what answers users/);
    expect(coordinator.state()).toBe('failed');
    process.stderr.write(`${how}: job and runner had ended after ${seconds} s\n`);
  });
});
