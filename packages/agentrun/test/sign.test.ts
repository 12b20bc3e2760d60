import { describe, expect, test } from '@jest/globals';
import { encode, queryText, signedHeaders } from '../src/server/sign.ts';

const request = {
  method: 'PUT',
  url: 'https://agentrun.cn-hangzhou.aliyuncs.com/2025-09-10/agents/runtimes/ar-1/endpoints/are-1',
  action: 'UpdateAgentRuntimeEndpoint',
  version: '2025-09-10',
  body: '{"targetVersion":"1","routingConfiguration":{"versionWeights":[{"version":"2","weight":0.1}]}}',
  at: Date.parse('2026-01-02T03:04:05.678Z'),
  nonce: 'nonce-1',
};

describe('signedHeaders', () => {
  test('equals the signature of the official client', () => {
    const headers = signedHeaders(request, { accessKeyId: 'AKtest', accessKeySecret: 'SKtest', securityToken: 'STStok' });
    expect(headers['authorization']).toMatch(/,Signature=b17f0ddc6909fa0ae80d5746c910325a9a190e2f4e4acb276a26f0b9a680b4ce$/);
    expect(headers['x-acs-date']).toBe('2026-01-02T03:04:05Z');
  });

  test('without a token and a body it signs neither', () => {
    const headers = signedHeaders({ ...request, method: 'GET', body: '' }, { accessKeyId: 'AKtest', accessKeySecret: 'SKtest' });
    expect(Object.keys(headers).sort()).toEqual(['authorization', 'x-acs-action', 'x-acs-content-sha256', 'x-acs-date', 'x-acs-signature-nonce', 'x-acs-version']);
    expect(headers['x-acs-content-sha256']).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });
});

test.each([
  [{ b: '2', a: '1' }, 'a=1&b=2'],
  [{ name: "a b+c!'()*~" }, 'name=a%20b%2Bc%21%27%28%29%2A~'],
  [{ name: '订单' }, 'name=%E8%AE%A2%E5%8D%95'],
  [{}, ''],
])('queryText of %j', (query, text) => {
  expect(queryText(query)).toBe(text);
});

test('encode gives what a URL keeps as it is', () => {
  const path = ['a b', '订单', "x!'()*"].map(encode).join('/');
  expect(new URL(`https://example.com/${path}`).pathname).toBe(`/${path}`);
});
