import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bitbucketContext } from '../src/bitbucket.ts';
import { detectHost } from '../src/index.ts';
import { captures, steppedClock, temporaryFolder, tokenFor } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const build = { CI: 'true', BITBUCKET_BUILD_NUMBER: '42', BITBUCKET_COMMIT: 'a'.repeat(40), BITBUCKET_REPO_FULL_NAME: 'acme/bot' };

const open = async (environment: Record<string, string> = {}) => {
  const own = join(folder.path, String(Math.random()).slice(2));
  const streams = captures();
  const variables = `${own}-variables`;
  const host = await detectHost({ ...build, BITBUCKET_PIPELINES_VARIABLES_PATH: variables, SLUICE_RESULTS: own, ...environment }, streams, { folder: folder.path, clock: steppedClock() });
  return { host, streams, variables: () => readFile(variables, 'utf8'), outputs: async () => JSON.parse(await readFile(join(own, 'outputs.json'), 'utf8')) as unknown };
};

describe('the context of', () => {
  test.each<[string, Record<string, string>, object]>([
    ['a branch', { BITBUCKET_BRANCH: 'main' }, { branch: 'main', tag: '', event: 'branch' }],
    ['a tag', { BITBUCKET_TAG: 'v1' }, { branch: '', tag: 'v1', event: 'tag' }],
    ['a schedule or a manual run', { BITBUCKET_BRANCH: 'main', BITBUCKET_STEP_TRIGGERER_UUID: '{1f}' }, { branch: 'main', actor: '{1f}' }],
    ['a run of a commit', {}, { branch: '', tag: '', event: 'custom' }],
    ['a pull request, by its source branch', { BITBUCKET_BRANCH: 'main', BITBUCKET_PR_ID: '7', BITBUCKET_PR_DESTINATION_BRANCH: 'main' }, { branch: '', event: 'pull-request', pullRequest: { number: 7, fork: true } }],
    ['a rerun of a step', { BITBUCKET_PIPELINE_UUID: '{2e}', BITBUCKET_STEP_UUID: '{3a}', BITBUCKET_STEP_RUN_NUMBER: '2' }, { runId: '{2e}', jobId: '{3a}' }],
  ])('%s', (_, environment, expected) => {
    const context = bitbucketContext({ ...build, ...environment });
    expect(context).toMatchObject({ repository: 'acme/bot', commit: 'a'.repeat(40), runId: '42', onCi: true, ...expected });
    expect(context.runUrl).toBe('https://bitbucket.org/acme/bot/pipelines/results/42');
  });

  test('a runner that tells nothing has no address', () => {
    expect(bitbucketContext({ BITBUCKET_BUILD_NUMBER: '1' })).toMatchObject({ runUrl: '', repository: '' });
  });
});

describe('outputs', () => {
  test('are lines of the file that the step hands on, and all of them one object', async () => {
    const { host, variables, outputs } = await open();
    await host.outputs({ version: '12', 'answered-by': '中文-版本', hint: '' });
    await host.outputs({ version: '13' });
    expect(await variables()).toBe('SLUICE_VERSION=12\nSLUICE_ANSWERED_BY=中文-版本\nSLUICE_HINT=\nSLUICE_VERSION=13\n');
    expect(await outputs()).toEqual({ version: '13', 'answered-by': '中文-版本', hint: '' });
  });

  test('that could be read in two ways stand in the object alone', async () => {
    const { host, variables, outputs } = await open();
    const said = { reason: 'two words', quote: "it's", run: '$(id)', back: '`id`', line: 'a\nSLUICE_STATUS=passed', semicolon: 'a;id', tilde: '~root', status: 'failed' };
    await host.outputs(said);
    expect(await variables()).toBe('SLUICE_STATUS=failed\n');
    expect(await outputs()).toEqual({ ...said, line: 'a SLUICE_STATUS=passed' });
  });

  test('without a file of the step are in the object', async () => {
    const { host, streams, outputs } = await open({ BITBUCKET_PIPELINES_VARIABLES_PATH: '' });
    await host.outputs({ version: '12' });
    expect(await outputs()).toEqual({ version: '12' });
    expect(streams.stdout.text()).toBe('');
  });
});

describe('the identity of a step', () => {
  const audience = 'sts.aliyuncs.com';

  test('is given where it is for that audience, and never shown', async () => {
    const token = tokenFor(['ari:cloud:bitbucket::workspace/1', audience]);
    const { host, streams } = await open({ BITBUCKET_STEP_OIDC_TOKEN: token });
    expect(await host.identityToken?.(audience)).toEqual({ ok: true, value: token });
    host.log(`token ${token}`);
    expect(streams.stdout.text()).toBe('token ***\n');
  });

  test.each([
    ['another audience', tokenFor('ari:cloud:bitbucket::workspace/1'), /for ari:cloud:bitbucket::workspace\/1, and one for sts\.aliyuncs\.com is needed/],
    ['no audience', tokenFor(undefined), /for nobody/],
    ['no token', 'x', /for nobody/],
  ])('that is for %s is an input problem, with the lines to add', async (_, token, reason) => {
    const { host } = await open({ BITBUCKET_STEP_OIDC_TOKEN: token });
    expect(await host.identityToken?.(audience)).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringMatching(reason), hint: expect.stringContaining('oidc: { audiences: [sts.aliyuncs.com] }') } });
  });

  test('is not used for a pull request, nor where there is none', async () => {
    expect((await open({ BITBUCKET_STEP_OIDC_TOKEN: tokenFor(audience), BITBUCKET_PR_ID: '7' })).host.identityToken).toBeUndefined();
    expect((await open()).host.identityToken).toBeUndefined();
  });
});
