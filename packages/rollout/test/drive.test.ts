import { describe, expect, test } from '@jest/globals';
import { done, sameSplit, type Split } from '@sluice/core';
import { drive, type RolloutState, type Versions } from '../src/index.ts';
import { badWindows, broken, rig, type Rig, type RigOptions } from './fakes.ts';
import { planFor } from './support.ts';

const versions: Versions = { stable: 'v1', candidate: 'v2' };
const plan = planFor({}, true);
const allStable: Split = { stable: 'v1', weight: 0 };

const run = async (options: RigOptions, prepare: (world: Rig) => void = () => undefined, earlier?: RolloutState) => {
  const world = rig(options);
  prepare(world);
  return { world, end: await drive(plan, versions, world.ports, earlier) };
};

describe('a weighted rollout', () => {
  test('takes every weight, records the permission before each, and makes the candidate stable', async () => {
    const { world, end } = await run({});
    expect(end).toMatchObject({ verdict: 'promote', weightsSeen: [5, 25, 50], observed: { split: { stable: 'v2', weight: 0 } } });
    const looks = (weight: number): string[] => Array<string>(9).fill(`save with ${weight}`);
    expect(world.traffic.calls.filter((call) => call !== 'read')).toEqual([
      'save with 5',
      'set 5 of v2 beside v1',
      ...looks(5),
      'save with 25',
      'set 25 of v2 beside v1',
      ...looks(25),
      'save with 50',
      'set 50 of v2 beside v1',
      ...looks(50),
      'set 0 of nobody beside v2',
      'save without',
    ]);
    expect(end.problem).toBeUndefined();
    expect(end.evidence.history.at(-1)).toEqual({ atMs: 1_800_000, weight: 50, stable: 900, candidate: 300, evidence: expect.any(Number), needed: 60 });
    expect(end.evidence).toMatchObject({ falseAbort: 0.05, miss: 0.1, lack: '', moreAnswers: { stable: 0, candidate: 0 } });
    expect(world.said).toHaveLength(30);
  });

  test('every look says how much was counted, and by which source', async () => {
    const { world } = await run({});
    expect(world.seenBy[0]).toBe('10 sessions of the candidate and 30 of stable by logs');
    expect(new Set(world.seenBy.map((seen) => seen.replaceAll(/\d+/g, 'n')))).toEqual(new Set(['n sessions of the candidate and n of stable by logs']));
    const silent = await run({ windows: () => ({ missing: 'no logs' }) });
    expect(silent.world.seenBy[0]).toBe('nothing was counted yet');
  });

  test('looks at windows that join without gaps and never span a change of weight', async () => {
    const { world } = await run({});
    const changes = [1_600_000, 2_200_000];
    for (const [index, [from, to]] of world.windows.entries()) {
      expect(from).toBe(world.windows[index - 1]?.[1] ?? 1_000_000);
      expect(changes.some((change) => from < change && change < to)).toBe(false);
    }
  });

  test('asks again for a window whose query failed', async () => {
    let asked = 0;
    const { world } = await run({
      windows: () => {
        asked += 1;
        return asked === 2 ? { missing: 'HTTP 502' } : { stable: { version: 'v1', answers: 30, errors: 0, latenciesMs: Array(30).fill(1), tokens: Array(30).fill(1) }, candidate: { version: 'v2', answers: 10, errors: 0, latenciesMs: Array(10).fill(1), tokens: Array(10).fill(1) } };
      },
    });
    expect(world.windows.slice(0, 3)).toEqual([[1_000_000, 1_060_000], [1_060_000, 1_120_000], [1_060_000, 1_180_000]]);
  });

  test('aborts: stable first, read back, then the record', async () => {
    const { world, end } = await run({ windows: badWindows }, ({ traffic }) => {
      traffic.linger = 'about 12 sessions may stay on v2 for up to 30 m.';
    });
    expect(end).toMatchObject({ verdict: 'abort', weightsSeen: [5], observed: { split: allStable, reach: 'serving' } });
    expect(end.reason).toMatch(/8 of 10.*; all traffic is back on v1, read back from what answers users; about 12 sessions.*30 m$/);
    expect(world.traffic.calls.slice(-3)).toEqual(['set 0 of nobody beside v1', 'read', 'save without']);
    expect(end.state.permission).toBeUndefined();
    expect(end.problem).toBeUndefined();
  });

  test('without evidence it ends inconclusive at the deadline of the plan, with everybody on stable', async () => {
    const { world, end } = await run({ windows: () => ({ missing: 'no logs' }) });
    expect(end).toMatchObject({ verdict: 'inconclusive', weightsSeen: [5], observed: { split: allStable } });
    expect(end.reason).toMatch(/no logs.*back on v1/);
    expect(end.evidence.silent).toEqual(['logs: no logs']);
    expect(world.traffic.split).toEqual(allStable);
  });

  test('the deadline of the step is inconclusive and not a problem', async () => {
    const { world, end } = await run({ onSleep: (w, sleeps) => sleeps === 3 && w.expire() });
    expect(end).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(/deadline passed.*back on v1/) });
    expect(end.problem).toBeUndefined();
    expect(world.traffic.split).toEqual(allStable);
  });

  test('compressed waits take the plan\'s time on the plan\'s scale', async () => {
    const { world, end } = await run({ factor: 60 });
    expect(end.verdict).toBe('promote');
    expect((world.windows.at(-1)?.[1] ?? 0) - 1_000_000).toBeCloseTo(30_000, 0);
  });

  // The first save before 25 % is the eleventh; nine more follow while it is kept.
  test.each([
    ['before a weight', 10, 100],
    ['in the middle of a weight', 14, 140],
  ])('goes on after a crash %s with the evidence it had, at the weight it had', async (_, at, answers) => {
    const crash = (await run({})).world.saved[at];
    const { world, end } = await run({ windows: badWindows }, ({ traffic }) => { traffic.split = { stable: 'v1', candidate: 'v2', weight: 25 }; }, crash);
    expect(crash?.sources['logs']?.total.candidate.answers).toBe(answers);
    expect(end).toMatchObject({ verdict: 'abort', weightsSeen: [25] });
    expect(end.evidence.readings[0]?.candidateCount).toBe(answers + 10);
    expect(world.traffic.calls[2]).toBe('set 0 of nobody beside v1');
  });

  test('a stored state of another candidate or plan is not used', async () => {
    const crash = (await run({})).world.saved[14];
    if (crash === undefined) throw new Error('there are fewer saves');
    for (const other of [{ ...crash, candidate: 'v7' }, { ...crash, plan: JSON.stringify({ ...plan, watch: ['errors'] }) }]) {
      const { end } = await run({}, undefined, other);
      expect(end).toMatchObject({ verdict: 'promote', weightsSeen: [5, 25, 50] });
    }
    expect((await run({}, undefined, crash)).end).toMatchObject({ verdict: 'promote', weightsSeen: [25, 50] });
  });

  test('a look that cannot be recorded does not stop it', async () => {
    const { end } = await run({ onSave: (_, saves) => (saves > 1 && saves < 10 ? broken('disk full') : undefined) });
    expect(end).toMatchObject({ verdict: 'promote', weightsSeen: [5, 25, 50] });
    expect(end.problem).toBeUndefined();
  });
});

describe('a weighted rollout that is disturbed', () => {
  const onStable = (world: Rig): void => expect(world.traffic.split).toEqual(allStable);

  test('the split cannot be read at the start', async () => {
    const { world, end } = await run({}, ({ traffic }) => traffic.readFaults.push('fails'));
    expect(end).toMatchObject({ verdict: 'stopped', problem: { category: 'platform' }, weightsSeen: [] });
    expect(world.traffic.calls).toEqual(['read']);
  });

  test('another release has the split', async () => {
    const { world, end } = await run({}, ({ traffic }) => { traffic.split = { stable: 'v1', candidate: 'v9', weight: 5 }; });
    expect(end).toMatchObject({ verdict: 'stopped', problem: { category: 'conflict', reason: expect.stringContaining('5 % on v9') } });
    expect(world.traffic.calls).toEqual(['read']);
  });

  test('the permission cannot be recorded before the first weight', async () => {
    const { world, end } = await run({ onSave: () => broken('disk full', 'permission') });
    expect(end).toMatchObject({ verdict: 'stopped', weightsSeen: [], problem: { category: 'permission', reason: 'disk full; no traffic was moved' } });
    expect(world.traffic.calls.some((call) => call.startsWith('set'))).toBe(false);
  });

  test('the permission cannot be recorded before the second weight', async () => {
    const { world, end } = await run({ onSave: (_, saves) => (saves === 11 ? broken('Disk full.', 'permission') : undefined) });
    expect(end).toMatchObject({ verdict: 'stopped', weightsSeen: [5], problem: { category: 'permission', reason: expect.stringMatching(/^Disk full; all traffic is back on v1/) } });
    onStable(world);
  });

  test('the record cannot be written after an abort', async () => {
    const { world, end } = await run({ windows: badWindows, onSave: (_, saves) => (saves === 2 ? broken('Disk full.', 'permission') : undefined) });
    expect(end).toMatchObject({ verdict: 'abort', problem: { category: 'permission' }, observed: { split: allStable } });
    onStable(world);
  });

  test.each([0, 1, 2])('weight number %i cannot be set', async (at) => {
    const { world, end } = await run({}, ({ traffic }) => { traffic.setFaults.push(...Array<undefined>(at).fill(undefined), 'before'); });
    expect(end).toMatchObject({ verdict: 'stopped', weightsSeen: [5, 25, 50].slice(0, at), problem: { category: 'platform', reason: expect.stringMatching(/setting failed.*back on v1/) } });
    onStable(world);
  });

  test('a lost answer to a weight that was set is no failure', async () => {
    const { end } = await run({}, ({ traffic }) => traffic.setFaults.push('after', undefined, undefined, 'after'));
    expect(end).toMatchObject({ verdict: 'promote', weightsSeen: [5, 25, 50] });
  });

  test('a weight that was set without anybody knowing is taken back', async () => {
    const { world, end } = await run({}, ({ traffic }) => traffic.setFaults.push('both'));
    expect(end.verdict).toBe('stopped');
    onStable(world);
  });

  test('a promotion that took effect without anybody knowing is taken back, and it is said', async () => {
    const { world, end } = await run({}, ({ traffic }) => traffic.setFaults.push(undefined, undefined, undefined, 'both', 'before'));
    expect(end).toMatchObject({ verdict: 'stopped', reason: expect.stringMatching(/lost.*back on v1/) });
    onStable(world);
  });

  test('somebody else changes the split meanwhile: it is left alone', async () => {
    const theirs: Split = { stable: 'v1', candidate: 'v9', weight: 5 };
    const { world, end } = await run({ windows: badWindows, onSleep: (w) => { w.traffic.split = theirs; } });
    expect(end).toMatchObject({ verdict: 'abort', problem: { category: 'conflict', reason: expect.stringMatching(/somebody else.*5 % on v9/) } });
    expect(world.traffic.split).toEqual(theirs);
    expect(end.observed).toBeUndefined();
    expect(end.state.permission).toMatchObject({ weight: 5 });
  });

  test('somebody else raises the weight meanwhile: it is lowered', async () => {
    const { world, end } = await run({ windows: badWindows, onSleep: (w) => { w.traffic.split = { stable: 'v1', candidate: 'v2', weight: 80 }; } });
    expect(end).toMatchObject({ verdict: 'abort', observed: { split: allStable } });
    onStable(world);
  });

  test('the way back fails: it says that traffic may still be on the candidate, and the way back', async () => {
    const { end } = await run({ windows: badWindows }, ({ traffic }) => { traffic.setFaults.push(undefined, 'before', 'before'); });
    expect(end).toMatchObject({ verdict: 'abort', problem: { category: 'platform' } });
    expect(end.problem?.reason).toMatch(/8 of 10.*; traffic may still be on the candidate v2, with up to 5 %/);
    expect(end.problem?.hint).toMatch(/rollback.*stable v1, weight of v2 0/);
    expect(end.observed).toBeUndefined();
    expect(end.state.permission).toMatchObject({ weight: 5 });
  });

  test('the way back fails once and is tried again', async () => {
    const { world, end } = await run({ windows: badWindows }, ({ traffic }) => { traffic.setFaults.push(undefined, 'before'); });
    expect(end).toMatchObject({ verdict: 'abort', observed: { split: allStable } });
    onStable(world);
  });

  test('a port throws: back to stable, then a defect', async () => {
    const { world, end } = await run({ windows: () => { throw new Error('broken source'); } });
    expect(end).toMatchObject({ verdict: 'stopped', problem: { category: 'defect', reason: expect.stringMatching(/broken source.*back on v1/) } });
    onStable(world);
  });

  test('the way back throws: users may be stranded, and it is said', async () => {
    const { end } = await run({ windows: badWindows }, ({ traffic }) => { traffic.setFaults.push(undefined, 'throws'); });
    expect(end.problem?.reason).toMatch(/may still be on the candidate v2.*broken port/);
  });

  test('cancelled at every sleep', async () => {
    for (let at = 1; at <= 30; at += 1) {
      const { world, end } = await run({ onSleep: (w, sleeps) => sleeps === at && w.cancel() });
      expect(end).toMatchObject({ verdict: 'stopped', problem: { category: 'cancelled', reason: expect.stringMatching(/cancelled.*back on v1/) } });
      onStable(world);
    }
  });

  test('cancelled while a record is written', async () => {
    for (const [weights, at] of [1, 11, 21].entries()) {
      const { world, end } = await run({ onSave: (w, saves) => { if (saves === at) w.cancel(); return done(undefined); } });
      expect(end).toMatchObject({ verdict: 'stopped', weightsSeen: [5, 25, 50].slice(0, weights), problem: { category: 'cancelled' } });
      expect(end.state.permission).toBeUndefined();
      onStable(world);
    }
  });

  test('whatever fails when, the end knows where the traffic is', async () => {
    const faults = ['before', 'after', 'both', 'throws', undefined] as const;
    for (let code = 0; code < 5 ** 5; code += 7) {
      const chosen = [0, 1, 2, 3, 4].map((place) => faults[Math.floor(code / 5 ** place) % 5]);
      const { world, end } = await run({ windows: code % 2 === 0 ? badWindows : undefined } as RigOptions, ({ traffic }) => { traffic.setFaults.push(...chosen); });
      if (end.observed !== undefined) expect(sameSplit(end.observed.split, world.traffic.split)).toBe(true);
      else expect(end.problem?.reason).toMatch(/may still be on the candidate|somebody else/);
      if (end.verdict === 'promote') expect(world.traffic.split.stable).toBe('v2');
    }
  });
});

describe('a paired rollout', () => {
  const pairedPlan = planFor({ pairs: 40 }, false);
  const start = (options: RigOptions) => {
    const world = rig(options);
    return { world, end: Promise.resolve().then(() => drive(pairedPlan, versions, world.ports)) };
  };

  test('promotes after the last pair and touches no traffic', async () => {
    const { world, end } = start({});
    expect(await end).toMatchObject({ verdict: 'promote', weightsSeen: [] });
    expect(world.traffic.calls).toEqual(['save without']);
    expect(world.windows).toHaveLength(4);
  });

  test('aborts, is inconclusive, and is cancelled', async () => {
    expect(await start({ windows: badWindows }).end).toMatchObject({ verdict: 'abort' });
    expect(await start({ windows: () => ({ missing: 'cut' }) }).end).toMatchObject({ verdict: 'inconclusive' });
    const cancelled = start({ windows: () => { cancelled.world.cancel(); return {}; } });
    expect(await cancelled.end).toMatchObject({ verdict: 'stopped', problem: { category: 'cancelled', reason: expect.stringContaining('no traffic was moved') } });
  });
});

describe('a rollout that cannot begin', () => {
  test.each<[string, Versions, (world: Rig) => object, string]>([
    ['no source', versions, () => ({ sources: [] }), 'evidence'],
    ['two sources of one name', versions, ({ ports }) => ({ sources: [...ports.sources, ...ports.sources] }), 'evidence'],
    ['one version', { stable: 'v1', candidate: 'v1' }, () => ({}), 'input'],
    ['no traffic', versions, () => ({ traffic: undefined }), 'input'],
  ])('%s', async (_, which, change, category) => {
    const world = rig();
    const end = await drive(plan, which, { ...world.ports, ...change(world) });
    expect(end).toMatchObject({ verdict: 'stopped', problem: { category } });
    expect(world.traffic.calls).toEqual([]);
  });
});
