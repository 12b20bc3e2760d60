import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chatflow } from '../packages/lab/test/dify-apps.ts';
import type { Document } from './lab-project.ts';
import { throughTheDoor } from './through-the-door.ts';

const runnerFiles = ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY'] as const;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-diff-test-'));
  // GitHub's own library looks for its files in the environment of this process.
  for (const name of runnerFiles) {
    process.env[name] = join(home, name);
    await writeFile(join(home, name), '');
  }
});
afterEach(async () => {
  for (const name of runnerFiles) Reflect.deleteProperty(process.env, name);
  await rm(home, { recursive: true, force: true });
});

const saying = (word: string): string => chatflow('回答', `${word} {{#llm.text#}}`);

const git = (folder: string, ...argv: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main', '-c', 'commit.gpgsign=false', ...argv], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '', HOME: home } }).trim();

const put = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
};

const configFor = (source: string, more = ''): string => `name: bot\nsource: ${source}\nenvironments:\n  production: { dify: 'https://dify.example.com/app/00000000-0000-4000-8000-000000000000'${more} }\n`;

/** repository is one with a commit of these files. */
const repository = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = join(home, 'origin');
  await mkdir(folder, { recursive: true });
  git(folder, 'init', '-q');
  return commit(folder, files);
};

const commit = async (folder: string, files: Readonly<Record<string, string>>): Promise<string> => {
  await put(folder, files);
  git(folder, 'add', '-A');
  git(folder, 'commit', '-q', '--allow-empty', '-m', 'change');
  return folder;
};

const clone = (folder: string, ...options: string[]): string => {
  git(home, 'clone', '-q', ...options, `file://${folder}`, 'clone');
  return join(home, 'clone');
};

interface Run {
  readonly code: number | null;
  readonly said: string;
  readonly document: Document;
}

let runs = 0;

/** diff runs the step on a project; `inputs` are flags. */
const diff = async (project: string, inputs: Readonly<Record<string, string>> = {}, environment: Readonly<Record<string, string>> = {}): Promise<Run> => {
  const folder = join(home, `run-${(runs += 1)}`);
  await mkdir(folder);
  const flags = Object.entries(inputs).flatMap(([name, value]) => [`--${name}=${value}`]);
  const { code, said, document } = await throughTheDoor(['diff', '--config', project, ...flags], folder, { PATH: process.env['PATH'] ?? '', HOME: home, ...environment });
  return { code, said, document: JSON.parse(document) as Document };
};

/** github is a run for a pull request of somebody else, without credentials. */
const github = async (base: string, head: string): Promise<Readonly<Record<string, string>>> => {
  const event = join(home, 'event.json');
  const sides = { head: { sha: head, repo: { full_name: 'mallory/app' } }, base: { ref: 'main', sha: base, repo: { full_name: 'acme/app' } } };
  await writeFile(event, JSON.stringify({ repository: { full_name: 'acme/app' }, pull_request: { number: 12, ...sides } }));
  return { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_BASE_REF: 'main', GITHUB_EVENT_PATH: event };
};

const started = { 'sluice.yml': configFor('app.yml'), 'app.yml': saying('one') };

describe('without an older side that is named', () => {
  test('a change that is not committed is compared with HEAD, else HEAD with the commit before', async () => {
    const folder = await commit(await repository(started), { 'app.yml': saying('two') });
    const committed = await diff(folder);
    expect(committed.said).toContain('[-one-]{+two+}');
    expect(committed.document.reason).toMatch(/^app\.yml has 1 change \(1 prompt or text\), from HEAD~1 \([0-9a-f]{7}\) to the working tree$/);
    await put(folder, { 'app.yml': saying('three') });
    const open = await diff(folder);
    expect(open.said).toContain('[-two-]{+three+}');
    expect(open.document).toMatchObject({ status: 'passed', outputs: { changes: '1', changed: 'true' }, reason: expect.stringContaining('from HEAD (') });
    expect((await diff(folder, { 'fail-on-change': 'true' })).code).toBe(1);
  });

  test('the first commit is a new app, and so is what was never committed', async () => {
    const folder = await repository(started);
    expect((await diff(folder)).document).toMatchObject({ reason: 'app.yml is new, from nothing to the working tree', outputs: { changes: '1', changed: 'true' } });
    const empty = join(home, 'empty');
    await put(empty, started);
    git(empty, 'init', '-q');
    expect((await diff(empty)).document.reason).toContain('is new');
  });

  test('outside of a repository two files can be compared, and the way to that is told', async () => {
    const folder = join(home, 'plain');
    await put(folder, { ...started, 'before.yml': saying('zero') });
    const refused = await diff(folder);
    expect([refused.code, refused.document.reason]).toEqual([2, 'the project lies in no git repository']);
    expect(refused.document.hint).toContain('`from` and `to`');
    expect((await diff(folder, { from: join(folder, 'before.yml') })).said).toContain('[-zero-]{+one+}');
  });
});

describe('the older side', () => {
  test.each<[string, (folder: string) => string]>([
    ['a branch', () => 'main'],
    ['a tag', () => 'v1'],
    ['a hash', (folder) => git(folder, 'rev-parse', 'main')],
    ['a short hash', (folder) => git(folder, 'rev-parse', '--short', 'main')],
    ['a branch that has gone on, where this one left it', () => 'main...'],
    ['a branch in Chinese', () => '主干'],
  ])('is %s', async (_, name) => {
    const folder = await repository(started);
    git(folder, 'tag', 'v1');
    git(folder, 'branch', '主干');
    git(folder, 'checkout', '-q', '-b', 'topic');
    await commit(folder, { 'app.yml': saying('two') });
    const given = name(folder);
    if (given.endsWith('...')) {
      git(folder, 'checkout', '-q', 'main');
      await commit(folder, { 'app.yml': saying('elsewhere') });
      git(folder, 'checkout', '-q', 'topic');
    }
    const { said, code } = await diff(folder, { from: given });
    expect([code, said]).toEqual([0, expect.stringContaining('[-one-]{+two+}')]);
  });

  test.each([['an option', '--upload-pack=touch pwned'], ['an option of rev-parse', '--git-dir'], ['a line more', 'main\n--all'], ['a path of a commit', 'HEAD:app.yml'], ['a range', 'HEAD..HEAD'], ['a branch that is not there', 'nope']])('is not %s', async (_, from) => {
    const folder = await repository(started);
    const { code, document } = await diff(folder, { from });
    expect([code, document.category]).toEqual([2, 'input']);
    expect((await readdir(folder)).toSorted()).toEqual(['.git', 'app.yml', 'sluice.yml']);
  });

  test('is a file, which a commit of its name wins over', async () => {
    const folder = await repository(started);
    const other = join(home, '旧版.yml');
    await writeFile(other, saying('文件'));
    expect((await diff(folder, { from: other })).said).toContain('[-文件-]{+one+}');
    expect((await diff(folder, { from: other, to: other })).document.outputs).toMatchObject({ changed: 'false' });
  });
});

describe('the project at another commit', () => {
  test('lies in a folder below the root, in Chinese, and its source was renamed', async () => {
    const folder = await repository({ '应用/机器人/sluice.yml': configFor('旧.yml'), '应用/机器人/旧.yml': saying('你好') });
    await rename(join(folder, '应用/机器人/旧.yml'), join(folder, '应用/机器人/新.yml'));
    await commit(folder, { '应用/机器人/sluice.yml': configFor('新.yml'), '应用/机器人/新.yml': saying('您好') });
    const { said, document } = await diff(join(folder, '应用/机器人'));
    expect(said).toContain('旧.yml -> 新.yml: 1 change');
    expect(said).toContain('[-你好-]{+您好+}');
    expect(document.outputs['changes']).toBe('1');
  });

  test('had no such app, or has it no more', async () => {
    const folder = await repository({ 'README.md': 'hello' });
    await commit(folder, { 'bot/sluice.yml': configFor('app.yml'), 'bot/app.yml': saying('one') });
    expect((await diff(join(folder, 'bot'))).document.reason).toMatch(/^app\.yml is new, from HEAD~1/);
    await rm(join(folder, 'bot/app.yml'));
    expect((await diff(join(folder, 'bot'))).document.reason).toMatch(/^app\.yml is gone, from HEAD/);
  });

  test('had a sluice.yml that can no longer be read: the present one stands in, which is said', async () => {
    const folder = await repository({ ...started, 'sluice.yml': `${configFor('app.yml')}unheard: of\n` });
    await commit(folder, { ...started, 'app.yml': saying('two') });
    const { said, code } = await diff(folder);
    expect(code).toBe(0);
    expect(said).toContain('sluice.yml of HEAD~1 cannot be read');
    expect(said).toContain('[-one-]{+two+}');
  });

  test('has nodes that were made anew, which the picture takes for the same', async () => {
    const folder = await commit(await repository(started), { 'app.yml': saying('two').replaceAll('llm', 'llm2').replace('type: llm2', 'type: llm') });
    const { document } = await diff(folder);
    const flow = (document.evidence as { readonly applications: readonly { readonly flow?: { readonly nodes: readonly { readonly id: string; readonly fate: string }[] } }[] }).applications[0]?.flow;
    expect(flow?.nodes.map(({ id, fate }) => `${id} ${fate}`)).toEqual(['start kept', 'llm2 changed', 'answer changed']);
  });

  test('is a bare app without a sluice.yml', async () => {
    const folder = await commit(await repository({ 'app.yml': saying('one') }), { 'app.yml': saying('two') });
    expect((await diff(join(folder, 'app.yml'))).said).toContain('[-one-]{+two+}');
  });

  test('cannot be compared: a gate, with the finding and its place', async () => {
    const folder = await commit(await repository({ ...started, 'app.yml': 'app: [' }), { 'app.yml': saying('two') });
    const { code, document } = await diff(folder);
    expect(code).toBe(1);
    expect(document).toMatchObject({ category: 'gate', hint: expect.stringContaining('Run validate'), reason: expect.stringMatching(/^app\.yml:\d+:\d+ of HEAD~1 cannot be compared: /) });
  });

  test('a link in it is not followed', async () => {
    const folder = await repository(started);
    await rm(join(folder, 'app.yml'));
    await symlink(join(home, 'secret.yml'), join(folder, 'app.yml'));
    await writeFile(join(home, 'secret.yml'), saying('secret'));
    await commit(folder, {});
    await rm(join(folder, 'app.yml'));
    await put(folder, started);
    const { said, document } = await diff(folder);
    expect(said + JSON.stringify(document)).not.toContain('[-secret-]');
    expect(document.category).toBe('gate');
  });

  test('leaves nothing behind, in the repository or beside it', async () => {
    const folder = await commit(await repository(started), { 'app.yml': saying('two') });
    const before = [git(folder, 'status', '--porcelain'), git(folder, 'ls-files', '--stage')];
    const folders = async (): Promise<readonly string[]> => (await readdir(tmpdir())).filter((name) => /^sluice-diff-(?!test)/.test(name));
    const earlier = await folders();
    await diff(folder);
    expect([git(folder, 'status', '--porcelain'), git(folder, 'ls-files', '--stage')]).toEqual(before);
    expect((await folders()).filter((name) => !earlier.includes(name))).toEqual([]);
  });
});

describe('an agent', () => {
  const agent = (memory: number): string =>
    `edition: 3.0.0\nname: orders\nresources:\n  agent:\n    component: agentrun@1.0.12\n    props:\n      region: cn-hangzhou\n      agent: { name: order-agent, cpu: 1, memory: ${memory}, port: 9000, code: { src: ./code, language: nodejs20, command: [node, index.js] } }\n`;
  const config = 'name: orders\nsource: s.yaml\nenvironments:\n  production: { agentrun: { source: s.yaml, endpoint: production } }\n';

  test('is compared with its code as it was', async () => {
    const folder = await repository({ 'sluice.yml': config, 's.yaml': agent(2048), 'code/index.js': 'one' });
    await commit(folder, { 's.yaml': agent(4096) });
    expect((await diff(folder)).said).toMatch(/memory[^]*\[-2048-\] \{\+4096\+\}/);
    expect((await diff(folder)).document.outputs['changes']).toBe('1');
    await commit(folder, { 'code/index.js': 'two' });
    expect((await diff(folder)).document.outputs).toMatchObject({ changes: '1', changed: 'true' });
  });
});

describe('a pull request of a fork, without credentials', () => {
  /** requested is a pull request: main has gone on since it began, and HEAD is the merge that GitHub makes. */
  const requested = async (): Promise<{ readonly folder: string; readonly base: string; readonly head: string; readonly began: string }> => {
    const folder = await repository({ ...started, 'other.txt': 'one' });
    const began = git(folder, 'rev-parse', 'HEAD');
    git(folder, 'checkout', '-q', '-b', 'topic');
    await commit(folder, { 'app.yml': saying('two') });
    const head = git(folder, 'rev-parse', 'HEAD');
    git(folder, 'checkout', '-q', 'main');
    await commit(folder, { 'sluice.yml': configFor('app.yml', ", branches: ['main']"), 'other.txt': 'two' });
    const base = git(folder, 'rev-parse', 'HEAD');
    git(folder, 'checkout', '-q', '-b', 'merge');
    git(folder, 'merge', '-q', '--no-ff', '-m', 'merge', 'topic');
    return { folder, base, head, began };
  };

  test('is compared with what it is merged into, in a clone of two commits', async () => {
    const { folder, base, head } = await requested();
    const run = await diff(clone(folder, '--depth=2', '--branch=merge'), {}, await github(base, head));
    expect(run.document.evidence).toMatchObject({ from: { name: 'main', commit: base, why: 'what the pull request is merged into' } });
    expect(run.said).toContain('[-one-]{+two+}');
    expect(run.code).toBe(0);
  });

  test('is compared with where it began, where its own branch is checked out', async () => {
    const { folder, base, head, began } = await requested();
    const run = await diff(clone(folder, '--branch=topic'), {}, await github(base, head));
    expect(run.document.evidence).toMatchObject({ from: { name: 'main', commit: began, why: 'where the pull request began' } });
    expect(run.document.outputs['changes']).toBe('1');
  });

  test('in a clone of one commit says what to do on this CI', async () => {
    const { folder, base, head } = await requested();
    const shallow = clone(folder, '--depth=1', '--branch=merge');
    const run = await diff(shallow, {}, await github(base, head));
    expect([run.code, run.document.reason]).toEqual([2, `the base of this pull request, ${base.slice(0, 12)}, is not in this clone, which is a shallow one`]);
    expect(run.document.hint).toContain('fetch-depth: 0');
    const gitlab = { GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_IID: '5', CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'stable', CI_MERGE_REQUEST_DIFF_BASE_SHA: base, SLUICE_DOTENV: join(home, 'env') };
    expect((await diff(shallow, {}, gitlab)).document.hint).toContain('GIT_DEPTH: 0');
    expect((await diff(shallow, { from: 'main' }, { GITLAB_CI: 'true', SLUICE_DOTENV: join(home, 'env') })).document.hint).toContain('GIT_DEPTH: 0');
    expect((await diff(shallow, {}, { CIRCLECI: 'true', CIRCLE_PULL_REQUEST: 'https://github.com/acme/app/pull/18' })).document).toMatchObject({ category: 'input', reason: 'this CI does not tell the base of the pull request', hint: expect.stringContaining('`from: main...`') });
  });

  test('may name an environment, whose values are put into both sides, and may not connect', async () => {
    const { folder, base, head } = await requested();
    const environment = await github(base, head);
    const checkout = clone(folder, '--branch=merge');
    await put(checkout, { 'sluice.yml': configFor('app.yml', ', models: { gpt-4o: gpt-4o-mini }, variables: { TOKEN: { env: TOKEN } }') });
    const named = await diff(checkout, { environment: 'production' }, environment);
    expect([named.code, named.document.outputs['changes']]).toEqual([0, '1']);
    const refused = await diff(checkout, { environment: 'production', from: 'running' }, { ...environment, DIFY_EMAIL: 'a@example.com', DIFY_PASSWORD: 'pa55word' });
    expect([refused.code, refused.document.reason]).toEqual([2, 'a pull request gets no connection to an environment, so what runs there cannot be compared']);
  });
});

test('a partial clone fetches nothing and says so', async () => {
  const folder = await commit(await repository(started), { 'app.yml': saying('two') });
  git(folder, 'config', 'uploadpack.allowFilter', 'true');
  const partial = clone(folder, '--filter=blob:none');
  const { code, document } = await diff(partial);
  expect([code, document.category]).toEqual([2, 'input']);
  expect(document.hint).toContain('full clone');
});
