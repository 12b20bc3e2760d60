/*
 * What goes wrong between Sluice and a Dify server, one fault a case, with a proxy in front of the server: how the run
 * ends, that it says why and what to do, and that a second run picks up cleanly. Every eighth fault meets the bundle as a
 * black box, and all of them do before a real server and with SLUICE_EVERY_PROCESS=1; the others meet it at its door.
 * The same table holds for a real server; see test/contract/dify/server.test.ts for the variables that name one.
 */
import { describe, expect, test } from '@jest/globals';
import { faults, importing, lineOf, publishing, type Fault } from './dify-fault-table.ts';
import { storedSecret, worldAround, type Scene, type World } from './dify-fault-world.ts';
import type { Runner } from './fault-record.ts';
import { expectedOf, seenOf } from './fault-verdicts.ts';
import { labServer, realServer, type ContractServer } from './contract/dify/servers.ts';
import { sideBySide } from './side-by-side.ts';
import { sluice } from './sluice-process.ts';
import { everyEighth } from './through-the-door.ts';

const sent = (scene: Scene, pattern: RegExp): number => scene.proxy.forwarded.filter((one) => pattern.test(lineOf(scene, one))).length;

const play = async (world: World, fault: Fault, runner: Runner): Promise<void> => {
  const scene = await world.scene(runner);
  await fault.prepare?.(scene);
  for (const argv of fault.before ?? []) expect((await scene.run(argv)).code).toBe(0);
  scene.proxy.rule = fault.rule?.(scene) ?? (() => 'pass');
  const first = await scene.run(fault.argv ?? ['release'], fault.environment);
  expect(seenOf(first)).toEqual(expectedOf(fault.first));
  // A run that did not pass says what to do, whatever the fault.
  if (fault.first.code !== 0) expect(first.document.hint).toMatch(/^\S[^]*\.$/);
  const counts = { imports: sent(scene, importing), publishes: sent(scene, publishing), logins: sent(scene, /^POST \/login$/) - (fault.before?.length ?? 0) };
  expect(counts).toEqual({ imports: fault.imports[0], publishes: fault.publishes[0], logins: fault.logins ?? 1 });

  scene.proxy.rule = () => 'pass';
  await scene.proxy.comeBack();
  await fault.mend?.(scene);
  const second = await scene.run(['release']);
  expect(seenOf(second)).toEqual(expectedOf(fault.second ?? { code: 0 }));
  expect({ imports: sent(scene, importing), publishes: sent(scene, publishing) }).toEqual({ imports: fault.imports[1], publishes: fault.publishes[1] });
  if (fault.second === undefined) expect(await scene.truth()).toEqual({ published: 1 + fault.publishes[1], live: 'new 新', draft: 'new 新', secret: storedSecret });
};

const hold = (start: () => Promise<ContractServer>, runner: (index: number) => Runner): void => {
  const world = worldAround(start);
  sideBySide(faults, (fault, index) => play(world(), fault, runner(index)));
};

describe('faults between Sluice and the lab', () => hold(() => labServer('1.12.1'), everyEighth));

const real = realServer(process.env);
if (real === undefined) test.skip('faults before a real server: SLUICE_CONTRACT_DIFY_URL is not set', () => undefined);
else describe('faults between Sluice and a real server', () => hold(() => Promise.resolve(real), () => sluice));
