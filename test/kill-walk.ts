import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameSplit } from '@sluice/core';
import type { KillScene } from './kill-scenes.ts';
import { repository } from './sluice-process.ts';

/** Task is one command that is killed, with what has to be true before it. */
export type Task = 'auto' | 'set' | 'promote' | 'abort' | 'release' | 'publish-version';

export const tasks: readonly Task[] = ['auto', 'set', 'promote', 'abort', 'release', 'publish-version'];

/** Blow is when a run is killed: at the nth thing that it does outside of its process, or after a time. */
export type Blow = { readonly event: number } | { readonly afterMs: number };

/** Fell is one killed run and the one run after it, with everything that was not as it has to be. */
export interface Fell {
  readonly task: Task;
  readonly killed: boolean;
  readonly later: 'sweep' | 'same';
  readonly continued: boolean;
  readonly wrong: readonly string[];
}

const hook = join(repository, 'test', 'kill-hook.cjs');

const environmentOf = (more: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({ NODE_OPTIONS: `--require ${hook}`, ...more });

let words = 0;

/** other is the newest version that users do not get. */
const other = async (scene: KillScene): Promise<string> => {
  const { served } = await scene.where();
  const found = (await scene.versions()).findLast((id) => id !== served.stable);
  if (found === undefined) throw new Error('there is no second version');
  return found;
};

const well = async (scene: KillScene, argv: readonly string[]): Promise<void> => {
  const { code, stderr } = await scene.run(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${String(code)}: ${stderr.slice(-800)}`);
};

/** prepared brings a scene to where a task begins, and gives the command line. */
const prepared = async (scene: KillScene, task: Task): Promise<readonly string[]> => {
  const open = (await scene.where()).served.weight > 0;
  if (task === 'promote' || task === 'abort') {
    if (!open) await well(scene, ['canary', '--mode', 'set', '--weight', '20%', '--candidate', await other(scene)]);
    return ['canary', '--mode', task];
  }
  if (open) await well(scene, ['canary', '--mode', 'abort']);
  if (task === 'set') return ['canary', '--mode', 'set', '--weight', '30%', '--candidate', await other(scene)];
  if (task === 'auto') return ['canary', '--candidate', await other(scene)];
  await scene.change(`word ${(words += 1)} of ${process.pid}`);
  if (task === 'publish-version') await well(scene, ['deploy', '--overwrite']);
  return task === 'release' ? ['release', '--overwrite'] : ['publish-version'];
};

/** second makes a scene's second version. */
export const second = async (scene: KillScene): Promise<void> => {
  await scene.change('second');
  await well(scene, ['deploy']);
  await well(scene, ['publish-version']);
};

/** Course is what a task does outside of its process, and how long it takes, when nobody kills it. */
export interface Course {
  readonly events: readonly string[];
  readonly durationMs: number;
}

/** courseOf runs a task to its end and writes down what it does. */
export const courseOf = async (scene: KillScene, task: Task): Promise<Course> => {
  const argv = await prepared(scene, task);
  const log = join(tmpdir(), `sluice-events-${process.pid}-${words}-${scene.platform}-${task}`);
  const { code, stderr, durationMs } = await scene.run(argv, { environment: environmentOf({ SLUICE_KILL_LOG: log }) });
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${String(code)}: ${stderr.slice(-800)}`);
  const events = (await readFile(log, 'utf8')).trim().split('\n');
  await rm(log);
  return { events, durationMs };
};

const struck = (scene: KillScene, argv: readonly string[], blow: Blow) => {
  if ('event' in blow) return scene.run(argv, { environment: environmentOf({ SLUICE_KILL_AT: String(blow.event) }) });
  return scene.run(argv, { onStart: (kill) => void setTimeout(() => kill('SIGKILL'), blow.afterMs).unref() });
};

/** killed kills a task, lets one later run follow, and looks whether everything is as it has to be. */
export const killed = async (scene: KillScene, task: Task, blow: Blow, later: Fell['later']): Promise<Fell> => {
  const argv = await prepared(scene, task);
  const before = { versions: (await scene.versions()).length, where: (await scene.where()).served };
  const first = await struck(scene, argv, blow);
  const wrong: string[] = [];
  const rollout = Object(await scene.record())['rollout'] as { windows: number; permission?: object } | undefined;
  await scene.age();
  const then = await scene.run(later === 'sweep' ? ['sweep'] : argv);
  const looks = /goes on from there, with the evidence of (\d+) looks/.exec(then.stderr)?.[1];
  if (looks !== undefined && (rollout?.permission === undefined || Number(looks) !== rollout.windows)) wrong.push(`went on with ${looks} looks, and the record had ${String(rollout?.windows)}`);
  const doneBefore = later === 'same' && (task === 'promote' ? /no canary is open/ : /^$/).test(then.document.reason ?? '');
  if (then.code !== 0 && !doneBefore) wrong.push(`the later run ended with ${String(then.code)}: ${String(then.document.reason)}`);
  const { served, lying } = await scene.where();
  const byHand = task === 'set' || before.where.weight > 0;
  const planned = byHand ? [0, 30, before.where.weight] : [0];
  if (!planned.includes(served.weight)) wrong.push(`${served.weight} % are stranded on ${String(served.candidate)}`);
  if (task === 'set' && later === 'same' && served.weight !== 30) wrong.push(`the share of 30 % was not set: ${served.weight} %`);
  if ((task === 'promote' || task === 'abort') && later === 'same' && served.weight !== 0) wrong.push(`${task} left ${served.weight} %`);
  if (lying !== undefined && !sameSplit(lying, served)) wrong.push(`lies ready: ${JSON.stringify(lying)} beside ${JSON.stringify(served)}`);
  const made = (await scene.versions()).length - before.versions;
  const publishes = task === 'release' || task === 'publish-version';
  if (publishes && later === 'same' ? made !== 1 : made > (publishes ? 1 : 0)) wrong.push(`${made} versions were published`);
  const record = await scene.record();
  if ((record?.lease?.until ?? 0) > Date.now()) wrong.push('a lease is left that still runs');
  if (Object(record?.rollout)['permission'] !== undefined) wrong.push('a permission is left');
  return { task, killed: first.code === null, later, continued: looks !== undefined, wrong };
};

/** random gives numbers from 0 to 1 by mulberry32, the same for the same seed. */
export const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};
