import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openProject, type LabProject } from '../lab-project.ts';
import { project, repository } from '../sluice-process.ts';

/* Our CI/CD components, resolved from a bare clone and run by gitlab-ci-local with its shell executor. */

const program = join(repository, '.tools/gitlab-ci-local/node_modules/.bin/gitlab-ci-local');
const ready = existsSync(program);
if (!ready) process.stderr.write('test/engines/gitlab: not shown, .tools has no gitlab-ci-local (see .ci/run)\n');

let house: LabProject;
let around: string;
let bare: string;

const git = (folder: string, ...argv: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', folder, ...argv], { encoding: 'utf8' }).trim();

/** component is the address of one of ours. */
const component = (step: string, version: string, inputs: Readonly<Record<string, string>>): object => ({ component: `gitlab.example.com/acme/sluice/${step}@${version}`, inputs });

interface Pipeline {
  readonly code: number;
  readonly log: string;
}

/** run writes .gitlab-ci.yml, commits, and runs one job, or with `--needs` also those before it. */
const run = (job: string, include: readonly object[] | string, variables: Readonly<Record<string, string>> = {}, ...needs: readonly '--needs'[]): Promise<Pipeline> => {
  writeFileSync(join(house.folder, '.gitlab-ci.yml'), typeof include === 'string' ? include : JSON.stringify({ include }));
  git(house.folder, 'add', '-A');
  git(house.folder, 'commit', '-q', '--allow-empty', '-m', 'x');
  const set: Readonly<Record<string, string>> = {
    GITLAB_CI: 'true',
    CI_PIPELINE_SOURCE: 'push',
    CI_COMMIT_BRANCH: 'main',
    SLUICE_HOSTS: '127.0.0.1',
    SLUICE_STATE: join(house.folder, 'state'),
    DIFY_EMAIL: house.lab.dify.credentials.email,
    DIFY_PASSWORD: house.lab.dify.credentials.password,
    SLACK_WEBHOOK: house.lab.inbox.slack.url,
    ...variables,
  };
  const argv = ['--force-shell-executor', '--shell-isolation', '--ignore-predefined-vars', 'GITLAB_CI,CI_PIPELINE_SOURCE,CI_COMMIT_BRANCH', ...Object.entries(set).flatMap(([name, value]) => ['--variable', `${name}=${value}`]), job, ...needs];
  const environment = { PATH: process.env['PATH'] ?? '', HOME: around, GIT_CONFIG_GLOBAL: join(around, 'gitconfig') };
  return new Promise((resolve) => {
    execFile(program, argv, { cwd: house.folder, env: environment, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, log: stdout + stderr }));
  });
};

(ready ? describe : describe.skip)('the components on gitlab-ci-local', () => {
  beforeEach(async () => {
    house = await openProject({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
    around = await project({});
    const library = join(around, 'library');
    mkdirSync(library);
    for (const part of ['templates', 'dist']) cpSync(join(repository, part), join(library, part), { recursive: true });
    git(library, 'init', '-q', '-b', 'main');
    git(library, 'add', '-A');
    git(library, 'commit', '-q', '-m', 'x');
    git(library, 'tag', '1.0.0');
    bare = join(around, 'sluice.git');
    execFileSync('git', ['clone', '-q', '--bare', library, bare]);
    for (const key of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant']) git(bare, 'config', key, 'true');
    const addresses = ['https://gitlab.example.com:443/acme/sluice.git', 'https://gitlab.example.com/acme/sluice'].map((address) => `  insteadOf = ${address}`);
    writeFileSync(join(around, 'gitconfig'), ['[protocol "file"]', '  allow = always', `[url "file://${bare}"]`, ...addresses, '[user]', '  name = a', '  email = a@example.com', ''].join('\n'));
    git(house.folder, 'init', '-q', '-b', 'main');
    git(house.folder, 'remote', 'add', 'origin', 'https://gitlab.example.com/acme/bot.git');
    writeFileSync(join(house.folder, '.gitignore'), '.gitlab-ci-local/\n.sluice/\nstate/\nsluice.env\n');
  });
  afterEach(() => house.close());

  test('a step of a component fetched at its tag and checked against its commit; outputs as dotenv', async () => {
    const inputs = { environment: 'production', repository: bare, reference: '1.0.0', commit: git(bare, 'rev-parse', 'HEAD') };
    const { code, log } = await run('sluice deploy', [component('deploy', '1.0.0', inputs)]);
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/deploy passed in/) });
    expect(log).not.toContain(house.lab.dify.credentials.password);
    const report = readFileSync(join(house.folder, '.gitlab-ci-local/artifacts/sluiceIAdeploy/.gitlab-ci-reports/dotenv/sluice.env'), 'utf8');
    expect(report).toMatch(/^SLUICE_STATUS=passed$/m);
  });

  test('a tag that is another commit is not run', async () => {
    const inputs = { environment: 'production', repository: bare, reference: '1.0.0', commit: '0'.repeat(40) };
    const { code, log } = await run('sluice deploy', [component('deploy', '1.0.0', inputs)]);
    expect({ code, log }).toMatchObject({ code: 1, log: expect.stringMatching(/is not at the commit 0{40} that this pipeline names/) });
    expect(log).not.toContain('deploy started');
  });

  test('inputs reach the step as they are, and what is left out is absent', async () => {
    const strange = '$HOME `id` "x" \'y\' 中文';
    const include = [component('rollback', '~latest', { environment: 'production', version: strange })];
    const { code, log } = await run('sluice rollback', include, { SLUICE_HOME: repository });
    expect(code).toBe(1);
    expect(log).toContain(strange);
    expect(log).not.toMatch(/must be true or false|needs a value/);
  });

  test("the page's pipelines: a release, and a canary that a person promotes", async () => {
    const pages = [...readFileSync(join(repository, 'docs/gitlab.md'), 'utf8').matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text.replaceAll('$CI_SERVER_FQDN', 'gitlab.example.com'));
    const [smallest = '', approval = ''] = pages.filter((text) => text.includes('component:'));
    expect(await run('sluice release', smallest, { SLUICE_HOME: repository })).toMatchObject({ code: 0, log: expect.stringMatching(/release passed in/) });
    await house.change('newer');
    const before = await house.served();
    expect(await run('start', approval, { SLUICE_HOME: repository }, '--needs')).toMatchObject({ code: 0, log: expect.stringMatching(/canary passed in/) });
    expect(await house.weight()).toBe(50);
    expect(await run('promote', approval, { SLUICE_HOME: repository })).toMatchObject({ code: 0, log: expect.stringMatching(/canary passed in/) });
    expect(await house.weight()).toBe(0);
    expect(Object.keys(await house.served())).not.toEqual(Object.keys(before));
  });

  test('a whole release, of one component', async () => {
    const { code, log } = await run('sluice release', [component('release', '1.0.0', { environment: 'production' })], { SLUICE_HOME: repository });
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/release passed in/) });
  });
});
