import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { done, failed, type StateStore } from '@sluice/core';
import { loadStep, stepNames, type StepName } from '@sluice/steps';
import { openStage, valueOf, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import * as settings from './stage-settings.ts';
import { saying, stepOf, written } from './stage-settings.ts';

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(() => stage.close());

/** noMemory is a store that was never written and keeps nothing. */
const noMemory = (): StateStore => ({ ...stage.state, read: () => Promise.resolve(done(undefined)), write: () => Promise.resolve(done('1')) });

const difySetting = (app: string, more: Readonly<Record<string, unknown>> = {}, rest: Omit<Setting, 'environment'> = {}): Setting => settings.difySetting(stage, app, more, rest);

const gateway = (): Readonly<Record<string, unknown>> => settings.gateway(stage);

const released = (setting: Setting, word: string, options: RunOptions = {}): Promise<string> => settings.released(stage, setting, word, options);

const answered = async (setting: Setting): Promise<string> => {
  const { said } = await stage.run('health-check', setting);
  return said.lines.find((line) => line.startsWith('ok: "hello"')) ?? said.lines.join('\n');
};

const recordOf = async (app: string) => valueOf(await stage.state.read(app, 'production'))?.record;

/** commentOf is what Studio shows beside the published version. */
const commentOf = async (app: string): Promise<string> => {
  const { origin, credentials } = stage.lab.dify;
  const headers = { authorization: `Bearer ${credentials.adminKey}`, 'x-workspace-id': credentials.workspaceId };
  const answer = await fetch(`${origin}/console/api/apps/${app}/workflows/publish`, { headers });
  return ((await answer.json()) as { marked_comment: string }).marked_comment;
};

describe('rollback', () => {
  test('goes back to the last version that passed, not to its neighbour', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId);
    const first = await released(setting, 'first');
    await stage.write('app.yml', saying('unjudged'));
    stage.newResults();
    for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, setting)).result.status).toBe('passed');
    const third = await released(setting, 'third');
    const { result } = await stage.run('rollback', setting);
    expect(result).toMatchObject({ status: 'passed', outputs: { 'previous-version': third } });
    expect(await answered(setting)).toContain('first 回答');
    expect(await commentOf(appId)).toMatch(/(?:^| )verdict=rolled-back(?: |$)/);
    expect(stage.lab.dify.published(appId)).toBe(result.outputs['version']);
    expect(stage.lab.dify.sameContent(appId, result.outputs['version'] ?? '', first)).toBe(true);
    const record = await recordOf(appId);
    expect(record).toMatchObject({ stable: { version: result.outputs['version'] }, history: [{ version: third, verdict: 'rolled-back' }, { version: third }, { version: first }] });
  });

  test('goes further back each time, never to a version that was rolled back, and refuses when none is left', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId);
    const ids: string[] = [];
    for (const word of ['first', 'second', 'third']) ids.push(await released(setting, word));
    for (const word of ['second', 'first']) {
      expect((await stage.run('rollback', setting)).result.status).toBe('passed');
      expect(await answered(setting)).toContain(`${word} 回答`);
    }
    const last = await stage.run('rollback', setting);
    expect(last.result).toMatchObject({ category: 'input', reason: expect.stringContaining('must be named') });
    for (const id of ids) expect(last.result.hint).toContain(id);
    expect(written(last)).toEqual([]);
  });

  test('without a record it refuses and lists the versions; a named one is restored and recorded', async () => {
    const { appId, published = '' } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId);
    await stage.write('app.yml', saying('new'));
    for (const step of ['deploy', 'publish-version'] as const) await stage.run(step, setting);
    const present = stage.lab.dify.published(appId) ?? '';
    const refused = await stage.run('rollback', setting);
    expect(refused.result).toMatchObject({ category: 'input', outputs: { version: '' } });
    expect(refused.result.hint).toMatch(new RegExp(`input version\\..*${present}.*${published}`));
    expect(written(refused)).toEqual([]);
    const unknown = await stage.run('rollback', setting, { version: '11111111-2222-3333-4444-555555555555' });
    expect(unknown.result).toMatchObject({ category: 'input' });
    expect(stage.lab.dify.published(appId)).toBe(present);
    const named = await stage.run('rollback', setting, { version: published, reason: 'the answers were rude' });
    expect(named.result.status).toBe('passed');
    expect(await answered(setting)).toContain('before 回答');
    expect((await recordOf(appId))?.history).toMatchObject([{ version: present, verdict: 'rolled-back', reason: 'the answers were rude' }]);
  });

  test('in a canary that was broken off it goes back to stable, not to the version before', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, { ...gateway(), canary: false });
    await released(setting, 'first');
    const second = await released(setting, 'second');
    await stage.write('app.yml', saying('third'));
    stage.newResults();
    for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, setting)).result.status).toBe('passed');
    const third = stage.lab.dify.published(appId) ?? '';
    const text = await readFile(stage.lab.gateway.includeFile, 'utf8');
    expect(text).toContain(second);
    const { result } = await stage.run('rollback', setting);
    expect(result).toMatchObject({ status: 'passed', outputs: { 'previous-version': third } });
    expect(stage.lab.dify.sameContent(appId, stage.lab.dify.published(appId) ?? '', second)).toBe(true);
    expect(await answered(setting)).toContain('second 回答');
  });
});

const agentSetting = (): Setting => settings.agentSetting(stage);

const writeAgent = (code: string): Promise<void> => settings.writeAgent(stage, code);

describe('a first release', () => {
  test('without create it stops at deploy and says how to go on', async () => {
    await stage.write('app.yml', saying('first'));
    const ran = await stage.run('release', difySetting(''));
    expect(ran.result).toMatchObject({ category: 'input', outputs: { 'failed-step': 'deploy', recovered: 'no user has met the new version' } });
    expect(ran.result.hint).toMatch(/create/);
    expect(written(ran)).toEqual([]);
  });

  test('deploy --create makes the Dify app and prints the lines for sluice.yml', async () => {
    await stage.write('app.yml', saying('first'));
    const { result, said } = await stage.run('deploy', difySetting(''), { create: true });
    const { application = '' } = result.outputs;
    expect(result).toMatchObject({ status: 'passed', outputs: { changed: 'true', served: 'nobody' } });
    expect(stage.lab.dify.published(application)).toBeUndefined();
    const at = said.lines.indexOf('The application is new. Add to sluice.yml:');
    expect(said.lines.slice(at + 1).join('\n')).toContain(application);
  });

  test('behind a gateway the canary has nothing to compare with, and everybody gets the first version', async () => {
    await stage.write('app.yml', saying('first'));
    const ran = await stage.run('release', difySetting('', gateway()), { create: true });
    expect(ran.result).toMatchObject({ status: 'passed' });
    expect(stepOf(ran.result, 'canary')).toMatchObject({ status: 'skipped', reason: expect.stringMatching(/^nothing to compare with.*everybody gets .*read back$/) });
    expect(stepOf(ran.result, 'health-check')).toMatchObject({ status: 'passed', outputs: { 'answered-by': ran.result.outputs['version'] } });
    expect(ran.said.lines).toContain('The application is new. Add to sluice.yml:');
    const application = stepOf(ran.result, 'deploy')?.outputs['application'] ?? '';
    expect(Object.keys(stage.lab.dify.served(application))).toEqual([ran.result.outputs['version']]);
    expect(await recordOf(application)).toMatchObject({ stable: { version: ran.result.outputs['version'] }, history: [{ verdict: 'passed' }] });
  });

  test('on AgentRun it makes the runtime and the endpoint, and everybody gets the first version', async () => {
    await writeAgent('first');
    const ran = await stage.run('release', agentSetting(), { create: true });
    expect(ran.result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^released/) });
    expect(stepOf(ran.result, 'canary')).toMatchObject({ status: 'skipped', reason: expect.stringMatching(/^nothing to compare with/) });
    const { version = '' } = ran.result.outputs;
    expect(stage.lab.agentrun.routing('order-agent', 'production')).toMatchObject({ targetVersion: version });
    expect(Object.keys(stage.lab.agentrun.served('order-agent', 'production'))).toEqual([version]);
  });
});

describe('--dry-run', () => {
  const outputNames = async (step: StepName): Promise<readonly string[]> => Object.keys((await loadStep(step)).outputs).sort();

  /** released are the steps for environments that are no previews; test/preview.test.ts has the other. */
  const released = stepNames.filter((step) => step !== 'preview');

  /** drift is what diff compares where there is no repository. */
  const drift = { from: 'running', environment: 'production' };

  test.each(released)('%s writes nothing to Dify and a gateway, and gives the same outputs', async (step) => {
    const { appId, published } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, gateway(), { notify: [{ slack: { env: 'SLACK_WEBHOOK' } }] });
    await stage.write('app.yml', saying('new'));
    // What the step would work on is there, so that it has every reason to write.
    for (const before of step === 'canary' || step === 'rollback' ? (['deploy', 'publish-version'] as const) : []) await stage.run(before, setting);
    const present = stage.lab.dify.published(appId);
    const record = await recordOf(appId);
    const include = await readFile(stage.lab.gateway.includeFile, 'utf8').catch(() => 'none');
    const copy = (): Promise<string> => readFile(join(stage.folder, '.sluice/snapshots/production/app.yml'), 'utf8').catch(() => 'none');
    const copied = await copy();
    const inputs = step === 'rollback' ? { version: published } : step === 'notify' ? { title: 'Hello' } : step === 'diff' ? drift : {};
    const ran = await stage.run(step, setting, inputs, { dryRun: true });
    expect(written(ran)).toEqual([]);
    // A question is a run of the app, so a dry run asks none; no canary is open to sweep.
    expect({ status: ran.result.status, step }).toEqual({ status: ['health-check', 'sweep'].includes(step) ? 'skipped' : 'passed', step });
    expect(Object.keys(ran.result.outputs).sort()).toEqual(await outputNames(step));
    expect(stage.lab.dify.published(appId)).toBe(present);
    expect(await readFile(stage.lab.gateway.includeFile, 'utf8').catch(() => 'none')).toBe(include);
    expect(stage.lab.inbox.messages()).toEqual([]);
    expect(await recordOf(appId)).toEqual(record);
    expect(await copy()).toBe(copied);
  });

  test.each(released.filter((step) => step !== 'notify'))('%s writes nothing to AgentRun', async (step) => {
    const { version } = stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    await writeAgent('new');
    for (const before of step === 'canary' ? (['deploy', 'publish-version'] as const) : []) await stage.run(before, agentSetting());
    const before = stage.lab.agentrun.routing('order-agent', 'production');
    const ran = await stage.run(step, agentSetting(), step === 'rollback' ? { version } : step === 'diff' ? drift : {}, { dryRun: true });
    expect(written(ran)).toEqual([]);
    // Its logs are nowhere, a question costs, and no canary is open to sweep.
    const skipped = ['health-check', 'logs', 'sweep'].includes(step);
    expect({ status: ran.result.status, reason: ran.result.reason }).toEqual({ status: skipped ? 'skipped' : 'passed', reason: expect.any(String) });
    expect(stage.lab.agentrun.routing('order-agent', 'production')).toEqual(before);
  });

  test('a release says what it would publish, not what is there now', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const { result } = await stage.run('release', difySetting(appId), {}, { dryRun: true });
    expect(stepOf(result, 'publish-version')?.reason).toContain(stepOf(result, 'deploy')?.outputs['digest'] ?? 'no digest');
    expect(stepOf(result, 'snapshot')?.outputs['digest']).not.toBe(stepOf(result, 'deploy')?.outputs['digest']);
  });
});

describe('the lease', () => {
  const held = async (app: string, until: number): Promise<void> => {
    valueOf(await stage.state.write({ format: 1, application: app, environment: 'production', history: [], lease: { holder: 'https://ci.example.com/runs/7', until } }, undefined));
  };

  test('a second release waits for ten minutes and then is a conflict that names the holder', async () => {
    const { appId, published } = stage.lab.dify.createApp(saying('before'));
    await held(appId, Date.now() + 3_600_000);
    await stage.write('app.yml', saying('new'));
    const started = performance.now();
    const ran = await stage.run('release', difySetting(appId), {}, { factor: 1000 });
    expect(performance.now() - started).toBeGreaterThan(600);
    expect(ran.result).toMatchObject({ category: 'conflict', reason: expect.stringContaining('runs/7') });
    expect(ran.said.lines.filter((line) => line.startsWith('waiting for the lease')).length).toBeGreaterThan(10);
    expect(written(ran)).toEqual([]);
    expect(stage.lab.dify.published(appId)).toBe(published);
    expect((await recordOf(appId))?.lease?.holder).toBe('https://ci.example.com/runs/7');
  });

  test('two releases at once come one after the other, and both give the lease back', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const [one, other] = await Promise.all(['a'.repeat(40), 'b'.repeat(40)].map((commit) => stage.run('release', difySetting(appId), {}, { factor: 100, commit, runId: commit })));
    expect([one?.result.status, other?.result.status]).toEqual(['passed', 'passed']);
    const waited = [...(one?.said.lines ?? []), ...(other?.said.lines ?? [])].filter((line) => line.startsWith('waiting for the lease'));
    expect(waited.length).toBeGreaterThan(0);
    const record = await recordOf(appId);
    expect(record?.lease).toBeUndefined();
    // The second one found nothing different.
    expect(record?.history).toHaveLength(1);
  });

  test('a lease that has run out is taken', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await held(appId, Date.now() - 1);
    await released(difySetting(appId), 'new');
    expect((await recordOf(appId))?.lease).toBeUndefined();
  });

  test('a record that cannot be written is found out before anything is changed', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const refusal = () => Promise.resolve(failed({ category: 'permission', reason: 'the state folder could not be used (EROFS)' }));
    const ran = await stage.run('release', difySetting(appId), {}, { state: { ...stage.state, prove: refusal, write: refusal } });
    expect(ran.result.category).toBe('permission');
    expect(written(ran)).toEqual([]);
  });
});

describe('a release that fails', () => {
  const ask = { health: { ask: [{ query: 'hello', expect: { contains: '回答' } }], settle: '10s' } };

  /** breakLive makes every version but one answer nonsense from the second health check on, which is the live one. */
  const breakLive = (doIt: () => void): ((step: string) => void) => {
    let checks = 0;
    return (step) => {
      if (step === 'health-check') checks += 1;
      if (step === 'health-check' && checks === 2) doIt();
    };
  };

  test.each([
    ['without a gateway', () => ({})],
    ['behind a gateway', () => ({ ...gateway(), canary: false })],
  ])('at the live health check, %s: the last good version is back, read back, told and recorded', async (_, more) => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, more(), { ...ask, notify: [{ slack: { env: 'SLACK_WEBHOOK' } }] });
    const good = await released(setting, 'good');
    await stage.write('app.yml', saying('bad'));
    stage.newResults();
    const { result, said } = await stage.run('release', setting, {}, { onStep: breakLive(() => stage.lab.dify.setFaults(appId, good, { wrong: 1 })) });
    expect(stepOf(result, 'health-check')).toMatchObject({ status: 'failed', category: 'gate' });
    expect(result).toMatchObject({ category: 'gate', outputs: { 'failed-step': 'health-check', recovered: expect.stringMatching(/live again.*read back/) } });
    expect(stage.lab.dify.sameContent(appId, stage.lab.dify.published(appId) ?? '', good)).toBe(true);
    expect(await answered(setting)).toContain('good 回答');
    expect(await commentOf(appId)).toMatch(/(?:^| )verdict=failed(?: |$)/);
    expect(stage.lab.inbox.messages().length).toBe(2);
    expect(JSON.stringify(stage.lab.inbox.messages().at(-1))).toContain('stopped by a gate');
    const record = await recordOf(appId);
    expect(record?.stable?.version).toBe(stage.lab.dify.published(appId));
    expect(record?.history).toMatchObject([{ verdict: 'failed', version: stepOf(result, 'publish-version')?.outputs['version'] }, { verdict: 'passed', version: good }]);
    expect(record?.lease).toBeUndefined();
    expect(said.deployments.map(({ state }) => state)).toEqual(['in_progress', 'failure']);
    expect(said.lines.at(-1)).toMatch(/^release failed: health-check: .*; the last good version .* is live again/);
  });

  test('when the way back fails, too, it is a P0 and says that users may meet the new version', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, {}, { ...ask, notify: [{ slack: { env: 'SLACK_WEBHOOK' } }] });
    const good = await released(setting, 'good');
    await stage.write('app.yml', saying('bad'));
    const { result } = await stage.run('release', setting, {}, {
      onStep: breakLive(() => {
        stage.lab.dify.setFaults(appId, good, { wrong: 1 });
        stage.breakWrites();
      }),
    });
    expect(result).toMatchObject({ category: 'gate', outputs: { recovered: 'no' }, hint: expect.stringMatching(/^Users may still meet the new version\./) });
    expect(result.reason).toMatch(/could not be put back: the lab is broken$/);
    expect(JSON.stringify(stage.lab.inbox.messages().at(-1))).toContain('could not be put back');
  });

  test('before any user has met it: nothing is put back', async () => {
    const { appId, published } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('rude'));
    const { result } = await stage.run('release', difySetting(appId, {}, { health: { ask: [{ query: 'hello', expect: { 'not-contains': 'rude' } }], settle: '5s' } }));
    expect(result).toMatchObject({ category: 'gate', outputs: { 'failed-step': 'health-check', recovered: 'no user has met the new version' } });
    expect(stage.lab.dify.published(appId)).toBe(published);
  });

  test.each([
    ['in a release', ['release']],
    ['in steps of their own', ['deploy', 'publish-version']],
  ] as const)('what it left in the draft is in nobody\'s way: the next one %s replaces it, and somebody else\'s work still is a conflict', async (_, steps) => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const polite = difySetting(appId, {}, { health: { ask: [{ query: 'hello', expect: { 'not-contains': 'rude' } }], settle: '5s' } });
    await stage.write('app.yml', saying('rude'));
    expect((await stage.run('release', polite)).result.outputs['failed-step']).toBe('health-check');
    await stage.write('app.yml', saying('kind'));
    stage.newResults();
    for (const step of steps) expect((await stage.run(step, polite)).result).toMatchObject({ step, status: 'passed' });
    expect(await answered(polite)).toContain('kind 回答');
    // A deployment that this record knows nothing of is what somebody does in Studio.
    await stage.write('app.yml', saying('by hand'));
    expect((await stage.run('deploy', polite, {}, { state: noMemory() })).result.status).toBe('passed');
    await stage.write('app.yml', saying('next'));
    stage.newResults();
    expect((await stage.run('deploy', polite)).result).toMatchObject({ category: 'conflict', reason: expect.stringContaining('edited since the last release') });
  });

  test('the deployments page is told, and one that cannot be told is a warning', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const refused = await stage.run('release', difySetting(appId), {}, { deployment: () => Promise.resolve(failed({ category: 'permission', reason: 'GitHub refused it', hint: 'Give the job deployments: write.' })) });
    expect(refused.result.status).toBe('passed');
    expect(refused.said.warnings).toEqual(['in_progress', 'success'].map((state) => `the deployments page does not say "${state}": GitHub refused it. Give the job deployments: write.`));
    const ran = await stage.run('release', difySetting(appId));
    expect(ran.said.deployments).toMatchObject([
      { environment: 'production', state: 'in_progress', url: expect.stringContaining(appId) },
      { environment: 'production', state: 'success', url: expect.stringContaining(appId) },
    ]);
    for (const quiet of [{ dryRun: true }, { rehearsal: true }]) expect((await stage.run('release', difySetting(appId), {}, quiet)).said.deployments).toEqual([]);
  });
});

describe('snapshot', () => {
  test('holds what is needed to restore: deployed, it is the content that was live', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId);
    await stage.write('app.yml', saying('new'));
    const taken = await stage.run('snapshot', setting);
    expect(written(taken)).toEqual([]);
    const path = join(stage.folder, '.sluice/snapshots/production/app.yml');
    expect(taken.result).toMatchObject({ status: 'passed', outputs: { folder: join(stage.folder, '.sluice/snapshots/production'), version: stage.lab.dify.published(appId) } });
    await released(setting, 'new');
    // The release has put its own copy into the same folder; both are of the version that was live before it.
    await stage.write('app.yml', await readFile(path, 'utf8'));
    const { result } = await stage.run('deploy', setting);
    expect(result.outputs['digest']).toBe(taken.result.outputs['digest']);
  });

  test('is skipped for an application that does not exist yet', async () => {
    await stage.write('app.yml', saying('first'));
    expect((await stage.run('snapshot', difySetting(''))).result).toMatchObject({ status: 'skipped', outputs: { folder: '' } });
  });
});
