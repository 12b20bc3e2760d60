import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type * as OpenApiCore from '@alicloud/openapi-core';
import type * as Dara from '@darabonba/typescript';
import { startLabAgentRun, type LabAgentRun } from '@sluice/lab';
import { project, sluice } from './sluice-process.ts';

const load = createRequire(import.meta.url);
const core = load('@alicloud/openapi-core') as typeof OpenApiCore;
const { RuntimeOptions } = load('@darabonba/typescript') as typeof Dara;

const job = 'repo:acme/orders:environment:production';
let lab: LabAgentRun;
beforeAll(async () => {
  lab = await startLabAgentRun({ timeScale: 50, pollsToReady: 0 });
});
afterAll(() => lab.close());

interface Keys {
  readonly AccessKeyId: string;
  readonly AccessKeySecret: string;
  readonly SecurityToken: string;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? { ...value } : {});

/** ask lets the official client do one operation, without a signature where there are no keys. */
const ask = async (origin: string, action: string, { version = '2015-04-01', pathname = '/', method = 'POST', query = {}, body = {} }: { version?: string; pathname?: string; method?: string; query?: Record<string, string>; body?: object }, keys?: Keys) => {
  const signed = keys === undefined ? {} : { accessKeyId: keys.AccessKeyId, accessKeySecret: keys.AccessKeySecret, securityToken: keys.SecurityToken, type: 'sts' };
  const client = new core.default(new core.$OpenApiUtil.Config({ ...signed, endpoint: new URL(origin).host, protocol: 'HTTP' }));
  const rpc = pathname === '/';
  const params = new core.$OpenApiUtil.Params({ action, version, protocol: 'HTTP', pathname, method, authType: keys === undefined ? 'Anonymous' : 'AK', style: rpc ? 'RPC' : 'ROA', reqBodyType: rpc ? 'formData' : 'json', bodyType: 'json' });
  try {
    const answer = fieldsOf(await client.callApi(params, new core.$OpenApiUtil.OpenApiRequest({ query, ...(method === 'GET' ? {} : { body }) }), new RuntimeOptions({ autoretry: false })));
    return { code: '', body: fieldsOf(answer['body']) };
  } catch (error) {
    return { code: String(fieldsOf(error)['code']), body: {} };
  }
};

describe("the official client at the lab's STS", () => {
  const exchange = (more: object = {}) => {
    const { roleArn, providerArn } = lab.trustJob(job);
    return ask(lab.sts, 'AssumeRoleWithOIDC', { body: { OIDCProviderArn: providerArn, OIDCToken: lab.identityToken({ subject: job }), RoleArn: roleArn, RoleSessionName: 'sluice-test', DurationSeconds: 900, ...more } });
  };
  const keysOf = (body: Readonly<Record<string, unknown>>): Keys => fieldsOf(body['Credentials']) as unknown as Keys;

  test('gets credentials for an identity token without a signature, and they sign what follows', async () => {
    const { code, body } = await exchange();
    expect(code).toBe('');
    const keys = keysOf(body);
    expect(Object.keys(keys).sort()).toEqual(['AccessKeyId', 'AccessKeySecret', 'Expiration', 'SecurityToken']);
    expect((await ask(lab.sts, 'GetCallerIdentity', {}, keys)).body).toMatchObject({ AccountId: lab.accountId, Arn: expect.stringMatching(/:assumed-role\/.*\/sluice-test$/) });
    expect(await ask(lab.sts, 'GetCallerIdentity', {}, { ...keys, AccessKeySecret: `${keys.AccessKeySecret}x` })).toMatchObject({ code: expect.stringMatching(/SignatureDoesNotMatch|SignatureNotMatch/) });
  });

  test('a session policy narrows them, as it does for Sluice', async () => {
    const policy = { Version: '1', Statement: [{ Effect: 'Allow', Action: ['agentrun:ListAgentRuntimes'], Resource: ['*'] }] };
    const keys = keysOf((await exchange({ Policy: JSON.stringify(policy) })).body);
    const version = { version: '2025-09-10' };
    expect((await ask(lab.control, 'ListAgentRuntimes', { ...version, pathname: '/2025-09-10/agents/runtimes', method: 'GET' }, keys)).code).toBe('');
    expect((await ask(lab.control, 'ListWorkspaces', { ...version, pathname: '/2025-09-10/workspaces', method: 'GET' }, keys)).code).toMatch(/NoPermission|Forbidden/);
  });

  test.each([
    ['a token for another audience', { OIDCToken: () => lab.identityToken({ subject: job, audience: 'somebody.else' }) }, 'AuthenticationFail.OIDCToken.AudienceNotMatch'],
    ['a token of another job', { OIDCToken: () => lab.identityToken({ subject: 'repo:acme/other:environment:production' }) }, 'AuthenticationFail.NoPermission'],
    ['no session that short', { DurationSeconds: () => 60 }, 'InvalidParameter.DurationSeconds'],
  ])('%s is refused in words that it can read', async (_name, more, code) => {
    expect((await exchange(Object.fromEntries(Object.entries(more).map(([key, value]) => [key, value()])))).code).toBe(code);
  });
});

describe('the bundle as a process in a job on GitHub', () => {
  let runner: Server;
  const issued: string[] = [];
  beforeAll(async () => {
    runner = createServer((request, response) => {
      const audience = new URL(request.url ?? '', 'http://runner').searchParams.get('audience') ?? '';
      const allowed = request.headers.authorization === 'Bearer request-token-of-the-job';
      if (allowed) issued.push(lab.identityToken({ subject: job, audience }));
      response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(allowed ? { value: issued.at(-1) } : { message: 'no' }));
    });
    await new Promise<void>((resolve) => runner.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    runner.closeAllConnections();
    await new Promise((resolve) => runner.close(resolve));
  });

  const files = () => {
    const agentrun = { endpoint: 'production', control: lab.control, data: lab.data, sts: lab.sts, account: lab.accountId };
    const agent = { name: 'order-agent', cpu: 1, memory: 2048, port: 9000, code: { src: './code', language: 'nodejs20', command: ['node', 'index.js'] } };
    return {
      'sluice.yml': JSON.stringify({ name: 'orders', source: 's.yaml', environments: { production: { branches: ['main'], agentrun, canary: false } } }),
      's.yaml': JSON.stringify({ edition: '3.0.0', name: 'orders', resources: { agent: { component: 'agentrun@1.0.12', props: { region: 'cn-hangzhou', agent } } } }),
      'code/index.js': '// one\n',
      ...{ output: '', summary: '', 'state/.keep': '' },
    };
  };

  test('releases without any stored key, and no token is in what it prints or writes', async () => {
    const folder = await project(files());
    const { roleArn, providerArn } = lab.trustJob(job);
    const environment = {
      ...{ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main', GITHUB_REPOSITORY: 'acme/orders', GITHUB_RUN_ID: '7', GITHUB_SHA: 'a'.repeat(40) },
      ...{ GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary'), RUNNER_TEMP: folder, GITHUB_WORKSPACE: folder },
      ...{ ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(runner.address() as AddressInfo).port}/token?v=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token-of-the-job' },
      ...{ ALIBABA_CLOUD_ROLE_ARN: roleArn, ALIBABA_CLOUD_OIDC_PROVIDER_ARN: providerArn, SLUICE_HOSTS: '127.0.0.1', SLUICE_STATE: join(folder, 'state') },
    };
    const released = await sluice(['release', '--create'], { folder, environment });
    expect([released.code, `${released.stdout}${released.stderr}`]).toEqual([0, expect.stringContaining('everybody gets version 1')]);
    expect(lab.routing('order-agent', 'production')).toMatchObject({ targetVersion: '1' });
    expect(issued.length).toBeGreaterThan(0);
    const output = await readFile(join(folder, 'output'), 'utf8');
    expect(output).toContain(`${lab.data}/agent-runtimes/order-agent/endpoints/production/invocations`);
    const masks = /^::add-mask::.*$/gm;
    const said = [`${released.stdout}${released.stderr}`.replaceAll(masks, ''), output, await readFile(join(folder, 'summary'), 'utf8')].join('\n');
    for (const token of issued) for (const part of token.split('.').slice(1)) expect(said).not.toContain(part);
    expect(said).not.toMatch(/STS\.[A-Za-z0-9]{24}|request-token-of-the-job/);

    const refused = await sluice(['deploy'], { folder, environment: { ...environment, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'another' } });
    expect(refused.code).not.toBe(0);
    expect(lab.routing('order-agent', 'production')).toMatchObject({ targetVersion: '1' });
  }, 60_000);
});
