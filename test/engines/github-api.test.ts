import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startLab, type Lab } from '@sluice/lab';
import { chatflow } from '../../packages/lab/test/dify-apps.ts';
import { project, repository, sluice, type Ended } from '../sluice-process.ts';

/* A stand-in of GitHub's API over HTTP and TLS, as github.com and as an Enterprise Server behind a proxy have it. */

const opened: (() => Promise<unknown>)[] = [];

const listen = async (server: Server): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
};

interface Call {
  readonly asked: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly authorization: string | undefined;
}

let calls: Call[] = [];
let deployments: { readonly id: number; readonly sha: unknown; readonly environment: unknown }[] = [];

/** api answers as GitHub does: a deployment is found again by its commit and environment. */
const api = (request: IncomingMessage, response: ServerResponse): void => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => {
    const body = (text === '' ? {} : JSON.parse(text)) as Call['body'];
    calls.push({ asked: `${request.method} ${request.url}`, body, authorization: request.headers.authorization });
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const answer = (status: number, value: unknown): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (pathname.endsWith('/statuses')) return answer(201, { id: 1 });
    if (request.method === 'GET') return answer(200, deployments.filter(({ sha, environment }) => sha === searchParams.get('sha') && environment === searchParams.get('environment')));
    const made = { id: 41 + deployments.length, sha: body['ref'], environment: body['environment'] };
    deployments = [made, ...deployments];
    answer(201, made);
  });
};

/** onto hands each request on to a server of this machine, under the name that this one knows itself by. */
const onto =
  (origin: string) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const onward = send(`${origin}${request.url ?? ''}`, { method: request.method ?? 'GET', headers: { ...request.headers, host: new URL(origin).host } }, (answer) => {
      answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };

/** proxy leads names and ports to ports of this machine, and remembers what it was asked. */
const proxy = (onwards: Readonly<Record<string, number>>, seen: string[]): Server =>
  createHttpServer().on('connect', (request: IncomingMessage, socket: Socket) => {
    seen.push(request.url ?? '');
    const port = onwards[request.url ?? ''];
    socket.on('error', () => undefined);
    if (port === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n');
      return;
    }
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });

const certificates = join(repository, 'packages/core/test/certificates');
/** named is a name that the throw-away certificate is good for, and no name server knows. */
const named = 'dify.example.com';

let lab: Lab;
let folder: string;
let plain: number;
let proxied: string;
/** before is the version that was live before the first release. */
let before = '';
const seen: string[] = [];

const word = (text: string): string => chatflow('回答', `${text} {{#llm.text#}}`);

const run = (step: string, environment: Readonly<Record<string, string>>): Promise<Ended> => {
  const { email, password } = lab.dify.credentials;
  const github = {
    ...{ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main', GITHUB_REPOSITORY: 'acme/app', GITHUB_RUN_ID: '7', GITHUB_SHA: 'c0ffee' },
    ...{ GITHUB_TOKEN: 'ghs_0123456789abcdefghij', RUNNER_TEMP: join(folder, 'temp'), GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') },
  };
  return sluice([step], { folder, environment: { DIFY_EMAIL: email, DIFY_PASSWORD: password, SLUICE_STATE: join(folder, 'state'), SLUICE_HOSTS: `127.0.0.1 ${named}`, ...github, ...environment } });
};

const statuses = (): readonly unknown[] => calls.filter(({ asked }) => asked.endsWith('/statuses')).map(({ asked, body }) => ({ of: /\d+(?=\/statuses)/.exec(asked)?.[0], state: body['state'], url: body['environment_url'] }));

beforeAll(async () => {
  lab = await startLab({ timeScale: 10 });
  const identity = { key: await readFile(join(certificates, 'server.key'), 'utf8'), cert: await readFile(join(certificates, 'server.pem'), 'utf8') };
  plain = await listen(createHttpServer(api));
  const onwards = { [`${named}:8443`]: await listen(createHttpsServer(identity, api)), [`${named}:443`]: await listen(createHttpsServer(identity, onto(lab.dify.origin))) };
  proxied = `http://127.0.0.1:${await listen(proxy(onwards, seen))}`;
  const made = lab.dify.createApp(word('before'));
  before = made.published ?? '';
  const environment = (console: string, branch: string): unknown => ({ branches: [branch], dify: { console, app: made.appId }, canary: false });
  folder = await project({
    'sluice.yml': JSON.stringify({ name: 'bot', source: 'app.yml', environments: { production: environment(lab.dify.origin, 'main'), closed: environment(`https://${named}`, 'closed') } }),
    'app.yml': word('new'),
    ...{ 'state/.keep': '', 'temp/.keep': '', output: '', summary: '' },
  });
});

beforeEach(() => {
  calls = [];
  seen.length = 0;
});

afterAll(async () => {
  for (const close of opened.toReversed()) await close();
  await lab.close();
});

describe('the deployments page', () => {
  test('is told of a release, of its address, and of a second run of the same commit in the same deployment, and of a roll-back', async () => {
    const address = `http://127.0.0.1:${plain}/api/v3`;
    const hub = { GITHUB_API_URL: address, GITHUB_SERVER_URL: 'https://github.example.com' };
    const first = await run('release', hub);
    expect({ code: first.code, said: first.stdout }).toEqual({ code: 0, said: expect.not.stringContaining('deployments page') });
    expect(calls.map(({ asked }) => asked)).toEqual([
      'GET /api/v3/repos/acme/app/deployments?environment=production&sha=c0ffee&per_page=1',
      'POST /api/v3/repos/acme/app/deployments',
      'POST /api/v3/repos/acme/app/deployments/41/statuses',
      'GET /api/v3/repos/acme/app/deployments?environment=production&sha=c0ffee&per_page=1',
      'POST /api/v3/repos/acme/app/deployments/41/statuses',
    ]);
    const [, made] = calls;
    expect(made).toMatchObject({ authorization: 'token ghs_0123456789abcdefghij', body: { ref: 'c0ffee', environment: 'production', auto_merge: false, required_contexts: [] } });
    const url = /^address<<(.*)\n(.*)\n\1$/m.exec((await readFile(join(folder, 'output'), 'utf8')).split('failed-step<<').at(-2) ?? '')?.[2];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(statuses()).toEqual([{ of: '41', state: 'in_progress', url }, { of: '41', state: 'success', url }]);
    expect(calls.at(-1)?.body).toMatchObject({ log_url: 'https://github.example.com/acme/app/actions/runs/7', auto_inactive: true, description: expect.stringMatching(/^released: everybody gets version /) });

    calls = [];
    expect((await run('release', hub)).code).toBe(0);
    expect(calls.map(({ asked }) => asked)).not.toContain('POST /api/v3/repos/acme/app/deployments');
    expect(statuses()).toEqual([{ of: '41', state: 'in_progress', url }, { of: '41', state: 'success', url }]);

    calls = [];
    expect((await run('rollback', { ...hub, GITHUB_SHA: 'facade', SLUICE_INPUTS: JSON.stringify({ version: before }) })).code).toBe(0);
    expect(statuses()).toEqual([{ of: '42', state: 'success', url }]);
    expect(calls.at(-1)?.body['description']).toMatch(/is live again/);
  }, 60_000);

  test('that cannot be told is a warning with what to add, and the release goes on', async () => {
    const { code, stdout } = await run('release', { GITHUB_API_URL: 'http://127.0.0.1:1', GITHUB_SERVER_URL: 'https://github.example.com' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^::warning::the deployments page does not say "success": /m) });
  }, 60_000);
});

describe('a pull request from a fork', () => {
  test.each(['pull_request', 'pull_request_target', 'workflow_run'])('on %s: a release is skipped with a notice and no failure, and nobody is asked anything', async (event) => {
    const base = { full_name: 'acme/app' };
    const fork = { full_name: 'mallory/app' };
    const path = join(folder, `${event}.json`);
    await writeFile(path, JSON.stringify({ repository: base, pull_request: { number: 12, head: { repo: fork }, base: { repo: base } }, workflow_run: { head_repository: fork, pull_requests: [] } }));
    const { code, stdout } = await run('release', { GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: path, GITHUB_API_URL: `http://127.0.0.1:${plain}/api/v3`, SLUICE_INPUTS: JSON.stringify({ environment: 'production' }) });
    expect({ code, stdout, calls }).toEqual({ code: 0, calls: [], stdout: expect.stringMatching(/^::notice title=sluice release was skipped::pull requests belong to no environment$/m) });
  });
});

describe('an Enterprise Server and a Dify that are reached through a proxy alone', () => {
  const closed = { GITHUB_REF_NAME: 'closed', GITHUB_SERVER_URL: `https://${named}:8443`, GITHUB_API_URL: `https://${named}:8443/api/v3`, NODE_EXTRA_CA_CERTS: join(certificates, 'ca.pem') };

  test('are both reached, and what runs on this machine is asked past the proxy', async () => {
    const { code, stdout } = await run('release', { ...closed, HTTPS_PROXY: proxied, HTTP_PROXY: 'http://127.0.0.1:1' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.not.stringContaining('deployments page') });
    expect([...new Set(seen)].sort()).toEqual([`${named}:443`, `${named}:8443`]);
    expect(calls.map(({ asked }) => asked).at(-1)).toMatch(/^POST \/api\/v3\/repos\/acme\/app\/deployments\/\d+\/statuses$/);
    expect(calls.at(-1)?.body['log_url']).toBe(`https://${named}:8443/acme/app/actions/runs/7`);
  }, 60_000);

  test('are asked directly when NO_PROXY names them', async () => {
    const { code, stdout } = await run('release', { ...closed, GITHUB_REF_NAME: 'main', HTTPS_PROXY: proxied, NO_PROXY: named });
    expect({ code, seen, calls, stdout }).toEqual({ code: 0, seen: [], calls: [], stdout: expect.stringMatching(/deployments page does not say/) });
    const dify = await run('release', { ...closed, HTTPS_PROXY: proxied, NO_PROXY: named });
    expect({ code: dify.code, seen }).toEqual({ code: 4, seen: [] });
  }, 60_000);
});
