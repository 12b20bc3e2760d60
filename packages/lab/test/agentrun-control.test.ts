import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deflateRawSync } from 'node:zlib';
import { startLabAgentRun, type LabAgentRun, type LabAgentRunOptions } from '../src/agentrun/index.ts';
import { crc64 } from '../src/agentrun/crc64.ts';
import { control, sendSigned, signedHeaders, type Overrides } from './agentrun-client.ts';

let lab: LabAgentRun;
const start = async (options: LabAgentRunOptions = {}): Promise<void> => {
  await lab.close();
  lab = await startLabAgentRun(options);
};

beforeEach(async () => {
  lab = await startLabAgentRun();
});
afterEach(() => lab.close());

const zip = Buffer.concat([Buffer.from('PK\u0003\u0004'), deflateRawSync('你好')]);
const complete = {
  agentRuntimeName: 'order-agent',
  artifactType: 'Code',
  codeConfiguration: { language: 'nodejs20', command: ['node', 'index.js'], zipFile: zip.toString('base64') },
  cpu: 1,
  memory: 2048,
  port: 9000,
  networkConfiguration: { networkMode: 'PUBLIC' },
  environmentVariables: { CRM_TOKEN: 'in clear' },
};
const without = (...names: string[]): object => Object.fromEntries(Object.entries(complete).filter(([name]) => !names.includes(name)));

const list = (path = ''): ReturnType<typeof control> => control(lab, 'GET', `/agents/runtimes${path}`, 'ListAgentRuntimes');
const get = (id: string, query = ''): ReturnType<typeof control> => control(lab, 'GET', `/agents/runtimes/${id}${query}`, 'GetAgentRuntime');
const create = (body: object = complete): ReturnType<typeof control> => control(lab, 'POST', '/agents/runtimes', 'CreateAgentRuntime', body);

describe('signature', () => {
  test.each<[string, Overrides, number, string]>([
    ['another secret', { secret: 'wrong' }, 400, 'SignatureDoesNotMatch'],
    ['an unknown key', { accessKeyId: 'LTAIunknown' }, 404, 'InvalidAccessKeyId.NotFound'],
    ['an old date', { headers: { 'x-acs-date': '2020-01-01T00:00:00Z' } }, 400, 'InvalidTimeStamp.Expired'],
    ['a date of another form', { headers: { 'x-acs-date': 'yesterday' } }, 400, 'InvalidTimeStamp.Format'],
    ['another body than the signed one', { signedBody: '{}' }, 400, 'InvalidContentSha256'],
    ['an unsigned host', { unsigned: ['host'] }, 400, 'IncompleteSignature'],
    ['an unsigned content type', { unsigned: ['content-type'] }, 400, 'IncompleteSignature'],
    ['no nonce', { headers: { 'x-acs-signature-nonce': undefined } }, 400, 'IncompleteSignature'],
    ['a token that nobody issued', { headers: { 'x-acs-security-token': 'x' } }, 400, 'InvalidSecurityToken.MismatchWithAccessKey'],
    ['another action', { headers: { 'x-acs-action': 'DeleteAgentRuntime' } }, 404, 'InvalidAction.NotFound'],
  ])('is refused with %s', async (_what, overrides, status, code) => {
    const answer = await control(lab, 'POST', '/agents/runtimes', 'CreateAgentRuntime', complete, overrides);
    expect([answer.status, answer.json['Code']]).toEqual([status, code]);
    expect(answer.json['RequestId']).toBe(answer.headers.get('x-acs-request-id'));
    expect(answer.text).not.toContain(lab.credentials.accessKeySecret);
  });

  test('is needed at all, and good for one request', async () => {
    const target = '/2025-09-10/agents/runtimes';
    expect((await sendSigned(lab, 'GET', target, {})).json['Code']).toBe('IncompleteSignature');
    const headers = signedHeaders(lab, { method: 'GET', target, action: 'ListAgentRuntimes' });
    expect((await sendSigned(lab, 'GET', target, headers)).status).toBe(200);
    expect((await sendSigned(lab, 'GET', target, headers)).json['Code']).toBe('SignatureNonceUsed');
    const fresh = signedHeaders(lab, { method: 'GET', target, action: 'ListAgentRuntimes' });
    expect((await sendSigned(lab, 'GET', `${target}?pageSize=1`, fresh)).json['Code']).toBe('SignatureDoesNotMatch');
  });

  test('of temporary credentials carries the security token', async () => {
    await start({ temporaryCredentials: true });
    expect((await list()).status).toBe(200);
    const missing = await control(lab, 'GET', '/agents/runtimes', 'ListAgentRuntimes', undefined, { headers: { 'x-acs-security-token': undefined } });
    expect(missing.json['Code']).toBe('MissingSecurityToken');
  });
});

describe('runtimes', () => {
  test('are created asynchronously and shown with a checksum and the variables in clear', async () => {
    const made = await create();
    expect(made).toMatchObject({ status: 201, json: { code: 'SUCCESS', data: { status: 'CREATING', agentRuntimeVersion: 'LATEST' } } });
    const id = String(made.json.data?.['agentRuntimeId']);
    expect((await get(id)).json.data).toMatchObject({ status: 'CREATING' });
    const { data } = (await get(id)).json;
    expect(data).toMatchObject({
      status: 'READY',
      agentRuntimeName: 'order-agent',
      environmentVariables: { CRM_TOKEN: 'in clear' },
      codeConfiguration: { language: 'nodejs20', checksum: crc64(zip) },
    });
    expect(JSON.stringify(data)).not.toContain('zipFile');
    expect(String(data?.['agentRuntimeArn'])).toContain(`:${lab.accountId}:`);
    expect(lab.code('order-agent', 'LATEST')).toEqual(zip);
  });

  test.each([
    ['no sizes', without('cpu', 'memory', 'port'), 'CPU is required; Memory is required; Port is required'],
    ['too much memory', { ...complete, memory: 65_536 }, 'memory must be'],
    ['no network', without('networkConfiguration'), 'networkConfiguration is required'],
    ['no code', without('codeConfiguration'), 'codeConfiguration is required'],
    ['code that is no archive', { ...complete, codeConfiguration: { language: 'nodejs20', zipFile: 'aGVsbG8=' } }, 'zip archive in base64'],
    ['code that is no base64', { ...complete, codeConfiguration: { language: 'nodejs20', zipFile: 'PK??' } }, 'zip archive in base64'],
    ['two codes', { ...complete, codeConfiguration: { ...complete.codeConfiguration, ossBucketName: 'b', ossObjectName: 'o' } }, 'either zipFile or'],
    ['a wrong checksum', { ...complete, codeConfiguration: { ...complete.codeConfiguration, checksum: '1' } }, 'CRC-64'],
    ['a container without an image', { ...complete, artifactType: 'Container' }, 'containerConfiguration.image'],
    ['a number as variable', { ...complete, environmentVariables: { A: 1 } }, 'map names to strings'],
    ['a name that starts with a digit', { ...complete, agentRuntimeName: '1st' }, 'agentRuntimeName must match'],
  ])('are refused with %s', async (_what, body, said) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect(answer.json['message']).toContain(said);
    expect((await list()).json.data?.['total']).toBe(0);
  });

  test('have unique names (409)', async () => {
    await create();
    const again = await create();
    expect(again.status).toBe(409);
    expect(again.json['message']).toContain('already exists');
  });

  test('are found exactly or by a part of the name, page by page', async () => {
    for (const name of ['agent', 'agent-2', 'agent-3']) lab.createRuntime({ name });
    const names = async (query: string): Promise<unknown[]> => ((await list(query)).json.data?.items ?? []).map((item) => item['agentRuntimeName']);
    expect(await names('?agentRuntimeName=agent&searchMode=exact')).toEqual(['agent']);
    expect(await names('?agentRuntimeName=agent')).toEqual(['agent', 'agent-2', 'agent-3']);
    expect(await names('?pageNumber=2&pageSize=2')).toEqual(['agent-3']);
    expect((await list('?pageSize=2')).json.data).toMatchObject({ pageNumber: 1, pageSize: 2, total: 3 });
    expect((await list('?pageSize=101')).status).toBe(400);
  });

  test('keep what an update does not name, change at once, and end an unlucky update as UPDATE_FAILED', async () => {
    const { runtimeId } = lab.createRuntime({ name: 'agent', environmentVariables: { A: '1' } });
    const update = (body: object): ReturnType<typeof control> => control(lab, 'PUT', `/agents/runtimes/${runtimeId}`, 'UpdateAgentRuntime', body);
    expect(await update({ memory: 4096 })).toMatchObject({ status: 202, json: { data: { status: 'UPDATING', memory: 4096, environmentVariables: { A: '1' } } } });
    await get(runtimeId);
    await get(runtimeId);
    lab.failNext('runtime', 'image pull failed');
    await update({ memory: 8192 });
    await get(runtimeId);
    expect((await get(runtimeId)).json.data).toMatchObject({ status: 'UPDATE_FAILED', statusReason: 'image pull failed', memory: 4096 });
  });

  test('are deleted after their endpoints, and gone after some polls', async () => {
    const { runtimeId, endpointId } = lab.createRuntime({ name: 'agent' });
    const remove = (path: string, action: string): ReturnType<typeof control> => control(lab, 'DELETE', `/agents/runtimes/${runtimeId}${path}`, action);
    expect((await remove('', 'DeleteAgentRuntime')).json['message']).toContain('still has endpoints');
    expect((await remove(`/endpoints/${endpointId}`, 'DeleteAgentRuntimeEndpoint')).json.data).toMatchObject({ status: 'DELETING' });
    const endpoints = async (): Promise<unknown> => (await control(lab, 'GET', `/agents/runtimes/${runtimeId}/endpoints`, 'ListAgentRuntimeEndpoints')).json.data?.['total'];
    expect(await endpoints()).toBe(1);
    expect(await endpoints()).toBe(0);
    expect((await remove('', 'DeleteAgentRuntime')).status).toBe(202);
    expect((await get(runtimeId)).json.data).toMatchObject({ status: 'DELETING' });
    expect(await get(runtimeId)).toMatchObject({ status: 404, json: { code: 'ERR_NOT_FOUND' } });
  });
});

describe('versions', () => {
  test('are numbers as text, LATEST among them and not in numeric order', async () => {
    const { runtimeId } = lab.createRuntime({ name: 'agent' });
    const publish = (): ReturnType<typeof control> =>
      control(lab, 'POST', `/agents/runtimes/${runtimeId}/versions`, 'PublishRuntimeVersion', { description: '第二版 commit 1a2b', publisher: 'sluice' });
    expect((await publish()).json.data).toMatchObject({ agentRuntimeVersion: '2', description: '第二版 commit 1a2b' });
    for (let number = 3; number <= 10; number += 1) await publish();
    const versions = await control(lab, 'GET', `/agents/runtimes/${runtimeId}/versions?pageSize=100`, 'ListAgentRuntimeVersions');
    expect(versions.json.data?.items?.map((item) => item['agentRuntimeVersion']).slice(0, 4)).toEqual(['LATEST', '1', '10', '2']);
  });

  test('are frozen, and made only of a ready runtime', async () => {
    const { runtimeId } = lab.createRuntime({ name: 'agent' });
    await control(lab, 'PUT', `/agents/runtimes/${runtimeId}`, 'UpdateAgentRuntime', { memory: 4096 });
    const early = await control(lab, 'POST', `/agents/runtimes/${runtimeId}/versions`, 'PublishRuntimeVersion', {});
    expect(early.json['message']).toContain('UPDATING');
    expect((await get(runtimeId, '?agentRuntimeVersion=1')).json.data).toMatchObject({ memory: 2048, agentRuntimeVersion: '1' });
    expect((await get(runtimeId, '?agentRuntimeVersion=7')).status).toBe(404);
  });
});

describe('endpoints', () => {
  const path = (runtimeId: string, endpointId = ''): string => `/agents/runtimes/${runtimeId}/endpoints${endpointId === '' ? '' : `/${endpointId}`}`;

  test('are created on LATEST by default and show their public address', async () => {
    const { runtimeId } = lab.createRuntime({ name: 'agent' });
    const made = await control(lab, 'POST', path(runtimeId), 'CreateAgentRuntimeEndpoint', { agentRuntimeEndpointName: 'side' });
    expect(made.json.data).toMatchObject({
      targetVersion: 'LATEST',
      status: 'CREATING',
      endpointPublicUrl: `${lab.data}/agent-runtimes/agent/endpoints/side/invocations`,
    });
    const again = await control(lab, 'POST', path(runtimeId), 'CreateAgentRuntimeEndpoint', { agentRuntimeEndpointName: 'side' });
    expect([again.status, again.json['message']]).toEqual([400, 'agent runtime endpoint side already exists']);
  });

  test.each([
    [{ targetVersion: '9' }, 404],
    [{ targetVersion: '1', routingConfiguration: { versionWeights: [{ version: '9', weight: 0.1 }] } }, 404],
    [{ targetVersion: '1', routingConfiguration: { versionWeights: [{ version: '1', weight: 10 }] } }, 400],
  ])('refuse the routing %j', async (body, status) => {
    const { runtimeId, endpointId } = lab.createRuntime({ name: 'agent' });
    expect((await control(lab, 'PUT', path(runtimeId, endpointId), 'UpdateAgentRuntimeEndpoint', body)).status).toBe(status);
    expect(lab.routing('agent', 'Default')).toEqual({ targetVersion: '1', versionWeights: [] });
  });

  test.each([
    ['keep', [{ version: '1', weight: 0.1 }]],
    ['clear', []],
  ] as const)('%s their weights when a PUT sends none', async (absent, expected) => {
    await start({ mergeRule: { absent, empty: 'clear' } });
    const { runtimeId, endpointId } = lab.createRuntime({ name: 'agent' });
    const put = (body: object): ReturnType<typeof control> => control(lab, 'PUT', path(runtimeId, endpointId), 'UpdateAgentRuntimeEndpoint', body);
    await put({ targetVersion: 'LATEST', routingConfiguration: { versionWeights: [{ version: '1', weight: 0.1 }] } });
    await put({ targetVersion: '1' });
    expect(lab.routing('agent', 'Default')).toEqual({ targetVersion: '1', versionWeights: expected });
  });

  test('can fail, and can call themselves ACTIVE', async () => {
    await start({ endpointReady: 'ACTIVE' });
    const { runtimeId, endpointId } = lab.createRuntime({ name: 'agent' });
    const read = async (): Promise<unknown> => (await control(lab, 'GET', path(runtimeId, endpointId), 'GetAgentRuntimeEndpoint')).json.data;
    expect(await read()).toMatchObject({ status: 'ACTIVE' });
    lab.failNext('endpoint', 'no capacity');
    await control(lab, 'PUT', path(runtimeId, endpointId), 'UpdateAgentRuntimeEndpoint', { targetVersion: '1' });
    await read();
    expect(await read()).toMatchObject({ status: 'UPDATE_FAILED', statusReason: 'no capacity' });
  });
});

test.each([429, 400] as const)('throttling answers %i with a time to wait', async (status) => {
  lab.throttle({ requests: 1, status, retryAfterSeconds: 3 });
  const refused = await list();
  expect([refused.status, refused.json['Code'], refused.headers.get('x-acs-retry-after')]).toEqual([status, 'Throttling.User', '3']);
  expect((await list()).status).toBe(200);
});

test('workspaces and access tokens', async () => {
  const made = await control(lab, 'POST', '/workspaces', 'CreateWorkspace', { name: 'team' });
  const id = String(made.json.data?.['workspaceId']);
  expect((await control(lab, 'GET', '/workspaces?pageNumber=1&pageSize=10', 'ListWorkspaces')).json.data).toMatchObject({
    workspaces: [{ name: 'default', isDefault: true }, { name: 'team', isDefault: false }],
  });
  expect((await control(lab, 'GET', `/workspaces/${id}`, 'GetWorkspace')).json.data).toMatchObject({ name: 'team' });
  const token = await control(lab, 'GET', '/agents/accessToken?resourceName=agent&resourceType=runtime', 'GetAccessToken');
  expect(String(token.json.data?.['accessToken']).length).toBeGreaterThan(20);
});

test('another host name is not answered', async () => {
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    request(lab.control, { headers: { host: 'lab.example.com' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(421);
});
