import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openStage, valueOf, type Ran, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import { agentSetting, writeAgent } from './stage-settings.ts';

let stage: Stage;
let candidate: string;
let stable: string;

const canary = (inputs: Readonly<Record<string, unknown>>, options: RunOptions = {}, setting: Setting = agentSetting(stage)): Promise<Ran> => stage.run('canary', setting, inputs, options);
const routing = (): object => stage.lab.agentrun.routing('order-agent', 'production');

const published = async (code: string): Promise<string> => {
  stage.newResults();
  await writeAgent(stage, code);
  for (const step of ['deploy', 'publish-version'] as const) {
    const { result } = await stage.run(step, agentSetting(stage), step === 'deploy' ? { create: true } : {});
    if (result.status !== 'passed') throw new Error(`${step}: ${result.reason}`);
    if (step === 'publish-version') return result.outputs['version'] ?? '';
  }
  return '';
};

beforeAll(async () => {
  stage = await openStage();
  await published('one');
  expect((await canary({})).result.status).toBe('skipped');
  candidate = await published('two');
}, 60_000);
afterAll(() => stage.close());
beforeEach(() => {
  stable = '1';
});

test('set gives the candidate of publish-version its share; auto would judge, set judges nothing', async () => {
  const { result, sent } = await canary({ mode: 'set', weight: '10%' });
  expect(result).toMatchObject({ status: 'passed', outputs: { verdict: '', stable, candidate, weights: '10', observed: '1,2=10%' } });
  expect(routing()).toEqual({ targetVersion: stable, versionWeights: [{ version: candidate, weight: 0.1 }] });
  expect(sent.filter((one) => one.includes('/invocations/'))).toEqual([]);
  expect((await canary({ mode: 'set', weight: '10%' })).result).toMatchObject({ status: 'skipped', reason: '2 has 10 % already' });
  expect((await canary({ mode: 'set', weight: '40%' })).result).toMatchObject({ status: 'passed', outputs: { observed: '1,2=40%' } });
});

test('a candidate beside the open one, or another stable version, is a conflict and moves nobody', async () => {
  const before = routing();
  for (const inputs of [{ candidate: '1' }, { stable: '2' }]) {
    expect((await canary({ mode: 'set', weight: '50%', ...inputs })).result).toMatchObject({ category: 'conflict' });
  }
  expect(routing()).toEqual(before);
});

test('abort ends the open canary, says which sessions may stay, and is done once', async () => {
  const { result } = await canary({ mode: 'abort' });
  expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/everybody gets 1, read back.*sessions that began on version 2/), outputs: { verdict: 'abort', weights: '0', observed: '1' } });
  expect(routing()).toMatchObject({ targetVersion: stable });
  expect((await canary({ mode: 'abort' })).result).toMatchObject({ status: 'skipped', reason: 'no canary is open; everybody gets 1' });
});

test.each([
  [{ mode: 'set' }, 'mode set needs the input weight'],
  [{ mode: 'set', weight: '0.1' }, 'the input weight is "0.1", which is no percentage'],
  [{ mode: 'set', weight: '150%' }, 'the input weight is "150%", which is no percentage'],
  [{ mode: 'set', weight: '-5%' }, 'the input weight is "-5%", which is no percentage'],
  [{ mode: 'set', weight: '100%' }, 'the input weight is 100%, and a share is above 0% and below 100%'],
  [{ mode: 'set', weight: '0%' }, 'the input weight is 0%, and a share is above 0% and below 100%'],
  [{ mode: 'promote', weight: '5%' }, 'the input weight is for the modes start and set, and the mode is promote'],
  [{ weight: '5%' }, 'the input weight is for the modes start and set, and the mode is auto'],
  [{ mode: 'promote' }, 'no canary is open, so there is nothing to promote'],
  [{ mode: 'set', weight: '5%', candidate: '77' }, 'the input candidate is "77", and '],
])('%j is bad input and moves nobody', async (inputs, reason) => {
  const { result, sent } = await canary(inputs);
  expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining(reason) });
  expect(sent.filter((one) => !one.startsWith('GET'))).toEqual([]);
});

test('without a candidate nothing is raised', async () => {
  stage.newResults();
  const { result } = await canary({ mode: 'set', weight: '5%' });
  expect(result).toMatchObject({ category: 'input', hint: expect.stringContaining('publish-version') });
  expect(routing()).toMatchObject({ targetVersion: stable });
});

test('a dry run says what it would do', async () => {
  const { result, sent } = await canary({ mode: 'set', weight: '5%', candidate }, { dryRun: true });
  expect(result).toMatchObject({ status: 'passed', reason: 'would go from 1 to 1,2=5%' });
  expect(sent).toEqual([]);
});

test('promote gives everybody the candidate and records it as good', async () => {
  await canary({ mode: 'set', weight: '5%', candidate });
  const { result } = await canary({ mode: 'promote' });
  expect(result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', weights: '100', observed: '2' } });
  expect(routing()).toMatchObject({ targetVersion: '2' });
  const { record } = valueOf(await stage.state.read(/runtimes\/([^/]+)/.exec(stage.lab.agentrun.calls().at(-1)?.path ?? '')?.[1] ?? '', 'production')) ?? { record: undefined };
  expect(record).toMatchObject({ stable: { version: '2' }, history: [{ version: '2', verdict: 'passed', reason: 'promoted by hand' }, { version: '2', verdict: 'failed', reason: 'aborted by hand' }] });
  expect((await canary({ mode: 'promote', candidate: '2' })).result).toMatchObject({ status: 'skipped', reason: 'everybody gets 2 already' });
});

test('blue-green: steps of 100% judge beside the users and then move everybody at once', async () => {
  const third = await published('three');
  stable = '2';
  const blueGreen: Setting = { ...agentSetting(stage), environment: { ...agentSetting(stage).environment, canary: { steps: ['100%'], minimum: 5, pairs: 10, watch: ['errors'] } } };
  const before = stage.lab.agentrun.served('order-agent', 'production');
  expect((await canary({}, { dryRun: true }, blueGreen)).result.reason).toMatch(/^would put at most 10 questions .*move all users at once$/);
  stage.lab.agentrun.setFaults('order-agent', '2', { errors: 1 });
  const bad = await canary({}, {}, blueGreen);
  expect(bad.result).toMatchObject({ outputs: { verdict: expect.stringMatching(/abort|inconclusive/) } });
  expect(bad.result.status).not.toBe('passed');
  expect(routing()).toMatchObject({ targetVersion: '2' });
  stage.lab.agentrun.setFaults('order-agent', '2', {});
  const good = await canary({}, {}, { ...blueGreen, environment: { ...blueGreen.environment, canary: { steps: ['100%'], minimum: 5, pairs: 200, watch: ['errors'] } } });
  expect(good.result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', candidate: third, weights: '100', observed: third } });
  expect(routing()).toEqual({ targetVersion: third, versionWeights: [] });
  expect(stage.lab.agentrun.served('order-agent', 'production')).toEqual(before);
}, 60_000);

test('status tells who gets what and what was counted, moves nobody and asks nothing', async () => {
  const judged: Setting = { ...agentSetting(stage), environment: { ...agentSetting(stage).environment, canary: { steps: ['100%'], minimum: 5, pairs: 200, watch: ['errors'] } } };
  const before = routing();
  const { result, sent } = await canary({ mode: 'status' }, {}, judged);
  expect(result).toMatchObject({ status: 'passed', outputs: { verdict: 'hold', stable: '2', candidate: '3', weights: '0', observed: '3' } });
  expect(result.reason).toMatch(/^everybody gets 3; no other run is at work; the recorded canary of 3 against 2 has ended, counted last .* ago: no guard aborts so far: the candidate failed in 0 of \d+/);
  expect(result.evidence).toMatchObject({ stable: '2', candidate: '3', readings: [{ guard: 'errors' }] });
  const other = await canary({ mode: 'status' });
  expect(other.result).toMatchObject({ status: 'passed', outputs: { verdict: '' }, reason: expect.stringContaining('it had another plan than sluice.yml has now') });
  expect([...sent, ...other.sent].filter((one) => !one.startsWith('GET '))).toEqual([]);
  expect(routing()).toEqual(before);
});
