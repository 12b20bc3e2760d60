/*
 * What goes wrong between Sluice and AgentRun, one fault a case, with a proxy in front of the lab: how the run ends, that
 * it says why and what to do, that a second run picks up cleanly, and what the lab itself holds afterwards. Every eighth
 * fault meets the bundle as a black box, and all do with SLUICE_EVERY_PROCESS=1; the others meet it at its door.
 */
import { describe, expect } from '@jest/globals';
import { faults, type Fault } from './agentrun-fault-table.ts';
import { lineOf, worldAround, type Scene, type World } from './agentrun-fault-world.ts';
import type { Runner } from './fault-record.ts';
import { expectedOf, seenOf } from './fault-verdicts.ts';
import { sideBySide } from './side-by-side.ts';
import { everyEighth } from './through-the-door.ts';

const sent = (scene: Scene, pattern: RegExp): number => scene.proxy.seen.filter((one) => pattern.test(lineOf(scene, one))).length;

const play = async (world: World, fault: Fault, runner: Runner): Promise<void> => {
  const scene = await world.scene({ ...fault.scene, runner });
  await fault.prepare?.(scene);
  for (const argv of fault.before ?? []) expect((await scene.run(argv)).code).toBe(0);
  scene.proxy.forget();
  scene.proxy.rule = fault.rule?.(scene) ?? (() => 'pass');
  const options = { environment: fault.environment?.(scene) ?? {} };
  const first = await scene.run(fault.argv, options);
  expect(seenOf(first)).toEqual(expectedOf(fault.first));
  expect(first.stderr).toMatch(fault.logs ?? '');
  // A run that did not pass says what to do, whatever the fault.
  if (fault.first.code !== 0) expect(first.document.hint).toMatch(/^\S[^]*\.$/);
  const counts = (fault.sent ?? []).map(([pattern, times]) => ({ pattern, times }));
  expect(counts.map(({ pattern }) => ({ pattern, times: sent(scene, pattern) }))).toEqual(counts);

  scene.proxy.rule = () => 'pass';
  await scene.proxy.comeBack();
  await fault.mend?.(scene);
  if (fault.second !== 'none') {
    const deadline = fault.argv.indexOf('--deadline');
    expect(seenOf(await scene.run(deadline < 0 ? fault.argv : fault.argv.slice(0, deadline)))).toEqual(expectedOf(fault.second ?? { code: 0 }));
  }
  const { versions, target, share } = fault.after ?? {};
  if (fault.after === undefined) return;
  const truth = scene.truth();
  const [weight = 0] = truth.routing.versionWeights.filter(({ version }) => version !== truth.routing.targetVersion).map((one) => one.weight);
  expect({ versions: versions === undefined ? undefined : truth.versions, target: target === undefined ? undefined : truth.routing.targetVersion, share: share === undefined ? undefined : weight, beside: truth.beside }).toEqual({ versions, target, share, beside: [] });
};

describe.each([
  ['faults between Sluice and AgentRun', faults.filter(({ alone }) => alone !== true)],
  ['faults that meet all of AgentRun', faults.filter(({ alone }) => alone === true)],
] as const)('%s', (_what, some) => {
  const world = worldAround();
  sideBySide(some, (fault, index) => play(world(), fault, everyEighth(index)));
});
