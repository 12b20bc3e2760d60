import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { previewDescription, systemClock, type StepResult } from '@sluice/core';
import { detectHost } from '@sluice/hosts';
import { startLabDify, type LabDify } from '@sluice/lab';
import { loadStep, type StepName } from '@sluice/steps';
import { captures } from '../packages/hosts/test/fakes.ts';
import { runStepCommand } from '../packages/cli/src/step-command.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { saying } from './stage-settings.ts';

/* Previews as jobs of pull requests make, update and remove them; what the server saw is counted in front of it. */

const production = '4d0a7a4e-1c7e-4b1e-9a51-0b7a4c4b1f11';
let lab: LabDify;
let front: FaultProxy;
let folder: string;
const kept = process.env['GITHUB_OUTPUT'];

beforeAll(async () => {
  lab = await startLabDify({ timeScale: 20 });
  front = await startFaultProxy(lab.origin);
});
afterAll(async () => {
  await front.close();
  await lab.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-preview-'));
  process.env['GITHUB_OUTPUT'] = join(folder, 'output');
  await writeFile(join(folder, 'output'), '');
  await configured();
  await write('first');
  front.forget();
});
afterEach(async () => {
  for (const { id, description } of await apps()) if (description.startsWith('sluice preview ')) await remove(id);
  if (kept === undefined) Reflect.deleteProperty(process.env, 'GITHUB_OUTPUT');
  else process.env['GITHUB_OUTPUT'] = kept;
  await rm(folder, { recursive: true, force: true });
});

const write = (word: string): Promise<void> => writeFile(join(folder, 'app.yml'), saying(word));

/** configured writes sluice.yml; `more` is what the environment for previews has beside its key. */
const configured = (more: Readonly<Record<string, unknown>> = {}, others: Readonly<Record<string, unknown>> = { production: { dify: { console: front.origin, app: production } } }): Promise<void> =>
  writeFile(join(folder, 'sluice.yml'), JSON.stringify({ name: 'support-bot', source: 'app.yml', environments: { ...others, previews: { preview: true, dify: front.origin, ...more } } }));

interface Job {
  readonly event?: string;
  readonly number?: number;
  /** from is the repository of the change; the base's own when absent. */
  readonly from?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** onRequest runs a step as a job on GitHub does for a pull request. */
const onRequest = async (step: StepName, flags: Readonly<Record<string, string>> = {}, job: Job = {}): Promise<{ readonly result: StepResult; readonly said: string }> => {
  const { event = 'pull_request', number = 12, from = 'acme/bot' } = job;
  await writeFile(join(folder, 'event.json'), JSON.stringify({ repository: { full_name: 'acme/bot' }, pull_request: { number, head: { repo: { full_name: from } }, base: { repo: { full_name: 'acme/bot' } } } }));
  const streams = captures();
  const { email, password } = lab.credentials.members['editor'] ?? lab.credentials;
  const host = await detectHost(
    {
      GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: join(folder, 'event.json'), GITHUB_REF: `refs/pull/${number}/merge`, GITHUB_REPOSITORY: 'acme/bot', GITHUB_RUN_ID: '7', GITHUB_SHA: 'a'.repeat(40),
      GITHUB_OUTPUT: join(folder, 'output'), RUNNER_TEMP: folder, DIFY_EMAIL: email, DIFY_PASSWORD: password, ...job.environment,
    },
    streams,
    { folder, clock: systemClock() },
  );
  const signal = new AbortController().signal;
  const result = await runStepCommand(host, await loadStep(step), { command: step, flags: { config: join(folder, 'sluice.yml'), ...flags }, positionals: [], json: false, dryRun: false, help: false }, { signal, connection: signal });
  await host.close();
  return { result, said: streams.stdout.text() + streams.stderr.text() };
};

/** onSchedule runs a step as a job does that is no pull request's. */
const onSchedule = async (step: StepName, flags: Readonly<Record<string, string>>): Promise<StepResult> => {
  const streams = captures();
  const { email, password } = lab.credentials;
  const host = await detectHost({ CI: '1', DIFY_EMAIL: email, DIFY_PASSWORD: password, SLUICE_RESULTS: join(folder, 'results') }, streams, { folder, clock: systemClock() });
  const signal = new AbortController().signal;
  const result = await runStepCommand(host, await loadStep(step), { command: step, flags: { config: join(folder, 'sluice.yml'), ...flags }, positionals: [], json: false, dryRun: false, help: false }, { signal, connection: signal });
  await host.close();
  return result;
};

const asOwner = (): Record<string, string> => ({ authorization: `Bearer ${lab.credentials.adminKey}`, 'x-workspace-id': lab.credentials.workspaceId, 'content-type': 'application/json' });

const owned = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const answer = await fetch(`${lab.origin}/console/api${path}`, { method, headers: asOwner(), ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  return text === '' ? undefined : JSON.parse(text);
};

/** apps are all of the workspace, as its owner sees them. */
const apps = async (): Promise<readonly { id: string; name: string; description: string }[]> =>
  ((await owned('GET', '/apps?page=1&limit=100')) as { data: { id: string; name: string; description: string }[] }).data;

const remove = (id: string): Promise<unknown> => owned('DELETE', `/apps/${id}`);

const mine = async (): Promise<readonly { id: string; name: string; description: string }[]> => (await apps()).filter(({ name }) => name.startsWith('support-bot '));

describe('the life of a preview on Dify', () => {
  test('opened, changed by a push, pushed again without a change, closed, and closed again: one app all the time, then none', async () => {
    const opened = await onRequest('preview');
    expect(opened.result).toMatchObject({ status: 'passed', outputs: { name: 'pr-12', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/chat\/[0-9a-f]{16}$/), application: expect.any(String) } });
    const [app] = await mine();
    expect(await mine()).toEqual([expect.objectContaining({ id: opened.result.outputs['application'], name: 'support-bot pr-12', description: previewDescription({ name: 'pr-12', project: 'support-bot' }) })]);
    // The mark comes with the app: there is no moment at which it has none.
    const [creation] = front.forwarded.filter(({ method, path }) => method === 'POST' && path.endsWith('/apps/imports'));
    expect(creation?.body).toContain('sluice preview pr-12 of support-bot');

    await write('second');
    const pushed = await onRequest('preview');
    expect(pushed.result).toMatchObject({ status: 'passed', outputs: { application: app?.id, url: opened.result.outputs['url'] } });
    expect(pushed.result.outputs['version']).not.toBe(opened.result.outputs['version']);
    expect(lab.published(app?.id ?? '')).toBe(pushed.result.outputs['version']);

    front.forget();
    const again = await onRequest('preview');
    expect(again.result.outputs).toMatchObject({ version: pushed.result.outputs['version'], url: opened.result.outputs['url'] });
    expect(front.forwarded.filter(({ method, path }) => method !== 'GET' && !/login|chat-messages/.test(path))).toEqual([]);

    const closed = await onRequest('preview', { remove: 'true' });
    expect(closed.result).toMatchObject({ status: 'passed', outputs: { removed: 'pr-12' } });
    expect(await mine()).toEqual([]);
    expect((await onRequest('preview', { remove: 'true' })).result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing to remove') });
  }, 30_000);

  test('one that does not answer as it should fails with the reason, and its address stands there all the same', async () => {
    await configured({ health: { ask: [{ query: 'hello', expect: { contains: 'never said' } }], settle: '1s' } });
    const { result } = await onRequest('preview');
    expect(result).toMatchObject({ status: 'failed', reason: expect.stringContaining('preview pr-12 is there and does not answer as it should'), outputs: { url: expect.stringContaining('/chat/') } });
  }, 30_000);

  test('a page that was switched off is switched on again', async () => {
    const { result } = await onRequest('preview');
    await owned('POST', `/apps/${result.outputs['application'] ?? ''}/site-enable`, { enable_site: false });
    await onRequest('preview');
    expect(await owned('GET', `/apps/${result.outputs['application'] ?? ''}`)).toMatchObject({ enable_site: true });
  }, 30_000);

  test('a dry run says what it would do and makes nothing', async () => {
    const { result } = await onRequest('preview', { 'dry-run': 'true' });
    expect(result).toMatchObject({ status: 'passed', reason: 'dry run: preview pr-12 would be made', outputs: { url: '' } });
    expect(await mine()).toEqual([]);
    await onRequest('preview');
    const removal = await onRequest('preview', { 'dry-run': 'true', remove: 'true' });
    expect(removal.result).toMatchObject({ status: 'passed', reason: 'would remove: pr-12' });
    expect(await mine()).toHaveLength(1);
  }, 30_000);

  test('an app without a draft, which serves at once what is deployed, needs no live-at-once here', async () => {
    await writeFile(join(folder, 'app.yml'), JSON.stringify({ version: '0.5.0', kind: 'app', app: { name: 'plain', mode: 'chat' }, model_config: { model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: {} }, pre_prompt: 'Be kind.', user_input_form: [] } }));
    lab.stock({ datasets: [], tools: [], models: ['langgenius/openai/openai/gpt-4o'], triggers: [] });
    for (const prompt of ['kind', 'brief']) {
      const { result } = await onRequest('preview');
      expect({ prompt, ...result }).toMatchObject({ prompt, status: 'passed' });
    }
    expect(await mine()).toHaveLength(1);
  }, 30_000);
});

describe("what is not a preview's stays as it is", () => {
  test('an app that a person gave the same name is neither taken over nor removed', async () => {
    const { id } = (await owned('POST', '/apps', { name: 'support-bot pr-12', mode: 'advanced-chat', description: 'by hand' })) as { id: string };
    try {
      expect((await onRequest('preview')).result).toMatchObject({ category: 'conflict', reason: expect.stringContaining(`(${id}) that Sluice did not make`) });
      expect((await onRequest('preview', { remove: 'true' })).result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing to remove') });
      expect(await mine()).toEqual([expect.objectContaining({ id, description: 'by hand' })]);
    } finally {
      await remove(id);
    }
  }, 30_000);

  test('a preview of another application, or one that a person made their own, is not removed', async () => {
    const ours = (await owned('POST', '/apps', { name: 'support-bot pr-12', mode: 'chat', description: previewDescription({ name: 'pr-12', project: 'other-bot' }) })) as { id: string };
    expect((await onRequest('preview', { remove: 'true' })).result.outputs).toMatchObject({ removed: '' });
    expect(await mine()).toHaveLength(1);
    await remove(ours.id);
  });

  test.each([
    ['another request', { name: 'pr-13' }, /previews of its own alone/],
    ['a name that is none', { name: 'Production!' }, /the name of a preview must be/],
    ['everything old', { remove: 'true', 'older-than': '1s' }, /removes its own preview alone/],
    ['older-than without remove', { 'older-than': '1s' }, /remove is not set/],
    ['an environment that is released to', { environment: 'production' }, /production is not for previews/],
  ])('a pull request does not reach %s', async (_what, flags, reason) => {
    for (const more of [{}, { remove: 'true' }]) {
      if ('older-than' in flags && !('remove' in flags) && 'remove' in more) continue;
      const { result } = await onRequest('preview', { ...more, ...flags });
      expect(result).toMatchObject({ category: 'input', reason: expect.stringMatching(reason) });
    }
    expect(front.seen).toEqual([]);
  });

  test('a name that begins with its own is its own', async () => {
    const { result } = await onRequest('preview', { name: 'pr-12-blue', 'dry-run': 'true' });
    expect(result).toMatchObject({ status: 'passed', outputs: { name: 'pr-12-blue' } });
  });

  test.each(['deploy', 'publish-version', 'canary', 'rollback', 'release', 'snapshot', 'health-check', 'plan'] as const)('%s does not work in an environment for previews', async (step) => {
    expect(await onSchedule(step, { environment: 'previews' })).toMatchObject({ category: 'input', reason: 'the environment previews is for previews, where nothing is released' });
    expect(front.seen).toEqual([]);
  });

  test('a workspace that has the app of an environment which is released to gets no preview', async () => {
    const app = lab.createApp(saying('live')).appId;
    await configured({}, { production: { dify: { console: front.origin, app } } });
    const { result } = await onRequest('preview');
    expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('the workspace of environment production') });
    expect(front.forwarded.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/login'))).toEqual([]);
    await remove(app);
  });
});

describe('who gets no preview', () => {
  test.each([
    ['a fork', { from: 'stranger/bot' }],
    ['a fork that was deleted', { from: '' }],
    ['a fork in a run with the secrets of the base', { from: 'stranger/bot', event: 'pull_request_target' }],
    ['a comment', { event: 'issue_comment', from: '' }],
  ])('%s is skipped with a notice, and not one request is sent', async (_who, job) => {
    for (const flags of [{}, { remove: 'true' }]) {
      const { result, said } = await onRequest('preview', flags, job);
      expect(result).toMatchObject({ status: 'skipped', category: 'skipped', reason: expect.stringContaining('forks get no preview') });
      expect(said).toMatch(/^::notice .*forks get no preview/m);
      // No credential was looked at, so that none had to be hidden.
      expect(said).not.toContain('::add-mask::');
    }
    expect(front.seen).toEqual([]);
  });

  test('a run of the repository itself with the secrets of the base is refused', async () => {
    const { result } = await onRequest('preview', {}, { event: 'pull_request_target' });
    expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('on the event pull_request, not on pull_request_target') });
    expect(front.seen).toEqual([]);
  });

  test('where SLUICE_HOSTS does not bind the credentials, a request cannot send them to a server of its own', async () => {
    await configured({ dify: 'https://elsewhere.example' });
    const { result } = await onRequest('preview');
    expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('SLUICE_HOSTS is not set') });
    const bound = await onRequest('preview', {}, { environment: { SLUICE_HOSTS: 'dify.example.com' } });
    expect(bound.result).toMatchObject({ category: 'input', reason: expect.stringContaining('SLUICE_HOSTS does not list it') });
  });

  test('validate and plan on a pull request still connect to nothing', async () => {
    expect((await onRequest('validate')).result.status).toBe('passed');
    await onRequest('plan');
    expect(front.seen).toEqual([]);
  });
});

describe('left-overs', () => {
  const slept = (milliseconds: number): Promise<void> => systemClock().sleep(milliseconds);

  test('sweep removes what has not changed for as long as sluice.yml keeps it, and nothing younger', async () => {
    await onRequest('preview', {}, { number: 3 });
    expect(await onSchedule('sweep', { environment: 'previews' })).toMatchObject({ status: 'passed', outputs: { swept: 'false' }, reason: expect.stringContaining('1 there, none older than 14 d') });
    await slept(2100);
    await onRequest('preview', {}, { number: 4 });
    await configured({ preview: { keep: '2s' } });
    expect(await onSchedule('sweep', { environment: 'previews' })).toMatchObject({ status: 'passed', outputs: { swept: 'true' }, reason: expect.stringContaining('pr-3') });
    expect((await mine()).map(({ name }) => name)).toEqual(['support-bot pr-4']);
  }, 30_000);

  test('remove with older-than does the same by hand, and a name is needed for everything else', async () => {
    await onRequest('preview', {}, { number: 5 });
    expect(await onSchedule('preview', { remove: 'true' })).toMatchObject({ category: 'input', reason: 'it is not said which preview is meant' });
    expect(await onSchedule('preview', { remove: 'true', 'older-than': '1h' })).toMatchObject({ status: 'passed', outputs: { removed: '' } });
    expect(await onSchedule('preview', { remove: 'true', name: 'pr-5' })).toMatchObject({ status: 'passed', outputs: { removed: 'pr-5' } });
    expect(await mine()).toEqual([]);
  }, 30_000);

  test('a file that can no longer be released does not keep its preview from being removed', async () => {
    await onRequest('preview', {}, { number: 6 });
    await configured({ variables: { NOWHERE: { env: 'NOT_SET_ANYWHERE' } } });
    expect((await onRequest('preview', { remove: 'true' }, { number: 6 })).result).toMatchObject({ status: 'passed', outputs: { removed: 'pr-6' } });
  }, 30_000);

  test('an account that may not delete is told so, and the preview stays', async () => {
    await onRequest('preview', {}, { number: 7 });
    front.rule = ({ method }) => (method === 'DELETE' ? { status: 403, body: '{"code":"forbidden","message":"You don\'t have the permission","status":403}' } : 'pass');
    const { result } = await onRequest('preview', { remove: 'true' }, { number: 7 });
    front.rule = () => 'pass';
    expect(result).toMatchObject({ category: 'permission', reason: expect.stringContaining('preview pr-7 was not removed') });
    expect(await mine()).toHaveLength(1);
  }, 30_000);
});
