import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { circleciContext } from '../src/circleci.ts';
import { detectHost } from '../src/index.ts';
import { exportLine } from '../src/variables.ts';
import { captures, steppedClock, temporaryFolder, tokenFor } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const job = { CI: 'true', CIRCLECI: 'true', CIRCLE_SHA1: 'a'.repeat(40), CIRCLE_PROJECT_USERNAME: 'acme', CIRCLE_PROJECT_REPONAME: 'bot', CIRCLE_BUILD_URL: 'https://circleci.com/gh/acme/bot/9', CIRCLE_PIPELINE_ID: 'p1', CIRCLE_WORKFLOW_ID: 'w1', CIRCLE_USERNAME: 'li' };

const open = async (environment: Record<string, string> = {}) => {
  const own = join(folder.path, String(Math.random()).slice(2));
  const streams = captures();
  const shared = `${own}-bash-env`;
  const host = await detectHost({ ...job, BASH_ENV: shared, SLUICE_RESULTS: own, ...environment }, streams, { folder: folder.path, clock: steppedClock() });
  return { host, streams, shared, outputs: async () => JSON.parse(await readFile(join(own, 'outputs.json'), 'utf8')) as unknown };
};

/** seenBy is a variable as a command of a later step sees it: bash runs the file of BASH_ENV first. On a socket it would run .bashrc in its place. */
const seenBy = (shared: string, name: string): string =>
  execFileSync('/bin/bash', ['-eo', 'pipefail', '-c', `printf %s "\${${name}-unset}"`], { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', BASH_ENV: shared }, cwd: folder.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

describe('the context of', () => {
  test.each<[string, Record<string, string>, object]>([
    ['a branch', { CIRCLE_BRANCH: 'main' }, { branch: 'main', tag: '', event: 'branch' }],
    ['a tag', { CIRCLE_TAG: 'v1' }, { branch: '', tag: 'v1', event: 'tag' }],
    ['a branch with an open pull request', { CIRCLE_BRANCH: 'main', CIRCLE_PULL_REQUEST: 'https://github.com/acme/bot/pull/18' }, { branch: '', event: 'pull-request', pullRequest: { number: 18, fork: true } }],
    ['a change of a fork', { CIRCLE_BRANCH: 'pull/19', CIRCLE_PR_NUMBER: '19', CIRCLE_PR_USERNAME: 'mallory' }, { branch: '', pullRequest: { number: 19, fork: true } }],
    ['a change of a fork, by its branch alone', { CIRCLE_BRANCH: 'pull/20' }, { branch: '', pullRequest: { number: 20, fork: true } }],
    ['a branch that is called like one', { CIRCLE_BRANCH: 'pull/up-bars' }, { branch: 'pull/up-bars' }],
    ['a workflow that is run again', { CIRCLE_WORKFLOW_ID: 'w2', CIRCLE_WORKFLOW_JOB_ID: 'j1' }, { runId: 'p1', jobId: 'j1' }],
    ['a server without pipelines', { CIRCLE_PIPELINE_ID: undefined as unknown as string }, { runId: 'w1' }],
  ])('%s', (_, environment, expected) => {
    expect(circleciContext({ ...job, ...environment })).toMatchObject({ repository: 'acme/bot', actor: 'li', runUrl: 'https://circleci.com/gh/acme/bot/9', runId: 'p1', commit: 'a'.repeat(40), onCi: true, ...expected });
  });
});

describe('outputs', () => {
  const said = {
    version: '12',
    reason: `it's "two" $(touch owned) \`touch owned\` \${HOME} \\ 中文 ; touch owned # ~`,
    line: "a\nexport PATH=''\ntouch owned",
    'answered-by': '',
    dash: '-n !history *',
  };

  test('reach a later step as they are, and run nothing', async () => {
    const { host, shared, outputs } = await open();
    await host.outputs({ ...said, version: '11' });
    await host.outputs({ version: '12' });
    expect(seenBy(shared, 'SLUICE_REASON')).toBe(said.reason);
    expect(seenBy(shared, 'SLUICE_LINE')).toBe("a export PATH='' touch owned");
    expect(seenBy(shared, 'SLUICE_ANSWERED_BY')).toBe('');
    expect(seenBy(shared, 'SLUICE_DASH')).toBe(said.dash);
    expect(seenBy(shared, 'SLUICE_VERSION')).toBe('12');
    await expect(readFile(join(folder.path, 'owned'))).rejects.toThrow('ENOENT');
    expect(await outputs()).toMatchObject({ version: '12', reason: said.reason });
  });

  test('whatever a server says is data to bash', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replace(/\0/g, ''));
    const hostile = fc.array(fc.constantFrom("'", '"', '`', '$', '(', ')', '\\', '\n', ';', ' ', '!', '&', '|', '中', 'a', "'\\''"), { maxLength: 12 }).map((parts) => parts.join(''));
    const values = fc.sample(fc.oneof(text, hostile), { numRuns: 300, seed: 17 });
    const script = values.map((value, index) => exportLine(`V${index}`, value)).join('');
    const read = execFileSync('/bin/bash', ['-c', `${script}\nfor index in $(seq 0 ${values.length - 1}); do name="V$index"; printf '%s\\0' "\${!name}"; done`], { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' }, stdio: ['ignore', 'pipe', 'inherit'] });
    expect(read.toString('utf8').split('\0').slice(0, -1)).toEqual(values);
  });

  test('without BASH_ENV are in the object', async () => {
    const { host, outputs, streams } = await open({ BASH_ENV: '' });
    await host.outputs({ version: '12' });
    expect(await outputs()).toEqual({ version: '12' });
    expect(streams.stdout.text()).toBe('');
  });
});

describe('the identity of a job', () => {
  const organization = '6f1c2b5e-0000-4000-8000-000000000000';

  test('is for the organisation, which is said with the line that makes another', async () => {
    const { host } = await open({ CIRCLE_OIDC_TOKEN_V2: tokenFor(organization) });
    expect(await host.identityToken?.('sts.aliyuncs.com')).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringContaining(`for ${organization}`), hint: expect.stringContaining('circleci run oidc get --claims \'{"aud":"sts.aliyuncs.com"}\'') } });
    expect(await host.identityToken?.(organization)).toMatchObject({ ok: true });
  });

  test('and its tokens are hidden in everything that is written', async () => {
    const tokens = { CIRCLE_OIDC_TOKEN: tokenFor('one'), CIRCLE_OIDC_TOKEN_V2: tokenFor('two'), CIRCLE_TOKEN: 'CCIPAT_1234567890' };
    const { host, streams, shared } = await open(tokens);
    for (const token of Object.values(tokens)) host.log(token);
    await host.outputs({ reason: tokens.CIRCLE_OIDC_TOKEN });
    expect(streams.stdout.text()).toBe('***\n***\n***\n');
    expect(seenBy(shared, 'SLUICE_REASON')).toBe('***');
  });

  test('is not used for a pull request', async () => {
    expect((await open({ CIRCLE_OIDC_TOKEN_V2: tokenFor(organization), CIRCLE_PULL_REQUEST: 'https://github.com/acme/bot/pull/1' })).host.identityToken).toBeUndefined();
  });
});
