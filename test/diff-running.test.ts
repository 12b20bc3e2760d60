import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStage, type Setting, type Stage } from './lab-stage.ts';
import { agentSetting, difySetting, saying, writeAgent } from './stage-settings.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const drift = { from: 'running', environment: 'production', 'fail-on-change': true } as const;

const released = async (setting: Setting): Promise<Setting> => {
  expect((await stage.run('release', setting)).result.status).toBe('passed');
  stage.newResults();
  return setting;
};

const dify = async (word = 'new', more: Readonly<Record<string, unknown>> = {}): Promise<Setting> => {
  const { appId } = stage.lab.dify.createApp(saying('before'));
  await stage.write('app.yml', saying(word));
  return released(difySetting(stage, appId, more));
};

const agent = async (): Promise<Setting> => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
  await writeAgent(stage, 'new');
  const setting = agentSetting(stage);
  return released({ ...setting, environment: { ...setting.environment, canary: false } });
};

describe('what was released', () => {
  test.each([['Dify', () => dify()], ['AgentRun', agent]])('on %s is what runs, and nothing is written to find that out', async (_, make) => {
    const setting = await make();
    const { result, sent } = await stage.run('diff', setting, drift);
    expect(result).toMatchObject({ status: 'passed', outputs: { changes: '0', changed: 'false' }, reason: 'nothing that users could meet changed from what runs to the working tree' });
    expect(sent.filter((line) => !line.endsWith('/login'))).toEqual([]);
  }, 30_000);
});

describe('drift', () => {
  test('on Dify is shown word by word, and fails where that is asked for', async () => {
    const setting = await dify();
    await stage.write('app.yml', saying('newer'));
    const { result, said } = await stage.run('diff', setting, drift);
    expect(result).toMatchObject({ status: 'failed', category: 'gate', outputs: { changes: '1', changed: 'true' } });
    expect(said.lines.join('\n')).toContain('[-new-]{+newer+}');
    expect((await stage.run('diff', setting, { ...drift, 'fail-on-change': false })).result).toMatchObject({ status: 'passed', outputs: { changed: 'true' } });
    // The other way round.
    const back = await stage.run('diff', setting, { from: 'source', to: 'running', environment: 'production' });
    expect(back.said.lines.join('\n')).toContain('[-newer-]{+new+}');
  }, 30_000);

  test('on Dify is not in the icon of an app whose file has none, nor in the colour that an import left', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const setting = difySetting(stage, appId);
    for (const icon of ['', '  icon: 🐙\n', "  icon: 🐙\n  icon_background: '#FFEAD5'\n"]) {
      await stage.write('app.yml', saying('new').replace(/^ {2}icon\w*:.*\n/gm, '').replace(/^app:\n/m, `app:\n${icon}`));
      await released(setting);
      expect((await stage.run('diff', setting, drift)).result).toMatchObject({ status: 'passed', outputs: { changes: '0' } });
    }
    await stage.write('app.yml', saying('new').replace(/^ {2}icon\w*:.*\n/gm, '').replace(/^app:\n/m, "app:\n  icon: 🐙\n  icon_background: '#000000'\n"));
    expect((await stage.run('diff', setting, drift)).result).toMatchObject({ category: 'gate', outputs: { changes: '1' } });
  }, 60_000);

  test('on Dify is told from what is deployed and not published: users do not get that', async () => {
    const setting = await dify();
    await stage.write('app.yml', saying('newer'));
    expect((await stage.run('deploy', setting)).result.status).toBe('passed');
    expect((await stage.run('diff', setting, drift)).result.outputs['changed']).toBe('true');
  }, 30_000);

  test('on AgentRun names the keys, and of variables the names alone', async () => {
    const setting = await agent();
    const path = join(stage.folder, 's.yaml');
    const text = await readFile(path, 'utf8');
    await stage.write('s.yaml', text.replace('memory: 2048', 'memory: 4096\n        environmentVariables: { MODE: quiet-value }'));
    const { result, said } = await stage.run('diff', setting, drift);
    expect(result).toMatchObject({ category: 'gate', outputs: { changed: 'true' } });
    const lines = said.lines.join('\n');
    expect(lines).toMatch(/memory[^]*2048[^]*4096/);
    expect(lines).toContain('MODE');
    expect(lines).not.toContain('quiet-value');
  }, 30_000);

  test('of an agent that does not run yet is the whole agent', async () => {
    await writeAgent(stage, 'new');
    const { result } = await stage.run('diff', agentSetting(stage), drift);
    expect(result).toMatchObject({ category: 'gate', outputs: { changes: '1' }, reason: 's.yaml is new, from what runs to the working tree' });
  }, 30_000);
});

test('a secret that the environment gives is on no side', async () => {
  const app = (value: string): string => saying('new').replace('environment_variables: []', `environment_variables:\n    - { id: 7f1b7c52-3f0e-4f0b-9a55-1d2f6e0c8b41, name: CRM_TOKEN, selector: [env, CRM_TOKEN], value: '${value}', value_type: string }`);
  expect(app('x')).toContain('CRM_TOKEN');
  const { appId } = stage.lab.dify.createApp(saying('before'));
  await stage.write('app.yml', app(''));
  const setting = difySetting(stage, appId, { variables: { CRM_TOKEN: { env: 'CRM_TOKEN' } } });
  const first = { secrets: { CRM_TOKEN: 'the-old-secret' } };
  expect((await stage.run('release', setting, {}, first)).result.status).toBe('passed');
  stage.newResults();
  const { result, said } = await stage.run('diff', setting, drift, { secrets: { CRM_TOKEN: 'the-new-secret' } });
  expect(result.outputs).toMatchObject({ changed: 'false' });
  expect(JSON.stringify([result, said])).not.toMatch(/the-(?:old|new)-secret/);
}, 30_000);

test('two sides that run, and an environment that nobody named, are refused', async () => {
  const setting = await dify();
  expect((await stage.run('diff', setting, { from: 'running', to: 'running', environment: 'production' })).result).toMatchObject({ category: 'input', reason: 'both sides are `running`' });
  expect((await stage.run('diff', setting, { from: 'running' })).result).toMatchObject({ category: 'input', reason: expect.stringContaining('not said which environment') });
}, 30_000);
