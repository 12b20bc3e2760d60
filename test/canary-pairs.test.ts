import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { failed, type EnvironmentRecord, type HttpClient, type StateStore } from '@sluice/core';
import { openAgentCanaryStage, type AgentCanaryStage } from './agent-canary-stage.ts';
import type { Ran, RunOptions, Setting, Stage } from './lab-stage.ts';
import { difySetting, gateway, released, saying } from './stage-settings.ts';

let agent: AgentCanaryStage;
let stage: Stage;

const pairs = 24;
const setting = (more: Readonly<Record<string, unknown>> = {}): Setting => agent.setting(more);
const canary = (inputs: Readonly<Record<string, unknown>>, wanted: Setting, options: RunOptions = {}): Promise<Ran> => stage.run('canary', wanted, inputs, { factor: 2000, ...options });
const routing = () => agent.routing();
const questions = ({ sent }: Ran): number => sent.filter((one) => one.includes('/invocations')).length;
const total = (runs: readonly Ran[]): number => runs.reduce((sum, run) => sum + questions(run), 0);
const stored = () => agent.stored();

/** killed runs mode auto until it has asked so many questions, and leaves the record and the split of that moment. */
const killed = async (wanted: Setting, after: number): Promise<Ran> => {
  const dying = new AbortController();
  let last: EnvironmentRecord | undefined;
  let left: EnvironmentRecord | undefined;
  let asked = 0;
  const state: StateStore = {
    ...stage.state,
    write: async (record, revision) => {
      const written = await stage.state.write(record, revision);
      if (written.ok) last = record;
      return written;
    },
  };
  const http = (inner: HttpClient): HttpClient => ({
    ...inner,
    send: (request) => {
      if (request.url.includes('/invocations')) asked += 1;
      if (asked === after && left === undefined) {
        left = last;
        dying.abort();
      }
      return inner.send(request);
    },
  });
  const ran = await canary({ candidate: '2' }, wanted, { state, http, signal: dying.signal });
  if (left === undefined) throw new Error(`nothing was killed: ${ran.result.reason}`);
  const set = await stage.run('canary', wanted, { mode: 'set', weight: '25%', candidate: '2' });
  if (set.result.status !== 'passed') throw new Error(set.result.reason);
  const { lease: _lease, ...record } = left;
  await agent.putRecord(record);
  return ran;
};

beforeAll(async () => {
  agent = await openAgentCanaryStage({ minimum: 300, pairs });
  ({ stage } = agent);
}, 60_000);
afterAll(() => stage.close());
beforeEach(() => agent.begin());

describe('canary.pairs bounds the questions of the whole rollout', () => {
  test('however often its run is killed and taken up again', async () => {
    const runs: Ran[] = [];
    for (const after of [3, 5, 2]) runs.push(await killed(setting(), after));
    const counted = (await stored())?.record.rollout as { asked?: number } | undefined;
    expect((counted?.asked ?? 0) * 2).toBeGreaterThanOrEqual(total(runs));
    const last = await canary({ candidate: '2' }, setting());
    runs.push(last);
    expect(last.said.lines.join('\n')).toMatch(/this one goes on from there/);
    expect(last.result.category).toBe('evidence');
    expect(questions(last)).toBeGreaterThan(0);
    expect(total(runs)).toBeLessThanOrEqual(2 * pairs);
  }, 120_000);

  test('over sweep and promote, also where a look gave no evidence', async () => {
    const runs = [await canary({ mode: 'start', candidate: '2' }, setting())];
    const mute = (http: HttpClient): HttpClient => ({ ...http, send: (request) => (request.url.includes('/invocations') ? Promise.resolve(failed({ category: 'input', reason: 'the way there is closed' })) : http.send(request)) });
    runs.push(await stage.run('sweep', setting(), {}, { http: mute }));
    expect((await stored())?.record.rollout).toMatchObject({ asked: expect.any(Number), windows: 1 });
    expect(((await stored())?.record.rollout as { asked: number }).asked).toBeGreaterThan(0);
    for (let count = 0; count < 4; count += 1) runs.push(await stage.run('sweep', setting()));
    for (let count = 0; count < 5; count += 1) runs.push(await canary({ mode: 'promote' }, setting()));
    runs.push(await stage.run('sweep', setting(), {}, { dryRun: true }));
    expect(((await stored())?.record.rollout as { asked: number }).asked).toBe(pairs);
    expect(total(runs)).toBeGreaterThan(pairs);
    expect(total(runs)).toBeLessThanOrEqual(2 * pairs);
  }, 120_000);

  test('a sweep that dies while it asks has used its pairs', async () => {
    await canary({ mode: 'start', candidate: '2' }, setting());
    let seen: unknown;
    const http = (inner: HttpClient): HttpClient => ({
      ...inner,
      send: async (request) => {
        if (request.url.includes('/invocations')) seen ??= ((await stored())?.record.rollout as { asked: number }).asked;
        return inner.send(request);
      },
    });
    await stage.run('sweep', setting(), {}, { http });
    expect(seen).toBeGreaterThan(0);
  }, 60_000);
});

test('when all pairs are used, promote judges what was seen before', async () => {
  const enough = setting({ minimum: 1 });
  await canary({ mode: 'start', candidate: '2' }, enough);
  expect((await stage.run('sweep', enough)).result.status).toBe('passed');
  const found = await stored();
  if (found === undefined) throw new Error('there is no record');
  await agent.putRecord({ ...found.record, rollout: { ...Object(found.record.rollout), asked: pairs } });
  const promoted = await canary({ mode: 'promote' }, enough);
  expect(promoted.result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', observed: '2' }, reason: expect.stringMatching(/0 of [1-9]\d* and stable in 0 of [1-9]/) });
  expect(questions(promoted)).toBe(0);
}, 60_000);

test('when all pairs are used and too few of them count, promote says so and asks for no more looks', async () => {
  await canary({ mode: 'start', candidate: '2' }, setting());
  await stage.run('sweep', setting());
  const found = await stored();
  if (found === undefined) throw new Error('there is no record');
  await agent.putRecord({ ...found.record, rollout: { ...Object(found.record.rollout), asked: pairs } });
  const refused = await canary({ mode: 'promote' }, setting());
  expect(refused.result).toMatchObject({ category: 'evidence', reason: expect.stringContaining(`all ${pairs} pairs are used`) });
  expect(((await stored())?.record.rollout as { windows: number }).windows).toBe(2);
}, 60_000);

describe('on-inconclusive: promote lets nothing through that clearly speaks against the candidate', () => {
  const strict = { pairs: 6, minimum: 6, 'false-abort': '0.1%', 'on-inconclusive': 'promote' };

  test('six of six failed answers, with users on it', async () => {
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    const { result } = await canary({ candidate: '2' }, setting(strict));
    expect(result).toMatchObject({ category: 'evidence', reason: expect.stringMatching(/the error evidence of paired probes leans against the candidate, 1\d.* to 1/), outputs: { verdict: 'inconclusive', observed: '1' } });
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [] });
  }, 60_000);

  test('six of six failed answers before a promotion by hand', async () => {
    stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
    await canary({ mode: 'start', candidate: '2' }, setting(strict));
    expect((await canary({ mode: 'promote' }, setting(strict))).result).toMatchObject({ category: 'evidence', reason: expect.stringContaining('leans against the candidate') });
    expect(routing()).toMatchObject({ targetVersion: '1', versionWeights: [{ weight: 0.25 }] });
  }, 60_000);

  test('six of six failed answers beside the users', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('after'));
    stage.newResults();
    const beside = difySetting(stage, appId, { canary: { watch: ['errors'], ...strict } });
    expect((await stage.run('deploy', beside)).result.status).toBe('passed');
    stage.lab.dify.setFaults(appId, stage.lab.dify.published(appId), { errors: 1 });
    const { result } = await stage.run('canary', beside);
    expect(result).toMatchObject({ category: 'evidence', reason: expect.stringContaining('leans against the candidate') });
  }, 60_000);
});

describe('the default without a gateway ends within 15 minutes', () => {
  /** judged lets both versions take so long for each answer, in a plan whose time runs `factor` times faster. */
  const judged = async (answerMs: number, factor: number): Promise<{ readonly ran: Ran; readonly tookMs: number }> => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('after'));
    stage.newResults();
    const beside = difySetting(stage, appId, { canary: true });
    expect((await stage.run('deploy', beside)).result.status).toBe('passed');
    const http = (inner: HttpClient): HttpClient => ({
      ...inner,
      stream: async (request) => {
        await new Promise((resolve) => { setTimeout(resolve, answerMs / factor); });
        return inner.stream(request);
      },
    });
    const began = Date.now();
    const ran = await stage.run('canary', beside, {}, { factor, http });
    return { ran, tookMs: (Date.now() - began) * factor };
  };
  const asked = ({ said }: Ran): number => Number(/have asked (\d+) questions/.exec(said.lines.join('\n'))?.[1]);

  test('200 pairs of 5 s take about five minutes, and say before and after what they cost', async () => {
    const { ran, tookMs } = await judged(5000, 20);
    expect(ran.result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote' }, reason: expect.stringContaining('all 200 pairs are used') });
    expect(tookMs).toBeGreaterThan(240_000);
    expect(tookMs).toBeLessThan(900_000);
    const said = ran.said.lines.join('\n');
    expect(said).toMatch(/at most 200 pairs, so 400 answers, 10 pairs in a look and 4 at once; what they cost in tokens is known after the first look/);
    expect(said).toMatch(/the first 10 pairs used \d+ tokens, so that 200 pairs would use about \d+/);
    expect(said).toMatch(/have asked 200 questions of each version, of which 200 count, for \d+ tokens in all/);
    expect(said).toMatch(/the smallest change that 200 answers .* could have shown/);
  }, 120_000);

  test('with answers of 30 s it is judged after 15 minutes, on the pairs there are', async () => {
    const { ran, tookMs } = await judged(30_000, 100);
    expect(ran.result).toMatchObject({ status: 'passed', reason: expect.stringContaining('the time is over after 15 m') });
    expect(asked(ran)).toBeGreaterThanOrEqual(30);
    expect(asked(ran)).toBeLessThan(200);
    // The way to it and from it is not part of the judgement, and is compressed too.
    expect(tookMs).toBeLessThan(1_200_000);
  }, 120_000);
});

test('start, sweep and promote behind the gateway of a Dify app: judged in between, and everybody gets the candidate', async () => {
  stage.newResults();
  const app = stage.lab.dify.createApp(saying('first')).appId;
  const plain = difySetting(stage, app, { ...gateway(stage), canary: false });
  await released(stage, plain, 'stable');
  await stage.write('app.yml', saying('candidate'));
  stage.newResults();
  const behind = difySetting(stage, app, gateway(stage));
  for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, behind)).result.status).toBe('passed');
  const begun = await stage.run('canary', behind, { mode: 'start' });
  expect(begun.result).toMatchObject({ status: 'passed', outputs: { verdict: 'hold', weight: '25' } });
  expect((await stage.run('sweep', behind)).result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^the canary stays at 25 %/), outputs: { swept: 'false' } });
  const { candidate = '' } = begun.result.outputs;
  const promoted = await stage.run('canary', behind, { mode: 'promote' });
  expect(promoted.result).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', observed: candidate, weight: '100' } });
  expect((await stage.run('sweep', behind)).result.status).toBe('skipped');
}, 60_000);
