import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHttpClient, previewDescription, systemClock } from '@sluice/core';
import { AgentRunApi } from '../packages/agentrun/src/server/api.ts';
import { AgentRunClient } from '../packages/agentrun/src/server/client.ts';
import { fixed } from '../packages/agentrun/src/credentials/session.ts';
import { openStage, valueOf, type Ran, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import { agentSetting, writeAgent } from './stage-settings.ts';

/* Previews of an agent: runtimes of their own, beside one that users call and that nothing here touches. */

let stage: Stage;
const http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });

beforeAll(async () => {
  stage = await openStage();
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' });
}, 30_000);
afterAll(async () => {
  await http.close();
  await stage.close();
});
beforeEach(() => writeAgent(stage, 'first'));

const setting = (more: Readonly<Record<string, unknown>> = {}): Setting => ({ source: 's.yaml', environment: { preview: true, agentrun: { control: stage.lab.agentrun.control, data: stage.lab.agentrun.data }, ...more } });
const preview = (inputs: Readonly<Record<string, unknown>>, options: RunOptions = {}): Promise<Ran> => stage.run('preview', setting(), inputs, options);
const api = (): AgentRunApi => new AgentRunApi(new AgentRunClient({ http, clock: systemClock(200), signal: new AbortController().signal, credentials: fixed(stage.lab.agentrun.credentials), control: stage.lab.agentrun.control, readOnly: false }));
const runtimes = async (): Promise<readonly string[]> => valueOf(await api().runtimesBeginning('order-agent')).filter(({ status }) => status !== 'DELETING').map(({ name }) => name).sort();

test('opened, changed, closed: a runtime of its own with one endpoint, and the one that users call as it was', async () => {
  const users = valueOf(await api().findRuntime('order-agent'))?.shown;
  const opened = await preview({ name: 'pr-12' });
  expect(opened.result).toMatchObject({ status: 'passed', outputs: { url: `${stage.lab.agentrun.data}/agent-runtimes/order-agent-pr-12/endpoints/pr-12/invocations`, version: '1' } });
  expect(stage.lab.agentrun.endpoints('order-agent-pr-12')).toEqual(['pr-12']);
  expect(valueOf(await api().findRuntime('order-agent-pr-12'))?.shown['description']).toBe(previewDescription({ name: 'pr-12', project: 'bot' }));
  await writeAgent(stage, 'second');
  expect((await preview({ name: 'pr-12' })).result.outputs).toMatchObject({ version: '2', url: opened.result.outputs['url'], application: opened.result.outputs['application'] });
  const unchanged = await preview({ name: 'pr-12' });
  expect(unchanged.result.outputs).toMatchObject({ version: '2' });
  expect(unchanged.sent.filter((one) => one.endsWith('/versions') || one.startsWith('PUT /2025-09-10/agents/runtimes/') && !one.includes('/endpoints/'))).toEqual([]);
  const closed = await preview({ name: 'pr-12', remove: true });
  expect(closed.result).toMatchObject({ status: 'passed', outputs: { removed: 'pr-12' } });
  expect(await runtimes()).toEqual(['order-agent']);
  expect(valueOf(await api().findRuntime('order-agent'))?.shown).toEqual(users);
  expect((await preview({ name: 'pr-12', remove: true })).result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing to remove') });
}, 30_000);

test('two requests at once do not publish each other\'s code', async () => {
  await Promise.all(['pr-1', 'pr-2'].map((name) => preview({ name })));
  await writeAgent(stage, 'changed by one');
  await preview({ name: 'pr-1' });
  expect(stage.lab.agentrun.code('order-agent-pr-1', '2')).toBeDefined();
  expect(stage.lab.agentrun.versions('order-agent-pr-2')).toEqual(['1']);
  expect((await preview({ remove: true, 'older-than': 0.001 })).result.outputs).toMatchObject({ removed: 'pr-1,pr-2' });
}, 30_000);

test('a runtime that a person gave the same name is neither taken over nor removed', async () => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent-pr-3', endpoint: 'pr-3' });
  expect((await preview({ name: 'pr-3' })).result).toMatchObject({ category: 'conflict', reason: expect.stringContaining('that Sluice did not make for a preview') });
  expect((await preview({ name: 'pr-3', remove: true })).result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing to remove') });
  expect((await stage.run('sweep', setting({ preview: { keep: 0.001 } }))).result.outputs).toMatchObject({ swept: 'false' });
  expect(await runtimes()).toContain('order-agent-pr-3');
}, 30_000);

test('one that does not answer fails with the reason and its address, and sweep removes it when it is old', async () => {
  await preview({ name: 'pr-4' });
  stage.lab.agentrun.setFaults('order-agent-pr-4', undefined, { errors: 1 });
  const broken = await preview({ name: 'pr-4' });
  expect(broken.result).toMatchObject({ reason: expect.stringContaining('preview pr-4 is there and does not answer as it should'), outputs: { url: expect.stringContaining('/order-agent-pr-4/') } });
  expect(broken.result.status).not.toBe('passed');
  expect((await stage.run('sweep', setting())).result).toMatchObject({ status: 'passed', outputs: { swept: 'false' } });
  const dry = await stage.run('sweep', setting({ preview: { keep: 0.001 } }), {}, { dryRun: true });
  expect(dry.result).toMatchObject({ reason: 'would remove: pr-4', outputs: { swept: 'false' } });
  expect((await stage.run('sweep', setting({ preview: { keep: 0.001 } }))).result).toMatchObject({ status: 'passed', outputs: { swept: 'true' } });
  expect(await runtimes()).not.toContain('order-agent-pr-4');
}, 60_000);

test('a request that is opened again while its old runtime is being deleted waits for that, and gets a new one', async () => {
  const first = await preview({ name: 'pr-5' });
  await preview({ name: 'pr-5', remove: true });
  const second = await preview({ name: 'pr-5' });
  expect(second.result).toMatchObject({ status: 'passed' });
  expect(second.result.outputs['application']).not.toBe(first.result.outputs['application']);
  await preview({ name: 'pr-5', remove: true });
}, 30_000);

test('a dry run makes nothing', async () => {
  const before = await runtimes();
  expect((await preview({ name: 'pr-6' }, { dryRun: true })).result).toMatchObject({ status: 'passed', reason: 'dry run: preview pr-6 would be made' });
  expect(await runtimes()).toEqual(before);
});

test('no program of sluice.yml is run', async () => {
  const through = setting({ agentrun: { control: stage.lab.agentrun.control, deploy: 's' } });
  expect((await stage.run('preview', through, { name: 'pr-7' })).result).toMatchObject({ category: 'input', reason: expect.stringContaining('deploy: s runs programs') });
});

test('the usual setting of an agent stays as it was: it needs an endpoint', async () => {
  expect((await stage.run('info', agentSetting(stage))).result.status).toBe('passed');
});
