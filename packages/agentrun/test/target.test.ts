import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock, type Outcome, type Question, type Target, type Traffic, type Version } from '@sluice/core';
import { fixed } from '../src/credentials/session.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { agentYaml, careful, must, overwrite, problemOf, startBench, type Bench } from './fixture.ts';

const question = (streaming: boolean): Question => ({ query: 'where is order 17', inputs: {}, user: 'user-1', streaming });
const quiet = new AbortController().signal;

const trafficOf = ({ traffic }: Target): Traffic => {
  if (traffic === undefined) throw new Error('the target splits no traffic');
  return traffic;
};

const versionsOf = (target: Target): Promise<Outcome<readonly Version[]>> => {
  if (target.versions === undefined) throw new Error('the target has no versions');
  return target.versions();
};

/** rawApi acts as somebody else does, beside Sluice. */
const rawApi = async (bench: Bench, endpoint: string): Promise<{ api: AgentRunApi; id: string; endpointId: string }> => {
  const api = new AgentRunApi(new AgentRunClient({ http: bench.http, clock: systemClock(200), signal: quiet, credentials: fixed(bench.lab.credentials), control: bench.lab.control, readOnly: false }));
  const runtime = must(await api.findRuntime('order-agent'));
  const found = must(await api.findEndpoint(runtime?.id ?? '', endpoint));
  return { api, id: runtime?.id ?? '', endpointId: found?.id ?? '' };
};

describe('a whole release against the lab', () => {
  let bench: Bench;
  let target: Target;
  beforeAll(async () => {
    bench = await startBench({ temporaryCredentials: true, endpointReady: 'ACTIVE', mergeRule: { absent: 'keep', empty: 'keep' } });
    target = must(await bench.connect(bench.project.source(agentYaml())));
  });
  afterAll(() => bench.close());

  test('before the first release there is nothing', async () => {
    expect(target.application).toBe('');
    expect(must(await target.inspect())).toMatchObject({ exists: false });
    expect(must(await target.snapshot()).files).toEqual({});
    expect(problemOf(await target.deploy(bench.project.source(agentYaml()), careful))).toMatchObject({ category: 'input', hint: expect.stringContaining('--create') });
  });

  test('deploy creates the runtime, sends the code and reads it back', async () => {
    const source = bench.project.source(agentYaml());
    const deployed = must(await target.deploy(source, { ...careful, create: true }));
    expect(deployed).toMatchObject({ changed: true, version: { id: 'draft', digest: source.digest } });
    expect(deployed.created?.application).toBe(target.application);
    expect(bench.lab.code('order-agent', 'LATEST')?.readUInt32LE(0)).toBe(0x04034b50);
    expect(must(await target.deploy(source, careful))).toMatchObject({ changed: false, version: { digest: source.digest } });
  });

  test('the deployed code can be asked before it has a version, through an endpoint of its own', async () => {
    const opened = must(await target.open('draft'));
    expect(opened.how).toBe('endpoint "sluice-production-latest", everybody on LATEST');
    const reply = must(await opened.ask(question(false), quiet));
    expect(reply).toMatchObject({ status: 200, text: expect.stringContaining('order-agent') });
    expect(reply.failed).toBeUndefined();
    expect(bench.lab.served('order-agent', 'sluice-production-latest')).toEqual({ LATEST: 1 });
    must(await opened.close());
    const { api, id } = await rawApi(bench, 'production');
    expect(must(await api.listEndpoints(id)).every(({ status }) => status === 'DELETING')).toBe(true);
  });

  test('publish makes version 1 once and keeps marks in its description', async () => {
    const commit = 'a'.repeat(40);
    const request = { name: '1.0', marks: { commit, runUrl: 'https://ci.example.com/7' } };
    const version = must(await target.publish(request));
    expect(version).toMatchObject({ id: '1', name: '1', digest: bench.project.source(agentYaml()).digest });
    expect(version.comment).toBe(`1.0 [sluice digest=${version.digest ?? ''} commit=${commit} run=https://ci.example.com/7]`);
    expect(must(await target.publish(request))).toEqual({ ...version, existed: true });
    expect(must(await versionsOf(target))).toHaveLength(1);
  });

  test('the first routing makes the users endpoint', async () => {
    expect(must(await trafficOf(target).read()).split).toEqual({ stable: '', weight: 0 });
    const set = must(await trafficOf(target).set({ stable: '', weight: 0 }, { stable: '1', weight: 0 }));
    expect(set).toEqual({ split: { stable: '1', weight: 0 }, reach: 'configured' });
    expect(bench.lab.routing('order-agent', 'production')).toEqual({ targetVersion: '1', versionWeights: [] });
    for (const rung of target.checks()) expect(must(await rung.run(quiet))).not.toBe('');
  });

  test('a second version gets a share, then everybody; the old weights do not stay', async () => {
    const next = bench.project.source(agentYaml(['description: second']));
    must(await target.deploy(next, careful));
    expect(must(await target.inspect())).toMatchObject({ live: { id: '1' }, candidate: { id: 'draft', digest: next.digest } });
    const version = must(await target.publish({ name: '2.0', marks: {}, digest: next.digest }));
    expect(version.id).toBe('2');
    const traffic = trafficOf(target);
    const stable = { stable: '1', weight: 0 };
    const share = { stable: '1', candidate: '2', weight: 12.5 };
    expect(must(await traffic.set(stable, share))).toEqual({ split: share, reach: 'configured' });
    expect(bench.lab.routing('order-agent', 'production')).toEqual({ targetVersion: '1', versionWeights: [{ version: '2', weight: 0.125 }] });
    expect(problemOf(await traffic.set(stable, share)).category).toBe('conflict');

    const aborted = must(await traffic.set(share, stable));
    expect(aborted.split).toEqual(stable);
    expect(aborted.linger).toContain('version 2');
    expect(bench.lab.routing('order-agent', 'production').versionWeights.every(({ weight }) => weight === 0)).toBe(true);

    must(await traffic.set(stable, share));
    expect(must(await traffic.set(share, { stable: '2', weight: 0 })).linger).toBeUndefined();
    expect(must(await target.inspect())).toMatchObject({ live: { id: '2' } });
    expect(must(await target.inspect()).candidate).toBeUndefined();
    expect(must(await target.restore('1', {}))).toMatchObject({ id: '1' });
    expect(bench.lab.routing('order-agent', 'production').targetVersion).toBe('1');
  });

  test('versions can be asked side by side, streamed or not', async () => {
    const [one, two] = [must(await target.open('1')), must(await target.open('2'))];
    const reply = must(await two.ask(question(true), quiet));
    expect(reply).toMatchObject({ status: 200, text: expect.stringContaining('where is order 17') });
    expect(reply.firstTokenMs).toBeLessThanOrEqual(reply.latencyMs);
    expect(reply.tokens).toBeGreaterThan(0);
    must(await one.ask(question(false), quiet));
    expect(bench.lab.served('order-agent', 'sluice-production-v1')).toEqual({ 1: 1 });
    expect(bench.lab.served('order-agent', 'sluice-production-v2')).toEqual({ 2: 1 });
    must(await one.close());
    must(await two.close());
    expect(problemOf(await target.open('9')).hint).toBe('Published are 2, 1.');
    const live = must(await target.open('live'));
    expect(live).toMatchObject({ version: '1' });
    must(await live.close());
    expect(bench.lab.routing('order-agent', 'production').targetVersion).toBe('1');
  });

  test.each([
    ['errors', { errors: 1 }, true],
    ['errors', { errors: 1 }, false],
    ['throttled', { throttled: 1 }, false],
    ['dropped', { dropped: 1 }, true],
    ['dropped', { dropped: 1 }, false],
  ])('a version with %s gives failed replies', async (_name, faults, streaming) => {
    bench.lab.setFaults('order-agent', '1', faults);
    const opened = must(await target.open('2'));
    const replies = [must(await opened.ask(question(streaming), quiet)), must(await opened.ask(question(streaming), quiet))];
    must(await opened.close());
    bench.lab.setFaults('order-agent', '1', {});
    for (const reply of replies) expect(reply.failed).toEqual(expect.any(String));
  });
});

describe('care for what others did', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.close());

  test('an endpoint on LATEST is pinned to the same content before anything is deployed', async () => {
    bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production', environmentVariables: { DB_PASSWORD: 'hunter2hunter2' } });
    const source = bench.project.source(agentYaml());
    const target = must(await bench.connect(source));
    const snapshot = must(await target.snapshot());
    expect(JSON.stringify(snapshot)).not.toContain('hunter2');
    expect(snapshot.files['agentrun/runtime.json']).toContain('DB_PASSWORD');
    const { api, id, endpointId } = await rawApi(bench, 'production');
    must(await api.setRouting(id, endpointId, { targetVersion: 'LATEST', weights: [] }));
    const before = must(await target.inspect());
    expect(before.live).toMatchObject({ id: 'draft' });
    expect(before.candidate).toBeUndefined();

    const deployed = must(await target.deploy(source, careful));
    expect(deployed.notes[0]).toContain('is now on version 1');
    expect(bench.lab.routing('order-agent', 'production').targetVersion).toBe('1');
    expect(must(await target.restore('draft', {}))).toMatchObject({ id: '1', digest: before.live?.digest });
    expect(deployed.notes.join()).not.toContain('hunter2');
  });

  test('LATEST that somebody edited is not replaced without overwrite', async () => {
    const source = bench.project.source(agentYaml(['description: mine']));
    const target = must(await bench.connect(source));
    must(await target.deploy(bench.project.source(agentYaml()), overwrite));
    const { api, id } = await rawApi(bench, 'production');
    const runtime = must(await api.getRuntime(id));
    must(await api.updateRuntime(id, { ...runtime.shown, memory: 4096, codeConfiguration: { language: 'nodejs20', ossBucketName: 'b', ossObjectName: 'o.zip' } }));
    expect(problemOf(await target.deploy(source, careful))).toMatchObject({ category: 'conflict', hint: expect.stringContaining('--overwrite') });
    const edited = must(await target.inspect()).candidate?.digest;
    expect(problemOf(await target.publish({ name: 'x', marks: {}, digest: source.digest })).category).toBe('conflict');
    expect(must(await target.deploy(source, { ...careful, ours: [edited ?? ''] })).changed).toBe(true);
  });

  test('a deployment that the platform cannot carry out says why, and the next one repairs it', async () => {
    const source = bench.project.source(agentYaml(['description: failing']));
    const target = must(await bench.connect(source));
    bench.lab.failNext('runtime', 'the image cannot be pulled');
    expect(problemOf(await target.deploy(source, overwrite))).toMatchObject({ category: 'platform', reason: expect.stringContaining('the image cannot be pulled') });
    expect(must(await target.deploy(source, overwrite)).changed).toBe(true);
  });

  test('throttled calls are tried again; a wrong key is a permission problem', async () => {
    const source = bench.project.source(agentYaml());
    bench.lab.throttle({ requests: 2, status: 400 });
    must(await bench.connect(source));
    const refused = await bench.connect(source, { secrets: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'wrong-secret-value' } });
    expect(problemOf(refused).category).toBe('permission');
    expect(JSON.stringify(refused)).not.toContain('wrong-secret-value');
    expect(problemOf(await bench.connect(source, { account: '99999' })).reason).toContain(bench.lab.accountId);
    must(await bench.connect(source, { account: bench.lab.accountId }));
  });

  test('a dry run reads and never writes', async () => {
    const target = must(await bench.connect(bench.project.source(agentYaml(['description: dry'])), { readOnly: true }));
    must(await target.inspect());
    const before = bench.lab.routing('order-agent', 'production');
    for (const outcome of [
      await target.deploy(bench.project.source(agentYaml(['description: dry'])), { ...overwrite, create: true }),
      await target.open('1'),
      await target.restore('1', {}),
    ]) {
      expect(problemOf(outcome).reason).toContain('dry run');
    }
    expect(bench.lab.routing('order-agent', 'production')).toEqual(before);
  });
});
