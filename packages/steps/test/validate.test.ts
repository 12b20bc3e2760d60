import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding, PullRequest, StepResult } from '@sluice/core';
import { startLabDify, type LabDify } from '@sluice/lab';
import { loadStep, type StepName } from '@sluice/steps';
import { atTerminal, quietHost } from '../../../test/quiet-host.ts';
import { runStepCommand } from '../../cli/src/step-command.ts';

const example = new URL('../../../examples/support-bot/app/support-bot.yml', import.meta.url);

let lab: LabDify;
let app: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-validate-'));
  const source = await readFile(example, 'utf8');
  await writeFile(join(folder, 'app.yml'), source);
  lab = await startLabDify({ timeScale: 40 });
  app = lab.createApp(source.replace("value: ''", 'value: sk-x')).appId;
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly result: StepResult;
  readonly lines: readonly string[];
  readonly found: readonly Finding[];
  readonly warnings: readonly string[];
}

interface Run {
  readonly step?: StepName;
  readonly dify?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, string>>;
  readonly pullRequest?: PullRequest;
  readonly hide?: string;
  /** more are environments beside staging. */
  readonly more?: number;
}

const account = () => ({ DIFY_EMAIL: lab.credentials.email, DIFY_PASSWORD: lab.credentials.password });

/** furtherServers are environments on servers of their own. */
const furtherServers = (count: number): string => Array.from({ length: count }, (_, index) => `  more-${index}: { dify: "https://dify-${index}.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f" }\n`).join('');

/** ran runs a step as the command line does, in a folder with a sluice.yml of one environment. */
const ran = async ({ step = 'validate', dify = `${lab.origin}/app/${app}/workflow`, variables = account(), flags = {}, pullRequest, hide, more = 0 }: Run): Promise<Ran> => {
  const config = join(folder, 'sluice.yml');
  await writeFile(config, `name: support-bot\nsource: app.yml\nenvironments:\n  staging:\n    branches: [main]\n    dify: ${dify}\n${furtherServers(more)}`);
  const [lines, found, warnings]: [string[], Finding[], string[]] = [[], [], []];
  const host = quietHost(folder, {
    context: { ...atTerminal, ...(pullRequest === undefined ? {} : { pullRequest }) },
    environment: variables,
    log: (line) => lines.push(line),
    annotate: (finding) => found.push(finding),
    warn: (line) => warnings.push(line),
    redact: (text) => (hide === undefined ? text : text.replaceAll(hide, '***')),
  });
  const { signal } = new AbortController();
  const result = await runStepCommand(host, await loadStep(step), { flags, positionals: [config], json: false, dryRun: false, help: false }, { signal, connection: signal });
  return { result, lines, found, warnings };
};

const staging = { environment: 'staging' };

describe('validate and the way to an environment', () => {
  test('asks it when it is named, one line each', async () => {
    const { result, lines } = await ran({ flags: staging });
    expect(result).toMatchObject({ category: 'passed', reason: expect.stringContaining('the environment can be reached') });
    expect(lines.map((line) => line.split(':')[0])).toEqual(['address', 'TLS', 'version', 'login', 'workspace', 'role', 'app', 'service API', 'DSL version', 'models']);
    expect(result.evidence).toContainEqual({ rule: 'connection/login', severity: 'notice', message: 'login: as the account in DIFY_EMAIL', status: 'passed' });
  });

  test('asks nothing when none is named, also where the branch has one', async () => {
    const { result, lines } = await ran({ dify: `http://127.0.0.1:1/app/${app}`, variables: { ...account(), SLUICE_HOSTS: 'elsewhere.example.com' } });
    expect([result.category, lines]).toEqual(['passed', []]);
    expect(result.reason).toMatch(/; 2 environment checks were not made: validate asks with --environment only$/);
    expect(result.evidence).toEqual(['DSL version', 'models'].map((name) => ({ rule: `environment/${name.toLowerCase().replace(' ', '-')}`, severity: 'notice', message: `${name}: skipped: validate asks with --environment only`, status: 'skipped' })));
  });

  test('says that it did not ask for pull requests', async () => {
    const { result, lines } = await ran({ flags: staging, pullRequest: { number: 7, fork: true } });
    expect([result.category, lines]).toEqual(['passed', ['connection: skipped: not checked for pull requests', 'DSL version, models: skipped: nothing is asked for pull requests']]);
    expect(result.reason).toMatch(/; 2 environment checks were not made: nothing is asked for pull requests$/);
  });

  test('says that it did not ask without credentials, and passes', async () => {
    const { result, lines } = await ran({ flags: staging, variables: {}, dify: `http://127.0.0.1:1/app/${app}` });
    expect(result.category).toBe('passed');
    const why = 'since no credentials are set (DIFY_EMAIL and DIFY_PASSWORD)';
    expect(lines).toEqual([`connection: skipped: not checked, ${why}`, `DSL version, models: skipped: not asked, ${why}`]);
    expect(result.reason).toMatch(/; 2 environment checks were not made: no credentials are set \(DIFY_EMAIL and DIFY_PASSWORD\)$/);
  });

  test.each<[string, Run, string, string]>([
    ['a wrong password', { variables: { DIFY_EMAIL: 'a@example.com', DIFY_PASSWORD: 'not-the-password' } }, 'permission', 'login: failed: Dify refused the login'],
    ['half an account', { variables: { DIFY_EMAIL: 'a@example.com' } }, 'input', 'login: failed: DIFY_PASSWORD is not set'],
    ['nothing there', { dify: 'http://127.0.0.1:1/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f' }, 'platform', 'address: failed: nothing listens at this address'],
  ])('fails on %s with its own category', async (_what, run, category, line) => {
    const { result, lines } = await ran({ flags: staging, ...run });
    expect(result).toMatchObject({ category, reason: line.replace('failed: ', ''), hint: expect.stringMatching(/\S/) });
    expect(lines.slice(-2)).toEqual([line, `DSL version, models: skipped: not asked, since the check of ${line.split(':')[0] ?? ''} failed`]);
  });
});

test('validate ends at its deadline among very many environments, and does not pass', async () => {
  const { result } = await ran({ more: 400, pullRequest: { number: 7, fork: false }, flags: { deadline: '10ms' } });
  expect(result).toMatchObject({ category: 'timeout', status: 'error' });
});

describe('validate and the address', () => {
  test.each(['https://dify.example.com/app/5f6c8a3b-91d2-4c07', 'https://dify.example.com', 'https://dify.example.com/app/'])('%s is found offline, with line and column', async (dify) => {
    const { result, found } = await ran({ dify });
    expect(result).toMatchObject({ category: 'gate', reason: expect.stringMatching(/sluice\.yml:6:\d+: The address of the app /) });
    expect(found).toEqual([expect.objectContaining({ rule: 'dify/address', severity: 'error', place: expect.objectContaining({ line: 6 }) })]);
  });

  test('an environment that names no app yet is a notice', async () => {
    const { result, found } = await ran({ dify: '{ console: https://dify.example.com }' });
    expect(result).toMatchObject({ category: 'passed', reason: expect.stringContaining('1 finding, none of them failing') });
    expect(found).toEqual([expect.objectContaining({ rule: 'dify/no-app', severity: 'notice', hint: expect.stringContaining('create') })]);
  });
});

describe('snapshot', () => {
  const copy = (name: string): string => join(folder, 'copies', name);
  const taken = (name: string, run: Run = {}): Promise<Ran> => ran({ step: 'snapshot', ...run, flags: { ...staging, folder: copy(name), ...run.flags } });
  const manifest = async (name: string): Promise<Record<string, unknown>> => JSON.parse(await readFile(join(copy(name), 'snapshot.json'), 'utf8'));

  test('says of what, by whom, when and in which run, and what is about to change', async () => {
    const { result } = await taken('one');
    expect(result.category).toBe('passed');
    expect(await manifest('one')).toMatchObject({
      environment: 'staging',
      application: app,
      version: lab.published(app),
      digest: result.outputs['digest'],
      files: { 'app.yml': expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
      takenAt: expect.stringMatching(/Z$/),
      takenBy: '小李',
      commit: 'c'.repeat(40),
      runUrl: 'https://ci.example.com/runs/1',
      changes: [],
    });
    expect((await taken('one', { flags: { verify: 'true' } })).result).toMatchObject({ category: 'passed', reason: expect.stringContaining('is whole') });
  });

  test('changes nothing when nothing has changed', async () => {
    await taken('same');
    const before = await readFile(join(copy('same'), 'snapshot.json'), 'utf8');
    await taken('same');
    expect(await readFile(join(copy('same'), 'snapshot.json'), 'utf8')).toBe(before);
  });

  test.each<[string, (path: string) => Promise<void>, string, string]>([
    ['a file that was changed', async (path) => writeFile(join(path, 'app.yml'), `${await readFile(join(path, 'app.yml'), 'utf8')}\n`), 'gate', 'app.yml is not what was copied'],
    ['a file that is gone', (path) => rm(join(path, 'app.yml')), 'gate', 'app.yml is missing'],
    ['a damaged manifest', (path) => writeFile(join(path, 'snapshot.json'), '{"format": 1'), 'gate', 'snapshot.json is damaged'],
    ['a manifest that leaves the folder', async (path) => writeFile(join(path, 'snapshot.json'), (await readFile(join(path, 'snapshot.json'), 'utf8')).replace('"app.yml"', '"../app.yml"')), 'gate', 'snapshot.json is damaged'],
    ['no copy', (path) => rm(path, { recursive: true }), 'input', 'there is no copy'],
  ])('refuses %s', async (name, spoil, category, reason) => {
    await taken(name);
    await spoil(copy(name));
    expect((await taken(name, { flags: { verify: 'true' } })).result).toMatchObject({ category, reason: expect.stringContaining(reason), hint: expect.stringMatching(/\S/) });
  });

  test('hides what this run knows as a secret, says so, and is whole', async () => {
    const text = await readFile(example, 'utf8');
    const word = /name: ([\w-]{6,})/.exec(text)?.[1] ?? '';
    const { warnings } = await taken('hidden', { hide: word });
    expect(warnings).toEqual([expect.stringContaining('app.yml holds a secret in plain text')]);
    expect(await readFile(join(copy('hidden'), 'app.yml'), 'utf8')).not.toContain(word);
    expect((await taken('hidden', { flags: { verify: 'true' } })).result.category).toBe('passed');
  });
});
