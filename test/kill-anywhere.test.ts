/*
 * Runs of the bundle that are killed with SIGKILL, at what they do outside of themselves (each request before it is
 * sent, after it was, and after its answer; each command of the gateway and of git; each write of a file) and at random
 * times, and one later run: `sweep`, or the same command. scripts/kill-anywhere.js does the same with more points.
 */
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { worldAround } from './agentrun-fault-world.ts';
import { agentrunScene, difyScene, type KillScene } from './kill-scenes.ts';
import type { KillStore } from './kill-stores.ts';
import { courseOf, killed, random, second, tasks, usualCourse, type Blow, type Course, type Fell, type Task } from './kill-walk.ts';

/** order is how much is done: which points, for how long at most, how many side by side, and where each is written down. */
const order = {
  points: Number(process.env['SLUICE_KILL_POINTS'] ?? 40),
  seed: Number(process.env['SLUICE_KILL_SEED'] ?? 1),
  minutes: Number(process.env['SLUICE_KILL_MINUTES'] ?? 0.35),
  kind: process.env['SLUICE_KILL_KIND'] ?? 'both',
  together: Number(process.env['SLUICE_KILL_TOGETHER'] ?? 4),
  log: process.env['SLUICE_KILL_RESULTS'],
};

interface Lane {
  readonly platform: KillScene['platform'];
  readonly store: KillStore['name'];
}

const lanes: readonly Lane[] = (['agentrun', 'dify'] as const).flatMap((platform) => (['folder', 'git'] as const).map((store) => ({ platform, store })));

/** Point is one run that is killed. */
interface Point extends Lane {
  readonly task: Task;
  readonly later: Fell['later'];
  /** too says that the programs which the run has started die with it. */
  readonly too: boolean;
  readonly seed: number;
  readonly kind: 'event' | 'time';
  /** blow is where it dies; absent where that is `where`, from 0 to 1, of all that the task does or of its time. */
  readonly blow?: Blow;
  readonly where: number;
}

const pointOf = (seed: number): Point => {
  const next = random(seed);
  const task = tasks[Math.floor(next() * tasks.length)] ?? 'auto';
  const later = next() < 0.5 ? 'sweep' : 'same';
  const kind = order.kind === 'both' ? (next() < 0.5 ? 'event' : 'time') : order.kind === 'event' ? 'event' : 'time';
  return { ...(lanes[seed % lanes.length] ?? { platform: 'dify', store: 'folder' }), task, later, seed, kind, where: next(), too: next() < 0.5 };
};

/** known are the points at which most is at stake: a share that users have and that nobody has seen, a push, a version that is made. */
const known: readonly Point[] = (
  [
    ['agentrun', 'folder', 'auto', 'sweep', { event: 1, of: 'after the answer to PUT' }],
    ['agentrun', 'git', 'auto', 'same', { event: 2, of: 'after the answer to PUT' }],
    ['dify', 'folder', 'auto', 'sweep', { event: 2, of: 'after a command' }],
    ['dify', 'git', 'auto', 'sweep', { event: 3, of: 'after the start of git push' }],
    ['agentrun', 'folder', 'release', 'same', { event: 2, of: 'after sending PUT' }],
    ['agentrun', 'git', 'publish-version', 'same', { event: 1, of: 'after sending POST' }],
    ['dify', 'folder', 'promote', 'same', { event: 1, of: 'after a command' }],
    ['dify', 'git', 'publish-version', 'same', { event: 2, of: 'after git push' }],
  ] as const
).map(([platform, store, task, later, blow]) => ({ platform, store, task, later, too: false, seed: 0, kind: 'event', blow, where: 0 }));

const world = worldAround();
const open: KillScene[] = [];

const openScene = async ({ platform, store }: Lane): Promise<KillScene> => {
  const scene = platform === 'agentrun' ? await agentrunScene(world(), store) : await difyScene(store);
  open.push(scene);
  await second(scene);
  return scene;
};

/** mostOf is how many points one scene sees: versions add up. */
const mostOf = 60;

const coursesOf = async (scene: KillScene): Promise<ReadonlyMap<Task, Course>> => {
  const found = new Map<Task, Course>();
  for (const task of tasks) found.set(task, order.log === undefined ? usualCourse(scene, task) : await courseOf(scene, task));
  return found;
};

let first: readonly KillScene[] = [];
beforeAll(async () => {
  first = await Promise.all(lanes.map(openScene));
}, 240_000);
afterAll(async () => {
  await Promise.all(open.map((scene) => scene.close()));
});

interface Done {
  readonly point: Point;
  readonly fell: Fell;
}

/** places lets so many points be under way at once. */
const places = (count: number) => {
  let free = count;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((resolve) => void waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};

const killedAt = async (scene: KillScene, point: Point, courses: ReadonlyMap<Task, Course>): Promise<Done> => {
  const { events = [], durationMs = 0 } = courses.get(point.task) ?? {};
  const nth = Math.floor(point.where * events.length);
  const blow = point.blow ?? (point.kind === 'event' ? { event: 1 + nth } : { afterMs: point.where * durationMs });
  const fell = await killed(scene, point.task, blow, point.later, point.too);
  if (order.log !== undefined) appendFileSync(order.log, `${JSON.stringify({ ...point, ...blow, ...(point.kind === 'event' && point.blow === undefined ? { at: events[nth], of: events.length } : {}), ...fell })}\n`);
  return { point, fell };
};

test('whatever moment a run dies at, one later run leaves nobody stranded, publishes nothing twice, keeps all evidence, and finds a record that verifies', async () => {
  const ends = performance.now() + order.minutes * 60_000;
  const place = places(order.together);
  const all: readonly Point[] = [...known, ...Array.from({ length: order.points - known.length }, (_, index) => pointOf(order.seed + index))];
  const done: Done[] = [];
  const work = async (lane: Lane, opened: KillScene | undefined): Promise<void> => {
    let scene = opened ?? (await openScene(lane));
    const courses = await place(() => coursesOf(scene));
    const queue = all.filter(({ platform, store }) => platform === lane.platform && store === lane.store);
    for (const [index, point] of queue.entries()) {
      // Those that are known are never left out.
      if (performance.now() > ends && point.blow === undefined) break;
      if (index > 0 && index % mostOf === 0) {
        await scene.store.verify();
        scene = await openScene(lane);
      }
      done.push(await place(() => killedAt(scene, point, courses)));
    }
    await scene.store.verify();
  };
  const lost = (await Promise.allSettled(lanes.map((lane, index) => work(lane, first[index])))).filter(({ status }) => status === 'rejected');
  expect(lost).toEqual([]);
  expect(done.filter(({ fell: { wrong } }) => wrong.length > 0)).toEqual([]);
  expect(done.filter(({ point: { blow }, fell }) => blow !== undefined && !fell.killed)).toEqual([]);
}, 14_400_000);
