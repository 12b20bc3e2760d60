/*
 * A release that is killed right after the server has carried out its k-th request, and the next run: it ends released,
 * published once, with the app's secret intact. By default k stops at each write and at what follows it; with
 * SLUICE_EVERY_KILL=1 it goes through all requests. For a real server see test/contract/dify/server.test.ts.
 */
import { describe, expect, test } from '@jest/globals';
import { labServer, realServer, type ContractServer } from './contract/dify/servers.ts';
import { importing, lineOf, publishing } from './dify-fault-table.ts';
import { inTurn, killsIn } from './fault-verdicts.ts';
import { hereIfSo } from './through-the-door.ts';
import { storedSecret, worldAround, type Scene, type World } from './dify-fault-world.ts';

const sent = (scene: Scene, pattern: RegExp): number => scene.proxy.forwarded.filter((one) => pattern.test(lineOf(scene, one))).length;

/** linesOf are the requests of a whole release. */
const linesOf = async (world: World): Promise<readonly string[]> => {
  const scene = await world.scene(hereIfSo);
  expect((await scene.run(['release'])).code).toBe(0);
  return scene.proxy.seen.map((seen) => lineOf(scene, seen));
};

const killedAfter = async (world: World, k: number): Promise<unknown> => {
  const scene = await world.scene(hereIfSo);
  let kill = (): void => undefined;
  scene.proxy.rule = () => (scene.proxy.seen.length === k ? { after: () => kill() } : 'pass');
  const killed = await scene.run(['release'], {}, (send) => (kill = () => send('SIGKILL')));
  scene.proxy.rule = () => 'pass';
  await scene.expireLease();
  const second = await scene.run(['release']);
  const writes = { imports: sent(scene, importing), publishes: sent(scene, publishing), keys: sent(scene, /^POST \/apps\/:app\/api-keys$/) };
  return { killed: killed.code === null, code: second.code, reason: second.code === 0 ? '' : second.document.reason, ...writes, ...(await scene.truth()) };
};

const hold = (start: () => Promise<ContractServer>): void => {
  const world = worldAround(start);

  test('the next run ends released, published once, secrets intact', async () => {
    const lines = await linesOf(world());
    const found = await inTurn(killsIn(lines), 3, async (k) => ({ after: `${k} ${lines[k - 1] ?? ''}`, ...Object(await killedAfter(world(), k)) }));
    const right = { killed: true, code: 0, reason: '', imports: 1, publishes: 1, keys: 1, published: 2, live: 'new 新', draft: 'new 新', secret: storedSecret };
    expect(lines.filter((line) => publishing.test(line))).toHaveLength(1);
    expect(found.length).toBeGreaterThan(8);
    expect(found).toEqual(found.map(({ after }) => ({ after, ...right })));
  }, 600_000);
};

describe('a release before the lab that is killed after a request', () => hold(() => labServer('1.12.1')));

const real = realServer(process.env);
if (real === undefined) test.skip('kills before a real server: SLUICE_CONTRACT_DIFY_URL is not set', () => undefined);
else describe('a release before a real server that is killed after a request', () => hold(() => Promise.resolve(real)));
