import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type * as OpenApiCore from '@alicloud/openapi-core';
import type * as Dara from '@darabonba/typescript';
import { startLabAgentRun, type LabAgentRun } from '@sluice/lab';
import { SignatureCheck } from '../packages/lab/src/agentrun/acs3.ts';
import { operations } from '../packages/lab/src/agentrun/operations.ts';

// The official client is the independent proof of the lab's signature check; it never enters the product.
const load = createRequire(import.meta.url);
const core = load('@alicloud/openapi-core') as typeof OpenApiCore;
const { RuntimeOptions } = load('@darabonba/typescript') as typeof Dara;

/** Wire is a request on its way to the lab. */
interface Wire {
  target: string;
  headers: Record<string, string>;
  body: Buffer;
}

let lab: LabAgentRun;
/** gate takes requests apart on their way, changes them, and holds them against the lab's check. */
let gate: Server;
let meddle: (wire: Wire) => void = () => undefined;
let sent: Wire[] = [];
let check: SignatureCheck;

const bodyOf = async (incoming: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const refusalOf = (method: string, { target, headers, body }: Wire): { readonly status: number; readonly code: string; readonly message: string } | undefined =>
  check.refuse({ method, target, query: new URL(target, 'http://lab').searchParams, headers, body });

beforeAll(async () => {
  lab = await startLabAgentRun({ temporaryCredentials: true, pollsToReady: 0 });
  check = new SignatureCheck((id) => (id === lab.credentials.accessKeyId ? lab.credentials : undefined), () => Date.now());
  gate = createServer((incoming, response) => {
    void (async () => {
      const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
      const wire = { target: incoming.url ?? '/', headers, body: await bodyOf(incoming) };
      meddle(wire);
      sent.push(wire);
      const refused = refusalOf(incoming.method ?? 'GET', wire);
      response.writeHead(refused?.status ?? 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refused === undefined ? { code: 'SUCCESS' } : { Code: refused.code, Message: refused.message }));
    })();
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  meddle = () => undefined;
  sent = [];
});
afterAll(async () => {
  gate.closeAllConnections();
  await new Promise((resolve) => gate.close(resolve));
  await lab.close();
});

type Answer = { readonly status: number; readonly code: string; readonly data: Readonly<Record<string, unknown>> };

const record = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? { ...value } : {});

/** call lets the official client do one operation. */
const call = async (action: string, method: string, pathname: string, { query = {}, body, origin = lab.control }: { query?: Record<string, string>; body?: object; origin?: string } = {}): Promise<Answer> => {
  const { accessKeyId, accessKeySecret, securityToken } = lab.credentials;
  const config = new core.$OpenApiUtil.Config({ accessKeyId, accessKeySecret, ...(securityToken === undefined ? {} : { securityToken }), type: 'sts', endpoint: new URL(origin).host, protocol: 'HTTP' });
  const client = new core.default(config);
  const params = new core.$OpenApiUtil.Params({ action, version: '2025-09-10', protocol: 'HTTP', pathname: `/2025-09-10${pathname}`, method, authType: 'AK', style: 'ROA', reqBodyType: 'json', bodyType: 'json' });
  const request = new core.$OpenApiUtil.OpenApiRequest({ query, ...(body === undefined ? {} : { body }) });
  try {
    const answer = record(await client.callApi(params, request, new RuntimeOptions({ autoretry: false })));
    const shown = record(answer['body']);
    return { status: Number(answer['statusCode']), code: String(shown['code']), data: record(shown['data']) };
  } catch (error) {
    const { statusCode, code } = record(error);
    return { status: Number(statusCode), code: String(code), data: {} };
  }
};

const created = { agentRuntimeName: 'official', artifactType: 'Container', containerConfiguration: { image: 'r/x:1' }, cpu: 1, memory: 2048, port: 9000, networkConfiguration: { networkMode: 'PUBLIC' } };

test('every operation of the lab is reached by the official client', async () => {
  const done: string[] = [];
  const good = async (action: string, method: string, path: string, more: { query?: Record<string, string>; body?: object } = {}): Promise<Answer['data']> => {
    const answer = await call(action, method, path, more);
    expect({ action, ...answer }).toMatchObject({ action, status: expect.any(Number), code: 'SUCCESS' });
    done.push(action);
    return answer.data;
  };
  const runtime = String((await good('CreateAgentRuntime', 'POST', '/agents/runtimes', { body: created }))['agentRuntimeId']);
  const one = `/agents/runtimes/${runtime}`;
  await good('ListAgentRuntimes', 'GET', '/agents/runtimes', { query: { agentRuntimeName: "official (it's *)", searchMode: 'exact' } });
  await good('GetAgentRuntime', 'GET', one);
  await good('UpdateAgentRuntime', 'PUT', one, { body: { ...created, description: '订单 “quoted”' } });
  await good('GetAgentRuntime', 'GET', one);
  await good('PublishRuntimeVersion', 'POST', `${one}/versions`, { body: { description: 'one' } });
  await good('ListAgentRuntimeVersions', 'GET', `${one}/versions`, { query: { pageNumber: '1', pageSize: '100' } });
  const endpoint = String((await good('CreateAgentRuntimeEndpoint', 'POST', `${one}/endpoints`, { body: { agentRuntimeEndpointName: 'users', targetVersion: '1' } }))['agentRuntimeEndpointId']);
  await good('ListAgentRuntimeEndpoints', 'GET', `${one}/endpoints`);
  await good('GetAgentRuntimeEndpoint', 'GET', `${one}/endpoints/${endpoint}`);
  await good('UpdateAgentRuntimeEndpoint', 'PUT', `${one}/endpoints/${endpoint}`, { body: { targetVersion: '1', routingConfiguration: { versionWeights: [] } } });
  await good('GetAccessToken', 'GET', '/agents/accessToken', { query: { resourceType: 'runtime', resourceId: runtime } });
  const workspace = String((await good('CreateWorkspace', 'POST', '/workspaces', { body: { name: 'second' } }))['workspaceId']);
  await good('ListWorkspaces', 'GET', '/workspaces', { query: { name: 'second' } });
  await good('GetWorkspace', 'GET', `/workspaces/${workspace}`);
  await good('DeleteAgentRuntimeEndpoint', 'DELETE', `${one}/endpoints/${endpoint}`);
  await good('ListAgentRuntimeEndpoints', 'GET', `${one}/endpoints`);
  await good('DeleteAgentRuntime', 'DELETE', one);
  expect([...new Set(done)].sort()).toEqual(operations.map(({ action }) => action).sort());
});

describe('what is changed on the way is refused', () => {
  const update = (): Promise<Answer> => call('CreateWorkspace', 'POST', '/workspaces', { origin: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`, body: { name: 'orders' } });
  const header = (name: string, to: string) => (wire: Wire): void => {
    wire.headers[name] = to;
  };

  test('unchanged it is accepted', async () => {
    expect(await update()).toMatchObject({ code: 'SUCCESS' });
  });

  test.each([
    ['one byte of the body', (wire: Wire): void => {
      wire.body[wire.body.indexOf('orders')] = 'O'.charCodeAt(0);
    }, /InvalidContentSha256/],
    ['one byte of the body, and its hash', (wire: Wire): void => {
      wire.body[wire.body.indexOf('orders')] = 'O'.charCodeAt(0);
      wire.headers['x-acs-content-sha256'] = createHash('sha256').update(wire.body).digest('hex');
    }, /SignatureDoesNotMatch/],
    ['one digit of the signature', (wire: Wire): void => {
      const given = String(wire.headers['authorization']);
      wire.headers['authorization'] = `${given.slice(0, -1)}${given.endsWith('0') ? '1' : '0'}`;
    }, /SignatureDoesNotMatch/],
    ['the action', header('x-acs-action', 'DeleteAgentRuntime'), /SignatureDoesNotMatch/],
    ['the date', header('x-acs-date', '2020-01-01T00:00:00Z'), /SignatureDoesNotMatch|InvalidTimeStamp/],
    ['the nonce', header('x-acs-signature-nonce', 'another'), /SignatureDoesNotMatch/],
    ['the security token', header('x-acs-security-token', 'another'), /SignatureDoesNotMatch|InvalidSecurityToken/],
    ['the path', (wire: Wire): void => {
      wire.target = wire.target.replace('/workspaces', '/workspaces/');
    }, /SignatureDoesNotMatch/],
    ['the query', (wire: Wire): void => {
      wire.target += '?pageSize=100';
    }, /SignatureDoesNotMatch/],
  ])('%s', async (_what, change, code) => {
    meddle = change;
    const answer = await update();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.code).toMatch(code);
  });

  test('a request that comes a second time', async () => {
    await update();
    const [first] = sent;
    if (first === undefined) throw new Error('nothing was sent');
    expect(refusalOf('POST', first)).toMatchObject({ status: 400, code: 'SignatureNonceUsed' });
  });

  test('an operation under the name of another one, signed as such', async () => {
    expect(await call('ListAgentRuntimes', 'GET', '/workspaces')).toMatchObject({ status: 404, code: 'InvalidAction.NotFound' });
  });
});
