import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openStage, type Setting, type Stage } from './lab-stage.ts';
import { agentSetting, writeAgent } from './stage-settings.ts';

// docs/agentrun.md, "Blue-green": everybody changes at one moment, at one address, after a judgement beside the users.
const runtime = 'order-agent';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  stage.lab.agentrun.createRuntime({ name: runtime, endpoint: 'production' });
  await writeAgent(stage, 'new');
});
afterEach(() => stage.close());

const blueGreen = (): Setting => {
  const setting = agentSetting(stage);
  return { ...setting, environment: { ...setting.environment, canary: { steps: ['100%'], minimum: 5, pairs: 200, watch: ['errors'] } } };
};

interface Users {
  /** stop gives the versions in the order in which users met them, without repetitions, and how many failed. */
  stop(): Promise<{ readonly order: readonly string[]; readonly counted: Readonly<Record<string, number>>; readonly failed: number; readonly splits: readonly string[] }>;
}

/** users ask one after the other at the one address, and what the lab then counts for each version tells who answered. */
const users = (address: string): Users => {
  let stopped = false;
  let failed = 0;
  const order: string[] = [];
  const splits = new Set<string>();
  const ask = async (): Promise<void> => {
    while (!stopped) {
      const before = stage.lab.agentrun.served(runtime, 'production');
      const answer = await fetch(`${address}/openai/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content: '你好' }] }) });
      await answer.text();
      if (!answer.ok) failed += 1;
      const after = stage.lab.agentrun.served(runtime, 'production');
      for (const [version, count] of Object.entries(after)) if (count > (before[version] ?? 0) && order.at(-1) !== version) order.push(version);
      for (const { version, weight } of stage.lab.agentrun.routing(runtime, 'production').versionWeights) splits.add(`${version}=${weight}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  };
  const asking = ask();
  return {
    stop: async () => {
      stopped = true;
      await asking;
      return { order, failed, counted: stage.lab.agentrun.served(runtime, 'production'), splits: [...splits] };
    },
  };
};

const address = async (): Promise<string> => (await stage.run('info', blueGreen())).result.outputs['address'] ?? '';

test('users are never split: all of them get the old version, then all of them the new one, and no call fails', async () => {
  const setting = blueGreen();
  const asking = users(await address());
  const { result } = await stage.run('release', setting);
  // A few users come after it.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { order, failed, counted, splits } = await asking.stop();
  expect(result).toMatchObject({ status: 'passed', outputs: { version: '2', 'previous-version': '1', verdict: 'promote' } });
  expect({ order, failed, splits }).toEqual({ order: ['1', '2'], failed: 0, splits: [] });
  expect(Object.keys(counted).sort()).toEqual(['1', '2']);
  expect(Math.min(...Object.values(counted))).toBeGreaterThan(3);
  expect(result.outputs['address']).toBe(await address());

  const back = users(await address());
  expect((await stage.run('rollback', setting, { version: '1' })).result).toMatchObject({ status: 'passed' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const after = await back.stop();
  expect({ last: after.order.at(-1), failed: after.failed, splits: after.splits }).toEqual({ last: '1', failed: 0, splits: [] });
}, 60_000);

test('a version that fails beside the users is met by none of them', async () => {
  const setting = blueGreen();
  for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, setting)).result.status).toBe('passed');
  stage.lab.agentrun.setFaults(runtime, '1', { errors: 1 });
  const asking = users(await address());
  const { result } = await stage.run('canary', setting);
  const { order, failed } = await asking.stop();
  expect(result).toMatchObject({ status: 'failed', outputs: { verdict: 'abort' } });
  expect({ order, failed }).toEqual({ order: ['1'], failed: 0 });
}, 60_000);
