import { done, failed, sameSplit, type Clock, type EvidenceSource, type Observation, type Outcome, type Problem, type Split, type Traffic } from '@sluice/core';
import type { RolloutPorts, RolloutState } from '../src/index.ts';
import { arm, observed } from './support.ts';

export const broken = (reason: string, category: Problem['category'] = 'platform') => failed({ category, reason });

/** FakeTraffic is a split that follows the contract; `faults` are used up one a call, `undefined` meaning none. */
export class FakeTraffic implements Traffic {
  split: Split = { stable: 'v1', weight: 0 };
  readonly calls: string[] = [];
  readonly setFaults: ('before' | 'after' | 'both' | 'throws' | undefined)[] = [];
  readonly readFaults: ('fails' | 'throws' | undefined)[] = [];
  linger = '';

  read(): Promise<Outcome<{ split: Split; reach: 'serving'; linger?: string }>> {
    const fault = this.readFaults.shift();
    this.calls.push('read');
    if (fault === 'throws') return Promise.reject(new Error('a broken port'));
    if (fault === 'fails') return Promise.resolve(broken('reading failed'));
    return Promise.resolve(done({ split: this.split, reach: 'serving', ...(this.linger === '' ? {} : { linger: this.linger }) }));
  }

  async set(expected: Split, wanted: Split): Promise<Outcome<{ split: Split; reach: 'serving'; linger?: string }>> {
    const fault = this.setFaults.shift();
    this.calls.push(`set ${wanted.weight} of ${wanted.candidate ?? 'nobody'} beside ${wanted.stable}`);
    if (fault === 'throws') throw new Error('a broken port');
    if (fault === 'before') return broken('setting failed');
    if (!sameSplit(this.split, expected)) return broken('the split is another', 'conflict');
    this.split = wanted;
    if (fault === 'after') return broken('the answer was lost');
    if (fault === 'both') {
      this.readFaults.unshift('fails');
      return broken('the answer was lost');
    }
    return this.read();
  }
}

/** fakeClock never waits: sleeping moves it on. `onSleep` may cancel, or change the world. */
export const fakeClock = (onSleep: (sleeps: number) => void = () => undefined, factor = 1): Clock => {
  let time = 1_000_000;
  let sleeps = 0;
  return {
    factor,
    now: () => time,
    elapsed: () => time,
    sleep: (milliseconds, signal) => {
      if (signal?.aborted !== true) time += milliseconds / factor;
      sleeps += 1;
      onSleep(sleeps);
      return Promise.resolve();
    },
  };
};

export type Windows = (from: number, to: number, traffic: FakeTraffic) => Partial<Observation>;

export const healthyWindows: Windows = () => ({ stable: arm('v1', 30, 0), candidate: arm('v2', 10, 0) });
export const badWindows: Windows = () => ({ stable: arm('v1', 30, 0), candidate: arm('v2', 10, 8) });

export interface Rig {
  readonly ports: RolloutPorts & { readonly traffic: FakeTraffic };
  readonly traffic: FakeTraffic;
  /** journal is every call of traffic.set and save, in order. */
  readonly saved: RolloutState[];
  readonly windows: [number, number][];
  readonly said: string[];
  /** seenBy are the counts as they were reported. */
  readonly seenBy: string[];
  cancel(): void;
  expire(): void;
}

export interface RigOptions {
  readonly windows?: Windows;
  readonly onSleep?: (rig: Rig, sleeps: number) => void;
  readonly onSave?: (rig: Rig, saves: number) => Outcome<void> | undefined;
  readonly factor?: number;
}

/** rig is a rollout's world: one source named logs, a clock that never waits, and a split. */
export const rig = (options: RigOptions = {}): Rig => {
  const traffic = new FakeTraffic();
  const controller = new AbortController();
  let cancelled = false;
  const windows: [number, number][] = [];
  const saved: RolloutState[] = [];
  const said: string[] = [];
  const seenBy: string[] = [];
  const source: EvidenceSource = {
    name: 'logs',
    unit: 'session',
    cost: '',
    observe: (from, to) => {
      windows.push([from, to]);
      const seen = (options.windows ?? healthyWindows)(from, to, traffic);
      return Promise.resolve(observed(arm('v1', 0, 0), arm('v2', 0, 0), { from, to, ...seen }));
    },
    close: () => Promise.resolve({ ok: true as const, value: undefined }),
  };
  const ports = {
    traffic,
    sources: [source],
    clock: fakeClock((sleeps) => options.onSleep?.(world, sleeps), options.factor),
    signal: controller.signal,
    cancelled: () => cancelled,
    save: (state: RolloutState) => {
      traffic.calls.push(`save ${state.permission === undefined ? 'without' : `with ${state.permission.weight}`}`);
      saved.push(state);
      return Promise.resolve(options.onSave?.(world, saved.length) ?? done(undefined));
    },
    report: ({ verdictSoFar, seen }: { verdictSoFar: string; seen: string }) => {
      said.push(verdictSoFar);
      seenBy.push(seen);
    },
  };
  const world: Rig = {
    ports,
    traffic,
    saved,
    windows,
    said,
    seenBy,
    cancel: () => {
      cancelled = true;
      controller.abort();
    },
    expire: () => controller.abort(),
  };
  return world;
};
