/*
 * Runs of the bundle that are killed with SIGKILL, at what they do outside of themselves (each request before it is
 * sent, after it was, and after its answer; each command of the gateway; each write of a file) and at random times, and
 * one later run: `sweep`, or the same command. scripts/kill-anywhere.js does the same with more points.
 */
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { worldAround } from './agentrun-fault-world.ts';
import { agentrunScene, difyScene, type KillScene } from './kill-scenes.ts';
import { courseOf, killed, random, second, tasks, type Blow, type Course, type Fell, type Task } from './kill-walk.ts';

/** Order is how much is done: how many points, which seed first, how many minutes at most, and where each is written down. */
const order = {
  points: Number(process.env['SLUICE_KILL_POINTS'] ?? 60),
  seed: Number(process.env['SLUICE_KILL_SEED'] ?? 1),
  minutes: Number(process.env['SLUICE_KILL_MINUTES'] ?? 0.75),
  kind: process.env['SLUICE_KILL_KIND'] ?? 'both',
  log: process.env['SLUICE_KILL_RESULTS'],
};

const world = worldAround();
const scenes: KillScene[] = [];
beforeAll(async () => {
  scenes.push(await agentrunScene(world()), await difyScene(), await agentrunScene(world()), await difyScene());
  await Promise.all(scenes.map(second));
}, 120_000);
afterAll(async () => {
  await Promise.all(scenes.map((scene) => scene.close()));
});

interface Point {
  readonly task: Task;
  readonly later: Fell['later'];
  readonly seed: number;
  /** where is from 0 to 1: which of the task's events, or which moment of its time. */
  readonly where: number;
  readonly kind: 'event' | 'time';
}

const pointOf = (seed: number): Point => {
  const next = random(seed);
  const task = tasks[Math.floor(next() * tasks.length)] ?? 'auto';
  const later = next() < 0.5 ? 'sweep' : 'same';
  const kind = order.kind === 'both' ? (next() < 0.5 ? 'event' : 'time') : order.kind === 'event' ? 'event' : 'time';
  return { task, later, seed, where: next(), kind };
};

test('whatever moment a run dies at, one later run leaves nobody stranded, publishes nothing twice, and finds a record that verifies', async () => {
  const ends = performance.now() + order.minutes * 60_000;
  const queue = Array.from({ length: order.points }, (_, index) => pointOf(order.seed + index));
  const counts = new Map<KillScene['platform'], Map<Task, Course>>();
  const counting = scenes.slice(0, 2).map(async (scene) => {
    const found = new Map<Task, Course>();
    counts.set(scene.platform, found);
    for (const task of tasks) found.set(task, await courseOf(scene, task));
  });
  await Promise.all(counting);
  const fell: { readonly point: Point; readonly fell: Fell }[] = [];
  const work = async (scene: KillScene): Promise<void> => {
    while (performance.now() < ends) {
      const point = queue.shift();
      if (point === undefined) return;
      const { events = [], durationMs = 0 } = counts.get(scene.platform)?.get(point.task) ?? {};
      const nth = Math.floor(point.where * events.length);
      const blow: Blow = point.kind === 'event' ? { event: 1 + nth } : { afterMs: point.where * durationMs };
      const one = await killed(scene, point.task, blow, point.later);
      fell.push({ point, fell: one });
      if (order.log !== undefined) appendFileSync(order.log, `${JSON.stringify({ platform: scene.platform, ...point, ...blow, ...(point.kind === 'event' ? { at: events[nth], of: events.length } : {}), ...one })}\n`);
    }
  };
  await Promise.all(scenes.map(work));
  expect(fell.filter(({ fell: { wrong } }) => wrong.length > 0)).toEqual([]);
  expect(fell.length).toBeGreaterThan(3);
  expect(fell.filter(({ fell: one }) => one.killed).length).toBeGreaterThan(fell.length / 2);
}, 7_200_000);
