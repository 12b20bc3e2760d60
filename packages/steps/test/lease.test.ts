import { describe, expect, test } from '@jest/globals';
import { done, emptyRecord, failed, type Clock, type EnvironmentRecord, type Host, type StateStore, type StepContext, type Target } from '@sluice/core';
import { holdLease } from '../src/lease.ts';
import { changeRecord } from '../src/record.ts';

/** Time is a clock that a test moves on; whoever sleeps wakes when his time has come. */
interface Time extends Clock {
  pass(milliseconds: number): Promise<void>;
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

const timeOf = (): Time => {
  let now = Date.parse('2026-11-21T12:00:00.000Z');
  const sleepers = new Set<{ readonly until: number; wake(): void }>();
  return {
    factor: 1,
    now: () => now,
    elapsed: () => now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { until: now + milliseconds, wake };
        sleepers.add(sleeper);
        if (signal?.aborted === true) wake();
        else signal?.addEventListener('abort', wake);
      }),
    pass: async (milliseconds) => {
      const until = now + milliseconds;
      await settled();
      while (now < until) {
        now = Math.min(until, now + 10_000);
        for (const sleeper of [...sleepers]) if (sleeper.until <= now) sleeper.wake();
        await settled();
      }
    },
  };
};

/** memory is a store whose writes can be made to fail. */
const memory = () => {
  const stored: { record: EnvironmentRecord | undefined; revision: number; refuse: boolean } = { record: undefined, revision: 0, refuse: false };
  const state: StateStore = {
    where: 'memory',
    prove: () => Promise.resolve(done(undefined)),
    read: () => Promise.resolve(done(stored.record === undefined ? undefined : { record: stored.record, revision: String(stored.revision) })),
    write: (record, revision) => {
      if (stored.refuse) return Promise.resolve(failed({ category: 'permission', reason: 'EROFS' }));
      if (revision !== (stored.record === undefined ? undefined : String(stored.revision))) return Promise.resolve(failed({ category: 'conflict', reason: 'somebody else wrote' }));
      stored.record = record;
      stored.revision += 1;
      return Promise.resolve(done(String(stored.revision)));
    },
  };
  return { state, stored };
};

const target = { application: 'app' } as Target;

const runOf = (clock: Clock, state: StateStore, runId: string) => {
  const said: string[] = [];
  const controller = new AbortController();
  const host: Partial<Host> = {
    context: { commit: '', branch: '', tag: '', repository: '', actor: 'ann', runUrl: '', runId, event: '', onCi: runId !== '' },
    log: (line) => void said.push(line),
    warn: (line) => void said.push(line),
  };
  const context: Partial<StepContext> = { host: host as Host, clock, state, signal: controller.signal, selected: failed({ category: 'input', reason: 'none' }) };
  return { context: context as StepContext, said, stop: () => controller.abort() };
};

describe('the lease', () => {
  test('is renewed for as long as the run lasts, and is gone when it is given back', async () => {
    const [clock, { state, stored }] = [timeOf(), memory()];
    const one = runOf(clock, state, '7');
    const lease = await holdLease(one.context, target);
    for (let minutes = 0; minutes < 60; minutes += 1) {
      await clock.pass(60_000);
      expect((stored.record?.lease?.until ?? 0) - clock.now()).toBeGreaterThan(100_000);
      expect((stored.record?.lease?.until ?? 0) - clock.now()).toBeLessThanOrEqual(180_000);
    }
    if (lease.ok) await lease.value.giveBack();
    expect(stored.record?.lease).toBeUndefined();
    const revision = stored.revision;
    await clock.pass(600_000);
    expect(stored.revision).toBe(revision);
    expect(one.said).toEqual([]);
  });

  test('of a run that died keeps another one out for three minutes, not longer', async () => {
    const [clock, { state, stored }] = [timeOf(), memory()];
    const began = clock.now();
    // A killed process renews nothing any more: its clock stands.
    await holdLease(runOf({ ...clock, sleep: () => new Promise(() => undefined) }, state, '7').context, target);
    const other = runOf(clock, state, '8');
    const taking = holdLease(other.context, target);
    await clock.pass(170_000);
    expect(stored.record?.lease?.holder).toMatch(/^run 7, by ann, since 2026-11-21T12:00/);
    await clock.pass(20_000);
    expect(stored.record?.lease?.holder).toMatch(/^run 8, /);
    expect((await taking).ok).toBe(true);
    expect(clock.now() - began).toBeLessThanOrEqual(190_000);
    expect(other.said[0]).toMatch(/^waiting for the lease, held by run 7/);
  });

  test('is no longer and no shorter for a jump of the wall clock of the run that holds it', async () => {
    for (const jump of [-5, 5]) {
      const [clock, { state, stored }] = [timeOf(), memory()];
      let offMs = 0;
      const lease = await holdLease(runOf({ ...clock, now: () => clock.now() + offMs }, state, '7').context, target);
      offMs = jump * 3_600_000;
      await clock.pass(120_000);
      const left = (stored.record?.lease?.until ?? 0) - clock.now();
      expect({ jump, inTime: left > 100_000 && left <= 180_000 }).toEqual({ jump, inTime: true });
      if (lease.ok) await lease.value.giveBack();
    }
  });

  test('of a run that died with its clock hours ahead keeps another one out for three minutes of watching, and one that is renewed stays', async () => {
    const [clock, { state, stored }] = [timeOf(), memory()];
    const ahead: Clock = { ...clock, now: () => clock.now() + 18_000_000 };
    await holdLease(runOf({ ...ahead, sleep: () => new Promise(() => undefined) }, state, '7').context, target);
    const taking = holdLease(runOf(clock, state, '8').context, target);
    await clock.pass(170_000);
    expect(stored.record?.lease?.holder).toMatch(/^run 7, /);
    await clock.pass(30_000);
    expect(stored.record?.lease?.holder).toMatch(/^run 8, /);
    const taken = await taking;
    if (taken.ok) await taken.value.giveBack();
    const living = await holdLease(runOf(ahead, state, '9').context, target);
    const waiting = holdLease(runOf(clock, state, '10').context, target);
    await clock.pass(620_000);
    expect(await waiting).toMatchObject({ ok: false, problem: { category: 'conflict' } });
    if (living.ok) await living.value.giveBack();
  });

  test('of the same CI run is taken over at once, and one of a similar number or of a terminal is not', async () => {
    for (const [first, second, takes] of [['7', '7', true], ['77', '7', false], ['7', '77', false], ['', '', false]] as const) {
      const [clock, { state }] = [timeOf(), memory()];
      await holdLease(runOf({ ...clock, sleep: () => new Promise(() => undefined) }, state, first).context, target);
      await clock.pass(1000);
      const other = runOf(clock, state, second);
      other.stop();
      expect({ first, second, takes: (await holdLease(other.context, target)).ok }).toEqual({ first, second, takes });
    }
  });

  test('is taken from anybody by a roll-back, and the run that had it notices and does not take it back', async () => {
    const [clock, { state, stored }] = [timeOf(), memory()];
    const [one, other] = [runOf(clock, state, '7'), runOf(clock, state, '8')];
    const lease = await holdLease(one.context, target);
    const forced = await holdLease(other.context, target, 'any');
    expect(other.said.join()).toMatch(/was held by run 7.*may still be at work/);
    await clock.pass(80_000);
    expect(lease.ok && lease.value.lostTo()).toMatch(/^run 8/);
    expect(one.said.join()).toMatch(/has lost its lease to run 8/);
    if (lease.ok) await lease.value.giveBack();
    expect(stored.record?.lease?.holder).toMatch(/^run 8/);
    if (forced.ok) await forced.value.giveBack();
    expect(stored.record?.lease).toBeUndefined();
  });

  test('is renewed once more when the run is stopped, so that it covers the way back', async () => {
    const [clock, { state, stored }] = [timeOf(), memory()];
    const one = runOf(clock, state, '7');
    await holdLease(one.context, target);
    await clock.pass(50_000);
    one.stop();
    await clock.pass(10_000);
    expect((stored.record?.lease?.until ?? 0) - clock.now()).toBe(170_000);
    const { revision } = stored;
    await clock.pass(600_000);
    expect(stored.revision).toBe(revision);
  });

  test('that cannot be renewed is told, and renewed when that is possible again', async () => {
    const [clock, { state, stored }] = [timeOf(), memory()];
    const one = runOf(clock, state, '7');
    const lease = await holdLease(one.context, target);
    stored.refuse = true;
    await clock.pass(60_000);
    stored.refuse = false;
    await clock.pass(60_000);
    expect(one.said).toEqual(['the lease was not renewed: EROFS']);
    expect((stored.record?.lease?.until ?? 0) - clock.now()).toBe(180_000);
    if (lease.ok) await lease.value.giveBack();
  });
});

describe('changeRecord', () => {
  test('changes what is there now when somebody else wrote in between, and gives up after five tries', async () => {
    const { state, stored } = memory();
    stored.record = emptyRecord('app', '');
    let disturbances = 2;
    const disturbed: StateStore = {
      ...state,
      write: async (record, revision) => {
        if (disturbances > 0 && stored.record !== undefined) {
          disturbances -= 1;
          stored.record = { ...stored.record, stable: { version: `by somebody ${disturbances}`, digest: '' } };
          stored.revision += 1;
        }
        return state.write(record, revision);
      },
    };
    const clock: Clock = { factor: 1, now: () => 0, elapsed: () => 0, sleep: () => Promise.resolve() };
    const { context } = runOf(clock, disturbed, '7');
    const candidate = { version: 'v2', digest: '' };
    expect(await changeRecord(context, target, (record) => ({ ...record, candidate }))).toMatchObject({ ok: true });
    expect(stored.record).toMatchObject({ stable: { version: 'by somebody 0' }, candidate });
    disturbances = 5;
    expect(await changeRecord(context, target, (record) => record)).toMatchObject({ ok: false, problem: { category: 'conflict' } });
  });
});
