import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepContext } from '@sluice/core';
import { releaseName } from '../packages/steps/src/versions.ts';
import { openStage, valueOf, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import * as settings from './stage-settings.ts';
import { saying, written } from './stage-settings.ts';

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(() => stage.close());

const difySetting = (app: string, more: Readonly<Record<string, unknown>> = {}, rest: Omit<Setting, 'environment'> = {}): Setting => settings.difySetting(stage, app, more, rest);

const released = (setting: Setting, word: string, options: RunOptions = {}): Promise<string> => settings.released(stage, setting, word, options);

const recordOf = async (app: string) => valueOf(await stage.state.read(app, 'production'))?.record;

describe('notify', () => {
  const slack = { notify: [{ slack: { env: 'SLACK_WEBHOOK' } }] };
  const rude = { health: { ask: [{ query: 'hello', expect: { contains: 'rude' } }], settle: '5s' } };
  const inbox = (): string => JSON.stringify(stage.lab.inbox.messages().at(-1));

  test('tells the step that failed after a release, not the older release, and nothing of another run', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await released(difySetting(appId), 'new');
    expect((await stage.run('health-check', difySetting(appId, {}, rude))).result.status).toBe('failed');
    expect((await stage.run('notify', difySetting(appId, {}, slack))).result).toMatchObject({ status: 'passed', outputs: { severity: 'P1', delivered: '1' } });
    expect(inbox()).toContain('health-check failed');
    const other = await stage.run('notify', difySetting(appId, {}, slack), {}, { runId: '99' });
    expect(other.result).toMatchObject({ status: 'skipped', reason: 'no step of this run has left a result, and no title was given' });
    expect(stage.lab.inbox.messages()).toHaveLength(1);
  });

  test('says how old a result is that no run ties to this one', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await released(difySetting(appId), 'new', { runId: '' });
    const path = join(stage.folder, 'results-2', (await readdir(join(stage.folder, 'results-2'))).find((name) => name.endsWith('-release.json')) ?? '');
    const document = JSON.parse(await readFile(path, 'utf8')) as { startedAt: string };
    expect(document).not.toHaveProperty('run');
    await stage.write('results-3/01-release.json', JSON.stringify({ ...document, startedAt: new Date(Date.now() - 5_400_000).toISOString() }));
    stage.newResults();
    await stage.run('notify', difySetting(appId, {}, slack));
    expect(inbox()).toMatch(/released, 1 h 30 m ago/);
  });

  test('a release leaves one document of itself, which holds all steps', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await released(difySetting(appId, {}, slack), 'new');
    const documents = (await readdir(join(stage.folder, 'results-2'))).filter((name) => name.endsWith('-release.json'));
    expect(documents).toHaveLength(1);
    expect(JSON.parse(await readFile(join(stage.folder, 'results-2', documents[0] ?? ''), 'utf8'))).toMatchObject({ steps: expect.arrayContaining([expect.objectContaining({ step: 'notify', status: 'passed' })]) });
    expect(inbox()).toContain('released');
  });

  const unset = { notify: [...slack.notify, { dingtalk: { env: 'DING_ROBOT' }, secret: { env: 'DING_SIGN' }, 'at-least': 'P0' }] };

  test('a variable that is not set is bad input that names them all, before anything is sent', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    for (const dryRun of [true, false]) {
      const { result } = await stage.run('notify', difySetting(appId, {}, unset), { title: 'Hello' }, { dryRun });
      expect(result).toMatchObject({ category: 'input', reason: 'people cannot be told: DING_ROBOT, DING_SIGN are not set' });
    }
    expect(stage.lab.inbox.messages()).toEqual([]);
  });

  test('a release finds that out before anything is changed', async () => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    await stage.write('app.yml', saying('new'));
    const ran = await stage.run('release', difySetting(appId, {}, unset));
    expect(ran.result).toMatchObject({ category: 'input', reason: 'people cannot be told: DING_ROBOT, DING_SIGN are not set' });
    expect(written(ran)).toEqual([]);
    expect(await recordOf(appId)).toBeUndefined();
  });

  test.each([
    ['P1', 'skipped'],
    ['P0', 'error'],
  ])('a %s that no channel accepts is %s and says that nobody was told', async (severity, status) => {
    const { appId } = stage.lab.dify.createApp(saying('before'));
    const refusing = { secrets: { SLACK_WEBHOOK: `${stage.lab.dify.origin}/no-such-hook` } };
    const { result, said } = await stage.run('notify', difySetting(appId, {}, slack), { title: 'Hello', severity }, refusing);
    expect(result).toMatchObject({ status, reason: expect.stringMatching(/^nobody was told/), outputs: { delivered: '0', failed: '1' } });
    expect(said.warnings.join()).toContain('Slack did not accept the message');
  });
});

test('what an app says is cut after it was redacted, so that no half of a secret stands at the cut', async () => {
  const secret = 'sk-live-0123456789abcdefghij';
  const { appId } = stage.lab.dify.createApp(saying(`${'x'.repeat(285)}${secret}`));
  await stage.write('app.yml', saying('new'));
  const redact = (text: string): string => text.replaceAll(secret, '***');
  const polite = difySetting(appId, {}, { health: { ask: [{ query: 'hello' }], settle: '5s' } });
  const { result, said } = await stage.run('health-check', polite, {}, { redact });
  expect(said.lines.find((line) => line.startsWith('ok: "hello"'))).toContain('x***');
  expect(JSON.stringify([result, said])).not.toContain('sk-live');
});

test('a version without a commit is named by its time, short enough to be told apart when it is put back', () => {
  const clock = { now: () => Date.parse('2026-11-21T06:25:34.567Z') };
  const context = (commit: string) => ({ host: { context: { commit } }, clock }) as unknown as StepContext;
  expect(releaseName(context(''))).toBe('1121-062534');
  for (const commit of ['', 'a'.repeat(40)]) expect(`back to ${releaseName(context(commit))}`.length).toBeLessThanOrEqual(20);
});
