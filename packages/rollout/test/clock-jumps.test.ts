import { expect, test } from '@jest/globals';
import { type Clock } from '@sluice/core';
import { drive } from '../src/index.ts';
import { healthyWindows, rig } from './fakes.ts';
import { planFor } from './support.ts';

const hour = 3_600_000;

// A machine whose time is put right meanwhile: the plan has weights of ten minutes.
test.each<[string, (elapsedMs: number) => number]>([
  ['three hours ahead in the first weight', (elapsed) => (elapsed > 120_000 ? 3 * hour : 0)],
  ['three hours back in the first weight', (elapsed) => (elapsed > 120_000 ? -3 * hour : 0)],
  ['ahead at every look', (elapsed) => Math.floor(elapsed / 60_000) * hour],
  ['ahead in the second weight and back in the third', (elapsed) => (elapsed > 700_000 && elapsed < 1_300_000 ? 5 * hour : 0)],
])('a wall clock that jumps %s shortens no weight', async (_name, jump) => {
  const world = rig({ windows: healthyWindows });
  const { clock: steady } = world.ports;
  const began = steady.elapsed();
  const clock: Clock = { ...steady, now: () => steady.now() + jump(steady.elapsed() - began) };
  const moved: number[] = [];
  const traffic = {
    read: () => world.traffic.read(),
    set: (...given: Parameters<typeof world.traffic.set>) => {
      moved.push(steady.elapsed() - began);
      return world.traffic.set(...given);
    },
  };
  const end = await drive(planFor({}, true), { stable: 'v1', candidate: 'v2' }, { ...world.ports, traffic, clock });
  // What a clock does to the evidence may end a rollout without a verdict; it raises nothing early.
  if (moved.length === 4) expect(end.verdict).toBe('promote');
  else expect(end.verdict).toBe('inconclusive');
  for (const [index, at] of moved.slice(1, end.weightsSeen.length).entries()) expect(at - (moved[index] ?? 0)).toBeGreaterThanOrEqual(600_000);
  expect(moved.length).toBeGreaterThan(1);
  if (end.verdict === 'promote') expect(moved[3]).toBeGreaterThanOrEqual(1_800_000);
});
