import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { StateStore } from '@sluice/core';
import { openStage, valueOf, type Ran, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import * as settings from './stage-settings.ts';
import { saying, stepOf, written } from './stage-settings.ts';

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(() => stage.close());

const difySetting = (app: string, more: Readonly<Record<string, unknown>> = {}, rest: Omit<Setting, 'environment'> = {}): Setting => settings.difySetting(stage, app, more, rest);

const released = (setting: Setting, word: string, options: RunOptions = {}): Promise<string> => settings.released(stage, setting, word, options);

const recordOf = async (app: string) => valueOf(await stage.state.read(app, 'production'))?.record;

const gateway = (): Readonly<Record<string, unknown>> => settings.gateway(stage);

const agentSetting = (): Setting => settings.agentSetting(stage);

const writeAgent = (code: string): Promise<void> => settings.writeAgent(stage, code);

describe('a release of what is live already', () => {
  const draftRuns = ({ sent }: Ran): number => sent.filter((one) => one.endsWith('/draft/run')).length;

  test.each([
    ['without a gateway', () => ({ canary: true })],
    ['behind a gateway', gateway],
  ])('%s publishes nothing, asks no pairs, and says so', async (_, more) => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, more());
    const version = await released({ ...setting, environment: { ...setting.environment, canary: false } }, 'new');
    stage.newResults();
    const ran = await stage.run('release', setting);
    expect(ran.result).toMatchObject({ status: 'passed', reason: `nothing was different: everybody gets version ${version} already`, outputs: { version } });
    expect(stepOf(ran.result, 'publish-version')).toMatchObject({ status: 'passed', outputs: { changed: 'false', version, 'previous-version': version, served: 'everybody' } });
    expect(stepOf(ran.result, 'canary')).toMatchObject({ status: 'skipped', reason: expect.stringContaining('nothing is different') });
    expect(stage.lab.dify.published(appId)).toBe(version);
    expect(written(ran)).toEqual([]);
    // The health check of the draft asks it: thrice to settle, and once for each question.
    expect(draftRuns(ran)).toBeLessThan(6);
    expect((await recordOf(appId))?.history).toMatchObject([{ version, verdict: 'passed' }]);
  });

  test('behind a gateway what a run has published before its first weight is not published twice', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const setting = difySetting(appId, gateway());
    await stage.run('deploy', setting);
    const first = await stage.run('publish-version', setting);
    stage.newResults();
    const deployed = await stage.run('deploy', setting);
    const second = await stage.run('publish-version', setting);
    expect(written(deployed)).toEqual([]);
    expect(written(second)).toEqual([]);
    expect(second.result).toMatchObject({ status: 'passed', outputs: { version: first.result.outputs['version'], 'previous-version': first.result.outputs['previous-version'], served: 'nobody' } });
    expect(first.result.outputs['version']).not.toBe(first.result.outputs['previous-version']);
  });

  test('without a memory of earlier releases it is the same', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('before'));
    const { result } = await stage.run('release', difySetting(appId, { canary: true }));
    expect(stepOf(result, 'publish-version')).toMatchObject({ outputs: { changed: 'false' } });
  });

  const withToken = (word: string): string => {
    const dsl = parse(saying(word)) as { workflow: { environment_variables: unknown[] } };
    dsl.workflow.environment_variables = [{ id: '5d0c6a4e-93a2-4a3c-9d8e-0c2f5a3b1d11', name: 'CRM_TOKEN', value_type: 'secret', value: '' }];
    return stringify(dsl);
  };

  test('publishes a new secret, which no digest shows, also when an earlier run has deployed it and was killed', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, { variables: { CRM_TOKEN: { env: 'CRM_TOKEN' } } });
    await stage.write('app.yml', withToken('new'));
    const releasedWith = async (token: string): Promise<string> => {
      stage.newResults();
      const { result } = await stage.run('release', setting, {}, { secrets: { CRM_TOKEN: token } });
      expect(result).toMatchObject({ status: 'passed' });
      return stepOf(result, 'publish-version')?.outputs['changed'] ?? '';
    };
    expect(await releasedWith('first-token-0123456789')).toBe('true');
    expect(await releasedWith('first-token-0123456789')).toBe('false');
    expect(await releasedWith('other-token-0123456789')).toBe('true');
    stage.newResults();
    expect((await stage.run('deploy', setting, {}, { secrets: { CRM_TOKEN: 'third-token-0123456789' } })).result.outputs['changed']).toBe('true');
    expect(await releasedWith('third-token-0123456789')).toBe('true');
    expect(await releasedWith('third-token-0123456789')).toBe('false');
  });
});

describe('canary', () => {
  test.each([
    ['a word', 'nope', 'candidate'],
    ['an id that the app does not have', '11111111-2222-3333-4444-555555555555', 'candidate'],
    ['the other input', 'nope', 'stable'],
  ])('%s is bad input, with the versions there are', async (_, version, input) => {
    const { appId, published = '' } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, gateway());
    await stage.write('app.yml', saying('new'));
    for (const step of ['deploy', 'publish-version'] as const) await stage.run(step, setting);
    const ran = await stage.run('canary', setting, { [input]: version });
    expect(ran.result).toMatchObject({ category: 'input', reason: `the input ${input} is "${version}", and ${appId} has no such version`, hint: expect.stringContaining(published) });
    expect(written(ran)).toEqual([]);
  });

  test('on AgentRun, too', async () => {
    stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    await writeAgent('new');
    for (const step of ['deploy', 'publish-version'] as const) await stage.run(step, agentSetting());
    const { result } = await stage.run('canary', agentSetting(), { candidate: 'nope' });
    expect(result).toMatchObject({ category: 'input', reason: expect.stringMatching(/^the input candidate is "nope", and .* has no such version$/) });
  });

  test('aborts a candidate that does not answer in time, and says what to do', async () => {
    const { version } = stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    await writeAgent('new');
    // With waits 1000 times shorter an answer may take 0.3 s; the lab's own waits are 20 times shorter.
    const slow = { factor: 1000, onStep: (step: string) => step === 'canary' && stage.lab.agentrun.setFaults('order-agent', version, { latencyMs: 20_000 }) };
    const { result } = await stage.run('release', agentSetting(), {}, slow);
    const canary = stepOf(result, 'canary');
    expect(canary).toMatchObject({ status: 'failed', category: 'gate', outputs: { verdict: 'abort', observed: version } });
    expect(canary?.reason).toMatch(/^the candidate failed in (\d+) of \1 and stable in 0 of \1 answers \(paired probes\)/);
    expect(result).toMatchObject({ category: 'gate', hint: expect.stringMatching(/^Users get 1 again\. .*result document.* run release again\./) });
    expect(stage.lab.agentrun.routing('order-agent', 'production')).toMatchObject({ targetVersion: version });
  }, 20_000);
});

describe('a version that nobody judged to the end', () => {
  test('is not what a failed release puts back: that is the version that was recorded as stable', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, {}, { health: { ask: [{ query: 'hello', expect: { contains: '回答' } }], settle: '10s' } });
    const good = await released(setting, 'good');
    // A release that was killed after publish-version leaves this behind.
    await stage.write('app.yml', saying('bad'));
    stage.newResults();
    for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, setting)).result.status).toBe('passed');
    stage.newResults();
    let checks = 0;
    const onStep = (step: string): void => {
      checks += step === 'health-check' ? 1 : 0;
      if (checks === 2) stage.lab.dify.setFaults(appId, good, { wrong: 1 });
    };
    const { result } = await stage.run('release', setting, {}, { onStep });
    expect(result).toMatchObject({ category: 'gate', outputs: { 'failed-step': 'health-check', recovered: expect.stringMatching(/live again/) } });
    expect(stage.lab.dify.sameContent(appId, stage.lab.dify.published(appId) ?? '', good)).toBe(true);
  });
});

describe('a release that lost its lease', () => {
  test('puts nothing back: who has the environment now decides what users get', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(appId, {}, { health: { ask: [{ query: 'hello', expect: { contains: '回答' } }], settle: '10s' } });
    const good = await released(setting, 'good');
    await stage.write('app.yml', saying('bad'));
    stage.newResults();
    let checks = 0;
    // A renewal comes once a minute of real time, or when the run is stopped, as here.
    const stopping = new AbortController();
    const state: StateStore = {
      ...stage.state,
      read: async (application, environment) => {
        const found = await stage.state.read(application, environment);
        if (!stopping.signal.aborted || !found.ok || found.value === undefined) return found;
        return { ok: true, value: { ...found.value, record: { ...found.value.record, lease: { holder: 'run 8, by somebody else', until: Date.now() + 60_000 } } } };
      },
    };
    const onStep = (step: string): void => {
      checks += step === 'health-check' ? 1 : 0;
      if (checks === 2) stage.lab.dify.setFaults(appId, good, { wrong: 1 });
      if (checks === 2) stopping.abort();
    };
    const { result, said } = await stage.run('release', setting, {}, { onStep, signal: stopping.signal, state });
    expect(said.warnings.join()).toContain('this run has lost its lease to run 8');
    expect(result.outputs['recovered']).toBe('this run put nothing back: the environment is changed by run 8, by somebody else');
    expect(stage.lab.dify.sameContent(appId, stage.lab.dify.published(appId) ?? '', good)).toBe(false);
  });
});
