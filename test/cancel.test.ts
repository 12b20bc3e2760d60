import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openProject, until, type Document, type LabProject } from './lab-project.ts';
import type { RunOptions } from './sluice-process.ts';

let house: LabProject;

/** ci is a run of a CI system: one that is killed and run again is the same run, and need not wait for its own lease. */
const ci: RunOptions = { environment: { GITLAB_CI: 'true', CI_COMMIT_BRANCH: 'main', CI_PIPELINE_ID: '4711' } };

const published = async (): Promise<string> => {
  for (const step of ['deploy', 'publish-version']) expect((await house.run([step])).code).toBe(0);
  return house.lab.dify.published(house.app) ?? '';
};

describe('a canary that is cancelled', () => {
  beforeEach(async () => {
    house = await openProject({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
  });

  afterEach(() => house.close());

  /** interrupted sends a signal once users have been seen on the candidate, and gives the run's end with how long that took. */
  const interrupted = async (argv: readonly string[], signals: readonly NodeJS.Signals[]) => {
    let send: (signal: NodeJS.Signals) => void = () => undefined;
    const run = house.run(argv, { onStart: (given) => { send = given; } });
    await until('a share of users on the candidate', async () => (await house.weight()) === 50);
    await until('the gateway serves both', async () => Object.keys(await house.served()).length === 2);
    const before = performance.now();
    for (const signal of signals) {
      send(signal);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const ended = await run;
    return { ...ended, tookMs: performance.now() - before };
  };

  test.each<[readonly NodeJS.Signals[]]>([[['SIGINT']], [['SIGTERM']], [['SIGINT', 'SIGTERM']]])('by %j: traffic is back on stable in time, read back', async (signals) => {
    const candidate = await published();
    const { code, document, tookMs } = await interrupted(['canary'], signals);
    expect(document).toMatchObject({ step: 'canary', status: 'cancelled', outputs: { verdict: 'stopped', candidate, stable: house.stable, weights: '50', observed: house.stable } });
    expect(document.reason).toMatch(/^the canary was cancelled.*; all traffic is back on .*, read back from what answers users$/);
    expect(code).toBe(130);
    expect(tookMs).toBeLessThan(7500);
    expect(await house.served()).toEqual({ [house.stable]: 30 });
    expect((await house.rollout())?.permission).toBeUndefined();
  }, 30_000);

  // An abort in Jenkins signals every process of the build, the youngest first (durable-task, hudson.util.ProcessTree).
  test('with the program first that it waits for: cancelled all the same, and stable has everybody', async () => {
    await published();
    const reload = join(house.folder, 'reload.mjs');
    const once = "import { existsSync, writeFileSync } from 'node:fs';\nif (!existsSync('reload.pid')) { writeFileSync('reload.pid', String(process.pid)); await new Promise((resolve) => setTimeout(resolve, 30_000)); }\n";
    await writeFile(reload, once + (await readFile(reload, 'utf8')));
    let send: (signal: NodeJS.Signals) => void = () => undefined;
    const run = house.run(['canary'], { onStart: (given) => { send = given; } });
    let program = 0;
    await until('the gateway is loaded anew', async () => {
      program = Number(await readFile(join(house.folder, 'reload.pid'), 'utf8').catch(() => ''));
      return program > 0;
    });
    process.kill(program, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 50));
    send('SIGTERM');
    const { code, document } = await run;
    expect(document).toMatchObject({ step: 'canary', status: 'cancelled' });
    expect(code).toBe(130);
    expect(await house.weight()).toBe(0);
    expect(await house.served()).toEqual({ [house.stable]: 30 });
  }, 30_000);

  test('in a release: the last good version is back at every door, people are told, and the lease is given back', async () => {
    const { code, document, tookMs } = await interrupted(['release'], ['SIGINT']);
    expect(document).toMatchObject({ step: 'release', status: 'cancelled', outputs: { 'failed-step': 'canary', recovered: expect.stringMatching(/read back/) } });
    expect(code).toBe(130);
    expect(tookMs).toBeLessThan(7500);
    const [served = ''] = Object.keys(await house.served());
    expect(house.lab.dify.sameContent(house.app, served, house.stable)).toBe(true);
    expect(house.lab.dify.sameContent(house.app, house.lab.dify.published(house.app) ?? '', house.stable)).toBe(true);
    expect(document.steps?.find(({ step }: Document) => step === 'notify')?.status).toBe('passed');
    expect(house.lab.inbox.messages()).toHaveLength(1);
    const again = await house.run(['release', '--dry-run']);
    expect(again.code).toBe(0);
  }, 30_000);
});

describe('a canary that is killed', () => {
  beforeEach(async () => {
    house = await openProject({ steps: ['25%', '50%'], every: '4s', minimum: 2, watch: ['errors'], pairs: 80 });
  });

  afterEach(() => house.close());

  const answers = async (): Promise<number> => Math.max(0, ...Object.values((await house.rollout())?.sources ?? {}).map(({ total }) => total.candidate.answers));

  /** killed runs a canary, alone or in a release, until it has looked twice at its second weight, and kills it. */
  const killed = async (step = 'canary', where: RunOptions = ci): Promise<number> => {
    let send: (signal: NodeJS.Signals) => void = () => undefined;
    const run = house.run([step], { ...where, onStart: (given) => { send = given; } });
    let first = 0;
    await until('two looks at the second weight', async () => {
      const rollout = await house.rollout();
      if (rollout?.stage !== 1) return false;
      first = first === 0 ? rollout.windows : first;
      return rollout.windows >= first + 2;
    });
    send('SIGKILL');
    expect((await run).code).toBeNull();
    return answers();
  };

  test('goes on at its weight with its evidence when it is started again', async () => {
    const candidate = await published();
    const before = await killed();
    expect(await house.weight()).toBe(50);
    expect(before).toBeGreaterThan(0);
    const weights = new Set<number>();
    let over = false;
    const watching = until('the second run has ended', async () => {
      weights.add(await house.weight());
      return over;
    });
    const { code, document, stderr } = await house.run(['canary'], ci);
    over = true;
    await watching;
    expect(stderr).toMatch(/was broken off at 50 %; this one goes on from there, with the evidence of \d+ looks/);
    expect(document).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', weights: '50', observed: candidate } });
    expect(code).toBe(0);
    expect([...weights]).toEqual([50, 0]);
    const readings = (document.evidence as { readings: { candidateCount: number }[] }).readings;
    expect(Math.max(...readings.map(({ candidateCount }) => candidateCount))).toBeGreaterThan(before);
    expect(await house.served()).toEqual({ [candidate]: 30 });
    expect((await house.rollout())?.permission).toBeUndefined();
    expect(await house.lease()).toBeUndefined();
  }, 60_000);

  test('does not go on for another candidate: it says so, and leaves a split alone that is not its own', async () => {
    await published();
    await killed();
    const candidate = house.lab.dify.published(house.app) ?? '';
    // The two arms the other way round are two versions that there are, and not those of the split.
    const { code, document, stderr } = await house.run(['canary', '--stable', candidate, '--candidate', house.stable], ci);
    expect(stderr).toMatch(/was broken off at 50 %; it had other versions, so this one begins anew/);
    expect(document).toMatchObject({ category: 'conflict', reason: expect.stringMatching(/was to start from everybody on .*the split is 50 %/) });
    expect(code).toBe(7);
    expect(await house.weight()).toBe(50);
    const back = await house.run(['rollback', '--version', house.stable]);
    expect(back.code).toBe(0);
    const [served = ''] = Object.keys(await house.served());
    expect(house.lab.dify.sameContent(house.app, served, house.stable)).toBe(true);
  }, 60_000);

  const stepOf = (document: Document, step: string): Document | undefined => document.steps?.find((one) => one.step === step);

  test('in a release: run again, the release goes on with that canary, publishes nothing twice, and ends well', async () => {
    const before = await killed('release');
    const candidate = house.lab.dify.published(house.app) ?? '';
    const lease = await house.lease();
    expect(lease?.holder).toMatch(/^run 4711, /);
    expect((lease?.until ?? 0) - Date.now()).toBeLessThanOrEqual(180_000);
    const { code, document, stderr } = await house.run(['release'], ci);
    expect(stepOf(document, 'publish-version')).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^nothing to publish: .*broken off at 50 % and can go on$/), outputs: { version: candidate, 'previous-version': house.stable } });
    expect(stderr).toMatch(/was broken off at 50 %; this one goes on from there, with the evidence of \d+ looks/);
    expect(document).toMatchObject({ step: 'release', status: 'passed', outputs: { version: candidate, verdict: 'promote' } });
    expect(code).toBe(0);
    expect(before).toBeGreaterThan(0);
    expect(await house.served()).toEqual({ [candidate]: 30 });
    expect(await house.lease()).toBeUndefined();
  }, 60_000);

  test('in a release: one of another content, at a terminal when the lease has run out, gives everybody stable again and then releases', async () => {
    await killed('release', {});
    await house.expireLease();
    const left = house.lab.dify.published(house.app) ?? '';
    await house.change('third');
    const { code, document, stderr } = await house.run(['release']);
    expect(stderr).toMatch(/a canary of .* was broken off at 50 %, and something else is to be released: everybody gets .* again, read back/);
    expect(document).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', 'previous-version': house.stable } });
    expect(code).toBe(0);
    const { version = '' } = document.outputs;
    expect(version).not.toBe(left);
    expect(await house.served()).toEqual({ [version]: 30 });
  }, 60_000);

  test('in a release: another run does not touch it while the lease lasts', async () => {
    await killed('release');
    const { stderr, document } = await house.run(['release'], { environment: { ...ci.environment, CI_PIPELINE_ID: '4712' }, interruptAfterMs: 4000 });
    expect(stderr).toMatch(/waiting for the lease, held by run 4711, /);
    expect(document.outputs['recovered']).toBe('');
    expect(await house.weight()).toBe(50);
  }, 60_000);
});
