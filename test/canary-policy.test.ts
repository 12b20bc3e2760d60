import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { configSchema, failed } from '@sluice/core';
import { openAgentCanaryStage, type AgentCanaryStage } from './agent-canary-stage.ts';
import { valueOf, type Ran, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import { difySetting, gateway, released, saying } from './stage-settings.ts';

let agent: AgentCanaryStage;
let stage: Stage;

const setting = (more: Readonly<Record<string, unknown>> = {}): Setting => agent.setting(more);
const canary = (inputs: Readonly<Record<string, unknown>>, wanted: Setting, options: RunOptions = {}): Promise<Ran> => stage.run('canary', wanted, inputs, options);
const routing = () => agent.routing();
const record = () => agent.record();
const nobody = { targetVersion: '1', versionWeights: [] };

beforeAll(async () => {
  agent = await openAgentCanaryStage();
  ({ stage } = agent);
}, 60_000);
afterAll(() => stage.close());
beforeEach(() => agent.begin());

/** thin never has enough: it wants more answers than there are pairs. */
const thin = (onInconclusive: string): Setting => setting({ minimum: 300, pairs: 20, 'on-inconclusive': onInconclusive });

describe('too little evidence', () => {
  test('abort, the default: everybody gets stable again, exit 6', async () => {
    expect((await canary({}, thin('abort'), { factor: 2000 })).result).toMatchObject({ category: 'evidence', outputs: { verdict: 'inconclusive', observed: '1' } });
    expect(routing()).toMatchObject(nobody);
  }, 60_000);

  test('hold keeps the share, the evidence and a lease: a person decides, or sweep when its time is over', async () => {
    const { result } = await canary({}, thin('hold'), { factor: 2000 });
    expect(result).toMatchObject({ status: 'inconclusive', category: 'evidence', reason: expect.stringMatching(/not enough evidence.*; the candidate keeps 25 %, read back until 20/), outputs: { verdict: 'inconclusive', observed: '1,2=25%', weight: '25', next: 'promote, abort, status' } });
    expect(routing()).toMatchObject({ versionWeights: [{ version: '2', weight: 0.25 }] });
    const held = await record();
    expect(held).toMatchObject({ lease: { unattended: true }, rollout: { permission: { weight: 25 } } });
    expect((await canary({ mode: 'promote' }, thin('hold'))).result).toMatchObject({ category: 'evidence', outputs: { weight: '25' } });
    expect((await record())?.lease).toEqual(held?.lease);
    await agent.expire();
    expect((await stage.run('sweep', thin('hold'))).result).toMatchObject({ outputs: { swept: 'true' } });
    expect(routing()).toMatchObject(nobody);
  }, 60_000);

  test('promote lets it through and claims no evidence', async () => {
    const { result, said } = await canary({}, thin('promote'), { factor: 2000 });
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/not enough evidence.*everybody gets the candidate all the same/), outputs: { verdict: 'inconclusive', observed: '2' } });
    expect(said.warnings.join()).toMatch(/^promoted without enough evidence/);
    expect(routing()).toMatchObject({ targetVersion: '2' });
  }, 60_000);

  test('promote lets nothing through that a guard leans against or aborts', async () => {
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    const { result } = await canary({}, setting({ minimum: 300, pairs: 4, 'on-inconclusive': 'promote' }), { factor: 2000 });
    expect(result.category).not.toBe('passed');
    expect(routing()).toMatchObject(nobody);
  }, 60_000);

  test('without traffic, promote lets an app through to publish-version and claims nothing', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('after'));
    stage.newResults();
    const asked = (onInconclusive: string): Setting => difySetting(stage, appId, { canary: { pairs: 5, minimum: 5, watch: ['errors'], 'on-inconclusive': onInconclusive, evidence: [] } });
    const silent: RunOptions = { http: (http) => ({ ...http, stream: () => Promise.resolve(failed({ category: 'platform', reason: 'the way there is broken' })) }) };
    expect((await stage.run('deploy', asked('abort'))).result.status).toBe('passed');
    expect((await canary({}, asked('abort'), silent)).result).toMatchObject({ category: 'evidence', outputs: { verdict: 'inconclusive' } });
    expect((await canary({}, asked('promote'), silent)).result).toMatchObject({ category: 'passed', reason: expect.stringMatching(/not enough evidence.*goes on all the same/), outputs: { verdict: 'inconclusive' } });
  }, 60_000);
});

describe('decide: advise', () => {
  const advise = (more: Readonly<Record<string, unknown>> = {}): Setting => setting({ decide: 'advise', ...more });

  test('moves nobody: without a share it is bad input, and release is refused before anything happens', async () => {
    const { result, sent } = await canary({ candidate: '2' }, advise());
    expect([result.category, sent]).toEqual(['input', []]);
    expect(result.reason).toBe('canary.decide is advise, which moves nobody, and no user gets 2');
    const release = await stage.run('release', advise());
    expect([release.result.category, release.result.reason, release.sent]).toEqual(['input', expect.stringContaining('canary.decide is advise'), []]);
  }, 30_000);

  test('a good candidate: exit 0, the share stays, and promote is left to a person', async () => {
    await canary({ mode: 'start', candidate: '2' }, advise());
    const lease = (await record())?.lease;
    const { result } = await canary({}, advise());
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^advice: promote; no guard aborted at 25 %.*; nobody was moved$/), outputs: { verdict: 'promote', next: 'promote' } });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
    const left = await record();
    expect(left?.lease).toEqual(lease);
    expect((left?.rollout as { windows?: number } | undefined)?.windows).toBeGreaterThan(0);
    // The last look is in the record, too: a promotion goes on from there.
    const told = (result.evidence as { readings: readonly { candidateCount: number }[] }).readings[0]?.candidateCount;
    expect(left?.rollout).toMatchObject({ sources: { 'paired probes': { total: { candidate: { answers: told } } } } });
    expect((await canary({ mode: 'promote' }, advise())).result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', observed: '2' } });
  }, 60_000);

  test('a bad candidate: exit 1 from canary, sweep and promote alike, and the share stays until a person aborts', async () => {
    await canary({ mode: 'start', candidate: '2' }, advise());
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    const { result } = await canary({}, advise());
    expect(result).toMatchObject({ category: 'gate', reason: expect.stringMatching(/^advice: abort; .*; nobody was moved$/), outputs: { verdict: 'abort', next: 'abort' } });
    expect((await stage.run('sweep', advise())).result).toMatchObject({ category: 'gate', reason: expect.stringMatching(/^advice: abort; /), outputs: { swept: 'false' } });
    expect((await canary({ mode: 'promote' }, advise())).result).toMatchObject({ category: 'gate', reason: expect.stringMatching(/^not promoted: .*; the canary stays at 25 %$/) });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.25 }] });
    expect((await canary({ mode: 'abort' }, advise())).result.status).toBe('passed');
    expect(routing()).toMatchObject(nobody);
  }, 60_000);

  test('a share that a person has set, of any size, is judged where it is', async () => {
    await canary({ mode: 'set', weight: '10%', candidate: '2' }, advise());
    expect((await canary({}, advise())).result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^advice: promote; no guard aborted up to 10 %/) });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.1 }] });
    expect(await record()).not.toHaveProperty('rollout');
  }, 60_000);

  test('beside the users it judges, and moves nobody at once', async () => {
    const { result } = await canary({ candidate: '2' }, advise({ steps: ['100%'], pairs: 200 }));
    expect(result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote' }, reason: expect.stringMatching(/^advice: promote; /) });
    expect(routing()).toMatchObject(nobody);
  }, 60_000);

  test('has nothing to say to on-inconclusive', () => {
    const environments = { production: { agentrun: { endpoint: 'production' }, canary: { decide: 'advise', 'on-inconclusive': 'hold' } } };
    expect(configSchema.safeParse({ name: 'bot', source: 's.yaml', environments }).success).toBe(false);
  });
});

test('a release behind a gateway that holds ends with exit 6, keeps the share, and puts nothing back', async () => {
  stage.newResults();
  const app = stage.lab.dify.createApp(saying('one')).appId;
  const behind = difySetting(stage, app, { ...gateway(stage), canary: { steps: ['25%', '50%'], every: '2m', minimum: 300, pairs: 20, watch: ['errors'], 'on-inconclusive': 'hold' } });
  await released(stage, difySetting(stage, app, { ...gateway(stage), canary: false }), 'zwei');
  await stage.write('app.yml', saying('three'));
  stage.newResults();
  const { result } = await stage.run('release', behind, {}, { factor: 2000 });
  expect(result).toMatchObject({ category: 'evidence', outputs: { 'failed-step': 'canary', recovered: 'the candidate keeps 25 % until a person decides' } });
  const held = valueOf(await stage.state.read(app, 'production'))?.record;
  expect(held).toMatchObject({ lease: { unattended: true }, rollout: { permission: { weight: 25 } } });
  expect((await stage.run('canary', behind, { mode: 'abort' })).result).toMatchObject({ status: 'passed' });
}, 60_000);
