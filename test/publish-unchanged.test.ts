import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStage, type Setting, type Stage } from './lab-stage.ts';
import { agentSetting, difySetting, saying, stepOf, writeAgent } from './stage-settings.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const versionsOf = async (setting: Setting): Promise<string> => (await stage.run('versions', setting)).result.outputs['count'] ?? '';

/** agent is a runtime whose users' endpoint serves what was deployed. */
const agent = async (): Promise<Setting> => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
  await writeAgent(stage, 'new');
  const setting = agentSetting(stage);
  const released = { ...setting, environment: { ...setting.environment, canary: false } };
  expect((await stage.run('release', released)).result).toMatchObject({ status: 'passed', outputs: { published: 'true' } });
  stage.newResults();
  return released;
};

const app = async (): Promise<Setting> => {
  const { appId } = stage.lab.dify.createApp(saying('before'));
  const setting = difySetting(stage, appId);
  await stage.write('app.yml', saying('new'));
  expect((await stage.run('release', setting)).result).toMatchObject({ status: 'passed', outputs: { published: 'true' } });
  stage.newResults();
  return setting;
};

describe.each([
  ['AgentRun', agent],
  ['Dify', app],
])('content that is live already, on %s', (_name, make) => {
  test('is not published twice, and the result says so and which version serves', async () => {
    const setting = await make();
    const before = await versionsOf(setting);
    const live = (await stage.run('info', setting)).result.outputs['live'] ?? '';
    for (const step of ['deploy', 'publish-version'] as const) await stage.run(step, setting);
    const { result } = await stage.run('publish-version', setting);
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing to publish'), outputs: { published: 'false', version: live, 'previous-version': live, served: 'everybody' } });
    expect(await versionsOf(setting)).toBe(before);
    const again = (await stage.run('release', setting)).result;
    expect(again).toMatchObject({ status: 'passed', reason: expect.stringContaining(`everybody gets version ${live} already`), outputs: { published: 'false', version: live } });
    expect(await versionsOf(setting)).toBe(before);
  }, 30_000);

  test('is published once more when that is asked for', async () => {
    const setting = await make();
    const before = Number(await versionsOf(setting));
    await stage.run('deploy', setting);
    const { result } = await stage.run('publish-version', setting, { unchanged: 'publish' });
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^published /), outputs: { published: 'true', changed: 'true' } });
    expect(result.outputs['version']).not.toBe(result.outputs['previous-version']);
    expect(Number(await versionsOf(setting))).toBe(before + 1);
  }, 30_000);
});

test('a version of this content that nobody gets yet is named, with the one that users get', async () => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
  await writeAgent(stage, 'new');
  const setting = agentSetting(stage);
  await stage.run('deploy', setting);
  const first = await stage.run('publish-version', setting);
  expect(first.result.outputs).toMatchObject({ version: '2', published: 'true', 'previous-version': '1' });
  const second = await stage.run('publish-version', setting);
  expect(second.result).toMatchObject({ reason: 'nothing to publish: 2 has this content already; it is served to nobody, and users get 1', outputs: { version: '2', published: 'false', 'previous-version': '1' } });
});

test.each([
  ['AgentRun', agent, () => `${stage.lab.agentrun.data}/agent-runtimes/order-agent/endpoints/production/invocations`],
  ['Dify', app, () => /^http:\/\/[^/]+\/app\/[0-9a-f-]{36}/],
])('every step that has an address has the same one, on %s', async (_name, make, wanted) => {
  const setting = await make();
  const address = (await stage.run('info', setting)).result.outputs['address'] ?? '';
  expect(address).toMatch(wanted());
  for (const step of ['deploy', 'publish-version', 'health-check', 'release'] as const) {
    expect([step, (await stage.run(step, setting)).result.outputs['address']]).toEqual([step, address]);
  }
}, 30_000);

test('an agent without an endpoint has no address, and the release that makes the endpoint tells it', async () => {
  await writeAgent(stage, 'new');
  const setting = agentSetting(stage);
  const { result } = await stage.run('release', setting, { create: true });
  expect(result).toMatchObject({ status: 'passed', outputs: { address: `${stage.lab.agentrun.data}/agent-runtimes/order-agent/endpoints/production/invocations` } });
  expect(stepOf(result, 'deploy')?.outputs['address']).toBe('');
}, 30_000);

test('a failure gives no address', async () => {
  const setting = agentSetting(stage);
  await writeAgent(stage, 'new');
  const secrets = { ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'another-secret-than-the-right-one' };
  for (const step of ['info', 'deploy', 'publish-version', 'health-check', 'release'] as const) {
    const { result } = await stage.run(step, setting, {}, { secrets });
    expect([step, result.category, result.outputs['address']]).toEqual([step, expect.stringMatching(/authentication|permission/), '']);
  }
});
