import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHttpClient, systemClock } from '@sluice/core';
import type { LabCall } from '@sluice/lab';
import { stepNames, type StepName } from '@sluice/steps';
import { policyOf, type Scope } from '../packages/agentrun/src/credentials/policy.ts';
import { fixed } from '../packages/agentrun/src/credentials/session.ts';
import { AgentRunApi } from '../packages/agentrun/src/server/api.ts';
import { AgentRunClient } from '../packages/agentrun/src/server/client.ts';
import { operations, type Operation } from '../packages/agentrun/src/server/operations.ts';
import { sideDescription } from '../packages/agentrun/src/server/side.ts';
import { leftOpen } from './sweep-stage.ts';
import { openStage, valueOf, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import { writeAgent } from './stage-settings.ts';

const job = 'repo:acme/orders:environment:production';
const scope: Scope = { region: 'r', account: 'a', workspace: 'w', runtime: 'n', endpoint: 'production' };
const never = new AbortController().signal;

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const setting = (): Setting => ({
  source: 's.yaml',
  environment: {
    agentrun: { endpoint: 'production', control: stage.lab.agentrun.control, data: stage.lab.agentrun.data, sts: stage.lab.agentrun.sts, logs: stage.lab.agentrun.logs, metrics: stage.lab.agentrun.metrics, account: stage.lab.agentrun.accountId },
    canary: { steps: ['25%', '50%'], every: '2m', minimum: 5, watch: ['errors'] },
  },
});

/** keyless is a job that has no key: each step takes the role with the rights of that step alone. */
const keyless = (): RunOptions => {
  const { roleArn, providerArn } = stage.lab.agentrun.trustJob(job);
  return {
    secrets: { ALIBABA_CLOUD_ACCESS_KEY_ID: '', ALIBABA_CLOUD_ACCESS_KEY_SECRET: '', ALIBABA_CLOUD_OIDC_TOKEN: stage.lab.agentrun.identityToken({ subject: job }) },
    settings: { ALIBABA_CLOUD_ROLE_ARN: roleArn, ALIBABA_CLOUD_OIDC_PROVIDER_ARN: providerArn },
  };
};

/** recorded are the calls of each step, over all runs of a test. */
type Recorded = Map<string, LabCall[]>;

const run = async (recorded: Recorded, step: StepName, inputs: Readonly<Record<string, unknown>> = {}, more: RunOptions = {}, where: Setting = setting()): Promise<void> => {
  const before = stage.lab.agentrun.calls().length;
  const { result } = await stage.run(step, where, inputs, { ...keyless(), ...more });
  recorded.set(step, [...(recorded.get(step) ?? []), ...stage.lab.agentrun.calls().slice(before)]);
  if (result.status !== 'passed' && result.status !== 'skipped') throw new Error(`${step} ${result.status}: ${result.reason} ${result.hint ?? ''}`);
};

const api = (): AgentRunApi => {
  const http = createHttpClient({ clock: systemClock(), signal: never, userAgent: 'test', loopbackOnly: true });
  return new AgentRunApi(new AgentRunClient({ http, clock: systemClock(200), signal: never, credentials: fixed(stage.lab.agentrun.credentials), control: stage.lab.agentrun.control, readOnly: false }));
};

/** used are the rights that calls took: the action, with the kind of endpoint where that is told apart. */
const used = (calls: readonly LabCall[]): readonly string[] =>
  [...new Set(calls.map(({ action, resource }) => (action.endsWith(':UpdateAgentRuntimeEndpoint') ? `${action} ${/\/(sluice-)?[^/]*$/.exec(resource)?.[1] ?? 'users'}` : action)))].sort();

const granted = (step: StepName): readonly string[] =>
  policyOf(step, scope)
    .Statement.flatMap(({ Action, Resource }) =>
      Action.filter((action) => action.startsWith('agentrun:')).flatMap((action) =>
        action.endsWith(':UpdateAgentRuntimeEndpoint') ? Resource.map((resource) => `${action} ${resource.includes('/sluice-') ? 'sluice-' : 'users'}`) : [action],
      ),
    )
    .sort();

const workspaced = async (): Promise<void> => {
  const { readFile, writeFile } = await import('node:fs/promises');
  const path = `${stage.folder}/s.yaml`;
  await writeFile(path, (await readFile(path, 'utf8')).replace('        cpu: 1\n', '        cpu: 1\n        workspace: { name: default }\n'));
};

/** leftBehind makes an endpoint as a check leaves it behind when it is killed. */
const leftBehind = async (runtimeId: string, name: string): Promise<void> => {
  const made = await api().createEndpoint(runtimeId, name, '1', sideDescription(Date.now()));
  if (!made.ok) throw new Error(made.problem.reason);
};

/** routed sets the users' routing as people do in the console. */
const routed = async (runtimeId: string, targetVersion: string, weights: readonly { version: string; weight: number }[] = []): Promise<void> => {
  const users = await api().findEndpoint(runtimeId, 'production');
  if (!users.ok || users.value === undefined) throw new Error('no endpoint for users');
  const set = await api().setRouting(runtimeId, users.value.id, { targetVersion, weights });
  if (!set.ok) throw new Error(set.problem.reason);
};

/** brokenOff leaves a split behind as a canary does that is killed: users are on it, and the record says whose it is. */
const brokenOff = async (runtimeId: string): Promise<void> => {
  await routed(runtimeId, '1', [{ version: '2', weight: 0.25 }]);
  const found = valueOf(await stage.state.read(runtimeId, 'production'));
  if (found === undefined) throw new Error('there is no record');
  valueOf(await stage.state.write({ ...found.record, rollout: { permission: { stable: '1', candidate: '2' } } }, found.revision));
};

const written = async (code: string): Promise<void> => {
  await writeAgent(stage, code);
  await workspaced();
};

/** look reads the logs of an agent that has some. */
const look = async (recorded: Recorded): Promise<void> => {
  const { readFile, writeFile } = await import('node:fs/promises');
  const path = `${stage.folder}/s.yaml`;
  const logged = (await readFile(path, 'utf8')).replace('        cpu: 1\n', '        cpu: 1\n        logConfig: { project: orders-logs, logstore: requests }\n');
  await writeFile(path, logged);
  await run(recorded, 'deploy', { overwrite: true });
  await run(recorded, 'logs', { since: '5m' });
};

/** usualSteps are the steps of a release one by one, with what earlier runs may have left, and the way back. */
const usualSteps = async (recorded: Recorded): Promise<void> => {
  const { runtimeId } = stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
  await written('two');
  await run(recorded, 'validate', { environment: 'production' });
  await run(recorded, 'snapshot');
  await routed(runtimeId, 'LATEST');
  await run(recorded, 'deploy');
  await leftBehind(runtimeId, 'sluice-production-latest');
  await run(recorded, 'health-check', { version: 'candidate' });
  await run(recorded, 'health-check', { version: '1' });
  await run(recorded, 'publish-version');
  await leftBehind(runtimeId, 'sluice-production-v2');
  await run(recorded, 'plan');
  await run(recorded, 'canary');
  await run(recorded, 'rollback', { version: '1' });
  await leftOpen(stage, setting(), runtimeId, { holder: 'nobody', until: Date.now() + 60_000, unattended: true });
  await leftBehind(runtimeId, 'sluice-production-v2');
  await run(recorded, 'sweep');
  stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
  await run(recorded, 'sweep');
  stage.lab.agentrun.setFaults('order-agent', undefined, {});
  await brokenOff(runtimeId);
  await written('three');
  await run(recorded, 'deploy', { overwrite: true });
  await run(recorded, 'publish-version');
  await written('four');
  await run(recorded, 'deploy', { overwrite: true });
  await routed(runtimeId, 'LATEST');
  await written('five');
  await run(recorded, 'deploy', { overwrite: true });
  const users = await api().findEndpoint(runtimeId, 'production');
  if (users.ok && users.value !== undefined) await api().deleteEndpoint(runtimeId, users.value.id);
  await run(recorded, 'rollback', { version: '1' });
  await run(recorded, 'notify');
  for (const step of ['versions', 'info'] as const) await run(recorded, step);
  await run(recorded, 'diff', { from: 'running', environment: 'production' });
  await look(recorded);
};

/** previews are made, changed and removed in an environment of their own. */
const previews = async (recorded: Recorded): Promise<void> => {
  const { endpoint: _endpoint, ...agentrun } = setting().environment['agentrun'] as Record<string, unknown>;
  const where: Setting = { source: 's.yaml', environment: { preview: true, agentrun } };
  for (const code of ['one', 'two']) {
    await written(code);
    await run(recorded, 'preview', { name: 'pr-12' }, {}, where);
  }
  await run(recorded, 'preview', { name: 'pr-12', remove: true }, {}, where);
};

/** releases are that of an agent that does not exist yet, and the next one, where a check was killed before. */
const releases = async (recorded: Recorded): Promise<void> => {
  await written('one');
  await run(recorded, 'deploy', { create: true });
  const made = await api().findRuntime('order-agent');
  await stage.close();
  stage = await openStage();
  await written('one');
  await run(recorded, 'release', { create: true });
  const first = await api().findRuntime('order-agent');
  if (!made.ok || !first.ok || first.value === undefined) throw new Error('no runtime was made');
  await leftBehind(first.value.id, 'sluice-production-latest');
  stage.newResults();
  await written('two');
  await run(recorded, 'release');
};

/** asListed says whether a call has the method and path that the table lists for its action. */
const asListed = ({ action, method, path }: LabCall): boolean => {
  const listed = Object.entries<Operation>(operations).find(([name]) => action === `agentrun:${name}`)?.[1];
  return listed?.method === method && new RegExp(`^${listed.path.replaceAll(/\{[a-z]+\}/g, '[^/]+')}$`).test(path);
};

test('every step passes with its own rights, and uses each of them', async () => {
  const recorded: Recorded = new Map();
  await usualSteps(recorded);
  await stage.close();
  stage = await openStage();
  await releases(recorded);
  await previews(recorded);
  expect([...recorded.keys()].sort()).toEqual([...stepNames].sort());
  for (const [step, calls] of recorded) expect([step, used(calls)]).toEqual([step, granted(step as StepName)]);
  expect([...recorded.values()].flat().filter((call) => !asListed(call) || !call.allowed)).toEqual([]);
}, 120_000);

test('a step that needs more than its rights is refused by what RAM says, with the page that lists them', async () => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
  await written('two');
  const { result } = await stage.run('deploy', setting(), {}, { ...keyless(), rightsOf: 'snapshot' });
  expect(result).toMatchObject({ category: 'permission', reason: expect.stringMatching(/may not do this: You are not authorized to do this action. Action: agentrun:UpdateAgentRuntime/), hint: expect.stringMatching(/docs\/ram-policies\.md/) });
  expect(stage.lab.agentrun.calls().filter(({ allowed }) => !allowed)).toEqual([expect.objectContaining({ action: 'agentrun:UpdateAgentRuntime' })]);
});

test('credentials that end half-way are renewed, and the release goes on', async () => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
  await written('two');
  const ending = { ...keyless(), onStep: (step: string) => step === 'publish-version' && stage.lab.agentrun.expireSessions() };
  const { result } = await stage.run('release', setting(), {}, ending);
  expect(result).toMatchObject({ status: 'passed' });
}, 30_000);

describe('settings that need more', () => {
  const settled = (more: object, source = 's.yaml'): Setting => {
    const plain = setting();
    return { source, environment: { ...plain.environment, agentrun: { ...(plain.environment['agentrun'] as object), ...more } } };
  };

  /** two is a runtime with a second version that nobody gets, made by somebody with every right. */
  const two = async (): Promise<void> => {
    stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    await written('two');
    for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, setting())).result.status).toBe('passed');
  };

  test('auth: ram: agents are called with the right to call them, and refuse calls without it', async () => {
    await two();
    expect((await stage.run('health-check', settled({ auth: 'ram' }), {}, keyless())).result).toMatchObject({ status: 'passed' });
    expect((await stage.run('health-check', settled({ auth: 'ram' }), { version: '2' }, keyless())).result).toMatchObject({ status: 'passed' });
    const refused = await stage.run('health-check', settled({ auth: 'ram' }), {}, { ...keyless(), rightsOf: 'validate' });
    expect(refused.result.status).not.toBe('passed');
    expect(JSON.stringify(refused.result)).toContain('agentrun:InvokeRuntime');
  }, 30_000);

  test.each([[true], [false]])('evict: %p: whether the canary may change the runtime', async (evict) => {
    await two();
    const ended = settled({ evict });
    expect((await stage.run('canary', ended, { mode: 'set', weight: '10%' }, keyless())).result).toMatchObject({ status: 'passed' });
    const before = stage.lab.agentrun.calls().length;
    const { result } = await stage.run('canary', ended, { mode: 'abort' }, keyless());
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringContaining(evict ? 'asked to end the sessions' : 'agentrun.evict in sluice.yml would end them') });
    expect(stage.lab.agentrun.calls().slice(before).filter(({ action }) => action === 'agentrun:UpdateAgentRuntime')).toEqual(evict ? [expect.objectContaining({ allowed: true })] : []);
  }, 30_000);

  test('evidence: a canary may read its own log store and CloudMonitor; a step without that right may not', async () => {
    const logs = { project: 'orders-logs', logstore: 'requests' };
    stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production', logs });
    await written('two');
    for (const step of ['deploy', 'publish-version'] as const) await stage.run(step, setting(), { ...(step === 'deploy' ? { overwrite: true } : {}) });
    const silent = { ...setting(), environment: { ...setting().environment, canary: { steps: ['50%'], every: '2m', minimum: 5, watch: ['errors'], pairs: 0 } } };
    const { result, said, sent } = await stage.run('canary', silent, {}, keyless());
    expect(result).toMatchObject({ status: 'inconclusive' });
    const text = JSON.stringify([result, said]);
    expect(text).toContain('CloudMonitor');
    expect(text).not.toMatch(/denied|not authorized|docs\/ram-policies/);
    expect(sent.filter((one) => one === 'POST /logstores/requests/logs').length).toBeGreaterThan(0);
    const refused = await stage.run('logs', setting(), { since: '5m' }, { ...keyless(), rightsOf: 'info' });
    expect(refused.result).toMatchObject({ category: 'permission' });
    expect(JSON.stringify(refused.result)).toContain('log:GetLogStoreLogs');
  }, 60_000);

  test('code in OSS: the session may read that object, and no other', async () => {
    stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
    const policies: string[] = [];
    const watching: RunOptions['http'] = (http) => ({
      ...http,
      send: (request) => {
        const policy = new URLSearchParams(request.body ?? '').get('Policy');
        if (policy !== null) policies.push(policy);
        return http.send(request);
      },
    });
    await written('two');
    await run(new Map(), 'deploy', {}, { http: watching });
    const { readFile, writeFile } = await import('node:fs/promises');
    const path = `${stage.folder}/s.yaml`;
    await writeFile(path, (await readFile(path, 'utf8')).replace(/code: .*/, 'code: { language: nodejs20, command: [node, index.js], ossBucketName: builds, ossObjectName: orders/42.zip }'));
    await run(new Map(), 'deploy', { overwrite: true }, { http: watching });
    await run(new Map(), 'info', {}, { http: watching });
    const reading = policies.map((policy) => (JSON.parse(policy) as { Statement: readonly { Action: readonly string[]; Resource: readonly string[] }[] }).Statement.filter(({ Action }) => Action.includes('oss:GetObject')));
    expect(reading).toEqual([[], [{ Effect: 'Allow', Action: ['oss:GetObject'], Resource: ['acs:oss:*:*:builds/orders/42.zip'] }], []]);
  }, 30_000);
});
