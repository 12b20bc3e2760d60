import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultCanaryPlan, done, systemClock, type Arm, type EvidenceSource, type Target, type Traffic } from '@sluice/core';
import type { Dialect, MergeRule } from '@sluice/lab';
import { drive, planOf } from '@sluice/rollout';
import { agentYaml, must, overwrite, startBench, type Bench } from '../packages/agentrun/test/fixture.ts';

const never = new AbortController().signal;
const versions = { stable: '1', candidate: '2' };
const plan = must(planOf({ ...defaultCanaryPlan, steps: [10, 50], every: 20_000, minimum: 5, watch: ['errors'] }, true, 360_000_000));

const dialects: readonly Dialect[] = [
  { scale: 'ratio', form: 'main' },
  { scale: 'percent', form: 'main' },
  { scale: 'ratio', form: 'list' },
  { scale: 'percent', form: 'list' },
  { scale: 'ratio', form: 'main', unchecked: true },
  { scale: 'percent', form: 'main', unchecked: true },
];

const mergeRules: readonly MergeRule[] = [
  { absent: 'keep', empty: 'keep' },
  { absent: 'keep', empty: 'clear' },
  { absent: 'clear', empty: 'clear' },
];

const fits = ({ scale, form, unchecked }: Dialect, weights: Dialect['scale']): boolean => unchecked !== true && scale === weights && (form === 'main') === (scale === 'ratio');

const cases = dialects.flatMap((dialect) =>
  mergeRules.slice(0, dialect.unchecked === true ? 1 : undefined).flatMap((mergeRule) => (['ratio', 'percent'] as const).map((weights) => ({ dialect, mergeRule, weights, title: `${dialect.scale}, ${dialect.form}${dialect.unchecked === true ? ', unchecked' : ''}, absent ${mergeRule.absent}, empty ${mergeRule.empty}` }))),
);

const arm = (version: string): Arm => ({ version, answers: 50, errors: 0, latenciesMs: [], tokens: [] });

/** flattering is evidence of a candidate without a fault, so that nothing but the traffic itself can stop the rollout. */
const flattering: EvidenceSource = {
  name: 'probes',
  unit: 'request',
  cost: '',
  observe: (from, to) => Promise.resolve({ source: 'probes', unit: 'request', from, to, stable: arm('1'), candidate: arm('2') }),
  close: () => Promise.resolve(done(undefined)),
};

let bench: Bench | undefined;
afterEach(() => bench?.close());

const trafficOf = ({ traffic }: Target): Traffic => {
  if (traffic === undefined) throw new Error('the target splits no traffic');
  return traffic;
};

/** released is a runtime with version 1 for everybody and an unjudged version 2. */
const released = async (weights: Dialect['scale'], dialect: Dialect, mergeRule: MergeRule): Promise<{ target: Target; askUsers: (times: number) => Promise<void>; lab: Bench['lab'] }> => {
  const started = await startBench({ timeScale: 2000, usualLatencyMs: 1, pollsToReady: 0, dialect, mergeRule });
  bench = started;
  started.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
  const source = started.project.source(agentYaml());
  const target = must(await started.connect(source, { settings: { weights } }));
  must(await target.deploy(source, overwrite));
  expect(must(await target.publish({ name: 'two', marks: {} })).id).toBe('2');
  const users = must(await target.open('live'));
  return {
    target,
    lab: started.lab,
    askUsers: async (times) => {
      for (let asked = 0; asked < times; asked += 1) must(await users.ask({ query: 'hello', inputs: {}, user: 'u', streaming: false }, never));
    },
  };
};

test.each(cases)('AgentRun counts in $title, and sluice.yml says $weights', async ({ dialect, mergeRule, weights }) => {
  const { target, askUsers, lab } = await released(weights, dialect, mergeRule);
  await askUsers(5);
  const moved: number[] = [];
  const end = await drive(plan, versions, {
    traffic: trafficOf(target),
    sources: [{ ...flattering, observe: async (from, to, signal) => {
      await askUsers(20);
      moved.push(lab.served('order-agent', 'production')['2'] ?? 0);
      return flattering.observe(from, to, signal);
    } }],
    clock: systemClock(5000),
    signal: never,
    cancelled: () => false,
    save: () => Promise.resolve(done(undefined)),
    report: () => undefined,
  });
  const before = lab.served('order-agent', 'production')['2'] ?? 0;
  await askUsers(20);
  const served = lab.served('order-agent', 'production');
  if (fits(dialect, weights)) {
    expect(end.verdict).toBe('promote');
    expect((served['2'] ?? 0) - before).toBe(20);
    expect([1, 2, 3]).toContain(moved[0]);
    return;
  }
  expect(end).toMatchObject({ verdict: 'stopped', problem: { category: 'platform', hint: expect.stringMatching(/agentrun: \{ weights: (?:ratio|percent) \}/) } });
  expect(end.problem?.hint).toContain(`weights: ${weights === 'ratio' ? 'percent' : 'ratio'} }`);
  expect(served).toEqual({ 1: 25 + 20 * moved.length });
  expect(must(await trafficOf(target).read()).split).toEqual({ stable: '1', weight: 0 });
  expect(lab.calls().some(({ method, path }) => method === 'DELETE' && path.endsWith('production'))).toBe(false);
});

describe('a weight that is stored already', () => {
  test.each([
    ['ratio', { scale: 'percent', form: 'main' }, 20, { targetVersion: '1', weights: [{ version: '2', weight: 20 }] }],
    ['percent', { scale: 'ratio', form: 'main' }, 0.2, { targetVersion: '1', weights: [{ version: '2', weight: 0.2 }] }],
  ] as const)('stops %s where it contradicts that', async (weights, dialect, _weight, stored) => {
    const { target, lab } = await released(weights, dialect, { absent: 'keep', empty: 'keep' });
    const api = must(await rawApi(lab));
    must(await api.set(stored));
    const problem = await trafficOf(target).read();
    expect(problem).toMatchObject({ ok: false, problem: { category: 'platform', hint: expect.stringContaining(`weights: ${weights === 'ratio' ? 'percent' : 'ratio'} }`) } });
    const set = await trafficOf(target).set({ stable: '1', weight: 0 }, { stable: '2', weight: 0 });
    expect(set).toMatchObject({ ok: false, problem: { category: 'platform' } });
    expect(lab.routing('order-agent', 'production').targetVersion).toBe('1');
  });

  const rawApi = async (lab: Bench['lab']) => {
    const { AgentRunApi } = await import('../packages/agentrun/src/server/api.ts');
    const { AgentRunClient } = await import('../packages/agentrun/src/server/client.ts');
    const { fixed } = await import('../packages/agentrun/src/credentials/session.ts');
    if (bench === undefined) throw new Error('no bench');
    const api = new AgentRunApi(new AgentRunClient({ http: bench.http, clock: systemClock(200), signal: never, credentials: fixed(lab.credentials), control: lab.control, readOnly: false }));
    const runtime = must(await api.findRuntime('order-agent'));
    const endpoint = must(await api.findEndpoint(runtime?.id ?? '', 'production'));
    return done({ set: (routing: { readonly targetVersion: string; readonly weights: readonly { readonly version: string; readonly weight: number }[] }) => api.setRouting(runtime?.id ?? '', endpoint?.id ?? '', routing) });
  };
});

test.each([
  ['empty', { absent: 'keep', empty: 'keep' }, false],
  ['empty', { absent: 'keep', empty: 'clear' }, true],
  ['zero', { absent: 'keep', empty: 'keep' }, true],
  ['zero', { absent: 'keep', empty: 'clear' }, true],
  [undefined, { absent: 'keep', empty: 'keep' }, true],
] as const)('weights are taken away as agentrun.cleared says (%s), under %j', async (cleared, mergeRule, works) => {
  const { lab } = await released('ratio', { scale: 'ratio', form: 'main' }, mergeRule);
  if (bench === undefined) throw new Error('no bench');
  const target = must(await bench.connect(bench.project.source(agentYaml()), { settings: cleared === undefined ? {} : { cleared } }));
  const share = { stable: '1', candidate: '2', weight: 10 };
  must(await trafficOf(target).set({ stable: '1', weight: 0 }, share));
  const set = await trafficOf(target).set(share, { stable: '1', weight: 0 });
  if (works) {
    expect(must(set).split).toEqual({ stable: '1', weight: 0 });
    expect(lab.routing('order-agent', 'production').versionWeights.every(({ weight }) => weight === 0)).toBe(true);
  } else expect(set).toMatchObject({ ok: false, problem: { category: 'platform', hint: expect.stringContaining('agentrun.cleared') } });
});

test('one per cent is not sent to a server that might take it for everybody', async () => {
  const { target, lab } = await released('percent', { scale: 'ratio', form: 'main', unchecked: true }, { absent: 'keep', empty: 'keep' });
  for (const weight of [1, 0.5, 99]) expect(await trafficOf(target).set({ stable: '1', weight: 0 }, { stable: '1', candidate: '2', weight })).toMatchObject({ ok: false, problem: { category: 'input' } });
  expect(lab.routing('order-agent', 'production')).toEqual({ targetVersion: '1', versionWeights: [] });
});

test('the endpoint that found out what a weight means is gone afterwards, and one that a killed run left is taken away', async () => {
  const { target, lab } = await released('ratio', { scale: 'percent', form: 'main' }, { absent: 'keep', empty: 'keep' });
  for (let run = 0; run < 2; run += 1) {
    expect(await trafficOf(target).set({ stable: '1', weight: 0 }, { stable: '1', candidate: '2', weight: 10 })).toMatchObject({ ok: false });
    expect(() => lab.served('order-agent', 'sluice-production-ratio')).toThrow('no endpoint');
  }
});
