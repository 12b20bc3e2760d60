/* What a canary does where the record cannot be kept, cannot be believed, or the users are moved by somebody else. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createCommandRunner, exitCode, systemClock, type EnvironmentRecord, type StateStore } from '@sluice/core';
import { folderStore, gitStore } from '@sluice/state';
import { openStage, valueOf, type Ran, type RunOptions, type Stage } from './lab-stage.ts';
import { project, sluice } from './sluice-process.ts';
import { agentSetting, difySetting, gateway, released, saying, writeAgent } from './stage-settings.ts';
import { leftOpen } from './sweep-stage.ts';

const branch = 'sluice-state';
const onStable = { targetVersion: '1', versionWeights: [] };

let stage: Stage;
let application: string;
let number = 0;
const routing = () => stage.lab.agentrun.routing('order-agent', 'production');
const canary = (state: StateStore, inputs: Readonly<Record<string, unknown>> = {}, options: RunOptions = {}): Promise<Ran> => stage.run('canary', agentSetting(stage), { candidate: '2', ...inputs }, { ...options, state });

/** Place is one store with what stands behind it. */
interface Place {
  readonly store: StateStore;
  /** path is the folder, or the bare repository. */
  readonly path: string;
}

const folderPlace = async (): Promise<Place> => {
  const path = join(stage.folder, `records-${(number += 1)}`);
  await mkdir(path);
  return { path, store: folderStore(path) };
};

const git = (path: string, ...argv: readonly string[]): string => execFileSync('git', [`--git-dir=${path}`, ...argv], { encoding: 'utf8' });

const storeAt = (address: string): StateStore => gitStore({ address, branch, environment: {}, commands: createCommandRunner({ path: process.env['PATH'] ?? '', home: stage.folder }), clock: systemClock(400), who: { actor: '', runUrl: '', commit: '' }, rights: 'Add these rights.', redact: (text) => text });

const gitPlace = (): Promise<Place> => {
  const path = join(stage.folder, `bare-${(number += 1)}.git`);
  execFileSync('git', ['init', '--quiet', '--bare', path]);
  return Promise.resolve({ path, store: storeAt(path) });
};

const refusing = async (path: string): Promise<void> => {
  await mkdir(join(path, 'hooks'), { recursive: true });
  await writeFile(join(path, 'hooks', 'pre-receive'), '#!/bin/sh\necho "no pushes here" >&2\nexit 1\n');
  await chmod(join(path, 'hooks', 'pre-receive'), 0o755);
};

/** blocked puts a file where the folder was: that stops every user, also one who may write everywhere. */
const blocked = async (path: string): Promise<void> => {
  await rm(path, { recursive: true });
  await writeFile(path, '');
};

const writes = ({ sent }: Ran): readonly string[] => sent.filter((one) => one.startsWith('PUT') || one.startsWith('DELETE'));

beforeAll(async () => {
  stage = await openStage();
  application = stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' }).runtimeId;
  await writeAgent(stage, 'two');
  for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, agentSetting(stage))).result.status).toBe('passed');
}, 60_000);
afterAll(() => stage.close());
beforeEach(async () => {
  const { store } = await folderPlace();
  if (routing().versionWeights.length > 0 || routing().targetVersion !== '1') expect((await stage.run('rollback', agentSetting(stage), { version: '1' }, { state: store })).result.status).toBe('passed');
  expect(routing()).toEqual(onStable);
}, 30_000);

describe('a store that cannot be used does not let a canary start', () => {
  test.each<[string, () => Promise<StateStore>, number, RegExp, RegExp]>([
    ['a folder that cannot be written', async () => {
      const { path, store } = await folderPlace();
      await blocked(path);
      return store;
    }, 3, /state folder could not be used \(ENOTDIR\)/, /Point SLUICE_STATE at a folder that this job can write/],
    ['a repository that is not there', () => Promise.resolve(storeAt(join(stage.folder, 'nothing.git'))), 3, /there is no repository/, /Add these rights|state\.repository/],
    ['a server that does not answer', () => Promise.resolve(storeAt('http://127.0.0.1:9/bot.git')), 4, /did not answer/, /\S/],
    ['a hook that refuses', async () => {
      const { path, store } = await gitPlace();
      await refusing(path);
      return store;
    }, 3, /no pushes here/, /Add these rights\./],
  ])('%s', async (_name, open, code, reason, hint) => {
    const ran = await canary(await open());
    expect({ code: exitCode(ran.result.category), reason: ran.result.reason, hint: ran.result.hint }).toEqual({ code, reason: expect.stringMatching(reason), hint: expect.stringMatching(hint) });
    expect(writes(ran)).toEqual([]);
    expect(routing()).toEqual(onStable);
  }, 30_000);
});

/** once does something at the first write of a record that is like this, after it was stored. */
const once = (store: StateStore, like: (record: EnvironmentRecord) => boolean, work: () => Promise<unknown>): StateStore => {
  let due = true;
  return {
    ...store,
    write: async (record, revision) => {
      const written = await store.write(record, revision);
      if (due && like(record)) {
        due = false;
        await work();
      }
      return written;
    },
  };
};

const looked = (record: EnvironmentRecord): boolean => Object(record.rollout)['windows'] >= 1;

describe('a store that fails half-way', () => {
  test.each<[string, () => Promise<Place>, (path: string) => Promise<void>, RegExp]>([
    ['a folder that went away', folderPlace, blocked, /state folder could not be used/],
    ['a hook that begins to refuse', gitPlace, refusing, /no pushes here/],
  ])('%s: everybody is back on stable, read back, and both that and the reason are said', async (_name, open, breaks, reason) => {
    const { path, store } = await open();
    const ran = await canary(once(store, (record) => Object(Object(record.rollout)['permission'])['weight'] === 25, () => breaks(path)));
    // The share of 25 % was recorded before, and set; that of 50 % could not be.
    expect({ code: exitCode(ran.result.category), ...ran.result }).toMatchObject({ code: 3, reason: expect.stringMatching(reason), outputs: { verdict: 'stopped', weights: '25', observed: '1' } });
    expect(ran.result.reason).toMatch(/all traffic is back on 1, read back/);
    expect(routing()).toEqual(onStable);
  }, 120_000);

  test.each([['folder', folderPlace], ['git', gitPlace]] as const)('a %s that another run writes between every reading and writing of this one loses nothing of either', async (_name, open) => {
    const { path, store } = await open();
    const other = store.where === path ? folderStore(path) : storeAt(path);
    let raced = 0;
    const racing: StateStore = {
      ...store,
      write: async (record, revision) => {
        if (looked(record) && raced < 3) {
          raced += 1;
          const found = valueOf(await other.read(application, 'production'));
          if (found !== undefined) valueOf(await other.write({ ...found.record, deploying: [`sha256:${raced}`] }, found.revision));
        }
        return store.write(record, revision);
      },
    };
    const { result } = await canary(racing);
    expect({ raced, ...result }).toMatchObject({ raced: 3, status: 'passed', outputs: { verdict: 'promote' } });
    expect(valueOf(await other.read(application, 'production'))?.record).toMatchObject({ deploying: ['sha256:3'] });
    await other.close?.();
    await store.close?.();
  }, 120_000);
});

describe('a record that something else has changed', () => {
  const steps: readonly (readonly ['canary' | 'sweep', Readonly<Record<string, unknown>>])[] = [['canary', {}], ['canary', { mode: 'start' }], ['canary', { mode: 'promote' }], ['canary', { mode: 'status' }], ['sweep', {}]];

  const only = async (path: string): Promise<string> => join(path, (await readdir(path)).find((name) => name.endsWith('.json')) ?? '');

  /** left is a folder with the record of a canary at 25 %, whose run has died, and users at that weight. */
  const left = async (): Promise<Place> => {
    const place = await folderPlace();
    // leftOpen goes by the stage's own store.
    await leftOpen({ ...stage, state: place.store, run: (step, setting, inputs, options) => stage.run(step, setting, inputs, { state: place.store, ...options }) }, agentSetting(stage), application, { holder: 'run 1', until: 1 });
    return place;
  };

  test.each<[string, (text: string) => string, RegExp]>([
    ['the weight raised by hand', (text) => text.replace('"weight": 25', '"weight": 5'), /its seal does not fit/],
    ['a count changed', (text) => text.replace(/"answers": (\d+)/, '"answers": 1$1'), /its seal does not fit/],
    ['the seal cut off', (text) => text.replace(/,\n {2}"seal": "[^"]*"/, ''), /has no seal/],
    ['half of the file', (text) => text.slice(0, text.length / 2), /not one that this version of Sluice wrote/],
    ['a blank more', (text) => `${text} `, /its seal does not fit/],
  ])('%s: every step refuses it with exit 2, and moves nobody', async (_name, change, reason) => {
    const { path, store } = await left();
    const file = await only(path);
    const before = await readFile(file, 'utf8');
    expect(change(before)).not.toBe(before);
    await writeFile(file, change(before));
    const split = routing();
    for (const [step, inputs] of steps) {
      const ran = await stage.run(step, agentSetting(stage), inputs, { state: store });
      expect({ step, ...inputs, code: exitCode(ran.result.category), reason: ran.result.reason, hint: ran.result.hint }).toMatchObject({ code: 2, reason: expect.stringMatching(reason), hint: expect.stringContaining('restore the file') });
      expect(writes(ran)).toEqual([]);
    }
    expect(routing()).toEqual(split);
    expect(await readFile(file, 'utf8')).toBe(change(before));
  }, 120_000);

  test('a whole earlier record, put back by a forced push: a run that had read the later one notices, a new run does not', async () => {
    const { path, store } = await gitPlace();
    const record: EnvironmentRecord = { format: 1, application, environment: 'production', history: [] };
    const first = valueOf(await store.write(record, undefined));
    const second = valueOf(await store.write({ ...record, deploying: ['sha256:2'] }, first));
    const earlier = git(path, 'rev-parse', `${branch}~1`).trim();
    git(path, 'update-ref', `refs/heads/${branch}`, earlier);
    expect(await store.write({ ...record, deploying: ['sha256:3'] }, second)).toMatchObject({ ok: false, problem: { category: 'conflict' } });
    const another = storeAt(path);
    expect(valueOf(await another.read(application, 'production'))).toMatchObject({ revision: first });
    for (const one of [store, another]) await one.close?.();
  }, 30_000);
});

describe('somebody else moves the users while a weight is held', () => {
  test('on AgentRun: nothing is overwritten, exit 7', async () => {
    const [{ store }, theirs] = [await folderPlace(), await folderPlace()];
    stage.lab.agentrun.publish('order-agent', stage.lab.agentrun.versions('order-agent').length < 3 ? 1 : 0);
    const ran = await canary(once(store, looked, async () => {
      expect((await stage.run('canary', agentSetting(stage), { mode: 'abort' }, { state: theirs.store })).result.status).toBe('passed');
      expect((await stage.run('canary', agentSetting(stage), { mode: 'set', weight: '40%', candidate: '3' }, { state: theirs.store })).result.status).toBe('passed');
    }));
    expect({ code: exitCode(ran.result.category), reason: ran.result.reason }).toEqual({ code: 7, reason: expect.stringMatching(/40 % on 3/) });
    expect(routing()).toEqual({ targetVersion: '1', versionWeights: [{ version: '3', weight: 0.4 }] });
  }, 120_000);

  test('at a gateway: nothing is overwritten, exit 7', async () => {
    const made = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(stage, made.appId, { ...gateway(stage) }, { source: 'app.yml' });
    const [{ store }, theirs] = [await folderPlace(), await folderPlace()];
    const versions: string[] = [];
    for (const word of ['one', 'two', 'three']) versions.push(await released(stage, setting, word, { state: store }));
    const [one = '', two = '', three = ''] = versions;
    expect((await stage.run('rollback', setting, { version: one }, { state: store })).result.status).toBe('passed');
    const ran = await stage.run('canary', setting, { candidate: two }, {
      state: once(store, looked, async () => {
        for (const inputs of [{ mode: 'abort' }, { mode: 'set', weight: '40%', candidate: three }]) expect((await stage.run('canary', setting, inputs, { state: theirs.store })).result.status).toBe('passed');
      }),
    });
    expect({ code: exitCode(ran.result.category), reason: ran.result.reason }).toEqual({ code: 7, reason: expect.stringContaining(`40 % on ${three}`) });
    const read = await stage.run('canary', setting, { mode: 'status' }, { state: theirs.store });
    expect(read.result.outputs['observed']).toContain(`${three}=40%`);
  }, 120_000);
});

test.each<[string, string, RegExp]>([
  ['steps that fall', 'steps: [25%, 5%]', /canary > steps > entry 2 must be more than the step before it/],
  ['steps that stand still', 'steps: [25%, 25%]', /canary > steps > entry 2 must be more/],
  ['a weight above 100', 'steps: [25%, 250%]', /canary > steps > entry 2 must be a percentage/],
  ['a weight of 0', 'steps: [0%, 50%]', /canary > steps > entry 1/],
  ['no steps', 'steps: []', /canary > steps/],
  ['false aborts of 0', 'false-abort: 0%', /canary > false-abort/],
  ['false aborts of 100 %', 'false-abort: 100%', /canary > false-abort/],
  ['misses of 0', 'miss: 0%', /canary > miss/],
  ['misses of 100 %', 'miss: 100%', /canary > miss/],
  ['a miss above 100 %', 'miss: 140%', /canary > miss/],
  ['a guard that there is not', 'watch: [errors, mood]', /canary > watch > entry 2/],
])('sluice.yml with %s is exit 2 with the key named', async (_name, canaryKey, words) => {
  const folder = await project({ 'sluice.yml': `name: bot\nsource: app.yml\nenvironments:\n  production:\n    dify: https://dify.example.com\n    canary: { ${canaryKey} }\n`, 'app.yml': 'app: {}\n' });
  const ended = await sluice(['canary', '--environment', 'production'], { folder, environment: { DIFY_EMAIL: 'a@example.com', DIFY_PASSWORD: 'x' } });
  expect({ code: ended.code, said: `${ended.stdout}${ended.stderr}` }).toEqual({ code: 2, said: expect.stringMatching(words) });
});
