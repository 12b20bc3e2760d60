import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { emptyRecord, failed, type EnvironmentRecord, type Lease, type Split, type StateStore } from '@sluice/core';
import { renderInclude } from '@sluice/gateway';
import { openStage, valueOf, type Ran, type RunOptions, type Stage } from './lab-stage.ts';
import { agentSetting, difySetting, gateway, saying, writeAgent } from './stage-settings.ts';
import { leftOpen } from './sweep-stage.ts';

let stage: Stage;
let application: string;

const setting = () => agentSetting(stage);
const sweep = (options: RunOptions = {}): Promise<Ran> => stage.run('sweep', setting(), {}, options);
const routing = () => stage.lab.agentrun.routing('order-agent', 'production');
const record = async (): Promise<EnvironmentRecord | undefined> => valueOf(await stage.state.read(application, 'production'))?.record;
const dead: Lease = { holder: 'run 4711, since a while', until: Date.now() - 1 };

/** put moves the users as somebody else does. */
const put = async (stable: string, candidate?: string, weight?: string): Promise<void> => {
  if (candidate === undefined) {
    const { result } = await stage.run('rollback', setting(), { version: stable });
    expect(result.status).toBe('passed');
    return;
  }
  const { result } = await stage.run('canary', setting(), { mode: 'set', weight, stable, candidate });
  expect(result.status).toBe('passed');
};

/** written puts a record back, whatever is there. */
const written = async (wanted: EnvironmentRecord): Promise<void> => {
  const found = valueOf(await stage.state.read(application, 'production'));
  valueOf(await stage.state.write(wanted, found?.revision));
};

beforeAll(async () => {
  stage = await openStage();
  application = stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' }).runtimeId;
  for (const code of ['two', 'three']) {
    await writeAgent(stage, code);
    for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, setting(), step === 'deploy' ? { overwrite: true } : {})).result.status).toBe('passed');
    if (code === 'two') stage.newResults();
  }
}, 60_000);
afterAll(() => stage.close());
beforeEach(async () => {
  stage.lab.agentrun.setFaults('order-agent', undefined, {});
  await put('1');
});

/** abandoned is the canary of version 2, or what the last publish-version made, against 1, at 25 %. */
const abandoned = (lease: Lease | undefined) => leftOpen(stage, setting(), application, lease);

test('without an open canary there is nothing to do, also without any record', async () => {
  const { result, sent } = await sweep();
  expect(result).toMatchObject({ status: 'skipped', category: 'skipped', outputs: { swept: 'false' } });
  expect(sent).toEqual([]);
});

test('a split that a killed run has written and not loaded is taken out of the include file, unless a living run may load it', async () => {
  const { gateway: lab, dify } = stage.lab;
  const made = dify.createApp(saying('one'));
  const behind = difySetting(stage, made.appId, gateway(stage), { source: 'app.yml' });
  await stage.write('app.yml', saying('one'));
  const pinned = { stable: made.published ?? '', weight: 0 };
  const text = (split: Split): string => valueOf(renderInclude(split, { application: 'bot-production', kind: 'chat' }));
  await writeFile(lab.includeFile, text(pinned));
  expect((await lab.run(['nginx', '-s', 'reload'])).code).toBe(0);
  const share = text({ ...pinned, candidate: '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e', weight: 25 });
  await writeFile(lab.includeFile, share);
  const held: EnvironmentRecord = { ...emptyRecord(made.appId, 'production'), lease: { holder: 'run 9', until: Date.now() + 180_000 } };
  const revision = valueOf(await stage.state.write(held, undefined));
  expect((await stage.run('sweep', behind)).result.status).toBe('skipped');
  expect(await readFile(lab.includeFile, 'utf8')).toBe(share);
  valueOf(await stage.state.write({ ...held, lease: dead }, revision));
  expect((await stage.run('sweep', behind, {}, { dryRun: true })).result.reason).toMatch(/would write the one that is served/);
  expect(await readFile(lab.includeFile, 'utf8')).toBe(share);
  const { result } = await stage.run('sweep', behind);
  expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining('written and not loaded'), outputs: { swept: 'false', observed: pinned.stable } });
  expect(await readFile(lab.includeFile, 'utf8')).toBe(text(pinned));
  expect((await stage.run('sweep', behind)).result.status).toBe('skipped');
}, 30_000);

describe('a canary whose run has died', () => {
  test.each([['whose lease has run out', dead], ['without a lease', undefined]])('%s: everybody gets stable again, read back and recorded', async (_name, lease) => {
    const left = await abandoned(lease);
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [{ weight: 0.25 }] });
    const { result } = await sweep();
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^the canary of \d was abandoned: .*; everybody gets 1 again instead of 25 % on \d, read back/), outputs: { swept: 'true', stable: '1', weight: '25', observed: '1' } });
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
    const now = await record();
    expect(now).not.toHaveProperty('rollout');
    expect(now).not.toHaveProperty('lease');
    expect(now?.history[0]).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('abandoned') });
    expect(now?.history.slice(1)).toEqual(left.history);
    expect((await sweep()).result.status).toBe('skipped');
  }, 30_000);

  test('whose lease still runs, and is one of this very CI run: it is waited for', async () => {
    await abandoned({ holder: 'run 1, of this very CI run', until: Date.now() + 20_000 });
    const left = await record();
    if (left === undefined) throw new Error('there is no record');
    await written({ ...left, lease: { holder: 'run 1, of this very CI run', until: Date.now() + 2000 } });
    const started = performance.now();
    const { result } = await sweep();
    expect(performance.now() - started).toBeGreaterThan(1500);
    expect(result).toMatchObject({ status: 'passed', outputs: { swept: 'true' } });
  }, 30_000);

  test('a dry run says what it would do', async () => {
    await abandoned(dead);
    const before = [routing(), await record()];
    const { result, sent } = await sweep({ dryRun: true });
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining('would give everybody 1'), outputs: { swept: 'false' } });
    expect([sent, [routing(), await record()]]).toEqual([[], before]);
  }, 30_000);

  test('users who are all on stable already: only the record is put right', async () => {
    const left = await abandoned(dead);
    await put('1');
    await written(left);
    const { result, sent } = await sweep();
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining('everybody gets 1 already, read back'), outputs: { swept: 'false' } });
    expect(sent).toEqual([]);
    expect(await record()).not.toHaveProperty('rollout');
  }, 30_000);

  test('a promotion that was not recorded any more: nothing is lowered', async () => {
    const left = await abandoned(dead);
    const { candidate } = left.rollout as { candidate: string };
    await put(candidate);
    await written(left);
    const { result, sent } = await sweep();
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing was lowered'), outputs: { swept: 'false', observed: candidate } });
    expect(sent).toEqual([]);
    expect(await record()).not.toHaveProperty('rollout');
    expect(routing()).toMatchObject({ targetVersion: candidate });
  }, 30_000);

  test('a promotion that was not recorded any more is recorded by the same canary, too, and a canary that is open is not closed by an input', async () => {
    const left = await abandoned(dead);
    const { candidate } = left.rollout as { candidate: string };
    expect((await stage.run('canary', setting(), { stable: candidate, candidate })).result.status).toBe('skipped');
    expect(await record()).toHaveProperty('rollout');
    await put(candidate);
    await written(left);
    expect((await stage.run('canary', setting(), { candidate })).result).toMatchObject({ status: 'skipped', reason: expect.stringContaining('already') });
    expect(await record()).not.toHaveProperty('rollout');
    expect(routing()).toMatchObject({ targetVersion: candidate });
  }, 30_000);

  test('a split that somebody else has set is a conflict, and stays, and so does the record', async () => {
    const left = await abandoned(dead);
    const { candidate } = left.rollout as { candidate: string };
    const third = candidate === '3' ? '2' : '3';
    await put('1');
    await put('1', third, '40%');
    await written(left);
    const before = routing();
    const { result, sent } = await sweep();
    expect(result).toMatchObject({ category: 'conflict', outputs: { swept: 'false' } });
    expect([sent, routing()]).toEqual([[], before]);
    const now = await record();
    expect(now?.rollout).toEqual(left.rollout);
    expect(now).not.toHaveProperty('lease');
  }, 30_000);

  test('a platform that does not answer is its own failure, and the canary stays in the record for the next sweep', async () => {
    await abandoned(dead);
    const broken = await sweep({ http: (http) => ({ ...http, send: (request) => (request.method === 'GET' ? http.send(request) : Promise.resolve(failed({ category: 'platform', reason: 'HTTP 503' }))) }) });
    expect(broken.result).toMatchObject({ category: 'platform', outputs: { swept: 'false' } });
    expect(broken.result.reason).toMatch(/may still be on the candidate/);
    expect(await record()).toHaveProperty('rollout');
    expect((await sweep()).result).toMatchObject({ status: 'passed', outputs: { swept: 'true' } });
  }, 30_000);

  test('a record that cannot be written: nothing is moved when that is known before, and it is told when it comes after', async () => {
    await abandoned(dead);
    const refusal = () => Promise.resolve(failed({ category: 'permission', reason: 'the server refused the push' }));
    const never: StateStore = { ...stage.state, write: refusal };
    expect((await sweep({ state: never })).result).toMatchObject({ category: 'permission' });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
    let writes = 0;
    const later: StateStore = { ...stage.state, write: (...given) => (++writes > 1 ? refusal() : stage.state.write(...given)) };
    const { result } = await sweep({ state: later });
    expect(result).toMatchObject({ category: 'permission', reason: expect.stringMatching(/^everybody gets 1 again .*, but that was not recorded: the server refused/), outputs: { swept: 'true', observed: '1' } });
    expect(routing()).toMatchObject({ versionWeights: [] });
  }, 30_000);

  test('a store that cannot be read, and a record that was tampered with, move nobody', async () => {
    await abandoned(dead);
    for (const category of ['platform', 'input'] as const) {
      const state: StateStore = { ...stage.state, read: () => Promise.resolve(failed({ category, reason: 'no' })) };
      expect((await sweep({ state })).result.category).toBe(category);
    }
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
  }, 30_000);
});

describe('beside a living canary', () => {
  test('a lease that is renewed is left alone', async () => {
    await abandoned(dead);
    const left = await record();
    if (left === undefined) throw new Error('there is no record');
    const renew = (): Promise<void> => written({ ...left, lease: { holder: 'run 9', until: Date.now() + 180_000 } });
    await renew();
    const before = routing();
    const renewing = setTimeout(() => void renew(), 1500);
    const { result, sent } = await sweep();
    clearTimeout(renewing);
    expect(result).toMatchObject({ status: 'skipped', reason: 'a canary is under way, by run 9; nothing was changed' });
    expect([sent, routing()]).toEqual([[], before]);
  }, 30_000);

  test('a run that takes the lease between the reading and the seizing keeps it', async () => {
    const left = await abandoned(dead);
    const state: StateStore = { ...stage.state, write: async (...given) => {
      await written({ ...left, lease: { holder: 'run 10', until: Date.now() + 180_000 } });
      return stage.state.write(...given);
    } };
    expect((await sweep({ state })).result).toMatchObject({ status: 'skipped', reason: expect.stringContaining('another run took the lease') });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
    expect((await record())?.lease?.holder).toBe('run 10');
  }, 30_000);
});

describe('a canary that nobody watches, between start and promotion', () => {
  const unattended = (): Lease => ({ holder: 'a person who will promote', until: Date.now() + 3_600_000, unattended: true });

  test('is judged once by each sweep and stays at its weight while no guard aborts', async () => {
    await abandoned(unattended());
    const before = (await record())?.rollout as { windows: number };
    for (const looks of [1, 2]) {
      const { result } = await sweep();
      expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^the canary stays at 25 %: /), outputs: { swept: 'false' } });
      const now = await record();
      expect(now?.rollout).toMatchObject({ windows: before.windows + looks, permission: { weight: 25 } });
      expect(now?.lease?.unattended).toBe(true);
    }
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
  }, 30_000);

  test('loses its users when a guard aborts', async () => {
    await abandoned(unattended());
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    for (let looks = 0; looks < 12; looks += 1) {
      const { result } = await sweep();
      if (result.outputs['swept'] === 'true') break;
      expect(result.reason).toMatch(/stays at 25 %/);
    }
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
    expect((await record())?.history[0]?.reason).toMatch(/the error evidence is/);
  }, 60_000);

  test('goes back to stable when its time is over', async () => {
    await abandoned({ ...unattended(), until: Date.now() - 1 });
    expect((await sweep()).result).toMatchObject({ status: 'passed', outputs: { swept: 'true' } });
  }, 30_000);

  test('under another plan it is not judged, and that is no pass', async () => {
    await abandoned(unattended());
    const other = { ...setting(), environment: { ...setting().environment, canary: { steps: ['25%', '60%'], every: '2m', minimum: 5 } } };
    const { result } = await stage.run('sweep', other);
    expect(result).toMatchObject({ category: 'evidence', reason: expect.stringContaining('another plan') });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
  }, 30_000);
});
