import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, type StateStore } from '@sluice/core';
import { openStage, valueOf, type Setting, type Stage } from './lab-stage.ts';
import * as settings from './stage-settings.ts';
import { saying, stepOf, written } from './stage-settings.ts';

// Each test runs whole steps, which on a busy machine takes its time.
jest.setTimeout(20_000);

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const difySetting = (app: string): Setting => settings.difySetting(stage, app);
const copies = (): string => join(stage.folder, '.sluice/snapshots/production');
const copied = (name: string): Promise<string> => readFile(join(copies(), name), 'utf8');
const names = async (): Promise<readonly string[]> => (await readdir(copies()).catch(() => [])).toSorted();
const recordOf = async (app: string) => valueOf(await stage.state.read(app, 'production'))?.record;

/** edited is an app whose draft somebody has changed since its release. */
const edited = async (): Promise<string> => {
  const { appId } = stage.lab.dify.createApp(saying('before'));
  await settings.released(stage, difySetting(appId), 'first');
  await stage.write('app.yml', saying('half done'));
  const theirs = { ...stage.state, write: () => Promise.resolve({ ok: true, value: '1' } as const) };
  expect((await stage.run('deploy', difySetting(appId), { overwrite: true }, { state: theirs })).result.status).toBe('passed');
  await stage.write('app.yml', saying('new'));
  stage.newResults();
  return appId;
};

describe('the copy before a deployment', () => {
  test('is taken by deploy alone, and holds what is live', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const { result, said } = await stage.run('deploy', difySetting(appId));
    expect(result.status).toBe('passed');
    expect(await copied('app.yml')).toContain('before {{#llm.text#}}');
    expect(said.lines).toContain(`copied app.yml to ${copies()}`);
    expect((await stage.run('snapshot', difySetting(appId), { verify: true })).result).toMatchObject({ status: 'passed' });
  });

  test('is not taken again when this run has taken it, but in another run', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    await stage.run('snapshot', difySetting(appId));
    const takes = async (): Promise<boolean> => (await stage.run('deploy', difySetting(appId))).said.lines.some((line) => line.startsWith('copied '));
    expect(await takes()).toBe(false);
    // The results folder of the first run is still there, as on a terminal.
    const later = await stage.run('deploy', difySetting(appId), {}, { runId: 'another' });
    expect(later.said.lines.some((line) => line.startsWith('copied '))).toBe(true);
    const atTerminal = await stage.run('deploy', difySetting(appId), {}, { runId: '' });
    expect(atTerminal.said.lines.some((line) => line.startsWith('copied '))).toBe(true);
  });

  test('is taken once in a release', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const { result, said } = await stage.run('release', difySetting(appId), {}, { runId: '' });
    expect(stepOf(result, 'snapshot')?.reason).toContain('copied app.yml');
    expect(said.lines.filter((line) => line.startsWith('copied '))).toEqual([]);
  });

  test.each([
    ['no app yet', () => ''],
    ['an app with neither draft nor version', () => stage.lab.dify.createApp(saying('before'), { publish: false }).appId],
  ])('%s: what there is to copy is said, and is no error', async (_name, app) => {
    const id = app();
    await stage.write('app.yml', saying('new'));
    const { result, said } = await stage.run('deploy', difySetting(id), { create: true, overwrite: true });
    expect(result.status).toBe('passed');
    expect(said.lines).toContain(id === '' ? 'nothing to copy: there is neither a published version nor a draft yet' : `copied app.yml to ${copies()}`);
  });

  test('that fails stops before anything is written', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    // A folder lies where the copy belongs.
    await stage.write('.sluice/snapshots/production/app.yml/inside', '');
    const ran = await stage.run('deploy', difySetting(appId));
    expect(ran.result.status).toBe('error');
    expect(written(ran)).toEqual([]);
    expect((await recordOf(appId))?.deploying).toBeUndefined();
  });

  test.each(['deploy', 'release'] as const)('holds the draft that %s is told to overwrite, under the same checksums', async (step) => {
    const appId = await edited();
    expect((await stage.run('deploy', difySetting(appId))).result.category).toBe('conflict');
    expect(await names()).toEqual(['app.yml', 'snapshot.json']);
    stage.newResults();
    expect((await stage.run(step, difySetting(appId), { overwrite: true })).result.status).toBe('passed');
    expect(await copied('app.yml')).toContain('first {{#llm.text#}}');
    expect(await copied('draft.yml')).toContain('half done {{#llm.text#}}');
    const manifest = JSON.parse(await copied('snapshot.json')) as { files: Record<string, string> };
    expect(Object.keys(manifest.files)).toEqual(['app.yml', 'draft.yml']);
    expect((await stage.run('snapshot', difySetting(appId), { verify: true })).result.status).toBe('passed');
    await stage.write('.sluice/snapshots/production/draft.yml', 'changed');
    expect((await stage.run('snapshot', difySetting(appId), { verify: true })).result).toMatchObject({ category: 'gate', reason: expect.stringContaining('draft.yml is not what was copied') });
  });

  test('of an agent keeps its files in a folder, and can be verified', async () => {
    stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    await settings.writeAgent(stage, 'new');
    const setting = settings.agentSetting(stage);
    expect((await stage.run('deploy', setting)).result.status).toBe('passed');
    expect(await copied('agentrun/runtime.json')).toContain('order-agent');
    expect((await stage.run('snapshot', setting, { verify: true })).result).toMatchObject({ status: 'passed' });
  });
});

describe('a dry run of deploy', () => {
  test('ends as the real one, with the same outputs, and writes nothing', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const dry = await stage.run('deploy', difySetting(appId), {}, { dryRun: true });
    expect(written(dry)).toEqual([]);
    expect(await names()).toEqual([]);
    expect(await recordOf(appId)).toBeUndefined();
    const real = await stage.run('deploy', difySetting(appId));
    expect(dry.result.outputs).toEqual(real.result.outputs);
    expect(dry.result.reason).toContain('would be deployed');
    expect(dry.said.lines).toContain(`would copy app.yml to ${copies()}`);
    expect((await stage.run('deploy', difySetting(appId), {}, { dryRun: true })).result).toMatchObject({ reason: expect.stringContaining('is there already'), outputs: { changed: 'false' } });
  });

  test('finds the conflict', async () => {
    const appId = await edited();
    const dry = await stage.run('deploy', difySetting(appId), {}, { dryRun: true });
    const real = await stage.run('deploy', difySetting(appId));
    expect({ ...dry.result, startedAt: '', durationMs: 0 }).toEqual({ ...real.result, startedAt: '', durationMs: 0 });
    expect(dry.result.category).toBe('conflict');
  });

  test('of an agent ends as the real one, also where its endpoint serves LATEST', async () => {
    stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    await settings.writeAgent(stage, 'new');
    const setting = settings.agentSetting(stage);
    const dry = await stage.run('deploy', setting, {}, { dryRun: true });
    expect(written(dry)).toEqual([]);
    const real = await stage.run('deploy', setting);
    const { digest: _dry, ...told } = dry.result.outputs;
    expect(real.result.outputs).toMatchObject(told);
    expect(told).toMatchObject({ changed: 'true', version: 'draft' });
  });
});

describe('what is about to be deployed', () => {
  const refusing = (): StateStore => ({ ...stage.state, write: () => Promise.resolve(failed({ category: 'permission', reason: 'the state folder could not be used (EROFS)' })) });

  test('is recorded before the first write, and cleared when it was read back', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const seen: unknown[] = [];
    const state: StateStore = { ...stage.state, write: async (record, revision) => (seen.push(record.deploying), stage.state.write(record, revision)) };
    const { result } = await stage.run('deploy', difySetting(appId), {}, { state });
    expect(seen).toEqual([[result.outputs['digest']], undefined]);
    expect(await recordOf(appId)).toMatchObject({ candidate: { digest: result.outputs['digest'] } });
  });

  test('is not deployed when it cannot be recorded', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const ran = await stage.run('deploy', difySetting(appId), {}, { state: refusing() });
    expect(ran.result).toMatchObject({ category: 'permission', reason: expect.stringContaining('EROFS') });
    expect(written(ran)).toEqual([]);
  });
});
