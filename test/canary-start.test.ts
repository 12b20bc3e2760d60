import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { failed, type StateStore } from '@sluice/core';
import { openAgentCanaryStage, type AgentCanaryStage } from './agent-canary-stage.ts';
import type { Ran, RunOptions, Setting, Stage } from './lab-stage.ts';

let agent: AgentCanaryStage;
let stage: Stage;

const setting = (more: Readonly<Record<string, unknown>> = {}): Setting => agent.setting(more);
const canary = (inputs: Readonly<Record<string, unknown>>, wanted: Setting = setting(), options: RunOptions = {}): Promise<Ran> => stage.run('canary', wanted, inputs, options);
const sweep = (wanted: Setting = setting()): Promise<Ran> => stage.run('sweep', wanted);
const routing = () => agent.routing();
const record = () => agent.record();
const started = { status: 'passed', outputs: { verdict: 'hold', stable: '1', candidate: '2', weights: '25', weight: '25', observed: '1,2=25%', next: 'promote, abort, status' } };
const at25 = { targetVersion: '1', versionWeights: [{ version: '2', weight: 0.25 }] };

beforeAll(async () => {
  agent = await openAgentCanaryStage();
  ({ stage } = agent);
}, 60_000);
afterAll(() => stage.close());
beforeEach(() => agent.begin());

describe('start', () => {
  test('gives the first share, ends at once, asks nobody, and leaves a lease that sweep guards', async () => {
    const { result, sent } = await canary({ mode: 'start' });
    expect(result).toMatchObject(started);
    expect(routing()).toEqual(at25);
    expect(sent.filter((one) => one.includes('/invocations'))).toEqual([]);
    const left = await record();
    expect(left?.rollout).toMatchObject({ stage: 0, windows: 0, permission: { stable: '1', candidate: '2', weight: 25 } });
    expect(left?.lease).toMatchObject({ unattended: true });
    expect(result.outputs['until']).toBe(new Date(left?.lease?.until ?? 0).toISOString());
    expect((left?.lease?.until ?? 0) - Date.now()).toBeGreaterThan(3.9 * 3_600_000);
    const again = await canary({ mode: 'start' });
    expect(again).toMatchObject({ sent: [], result: { status: 'skipped', outputs: { weight: '25', until: result.outputs['until'] } } });
    expect(await record()).toEqual(left);
  }, 30_000);

  test('takes another weight of the plan, and no other', async () => {
    expect((await canary({ mode: 'start', weight: '30%' })).result).toMatchObject({ category: 'input', reason: 'the input weight is 30%, and the plan has 25%, 50%' });
    expect((await canary({ mode: 'start', weight: '0.25' })).result).toMatchObject({ category: 'input', reason: expect.stringContaining('no percentage') });
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
    expect((await canary({ mode: 'start', weight: '50%' })).result).toMatchObject({ status: 'passed', outputs: { weight: '50', observed: '1,2=50%' } });
    expect((await record())?.rollout).toMatchObject({ stage: 1, permission: { weight: 50 } });
  }, 30_000);

  test('without shares in the plan is bad input; a dry run moves nobody', async () => {
    expect((await canary({ mode: 'start' }, setting({ steps: ['100%'] }))).result).toMatchObject({ category: 'input', reason: expect.stringContaining('mode start needs a share') });
    const { result, sent } = await canary({ mode: 'start' }, setting(), { dryRun: true });
    expect([result.reason, sent]).toEqual(['would give 25 % of the users 2 and leave it to a person', []]);
  }, 30_000);

  test('beside a share that somebody else has set is a conflict', async () => {
    await canary({ mode: 'set', weight: '10%', candidate: '2' });
    expect((await canary({ mode: 'start' })).result).toMatchObject({ category: 'conflict', reason: expect.stringContaining('10 % on 2') });
    expect(routing()).toMatchObject({ versionWeights: [{ weight: 0.1 }] });
    expect(await record()).not.toHaveProperty('rollout');
  }, 30_000);

  test('whose lease cannot be recorded takes the share back', async () => {
    const state: StateStore = { ...stage.state, write: (next, revision) => (next.lease?.unattended === true ? Promise.resolve(failed({ category: 'permission', reason: 'the disk is full' })) : stage.state.write(next, revision)) };
    const { result } = await canary({ mode: 'start' }, setting(), { state });
    expect(result).toMatchObject({ category: 'permission', reason: 'the disk is full; everybody gets 1, read back', outputs: { observed: '1' } });
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
    expect(await record()).not.toHaveProperty('rollout');
  }, 30_000);

  test('that dies after the share was set is abandoned to the next sweep, not left to a person', async () => {
    const died = new AbortController();
    const state: StateStore = { ...stage.state, write: (next, revision) => (next.lease?.unattended === true ? Promise.reject(new Error('killed')) : stage.state.write(next, revision)) };
    await canary({ mode: 'start' }, setting(), { state, signal: died.signal });
    expect(routing()).toEqual(at25);
    expect((await sweep()).result).toMatchObject({ status: 'passed', outputs: { swept: 'true' } });
    expect(routing()).toMatchObject({ versionWeights: [] });
  }, 30_000);
});

describe('between start and the end', () => {
  test('sweep judges, promote adds to that evidence, judges it and gives everybody the candidate', async () => {
    await canary({ mode: 'start' });
    const swept = await sweep();
    expect(swept.result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^the canary stays at 25 %: /), outputs: { swept: 'false' } });
    const counted = async (): Promise<number> => (((await record())?.rollout ?? {}) as { windows?: number }).windows ?? 0;
    expect(await counted()).toBe(1);
    const status = await canary({ mode: 'status' });
    expect(status.result).toMatchObject({ status: 'passed', outputs: { verdict: 'hold', weight: '25', next: 'promote, abort, status' }, reason: expect.stringMatching(/nobody watches, and sweep gives everybody stable after 20/) });
    const { result } = await canary({ mode: 'promote' });
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^everybody gets 2, read back.*; no guard aborts so far: the candidate failed in 0 of \d+/), outputs: { verdict: 'promote', weight: '100', observed: '2' }, evidence: { readings: [expect.objectContaining({ guard: 'errors' })] } });
    expect(routing()).toEqual({ targetVersion: '2', versionWeights: [] });
    const after = await record();
    expect(after).not.toHaveProperty('rollout');
    expect(after).not.toHaveProperty('lease');
    expect(after?.history[0]).toMatchObject({ verdict: 'passed', reason: expect.stringMatching(/^promoted by hand: no guard aborts/) });
    expect((await sweep()).result.status).toBe('skipped');
  }, 30_000);

  test('sweep gives everybody stable when a guard aborts', async () => {
    await canary({ mode: 'start' });
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    const looks: Ran[] = [];
    while (looks.length < 12 && looks.at(-1)?.result.outputs['swept'] !== 'true') looks.push(await sweep());
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
    expect((await record())?.history[0]?.reason).toMatch(/error evidence is/);
    expect((await canary({ mode: 'promote' })).result).toMatchObject({ category: 'input', reason: expect.stringContaining('no canary is open') });
  }, 60_000);

  test('promote takes a bad candidate back to stable instead', async () => {
    await canary({ mode: 'start' });
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    const { result } = await canary({ mode: 'promote' }, setting({ pairs: 100 }));
    expect(result.category).toBe('evidence');
    expect(result.reason).toContain('another plan');
    expect(routing()).toEqual(at25);
    const bad = await canary({ mode: 'promote' });
    expect(bad.result).toMatchObject({ category: 'gate', reason: expect.stringMatching(/^not promoted: .*error evidence is .*; everybody gets 1 again, read back/), outputs: { verdict: 'abort', observed: '1', weights: '0' } });
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
    const after = await record();
    expect(after).not.toHaveProperty('rollout');
    expect(after?.history[0]?.verdict).toBe('failed');
  }, 60_000);

  test('promote with too little evidence leaves the canary and its lease as they are, and its exit code says so', async () => {
    const thin = setting({ minimum: 100 });
    const begun = await canary({ mode: 'start' }, thin);
    const lease = (await record())?.lease;
    const { result } = await canary({ mode: 'promote' }, thin);
    expect(result).toMatchObject({ status: 'inconclusive', category: 'evidence', reason: expect.stringMatching(/^not promoted: there is not enough evidence: .*; the canary stays at 25 %$/), outputs: { verdict: 'inconclusive', weight: '25' } });
    expect(routing()).toEqual(at25);
    expect((await record())?.lease).toEqual(lease);
    expect(begun.result.outputs['until']).toBe(new Date(lease?.until ?? 0).toISOString());
    const forced = [await canary({ mode: 'set', weight: '30%' }, thin), await canary({ mode: 'promote' }, thin)];
    expect(forced[1]?.result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing was judged') });
  }, 60_000);

  test('promote with too little evidence goes on where sluice.yml says so, and claims none', async () => {
    const thin = setting({ minimum: 100, 'on-inconclusive': 'promote' });
    await canary({ mode: 'start' }, thin);
    const { result, said } = await canary({ mode: 'promote' }, thin);
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining('without enough evidence, because canary.on-inconclusive is promote'), outputs: { verdict: 'inconclusive', observed: '2' } });
    expect(said.warnings.join()).toContain('promoted without enough evidence');
    expect((await record())?.history[0]).toMatchObject({ verdict: 'inconclusive' });
  }, 60_000);

  test('abort ends it; a later sweep finds nothing', async () => {
    await canary({ mode: 'start' });
    expect((await canary({ mode: 'abort' })).result).toMatchObject({ status: 'passed', outputs: { verdict: 'abort', observed: '1' } });
    const after = await record();
    expect([after?.rollout, after?.lease]).toEqual([undefined, undefined]);
    expect((await sweep()).result.status).toBe('skipped');
  }, 30_000);

  test('when its time is over, sweep gives everybody stable', async () => {
    await canary({ mode: 'start' });
    await agent.expire();
    expect((await sweep()).result).toMatchObject({ status: 'passed', outputs: { swept: 'true', observed: '1' } });
    expect(routing()).toMatchObject({ versionWeights: [] });
  }, 30_000);

  test('another release waits for it and changes nothing', async () => {
    await canary({ mode: 'start' });
    const before = await record();
    const { result } = await stage.run('release', setting());
    expect(result).toMatchObject({ category: 'conflict', reason: expect.stringContaining('the canary of 2, which waits at 25 % for a person'), hint: expect.stringContaining('mode promote or abort') });
    expect(await record()).toEqual(before);
    expect(routing()).toEqual(at25);
  }, 60_000);

  test('mode auto goes on from there, with the evidence that was gathered', async () => {
    await canary({ mode: 'start' });
    await sweep();
    const { result, said } = await canary({});
    expect(said.lines.join('\n')).toMatch(/this one goes on from there, with the evidence of 1 looks/);
    expect(result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', weights: '25,50', observed: '2' } });
    expect((await record())?.lease).toBeUndefined();
  }, 60_000);
});
