/* Two releases at once on one endpoint, as processes: the second waits for the lease of the first, and goes no further. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { lineOf, worldAround, type Scene } from './agentrun-fault-world.ts';
import type { Ran } from './fault-verdicts.ts';

const job = (id: string): Readonly<Record<string, string>> => ({ JENKINS_URL: 'http://127.0.0.1/', BRANCH_NAME: 'main', BUILD_TAG: id });

/** during runs something while the first release is about to send its code; it holds the lease then. */
const during = async (scene: Scene, other: () => Promise<Ran>, holdMs: number): Promise<{ readonly first: Ran; readonly second: Ran }> => {
  let second: Promise<Ran> | undefined;
  scene.proxy.rule = async (seen): Promise<'pass'> => {
    if (second !== undefined || lineOf(scene, seen) !== 'PUT /runtimes/:id') return 'pass';
    second = other();
    await Promise.race([second, sleep(holdMs)]);
    return 'pass';
  };
  const first = await scene.run(['release'], { environment: job('jenkins-orders-7') });
  if (second === undefined) throw new Error('the first release has sent no code');
  return { first, second: await second };
};

describe('two releases at once on one endpoint', () => {
  const world = worldAround();

  test('the second waits, and then finds everything done: one version, everybody on it', async () => {
    const scene = await world().scene();
    const { first, second } = await during(scene, () => scene.run(['release'], { environment: job('jenkins-orders-8') }), 4000);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(second.stderr).toMatch(/waiting for the lease, held by run jenkins-orders-7/);
    expect(first.stderr).not.toContain('waiting for the lease');
    expect(scene.truth()).toMatchObject({ versions: 2, routing: { targetVersion: '2' }, beside: [] });
    expect(await scene.lease()).toBeUndefined();
  }, 120_000);

  test('one that may not wait that long ends as a conflict that names the other run, and changes nothing', async () => {
    const scene = await world().scene();
    const { first, second } = await during(scene, () => scene.run(['release', '--deadline', '3s'], { environment: job('jenkins-orders-8') }), 60_000);
    expect(second.code).toBe(7);
    expect(second.document).toMatchObject({ category: 'conflict', reason: expect.stringMatching(/another release changes this environment: run jenkins-orders-7/), hint: expect.stringContaining('Wait until it has ended') });
    expect(first.code).toBe(0);
    expect(scene.truth()).toMatchObject({ versions: 2, routing: { targetVersion: '2' } });
  }, 120_000);
});
