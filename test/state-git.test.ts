import { execFileSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createCommandRunner, systemClock } from '@sluice/core';
import { gitStore } from '@sluice/state';
import { openProject, until, type LabProject } from './lab-project.ts';
import { repository, type RunOptions } from './sluice-process.ts';

/* A canary whose record lies on a branch of a repository that takes two seconds for every push. */

const branch = 'sluice-state';
const delayMs = 2000;
const planted = 'planted-5f0c9a77d1e2';

let house: LabProject;
let bare: string;

const git = (...argv: readonly string[]): string => execFileSync('git', [`--git-dir=${bare}`, ...argv], { encoding: 'utf8' });

/** where is a job of a CI that has no folder which is kept. */
const where: RunOptions = { environment: { SLUICE_STATE: '', GITLAB_CI: 'true', CI_COMMIT_BRANCH: 'main', CI_PIPELINE_ID: '4711', CI_PIPELINE_URL: 'https://gitlab.example.com/bot/-/pipelines/4711', SLUICE_STATE_TOKEN: planted } };

beforeEach(async () => {
  house = await openProject({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
  bare = join(house.folder, 'bare.git');
  execFileSync('git', ['init', '--quiet', '--bare', bare]);
  const file = join(house.folder, 'sluice.yml');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), state: { git: branch, repository: bare } }));
  for (const step of ['deploy', 'publish-version']) {
    const ended = await house.run([step], where);
    expect({ code: ended.code, said: ended.stderr }).toMatchObject({ code: 0 });
  }
  await writeFile(join(bare, 'hooks', 'pre-receive'), `#!/bin/sh\nsleep ${delayMs / 1000}\n`);
  await chmod(join(bare, 'hooks', 'pre-receive'), 0o755);
}, 60_000);
afterEach(() => house.close());

/** split runs a canary until half of the users are on the candidate, and gives what sends it a signal. */
const split = async () => {
  let send: (signal: NodeJS.Signals) => void = () => undefined;
  const run = house.run(['canary'], { ...where, onStart: (given) => { send = given; } });
  await until('a share of users on the candidate', async () => (await house.weight()) === 50);
  // The include file is written before it is loaded.
  await until('the gateway serves both', async () => Object.keys(await house.served()).length === 2);
  return { run, send };
};

test('SIGINT: users have stable again before the store has answered, and the record follows', async () => {
  const { run, send } = await split();
  // In the middle of a push: the lab's minutes pass faster than the hook lets go.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = performance.now();
  send('SIGINT');
  while ((await house.weight()) !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(performance.now() - before).toBeLessThan(delayMs);
  const { code, document } = await run;
  expect({ code, reason: document.reason }).toMatchObject({ code: 130, reason: expect.stringMatching(/all traffic is back on .*, read back/) });
  expect(performance.now() - before).toBeLessThan(15_000);
  const log = git('log', '--format=%B', branch);
  expect(log).toContain('canary may go to 50 % on');
  expect(log).toContain('Run: https://gitlab.example.com/bot/-/pipelines/4711');
  expect(git('log', '--format=%s', branch).split('\n').slice(0, 2)).toEqual(['production: lease given back', 'production: canary ended, nobody is split any more']);
  expect(git('log', '-p', '--format=raw', branch)).not.toContain(planted);
  // What the page on the state shows is run, in a checkout that has never seen the branch.
  const page = await readFile(join(repository, 'docs', 'state.md'), 'utf8');
  const shown = /```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? 'false';
  const checkout = join(house.folder, 'checkout');
  execFileSync('git', ['init', '--quiet', checkout]);
  execFileSync('git', ['-C', checkout, 'remote', 'add', 'origin', bare]);
  const printed = execFileSync('sh', ['-ec', shown], { cwd: checkout, encoding: 'utf8' });
  const lines = (/```text\n([\s\S]*?)```/.exec(page)?.[1] ?? 'none').trim().split('\n');
  expect(printed.split('\n').slice(0, 2).map((line) => line.replace(/^[0-9a-f]+ Sluice /, ''))).toEqual(lines);
  expect(printed).toContain('Run: https://gitlab.example.com/bot/-/pipelines/4711');
  expect(printed).toMatch(/\.json\n$/);
}, 60_000);

test('kill -9: another runner sweeps up once the lease has run out; the record verifies', async () => {
  const { run, send } = await split();
  send('SIGKILL');
  expect((await run).code).toBeNull();
  expect(await house.weight()).toBe(50);
  const store = gitStore({ address: bare, branch, environment: {}, commands: createCommandRunner({ path: process.env['PATH'] ?? '', home: house.folder }), clock: systemClock(), who: { actor: '', runUrl: '', commit: '' }, rights: '', redact: (text) => text });
  const found = await store.read(house.app, 'production');
  const { record, revision } = (found.ok ? found.value : undefined) ?? {};
  if (record?.lease === undefined) throw new Error('there is no lease');
  expect(record.lease.holder).toMatch(/^run 4711/);
  await store.write({ ...record, lease: { ...record.lease, until: 0 } }, revision);
  const { code, document } = await house.run(['sweep'], where);
  expect({ code, document }).toMatchObject({ code: 0, document: { step: 'sweep', status: 'passed', outputs: { swept: 'true', stable: house.stable, observed: house.stable } } });
  expect(await house.served()).toEqual({ [house.stable]: 30 });
  const after = await store.read(house.app, 'production');
  expect(after.ok && after.value?.record.rollout).toBeUndefined();
  expect(after.ok && after.value?.record.lease).toBeUndefined();
  await store.close?.();
  const again = await house.run(['sweep'], where);
  expect({ code: again.code, status: again.document.status }).toEqual({ code: 0, status: 'skipped' });
}, 90_000);
