/*
 * A step before AgentRun that is killed right after the lab has carried out its k-th request, and the same step once
 * more: it ends as it would have ended, nothing is published twice, no weight is stranded, and the users, whom the lab
 * counts after the kill and after the second run, meet no version that no plan sent them to. By default k stops at what
 * changes the runtime, its versions or its users, and at what follows that; with SLUICE_EVERY_KILL=1 at every request.
 */
import { expect, test } from '@jest/globals';
import { lineOf, worldAround, type Scene, type World } from './agentrun-fault-world.ts';
import { inTurn, killsIn } from './fault-verdicts.ts';
import { hereIfSo } from './through-the-door.ts';

const candidate = ['--candidate', '2'] as const;
const set = ['canary', '--mode', 'set', '--weight', '30%', ...candidate] as const;

/** Split is who gets what: everybody `target`, but for the share of version 2. */
interface Split {
  readonly target: string;
  readonly share: number;
}

const everybody = (target: string): Split => ({ target, share: 0 });
const third: Split = { target: '1', share: 0.3 };
const half: Split = { target: '1', share: 0.5 };

/** Case is a step with what comes before it. */
interface Case {
  readonly argv: readonly string[];
  readonly prepare: (scene: Scene) => Promise<unknown>;
  /** begin is where users are before it, plan where it may send them on the way, end where it leaves them. */
  readonly begin: Split;
  readonly plan: readonly Split[];
  readonly end: Split;
  readonly versions: number;
  /** leaves are endpoints for checks that stay for two hours, until a later check sweeps them (packages/agentrun/test/side.test.ts); none when absent. */
  readonly leaves?: RegExp;
  /** again is how a run ends whose forerunner was killed after all was done, where that is not 0. */
  readonly again?: RegExp;
}

const publishedBeside = async ({ lab, runtime }: Scene): Promise<void> => lab.publish(runtime, 1);
const shared = async (scene: Scene): Promise<void> => {
  await publishedBeside(scene);
  expect((await scene.run(set)).code).toBe(0);
};
const deployed = async (scene: Scene): Promise<unknown> => expect((await scene.run(['deploy'])).code).toBe(0);

const cases: Readonly<Record<string, Case>> = {
  release: { argv: ['release'], prepare: async () => undefined, begin: everybody('1'), plan: [half, everybody('2')], end: everybody('2'), versions: 2, leaves: /^sluice-production-v[12]$/ },
  deploy: { argv: ['deploy'], prepare: async () => undefined, begin: everybody('1'), plan: [], end: everybody('1'), versions: 1 },
  'publish-version': { argv: ['publish-version'], prepare: deployed, begin: everybody('1'), plan: [], end: everybody('1'), versions: 2 },
  'canary set': { argv: set, prepare: publishedBeside, begin: everybody('1'), plan: [third], end: third, versions: 2 },
  'canary promote': { argv: ['canary', '--mode', 'promote'], prepare: shared, begin: third, plan: [everybody('2')], end: everybody('2'), versions: 2, again: /no canary is open/ },
  'canary abort': { argv: ['canary', '--mode', 'abort'], prepare: shared, begin: third, plan: [everybody('1')], end: everybody('1'), versions: 2 },
};

const splitOf = (scene: Scene): Split => {
  const { targetVersion: target, versionWeights } = scene.truth().routing;
  return { target, share: versionWeights.find(({ version, weight }) => version !== target && weight > 0)?.weight ?? 0 };
};

const asked = 20;

/** met says whether the users who ask now meet what the routing gives them, and how many of them version 2 answers. */
const met = async (scene: Scene): Promise<boolean> => {
  const { target, share } = splitOf(scene);
  const { [target]: main = 0, 2: other = 0, ...others } = { 2: 0, ...(await scene.users(asked)) };
  const second = target === '2' ? main : other;
  return Object.keys(others).length === 0 && Math.abs(second - asked * (target === '2' ? 1 : share)) <= 1 && (target === '2' || main + second === asked);
};

/** isJudged says that a candidate who has more than its probes was asked by them. */
const isJudged = (scene: Scene): boolean => scene.proxy.forwarded.filter((one) => /\/:agent\/sluice-production-v2\/chat/.test(lineOf(scene, one))).length >= 6;

const changing = /^(?:PUT|POST \/runtimes\/:id\/versions)/;

const linesOf = async (world: World, { argv, prepare }: Case): Promise<readonly string[]> => {
  const scene = await world.scene({ runner: hereIfSo });
  await prepare(scene);
  scene.proxy.forget();
  expect((await scene.run(argv)).code).toBe(0);
  return scene.proxy.seen.map((seen) => lineOf(scene, seen));
};

const killedAfter = async (world: World, one: Case, k: number): Promise<object> => {
  const scene = await world.scene({ runner: hereIfSo });
  await one.prepare(scene);
  scene.proxy.forget();
  let kill = (): void => undefined;
  scene.proxy.rule = () => (scene.proxy.seen.length === k ? { after: () => kill() } : 'pass');
  const killed = await scene.run(one.argv, { onStart: (send) => (kill = () => send('SIGKILL')) });
  scene.proxy.rule = () => 'pass';
  const between = splitOf(scene);
  const planned = [one.begin, ...one.plan].some((split) => split.target === between.target && Math.abs(split.share - between.share) < 1e-6);
  const judged = one.argv[0] !== 'release' || between.target === '1' || isJudged(scene);
  const first = await met(scene);
  await scene.expireLease();
  const again = await scene.run(one.argv);
  const passed = again.code === 0 || one.again?.test(again.document.reason ?? '') === true;
  const { versions, beside } = scene.truth();
  return { killed: killed.code === null, planned, judged, met: first, passed: passed ? '' : again.document.reason, end: splitOf(scene), versions, beside: beside.filter((name) => one.leaves?.test(name) !== true), metAfter: await met(scene), lease: await scene.lease() };
};

const world = worldAround();

test.each(Object.entries(cases))('%s that is killed: the next run ends right, and no user was where no plan sent them', async (_name, one) => {
  const lines = await linesOf(world(), one);
  const found = await inTurn(killsIn(lines, (line) => changing.test(line)), 3, async (k) => ({ after: `${k} ${lines[k - 1] ?? ''}`, ...(await killedAfter(world(), one, k)) }));
  const right = { killed: true, planned: true, judged: true, met: true, passed: '', end: one.end, versions: one.versions, beside: [], metAfter: true, lease: undefined };
  expect(found.length).toBeGreaterThan(1);
  expect(found).toEqual(found.map(({ after }) => ({ after, ...right })));
}, 1_200_000);
