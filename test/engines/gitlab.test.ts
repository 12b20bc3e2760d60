import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { repository } from '../sluice-process.ts';
import { component, openStage, ready, type GitlabStage, type Pipeline } from './gitlab-stage.ts';

/* Our CI/CD components and hidden jobs, resolved from a bare clone and run by gitlab-ci-local with its shell executor. */

if (!ready) process.stderr.write('test/engines/gitlab: not shown, .tools has no gitlab-ci-local (see .ci/run)\n');

let stage: GitlabStage;

/** pages are the pipelines of docs/gitlab.md, as on a GitLab whose address is gitlab.example.com. */
const pages = [...readFileSync(join(repository, 'docs/gitlab.md'), 'utf8').matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text.replaceAll('$CI_SERVER_FQDN', 'gitlab.example.com'));

const [smallest = ''] = pages;

/** page is the one with a text in it. */
const page = (having: string): string => {
  const [found, ...more] = pages.filter((text) => text.includes(having));
  if (found === undefined || more.length > 0) throw new Error(`docs/gitlab.md has ${more.length + (found === undefined ? 0 : 1)} pipelines with ${having}`);
  return found;
};

const passed = (step: string): Pipeline => ({ code: 0, log: expect.stringMatching(new RegExp(`${step} passed in`)) as unknown as string });

/** listed are the jobs of a pipeline that run, with when. */
const listed = async (variables: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> => {
  const { log } = await stage.local(['--list-json'], variables);
  const jobs = JSON.parse(/^\[\n[^]*?^\]$/m.exec(log)?.[0] ?? '[]') as readonly { readonly name: string; readonly when: string }[];
  return Object.fromEntries(jobs.filter(({ when }) => when !== 'never').map(({ name, when }) => [name, when]));
};

const mergeRequest = { CI_PIPELINE_SOURCE: 'merge_request_event', CI_COMMIT_BRANCH: '', CI_MERGE_REQUEST_IID: '7', CI_MERGE_REQUEST_PROJECT_PATH: 'acme/bot', CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'acme/bot' };

(ready ? describe : describe.skip)('on gitlab-ci-local', () => {
  beforeEach(async () => {
    stage = await openStage({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
  });
  afterEach(() => stage.house.close());

  test('a component fetched at its tag and checked against its commit; outputs as dotenv, the log in sections', async () => {
    const inputs = { environment: 'production', repository: stage.bare, reference: '1.0.0', commit: stage.git(stage.bare, 'rev-parse', 'HEAD') };
    const { code, log } = await stage.run('sluice deploy', component('deploy', '1.0.0', inputs));
    expect({ code, log }).toMatchObject(passed('deploy'));
    expect(log).not.toContain(stage.variables['DIFY_PASSWORD']);
    const artifacts = join(stage.house.folder, '.gitlab-ci-local/artifacts/sluiceIAdeploy');
    expect(readFileSync(join(artifacts, '.gitlab-ci-reports/dotenv/sluice.env'), 'utf8')).toMatch(/^SLUICE_STATUS=passed$/m);
    expect(existsSync(join(artifacts, '.sluice/results/01-deploy.json'))).toBe(true);
  });

  test('inputs reach the step as they are, and what is left out is absent; a missing one and a wrong word are refused', async () => {
    const strange = '$HOME `id` "x" \'y\' 中文';
    const { include: [rollback] } = component('rollback', '~latest', { environment: 'production', version: strange });
    const { include: [canary] } = component('canary', '~latest', { environment: 'production', mode: 'nonsense' });
    stage.write({ include: [rollback, canary] });
    const { code, log } = await stage.local(['sluice rollback', 'sluice canary'], { SLUICE_HOME: repository });
    expect(code).toBe(1);
    expect(log).toContain(strange);
    expect(log).not.toMatch(/must be true or false|needs a value/);
    // This engine does not check the pattern, as GitLab does; faces.test.ts holds the patterns to the steps' words.
    expect(log).toMatch(/sluice canary .*mode.*\n[^]*sluice canary .*exit code 2: bad input or configuration/);
    const missing = await stage.run('sluice canary', component('canary', '1.0.0', {}));
    expect(missing).toMatchObject({ code: 1, log: expect.stringMatching(/environment.*(?:required|must be|mandatory|missing|not been provided)/i) });
    expect(missing.log).not.toContain('canary started');
  });

  test('a merge request is validated and, where somebody wants to see it, previewed; nothing is released. One of a fork is only validated', async () => {
    stage.write(page('preview@v1'));
    expect(await listed(mergeRequest)).toEqual({ 'sluice validate': 'on_success', 'sluice preview': 'manual', 'sluice preview stop': 'manual' });
    expect(await listed({ ...mergeRequest, CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'stranger/bot' })).toEqual({ 'sluice validate': 'on_success' });
    expect(await stage.local(['sluice validate'], { ...mergeRequest, SLUICE_HOME: repository, DIFY_EMAIL: '', DIFY_PASSWORD: '' })).toMatchObject(passed('validate'));
  });

  test("the page's pipelines: a release, and a canary that a person promotes", async () => {
    expect(await stage.run('sluice release', smallest, { SLUICE_HOME: repository })).toMatchObject(passed('release'));
    await stage.house.change('newer');
    const before = await stage.house.served();
    const approval = page('mode: promote');
    expect(await stage.run('start', approval, { SLUICE_HOME: repository }, '--needs')).toMatchObject(passed('canary'));
    expect(await stage.house.weight()).toBe(50);
    expect(await stage.run('promote', approval, { SLUICE_HOME: repository })).toMatchObject(passed('canary'));
    expect(await stage.house.weight()).toBe(0);
    expect(Object.keys(await stage.house.served())).not.toEqual(Object.keys(before));
  });

  test("the page's hidden job: a release on a GitLab without components; the token of a job without a stored key", async () => {
    const plain = page('extends: .sluice-release');
    expect(await stage.run('release', plain, { SLUICE_HOME: repository })).toMatchObject(passed('release'));
    const jobs = await stage.expanded(`${smallest}${page('id_tokens:')}`);
    expect(jobs['sluice release']).toMatchObject({ id_tokens: { ALIBABA_CLOUD_OIDC_TOKEN: { aud: 'sts.aliyuncs.com' } }, script: [expect.stringContaining(' release ')], resource_group: 'sluice-production' });
  });
});

/** privateGit serves a bare clone over HTTP to whoever has the job's token, as a GitLab does for a private project. */
const privateGit = async (root: string) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    asked.push(authorization === undefined ? '' : Buffer.from(authorization.replace('Basic ', ''), 'base64').toString('utf8'));
    if (asked.at(-1) !== 'gitlab-ci-token:glcbt-64_secret') return void response.writeHead(401, { 'www-authenticate': 'Basic realm="GitLab"' }).end();
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gitlab.invalid');
    const own = { GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: pathname, QUERY_STRING: searchParams.toString(), REQUEST_METHOD: request.method ?? '', CONTENT_TYPE: request.headers['content-type'] ?? '', GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') };
    const child = spawn('git', ['http-backend'], { env: { PATH: process.env['PATH'] ?? '', ...own }, stdio: ['pipe', 'pipe', 'inherit'] });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf('\r\n\r\n');
      for (const line of answer.subarray(0, end).toString('utf8').split('\r\n')) response.setHeader(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2));
      response.end(answer.subarray(end + 4));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
};

test("a private copy on the same GitLab is cloned with the job's token, which stands in no command line; another server is never given it; a moved tag is not run", async () => {
  const opened = await openStage({ steps: ['50%'] });
  const server = await privateGit(opened.home);
  const other = await privateGit(opened.home);
  try {
    const text = readFileSync(join(repository, 'gitlab/sluice.gitlab-ci.yml'), 'utf8');
    const [, script = ''] = /before_script:\n {4}- \|\n([^]*?)\n {2}\w/.exec(text) ?? [];
    const before = (address: string, commit = ''): Promise<string> =>
      new Promise((resolve) => {
        const environment = { PATH: process.env['PATH'] ?? '', HOME: opened.home, CI_PROJECT_DIR: opened.house.folder, CI_SERVER_URL: server.origin, CI_JOB_TOKEN: 'glcbt-64_secret', SLUICE_REPOSITORY: `${address}/sluice.git`, SLUICE_REFERENCE: '1.0.0', SLUICE_COMMIT: commit, GIT_TERMINAL_PROMPT: '0', GIT_TRACE: '1' };
        const child = spawn('bash', ['-e'], { env: environment });
        let said = '';
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => { said += chunk; });
        child.on('close', (code) => resolve(`${said}\ncode ${code}`));
        child.stdin.end(script);
      });
    const own = await before(server.origin);
    expect(own).toMatch(/code 0$/);
    expect(own).not.toContain('glcbt-64_secret');
    expect(execFileSync('git', ['-C', join(opened.house.folder, '.sluice/home'), 'config', '--get-regexp', '.'], { encoding: 'utf8' })).not.toContain('glcbt');
    expect(existsSync(join(opened.house.folder, '.sluice/home/dist/index.js'))).toBe(true);
    expect(await before(server.origin, opened.git(opened.bare, 'rev-parse', 'HEAD'))).toMatch(/code 0$/);
    expect(await before(server.origin, '0'.repeat(40))).toMatch(/is not at the commit 0{40} that this pipeline names[^]*code 2$/);
    expect(await before(other.origin)).toMatch(/code 4$/);
    expect(other.asked.every((credentials) => credentials === '')).toBe(true);
  } finally {
    await Promise.all([server.close(), other.close(), opened.house.close()]);
  }
});
