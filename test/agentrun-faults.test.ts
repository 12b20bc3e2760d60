import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { failed, type HttpClient, type HttpRequest, type HttpResponse, type Outcome, type StateStore } from '@sluice/core';
import { openStage, type Ran, type RunOptions, type Stage } from './lab-stage.ts';
import { agentSetting, writeAgent } from './stage-settings.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  await writeAgent(stage, 'one');
});
afterEach(() => stage.close());

const release = (options: RunOptions = {}, inputs: Readonly<Record<string, unknown>> = {}): Promise<Ran> => {
  stage.newResults();
  return stage.run('release', agentSetting(stage), inputs, options);
};
const routing = (): { targetVersion: string; versionWeights: unknown } => stage.lab.agentrun.routing('order-agent', 'production');
const first = async (): Promise<void> => {
  const { result } = await release({}, { create: true });
  if (result.status !== 'passed') throw new Error(result.reason);
};
const published = (): number => stage.lab.agentrun.calls().filter(({ action }) => action === 'agentrun:PublishRuntimeVersion').length;

/** through lets a test change answers of the lab. */
const through = (change: (request: HttpRequest, send: () => Promise<Outcome<HttpResponse>>) => Promise<Outcome<HttpResponse>>) => (http: HttpClient): HttpClient => ({
  send: (request) => change(request, () => http.send(request)),
  stream: (request) => http.stream(request),
  close: () => http.close(),
});

test('an unknown runtime is bad input with the way to make it', async () => {
  const { result, sent } = await release();
  expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('order-agent'), hint: expect.stringContaining('--create') });
  expect(sent).toEqual([]);
});

test('a version that is missing is bad input, and users keep what they have', async () => {
  await first();
  const before = routing();
  const { result } = await stage.run('rollback', agentSetting(stage), { version: '77' });
  expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('77') });
  expect(routing()).toEqual(before);
});

test('a second release on one endpoint waits for the lease and ends as a conflict', async () => {
  await first();
  const application = /runtimes\/([^/]+)/.exec(stage.lab.agentrun.calls().at(-1)?.path ?? '')?.[1] ?? '';
  const stored = await stage.state.read(application, 'production');
  if (!stored.ok || stored.value === undefined) throw new Error('there is no record');
  await stage.state.write({ ...stored.value.record, lease: { holder: 'run 99, by others', until: Date.now() + 3_600_000 } }, stored.value.revision);
  await writeAgent(stage, 'two');
  const before = published();
  const { result, said } = await release({ factor: 2000 });
  expect(result).toMatchObject({ category: 'conflict', reason: expect.stringContaining('run 99') });
  expect(said.lines.filter((line) => line.startsWith('waiting for the lease')).length).toBeGreaterThan(1);
  expect(published()).toBe(before);
  expect(routing()).toEqual({ targetVersion: '1', versionWeights: [] });
});

test('an endpoint that stays CREATING is a timeout that shows its last state', async () => {
  await first();
  await writeAgent(stage, 'two');
  const stuck = through(async (request, send) => {
    const answer = await send();
    const about = request.method === 'GET' && /\/endpoints\/are-/.test(request.url) && answer.ok && answer.value.text.includes('sluice-production-');
    return about ? { ok: true, value: { ...answer.value, text: answer.value.text.replace(/"status":"[A-Z]+"/, '"status":"CREATING"') } } : answer;
  });
  const { result } = await release({ http: stuck, factor: 2000 });
  expect(result).toMatchObject({ category: 'timeout', reason: expect.stringMatching(/endpoint "sluice-production-[^"]+" is CREATING/) });
  expect(routing()).toEqual({ targetVersion: '1', versionWeights: [] });
});

test('an environment variable of the runtime is in no output, also where an answer that holds it is damaged', async () => {
  const planted = 'planted-hunter2-value';
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production', environmentVariables: { TOKEN: planted } });
  const damaged = through(async (request, send) => {
    const answer = await send();
    return answer.ok && answer.value.text.includes(planted) && request.url.includes('agentRuntimeVersion') ? { ok: true, value: { ...answer.value, text: answer.value.text.slice(0, -2) } } : answer;
  });
  for (const step of ['validate', 'snapshot', 'deploy', 'health-check', 'publish-version', 'canary', 'rollback'] as const) {
    for (const http of [undefined, damaged]) {
      const { result, said } = await stage.run(step, agentSetting(stage), {}, http === undefined ? {} : { http });
      expect(JSON.stringify([result, said])).not.toContain(planted);
    }
  }
});

const writes = (request: HttpRequest): boolean => request.method !== 'GET' && !request.url.includes('/invocations/');
const dead = failed({ category: 'platform', reason: 'the process was killed' });

/** killed is a run that dies at its n-th write, which the platform still carries out or never gets; nothing of it reaches the platform or the record after that. */
const killed = (at: number, carriedOut: boolean): RunOptions & { readonly died: () => boolean } => {
  let count = 0;
  let gone = false;
  const state: StateStore = {
    where: stage.state.where,
    prove: () => (gone ? Promise.resolve(dead) : stage.state.prove()),
    read: (...given) => (gone ? Promise.resolve(dead) : stage.state.read(...given)),
    write: (...given) => (gone ? Promise.resolve(dead) : stage.state.write(...given)),
  };
  const cut = through(async (request, send) => {
    if (gone) return dead;
    if (writes(request)) count += 1;
    if (count < at) return send();
    gone = true;
    if (carriedOut) await send();
    return dead;
  });
  return { state, died: () => gone, http: (http) => ({ ...cut(http), stream: (request) => (gone ? Promise.resolve(dead) : http.stream(request)) }) };
};

test.each([[true], [false]])('a release that is killed at each of its writes is finished by the next one: published once, nobody on an unjudged version (carried out: %p)', async (carriedOut) => {
  let version = 1;
  await first();
  for (let at = 1; at < 40; at += 1) {
    await writeAgent(stage, `at ${at}`);
    const before = published();
    const { died, ...options } = killed(at, carriedOut);
    await release({ ...options, factor: 2000, runId: `job ${at}` });
    if (!died()) {
      expect(at).toBeGreaterThan(8);
      return;
    }
    // Whoever is on the candidate by then is there by the canary's permission, and everybody else is where they were.
    if (routing().targetVersion !== String(version)) expect(routing().targetVersion).toBe(String(version + 1));
    // Waits as short as those of the killed run leave a busy machine no time for the answers that a verdict needs.
    const next = await release({ factor: 400, runId: `job ${at}` });
    expect({ at, status: next.result.status, reason: next.result.reason }).toMatchObject({ at, status: 'passed' });
    expect({ at, published: published() - before }).toEqual({ at, published: 1 });
    version += 1;
    expect(routing()).toMatchObject({ targetVersion: String(version) });
  }
  throw new Error('the release never came to its end');
}, 240_000);
