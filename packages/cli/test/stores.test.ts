import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCommandRunner, emptyRecord, systemClock, type Host, type Project, type StateStore } from '@sluice/core';
import { stateStore } from '../src/stores.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-stores-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const opened = async (host: Partial<Record<keyof Host, unknown>>, state?: { readonly git: string; readonly repository?: string }, hosts: { readonly bound: boolean; readonly hosts: readonly string[] } = { bound: false, hosts: [] }) => {
  const project = { config: { name: 'bot', ...(state === undefined ? {} : { state }) }, folder, file: 'sluice.yml' } as unknown as Project;
  const filled = { mask: () => undefined, redact: (text: string) => text, warn: () => undefined, environment: {}, ...host, context: { actor: '', runUrl: '', commit: '', ...(host.context ?? {}) } };
  return stateStore(filled as unknown as Host, { project, clock: systemClock(), commands: createCommandRunner({ path: process.env['PATH'] ?? '', home: folder }), hosts });
};

const storeOn = async (name: Host['name'], environment: Readonly<Record<string, string>> = {}): Promise<StateStore> => {
  const store = await opened({ name, environment, context: { onCi: name !== 'terminal' } });
  if (!store.ok) throw new Error(store.problem.reason);
  return store.value;
};

const record = emptyRecord('app', 'production');

/** lying are the things that can lie where the folder of records belongs. */
const lying: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'a file': (path) => writeFile(path, ''),
  'a link to a folder': async (path) => {
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), path);
  },
  'a link to nothing': (path) => symlink(join(folder, 'nothing'), path),
};

describe.each(Object.entries(lying))('%s where the records belong', (_name, lay) => {
  test.each<[Host['name'], RegExp]>([
    ['github', /`env: \{ SLUICE_STATE: .*self-hosted/],
    ['gitlab', /`variables: \{ SLUICE_STATE: .*config\.toml/],
    ['jenkins', /withEnv\(\['SLUICE_STATE=/],
    ['bitbucket', /Bitbucket throws .*state: \{ git: /],
    ['circleci', /CircleCI throws .*environment: \{ SLUICE_STATE: /],
    ['yunxiao', /Yunxiao throws .*state: \{ git: /],
    ['terminal', /export SLUICE_STATE=/],
  ])('is a permission problem on %s, with the lines to add', async (name, hint) => {
    const path = join(folder, '.sluice', 'state');
    await mkdir(dirname(path));
    await lay(path);
    const refused = { ok: false, problem: { category: 'permission', reason: expect.stringMatching(/state is a (file, not a folder|symbolic link)/), hint: expect.stringMatching(hint) } };
    expect(await (await storeOn(name)).prove()).toMatchObject(refused);
    expect(await (await storeOn(name)).write(record, undefined)).toMatchObject(refused);
    expect(await readdir(join(folder, 'elsewhere')).catch(() => [])).toEqual([]);
  });
});

describe('a record that is', () => {
  const laid = async (lay: (path: string) => Promise<unknown>): Promise<StateStore> => {
    const store = await storeOn('gitlab', { SLUICE_STATE: join(folder, 'kept') });
    expect(await store.write(record, undefined)).toMatchObject({ ok: true });
    const [name = ''] = await readdir(join(folder, 'kept'));
    await rm(join(folder, 'kept', name));
    await lay(join(folder, 'kept', name));
    return store;
  };

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['a folder', (path) => mkdir(path)],
    ['a link', (path) => symlink('/etc/hostname', path)],
  ])('%s is a permission problem, with the lines to add', async (_name, lay) => {
    const store = await laid(lay);
    const refused = { ok: false, problem: { category: 'permission', hint: expect.stringMatching(/`variables: \{ SLUICE_STATE/) } };
    expect(await store.read('app', 'production')).toMatchObject(refused);
    expect(await store.write(record, undefined)).toMatchObject(refused);
  });
});

test('a record keeps no secret that a server put into a name or a reason', async () => {
  const redact = (text: string): string => text.replaceAll('s3cret', '***');
  const made = await opened({ name: 'terminal', context: { onCi: false }, redact });
  if (!made.ok) throw new Error(made.problem.reason);
  const store = made.value;
  const entry = { version: 'v1', name: 'release s3cret', digest: 'sha256:1', commit: '', verdict: 'failed' as const, at: '', actor: '', runUrl: '', reason: 'it said s3cret' };
  const rollout = { sources: { logs: { silence: 'HTTP 500 s3cret' } } };
  expect(await store.write({ ...record, rollout, history: [entry] }, undefined)).toMatchObject({ ok: true });
  expect(await store.read('app', 'production')).toMatchObject({ value: { record: { rollout: { sources: { logs: { silence: 'HTTP 500 ***' } } }, history: [{ ...entry, name: 'release ***', reason: 'it said ***' }] } } });
});

describe('a branch that sluice.yml names', () => {
  const state = { git: 'sluice-state' };
  const github = { GITHUB_SERVER_URL: 'http://127.0.0.1:9', GITHUB_REPOSITORY: 'team/bot', GITHUB_TOKEN: 'the-token-of-the-job' };
  const gitlab = { CI_SERVER_URL: 'http://127.0.0.1:9', CI_PROJECT_URL: 'http://127.0.0.1:9/team/bot', CI_JOB_TOKEN: 'the-token-of-the-job' };

  test.each<[Host['name'], Readonly<Record<string, string>>]>([['github', github], ['gitlab', gitlab], ['jenkins', { GIT_URL: 'http://127.0.0.1:9/team/bot.git' }]])('is one of the repository that the run comes from, on %s', async (name, environment) => {
    const masked: string[] = [];
    const made = await opened({ name, environment, mask: (secret: string) => masked.push(secret), context: { onCi: true } }, state);
    expect(made).toMatchObject({ ok: true, value: { where: 'the branch sluice-state of http://127.0.0.1:9/team/bot.git' } });
    expect(masked).toEqual(name === 'jenkins' ? [] : ['the-token-of-the-job']);
  });

  test("on Bitbucket it is one of the run's repository, and the token goes there by the name that Bitbucket knows", async () => {
    const masked: string[] = [];
    const environment = { BITBUCKET_REPO_FULL_NAME: 'team/bot', SLUICE_STATE_TOKEN: 'ATCTT-the-token' };
    const made = await opened({ name: 'bitbucket', environment, mask: (secret: string) => masked.push(secret), context: { onCi: true } }, state, { bound: true, hosts: ['dify.example.com'] });
    expect(made).toMatchObject({ ok: true, value: { where: 'the branch sluice-state of https://bitbucket.org/team/bot.git' } });
    expect(masked).toEqual(['ATCTT-the-token']);
  });

  test('SLUICE_STATE wins over it', async () => {
    expect(await opened({ name: 'github', environment: { ...github, SLUICE_STATE: join(folder, 'kept') }, context: { onCi: true } }, state)).toMatchObject({ value: { where: join(folder, 'kept') } });
  });

  test("the CI's token goes to the CI's own server alone, and SLUICE_STATE_TOKEN only where SLUICE_HOSTS lets it", async () => {
    const masked: string[] = [];
    const run = (environment: Readonly<Record<string, string>>, hosts: readonly string[]) =>
      opened({ name: 'github', environment: { ...github, ...environment }, mask: (secret: string) => masked.push(secret), context: { onCi: true } }, { ...state, repository: 'https://elsewhere.example.com/bot.git' }, { bound: true, hosts });
    expect(await run({}, [])).toMatchObject({ ok: true });
    expect(masked).toEqual([]);
    expect(await run({ SLUICE_STATE_TOKEN: 'another-token' }, ['dify.example.com'])).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringContaining('SLUICE_HOSTS') } });
    expect(await run({ SLUICE_STATE_TOKEN: 'another-token' }, ['elsewhere.example.com'])).toMatchObject({ ok: true });
    expect(masked).toEqual(['another-token']);
  });

  test('without a repository is an input problem', async () => {
    expect(await opened({ name: 'terminal', context: { onCi: false } }, state)).toMatchObject({ ok: false, problem: { category: 'input', hint: expect.stringContaining('repository:') } });
  });
});
