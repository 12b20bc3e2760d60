import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@sluice/core';
import { detectHost, type HostOptions } from '../src/index.ts';
import { workflowCommand } from '../src/github/commands.ts';
import { shorten } from '../src/github/shorten.ts';
import { apiServer, captures, result, temporaryFolder, type ApiAnswer, type ApiCall } from './fakes.ts';

const token = 'ghs_0123456789abcdefghij';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const before = { ...process.env };
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  // @actions/core reads the process's own environment and remembers the summary's path.
  process.env.GITHUB_OUTPUT = join(folder.path, 'output');
  process.env.GITHUB_STEP_SUMMARY = join(folder.path, 'summary.md');
});
beforeEach(async () => {
  await writeFile(join(folder.path, 'output'), '');
  await writeFile(join(folder.path, 'summary.md'), '');
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(async () => {
  for (const name of ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY']) {
    if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = before[name];
  }
  await folder.remove();
});

const open = async (environment: Record<string, string> = {}, event: unknown = {}, options: Partial<HostOptions> = {}) => {
  const streams = captures();
  const eventPath = join(folder.path, 'event.json');
  await writeFile(eventPath, JSON.stringify(event));
  const host = await detectHost(
    {
      GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main', GITHUB_REPOSITORY: 'acme/app',
      GITHUB_SHA: 'c0ffee', GITHUB_EVENT_PATH: eventPath, GITHUB_OUTPUT: join(folder.path, 'output'), GITHUB_SERVER_URL: 'https://github.example.com',
      GITHUB_RUN_ID: '7', RUNNER_TEMP: folder.path, ...environment,
    },
    streams,
    { folder: folder.path, ...options },
  );
  return { host, streams };
};

const serve = async (answer: (call: ApiCall) => ApiAnswer | 'silence') => {
  const server = await apiServer(answer);
  stops.push(server.stop);
  return server;
};

const pullRequest = (head = 'acme/app') => ({ pull_request: { number: 12, head: { repo: { full_name: head } }, base: { repo: { full_name: 'acme/app' } } } });
const inPull = { GITHUB_EVENT_NAME: 'pull_request', GITHUB_TOKEN: token };

describe('the log', () => {
  test('annotations carry the place, escaped', async () => {
    const { host, streams } = await open();
    host.annotate({ rule: 'dify/edge', severity: 'error', message: '50% of "a"\n::set-output name=x::y', place: { file: 'a,b:c.yml', line: 3, column: 9 }, hint: 'Connect it.' });
    expect(streams.stdout.text()).toBe('::error file=a%2Cb%3Ac.yml,line=3,col=9,title=dify/edge::50%25 of "a" ::set-output name=x::y Connect it.\n');
  });

  test('groups end also when their work fails', async () => {
    const { host, streams } = await open();
    await expect(host.group('deploy\n::error::x', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(streams.stdout.text()).toBe('::group::deploy ::error::x\n::endgroup::\n');
  });

  test('a secret is masked once, before it is redacted for ever', async () => {
    const { host, streams } = await open();
    host.mask('line one%\nline two');
    host.mask('line one%\nline two');
    host.log('line one% and line two');
    expect(streams.stdout.text()).toBe('::add-mask::line one%25%0Aline two\n*** and ***\n');
  });

  test('a value too short to hide is not masked', async () => {
    const { host, streams } = await open();
    host.mask('abc');
    host.mask(' ');
    expect(streams.stdout.text()).toBe('');
  });

  test('a failed step is an annotation, said once when a release repeats it', async () => {
    const { host, streams } = await open();
    const failure = { status: 'failed', category: 'gate', reason: 'the canary failed' } as const;
    host.stepEnded(result({ ...failure, step: 'canary' }));
    host.stepEnded(result({ ...failure, step: 'release', steps: [result()] }));
    host.stepEnded(result());
    expect(streams.stdout.text().match(/^::error.*$/gm)).toEqual(['::error title=sluice canary::the canary failed']);
  });

  test('a step that may not start is a notice, one that finds nothing to do is not, and one that is noticed already is not again', async () => {
    const skipped = (step: string, reason: string) => result({ step, status: 'skipped', category: 'skipped', reason });
    const alone = await open();
    alone.host.stepEnded(skipped('deploy', 'pull requests belong to no environment'));
    expect(alone.streams.stdout.text().match(/^::.*$/gm)).toEqual(['::notice title=sluice deploy was skipped::pull requests belong to no environment']);
    const idle = await open();
    idle.host.stepStarted('sweep');
    idle.host.stepEnded(skipped('sweep', 'no canary was left behind'));
    expect(idle.streams.stdout.text()).not.toContain('::');
    const noticed = await open();
    noticed.host.annotate({ rule: 'preview/skipped', severity: 'notice', message: 'no preview', place: { file: 'sluice.yml' } });
    noticed.host.stepEnded(skipped('preview', 'no preview'));
    expect(noticed.streams.stdout.text().match(/^::.*$/gm)).toEqual(['::notice file=sluice.yml,title=preview/skipped::no preview']);
  });

  test('with --json standard output holds the document alone', async () => {
    const { host, streams } = await open({}, {}, { json: true });
    host.mask('s3cret-value');
    host.log('a line');
    host.warn('a warning');
    host.print('{"a": 1}\n');
    await host.outputs({ version: '12' });
    await host.close();
    expect(streams.stdout.text()).toBe('{"a": 1}\n');
    expect(streams.stderr.text()).toBe('::add-mask::s3cret-value\na line\n::warning::a warning\n');
  });
});

describe('outputs and summary', () => {
  test('are in the runner\'s files, each value in one line', async () => {
    const { host } = await open();
    host.mask('s3cret-value');
    await host.outputs({ version: '12', reason: 'a\nversion<<EOF\nfake 中文 s3cret-value' });
    const text = await readFile(join(folder.path, 'output'), 'utf8');
    const read = [...text.matchAll(/^(.+)<<(ghadelimiter_.+)\n(.*)\n\2$/gm)].map((match) => [match[1], match[3]]);
    expect(read).toEqual([['version', '12'], ['reason', 'a version<<EOF fake 中文 ***']]);
    await host.summary('# Title\n\ns3cret-value');
    expect(await readFile(join(folder.path, 'summary.md'), 'utf8')).toBe('# Title\n\n***\n');
  });

  test('a line break in a name is refused', async () => {
    const { host, streams } = await open();
    await host.outputs({ 'a\nb': 'x', c: 'y' });
    expect(await readFile(join(folder.path, 'output'), 'utf8')).toMatch(/^c<</);
    expect(streams.stdout.text()).toContain('line break in its name');
  });

  test('a runner without an output file is warned of, not failed for', async () => {
    const { host, streams } = await open({ GITHUB_OUTPUT: join(folder.path, 'missing', 'x') });
    process.env.GITHUB_OUTPUT = join(folder.path, 'missing', 'x');
    await host.outputs({ a: 'b' });
    process.env.GITHUB_OUTPUT = join(folder.path, 'output');
    expect(streams.stdout.text()).toContain('warning the outputs could not be written');
  });

  test('a summary over the limit is cut at a line', () => {
    const text = shorten(Array.from({ length: 100 }, () => '一二三').join('\n'), 400, (part) => Buffer.byteLength(part));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(400);
    expect(text).toMatch(/^(一二三\n)+\nThe rest was cut/);
  });
});

test('the token is redacted without being asked', async () => {
  const { host, streams } = await open(inPull, pullRequest());
  host.log(`it is ${token} or ${Buffer.from(`x:${token}`).toString('base64')}`);
  expect(streams.stdout.text()).not.toMatch(/ghs_|Z2hz/);
});

describe('the deployment', () => {
  const api = (known: object[]) => (call: ApiCall): ApiAnswer =>
    call.method === 'GET' ? { status: 200, body: known } : { status: 201, body: { id: 41 } };
  const state = { environment: 'production', state: 'success', url: 'https://app.example.com', description: '版本 12\nis live' } as const;

  test('is made once and gets a status', async () => {
    const server = await serve(api([]));
    const { host } = await open({ GITHUB_TOKEN: token, GITHUB_API_URL: server.url });
    expect(await host.deployment?.(state)).toEqual({ ok: true, value: undefined });
    expect(server.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /repos/acme/app/deployments?environment=production&sha=c0ffee&per_page=1',
      'POST /repos/acme/app/deployments',
      'POST /repos/acme/app/deployments/41/statuses',
    ]);
    expect(JSON.parse(server.calls[1]?.body ?? '')).toMatchObject({ ref: 'c0ffee', auto_merge: false, required_contexts: [] });
    expect(JSON.parse(server.calls[2]?.body ?? '')).toMatchObject({
      state: 'success', description: '版本 12 is live', environment_url: 'https://app.example.com', log_url: 'https://github.example.com/acme/app/actions/runs/7',
    });
  });

  test('that the job has already is used', async () => {
    const server = await serve(api([{ id: 9 }]));
    const { host } = await open({ GITHUB_TOKEN: token, GITHUB_API_URL: server.url });
    await host.deployment?.({ ...state, url: 'javascript:alert(1)' });
    expect(server.calls.map(({ path }) => path).at(-1)).toBe('/repos/acme/app/deployments/9/statuses');
    expect(server.calls.at(-1)?.body).not.toContain('javascript');
  });

  test('that cannot be made is a problem, not an exception', async () => {
    const server = await serve((call) => (call.method === 'GET' ? { status: 200, body: [] } : { status: 202, body: { message: 'merged' } }));
    const { host } = await open({ GITHUB_TOKEN: token, GITHUB_API_URL: server.url });
    expect(await host.deployment?.(state)).toMatchObject({ ok: false, problem: { category: 'platform', answer: { message: 'merged' } } });
  });

  test('without the permission is a problem that names the lines to add', async () => {
    const server = await serve(() => ({ status: 403, body: { message: 'Resource not accessible by integration' } }));
    const { host } = await open({ GITHUB_TOKEN: token, GITHUB_API_URL: server.url });
    expect(await host.deployment?.(state)).toMatchObject({
      ok: false,
      problem: {
        category: 'permission',
        reason: 'GitHub refused the call; it needs `permissions: deployments: write`.',
        tried: 'set the deployment of production to success',
        answer: { status: 403, requestId: 'ABCD:1', message: expect.stringContaining('not accessible') },
        hint: expect.stringMatching(/permissions: deployments: write.*GITHUB_TOKEN/),
      },
    });
    expect(server.calls).toHaveLength(1);
  });

  test('a pull request has none', async () => {
    expect((await open(inPull, pullRequest())).host.deployment).toBeUndefined();
  });
});

describe('the identity token', () => {
  const request = (url: string) => ({ ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token-123' });
  const options = { clock: systemClock(1000) };

  test('is asked for with the audience, masked and redacted', async () => {
    const server = await serve(() => ({ status: 200, body: { value: 'eyJ.identity.token' } }));
    const { host, streams } = await open(request(server.url), {}, { ...options, clock: systemClock() });
    expect(await host.identityToken?.('sts.aliyuncs.com')).toEqual({ ok: true, value: 'eyJ.identity.token' });
    expect(server.calls[0]).toMatchObject({ path: '/token?api-version=2&audience=sts.aliyuncs.com', headers: { authorization: 'Bearer request-token-123' } });
    host.log('eyJ.identity.token request-token-123');
    expect(streams.stdout.text()).toBe('::add-mask::eyJ.identity.token\n*** ***\n');
  });

  test.each([
    [401, 'permission', 1],
    [500, 'platform', 3],
  ])('status %i is a problem of category %s after %i calls', async (status, category, calls) => {
    const server = await serve(() => ({ status, body: {} }));
    // Waits are shortened, deadlines are not: only the sleeps between calls end at once.
    const clock = { ...systemClock(), sleep: (milliseconds: number, signal?: AbortSignal) => systemClock().sleep(milliseconds < 15_000 ? 1 : milliseconds, signal) };
    const { host } = await open(request(server.url), {}, { clock });
    expect(await host.identityToken?.('a')).toMatchObject({ ok: false, problem: { category, answer: { status } } });
    expect(server.calls).toHaveLength(calls);
  });

  test('is absent without the permission and in pull requests', async () => {
    expect((await open()).host.identityToken).toBeUndefined();
    expect((await open({ ...request('http://127.0.0.1:1'), GITHUB_EVENT_NAME: 'pull_request_target' }, pullRequest())).host.identityToken).toBeUndefined();
  });
});

test('a broken event file is said and leaves a pull request untrusted', async () => {
  await mkdir(join(folder.path, 'broken'), { recursive: true });
  await writeFile(join(folder.path, 'broken', 'event.json'), '{');
  const { host, streams } = await open({ GITHUB_EVENT_NAME: 'pull_request', GITHUB_EVENT_PATH: join(folder.path, 'broken', 'event.json') });
  expect(host.context.pullRequest).toEqual({ number: 0, fork: true });
  expect(streams.stdout.text()).toContain('event file cannot be read');
});

test.each([
  [workflowCommand('error', 'a%b\r\nc', { line: 1, col: undefined, title: 'x:y,z%' }), '::error line=1,title=x%3Ay%2Cz%25::a%25b%0D%0Ac'],
  [workflowCommand('endgroup', ''), '::endgroup::'],
])('%s', (written, wanted) => {
  expect(written).toBe(wanted);
});
