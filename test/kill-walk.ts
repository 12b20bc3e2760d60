import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameSplit, type EnvironmentRecord } from '@sluice/core';
import { readRolloutState, type RolloutState } from '@sluice/rollout';
import type { KillScene } from './kill-scenes.ts';
import { repository } from './sluice-process.ts';

/** Task is one command that is killed, with what has to be true before it. */
export type Task = 'auto' | 'set' | 'promote' | 'abort' | 'release' | 'publish-version';

export const tasks: readonly Task[] = ['auto', 'set', 'promote', 'abort', 'release', 'publish-version'];

/** Blow is when a run is killed: at the nth thing that it does outside of its process, of one kind or of all, or after a time. */
export type Blow = { readonly event: number; readonly of?: string } | { readonly afterMs: number };

/** Fell is one killed run and the one run after it, with everything that was not as it has to be. */
export interface Fell {
  readonly task: Task;
  readonly killed: boolean;
  readonly later: 'sweep' | 'same';
  readonly continued: boolean;
  /** looks is how many looks it went on with. */
  readonly looks: number;
  /** wrong are sentences that begin with what they are about: stranded, published, state, unreadable or ended. */
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
  const { stable, weight } = (await scene.where()).served;
  if (task === 'promote' || task === 'abort') {
    if (weight === 0) await scene.split({ stable, candidate: await other(scene), weight: 20 });
    return ['canary', '--mode', task];
  }
  if (weight > 0) await scene.split({ stable, weight: 0 });
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
  const log = join(tmpdir(), `sluice-events-${process.pid}-${words}-${scene.platform}-${scene.store.name}-${task}`);
  const { code, stderr, durationMs } = await scene.run(argv, { environment: environmentOf({ SLUICE_KILL_LOG: log }) });
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${String(code)}: ${stderr.slice(-800)}`);
  const events = (await readFile(log, 'utf8')).trim().split('\n');
  await rm(log);
  return { events, durationMs };
};

/** Marks are the files that a run writes about itself for this test. */
interface Marks {
  readonly children: string;
  readonly records: string;
}

/** usualCourse is about what a task does and how long, where that is not to be found out first. */
export const usualCourse = ({ platform, store }: KillScene, task: Task): Course => {
  const long = task === 'auto' || task === 'release';
  const writes = store.name === 'git' ? 3 : 1;
  return { events: Array.from({ length: (task === 'release' ? 550 : long ? 260 : 80) * writes }, () => ''), durationMs: (long ? 2500 : 400) * writes * (platform === 'dify' && task !== 'publish-version' ? 2 : 1) };
};

const linesOf = async (path: string): Promise<readonly string[]> => {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
};

const alive = (group: number): boolean => {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
};

/** orphansGone waits for what a killed run had started, such as a push that is under way; `too` kills it as well, as the end of a container does. */
const orphansGone = async ({ children }: Marks, too: boolean): Promise<void> => {
  for (const group of (await linesOf(children)).map(Number)) {
    if (too && alive(group)) process.kill(-group, 'SIGKILL');
    while (alive(group)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const struck = (scene: KillScene, argv: readonly string[], blow: Blow, { children }: Marks) => {
  const environment = environmentOf({ SLUICE_KILL_CHILDREN: children, ...('event' in blow ? { SLUICE_KILL_AT: String(blow.event), SLUICE_KILL_OF: blow.of ?? '' } : {}) });
  return scene.run(argv, { environment, ...('event' in blow ? {} : { onStart: (kill) => void setTimeout(() => kill('SIGKILL'), blow.afterMs).unref() }) });
};

/** evidenceOf is all that a rollout has counted and bet, of which nothing may get lost or be counted twice. */
const evidenceOf = ({ stable, candidate, plan, windows, sources }: RolloutState): string => {
  const counted = Object.entries(sources).map(([name, { unit, paired, total, bets, relief }]) => ({ name, unit, paired, total, bets, relief }));
  return JSON.stringify({ stable, candidate, plan, windows, counted });
};

const rolloutIn = (text: string): RolloutState | undefined => readRolloutState(Object(JSON.parse(text))['rollout']);

/** fewer says whether a later count is below an earlier one. */
const fewer = (earlier: RolloutState, later: RolloutState): boolean =>
  Object.entries(earlier.sources).some(([name, { total }]) => {
    const after = later.sources[name]?.total;
    return after === undefined || after.stable.answers < total.stable.answers || after.candidate.answers < total.candidate.answers;
  });

/**
 * changedEvidence compares what the run before had recorded with every record that the later run was about to store: while
 * it has not looked, all counts and bets are those of before, byte by byte, and each look adds one.
 */
const changedEvidence = (before: RolloutState, texts: readonly string[]): readonly string[] => {
  const wrong: string[] = [];
  let last = before;
  for (const text of texts) {
    const next = rolloutIn(text);
    if (next === undefined) continue;
    if (next.windows === last.windows && evidenceOf(next) !== evidenceOf(last)) wrong.push(`the evidence of ${last.windows} looks was another afterwards: ${evidenceOf(last)} and ${evidenceOf(next)}`);
    if (next.windows !== last.windows && (next.windows !== last.windows + 1 || fewer(last, next))) wrong.push(`after ${last.windows} looks came ${next.windows}, from ${evidenceOf(last)} to ${evidenceOf(next)}`);
    last = next;
  }
  return wrong;
};

/** stored reads the record and gives a sentence where it does not verify. */
const stored = async ({ store }: KillScene, wrong: string[]): Promise<EnvironmentRecord | undefined> => {
  try {
    return await store.record();
  } catch (error) {
    wrong.push(`unreadable: ${String(error)}`);
    return undefined;
  }
};

/** left says what is wrong with users, versions and the record after the later run. */
const left = async (scene: KillScene, { task, later, before }: Fell & { readonly before: Before }): Promise<readonly string[]> => {
  const wrong: string[] = [];
  const { served, lying } = await scene.where();
  const byHand = task === 'set' || before.weight > 0;
  if (![0, ...(byHand ? [30, before.weight] : [])].includes(served.weight)) wrong.push(`stranded: ${served.weight} % on ${String(served.candidate)}`);
  if (task === 'set' && later === 'same' && served.weight !== 30) wrong.push(`stranded: the share of 30 % was not set but ${served.weight} %`);
  if ((task === 'promote' || task === 'abort') && later === 'same' && served.weight !== 0) wrong.push(`stranded: ${task} left ${served.weight} %`);
  if (lying !== undefined && !sameSplit(lying, served)) wrong.push(`stranded: ${JSON.stringify(lying)} lies ready beside ${JSON.stringify(served)}`);
  const made = (await scene.versions()).length - before.versions;
  const publishes = task === 'release' || task === 'publish-version';
  if (publishes && later === 'same' ? made !== 1 : made > (publishes ? 1 : 0)) wrong.push(`published: ${made} versions`);
  const record = await stored(scene, wrong);
  if ((record?.lease?.until ?? 0) > Date.now()) wrong.push('state: a lease is left that still runs');
  if (Object(record?.rollout)['permission'] !== undefined) wrong.push('state: a permission is left');
  return wrong;
};

interface Before {
  readonly versions: number;
  readonly weight: number;
}

/** killed kills a task, lets one later run follow, and looks whether everything is as it has to be. `too` kills what it had started as well. */
export const killed = async (scene: KillScene, task: Task, blow: Blow, later: Fell['later'], too: boolean): Promise<Fell> => {
  const argv = await prepared(scene, task);
  const before: Before = { versions: (await scene.versions()).length, weight: (await scene.where()).served.weight };
  const marks: Marks = { children: join(scene.folder, 'children'), records: join(scene.folder, 'records') };
  await Promise.all([marks.children, marks.records].map((path) => rm(path, { force: true })));
  const first = await struck(scene, argv, blow, marks);
  await orphansGone(marks, too);
  const wrong: string[] = [];
  const rollout = readRolloutState((await stored(scene, wrong))?.rollout);
  const between = (await scene.where()).served;
  await scene.store.age();
  const then = await scene.run(later === 'sweep' ? ['sweep'] : argv, { environment: environmentOf({ SLUICE_KILL_RECORDS: marks.records }) });
  const continued = /goes on from there, with the evidence of \d+ looks/.test(then.stderr);
  const judged = later === 'same' && (task === 'auto' || task === 'release');
  const open = rollout?.permission !== undefined && between.weight > 0;
  if (continued && rollout?.permission === undefined) wrong.push('state: it went on with a canary that was not open');
  if (continued && rollout !== undefined) wrong.push(...changedEvidence(rollout, await linesOf(marks.records).then((lines) => lines.map((line) => String(JSON.parse(line))))).map((one) => `state: ${one}`));
  if (judged && open && !continued) wrong.push(`state: the evidence of ${rollout.windows} looks was given up`);
  const doneBefore = later === 'same' && task === 'promote' && /no canary is open/.test(then.document.reason ?? '');
  if (then.code !== 0 && !doneBefore) wrong.push(`ended with ${String(then.code)}: ${String(then.document.reason)}`);
  const fell: Fell = { task, killed: first.code === null, later, continued, looks: continued ? (rollout?.windows ?? 0) : 0, wrong };
  wrong.push(...(await left(scene, { ...fell, before })));
  return fell;
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
