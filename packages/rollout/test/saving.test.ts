import { expect, test } from '@jest/globals';
import { done, type Outcome } from '@sluice/core';
import { drive } from '../src/index.ts';
import { rig, type Rig } from './fakes.ts';
import { planFor } from './support.ts';

const versions = { stable: 'v1', candidate: 'v2' };

/** slowStore makes the nth save last until it is released, as a push that a server keeps waiting, and cancels meanwhile. */
const slowStore = (nth: number) => {
  const world: Rig = rig();
  const { calls } = world.traffic;
  let release: () => void = () => undefined;
  let saves = 0;
  const save = (state: Parameters<Rig['ports']['save']>[0]): Promise<Outcome<void>> => {
    const waits = ++saves === nth;
    const ended = world.ports.save(state);
    if (!waits) return ended;
    setImmediate(() => world.cancel());
    return new Promise((resolve) => {
      release = () => {
        calls.push('the slow save has ended');
        resolve(done(undefined));
      };
    });
  };
  return { world, ports: { ...world.ports, save }, release: () => release() };
};

test.each([
  ['after a look', 3, 'set 0 of nobody beside v1'],
  ['before a weight that is raised', 11, 'set 0 of nobody beside v1'],
])('a cancellation does not wait for a save %s: traffic first, then the record, in order', async (_when, nth, back) => {
  const { world, ports, release } = slowStore(nth);
  const { calls, split } = world.traffic;
  expect(split).toEqual({ stable: 'v1', weight: 0 });
  const ending = drive(planFor({}, true), versions, ports);
  for (let turn = 0; turn < 200 && calls.at(-2) !== back; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(calls.slice(-2)).toEqual([back, 'read']);
  release();
  const end = await ending;
  expect(calls.slice(-2)).toEqual(['the slow save has ended', 'save without']);
  expect(end).toMatchObject({ verdict: 'stopped', problem: { category: 'cancelled' }, observed: { split: { stable: 'v1', weight: 0 } } });
});

test('a cancellation while the first permission is being recorded moves nobody, and takes the permission back', async () => {
  const { world, ports, release } = slowStore(1);
  const ending = drive(planFor({}, true), versions, ports);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  release();
  const end = await ending;
  expect(world.traffic.calls.filter((call) => call.startsWith('set'))).toEqual([]);
  expect(world.traffic.calls.at(-1)).toBe('save without');
  expect(end).toMatchObject({ verdict: 'stopped', weightsSeen: [] });
});
