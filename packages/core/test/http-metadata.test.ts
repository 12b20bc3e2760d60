import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HttpRequest } from '../src/http/client.ts';
import { createDispatcher, directly } from '../src/http/dispatcher.ts';
import { checkRequest, type RequestRules } from '../src/http/request-check.ts';

const rules: RequestRules = { loopbackOnly: false };
const ask = (url: string, metadata: boolean, given: RequestRules = rules) =>
  checkRequest({ method: 'GET', url, tried: 'read', headers: { 'x-aliyun-ecs-metadata-token': 't' }, ...(metadata ? { metadata: true } : {}) } satisfies HttpRequest, given);

describe("the instance's metadata service", () => {
  test.each(['http://100.100.100.200/latest/api/token', 'http://100.100.100.200:80/x', 'http://0x64.100.100.200/'])('%s is reached by a request that says so, whatever SLUICE_HOSTS lists', (url) => {
    expect(ask(url, true, { ...rules, credentialHosts: { bound: true, hosts: ['dify.example.com'] } }).ok).toBe(true);
  });

  test.each(['http://100.100.100.200/', 'https://100.100.100.200/', 'http://169.254.169.254/', 'http://[fd00:ec2::254]/', 'http://[fe80::1]/', 'http://0.0.0.0/'])('%s is refused to every other request', (url) => {
    expect(ask(url, false)).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringMatching(/link-local or metadata address/) } });
  });

  test.each([
    'https://100.100.100.200/',
    'http://100.100.100.200:8080/',
    'http://100.100.100.201/',
    'http://169.254.169.254/latest/',
    'http://[fd00:ec2::254]/',
    'http://127.0.0.1/',
    'http://100.100.100.200.example.com/',
    'http://example.com/100.100.100.200',
    'http://[::ffff:100.100.100.200]/',
    'https://agentrun.cn-hangzhou.aliyuncs.com/',
  ])('%s is not reached by a request for metadata', (url) => expect(ask(url, true)).toMatchObject({ ok: false, problem: { category: 'input' } }));

  test('no address but that one gets through as metadata', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6().map((address) => `[${address}]`), fc.domain());
    fc.assert(
      fc.property(fc.constantFrom('http', 'https'), host, fc.integer({ min: 1, max: 65_535 }), (scheme, name, port) => {
        const url = `${scheme}://${name}:${port}/`;
        fc.pre(URL.canParse(url) && new URL(url).origin !== 'http://100.100.100.200');
        expect(ask(url, true).ok).toBe(false);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  test('is out of reach of a rehearsal', () => {
    expect(ask('http://100.100.100.200/', true, { loopbackOnly: true })).toMatchObject({ ok: false, problem: { reason: expect.stringMatching(/this machine only/) } });
  });

  test('is asked past the proxies of the environment', async () => {
    const options = { loopbackOnly: false, proxyEnvironment: { http_proxy: 'http://proxy.example.com:3128' } };
    expect(directly(options)).toEqual({ loopbackOnly: false });
    const names = await Promise.all([options, directly(options)].map(async (one) => {
      const made = await createDispatcher(one);
      if (!made.ok) throw new Error(made.problem.reason);
      await made.value.destroy();
      return made.value.constructor.name;
    }));
    expect(names).toEqual(['EnvHttpProxyAgent', 'Agent']);
  });
});

describe('hosts that a platform works out by itself', () => {
  const bound = { bound: true, hosts: [], trusted: (host: string) => host === 'agentrun.cn-hangzhou.aliyuncs.com' };
  const sent = (url: string) => checkRequest({ method: 'GET', url, tried: 'read', headers: { authorization: 'ACS3 x' } }, { ...rules, credentialHosts: bound }).ok;

  test.each([
    ['https://agentrun.cn-hangzhou.aliyuncs.com/2025-09-10/agents/runtimes', true],
    ['http://agentrun.cn-hangzhou.aliyuncs.com/', false],
    ['https://agentrun.cn-hangzhou.aliyuncs.com:8443/', false],
    ['https://1.agentrun-data.cn-hangzhou.aliyuncs.com/', false],
  ])('%s may get a signature without being listed: %p', (url, may) => expect(sent(url)).toBe(may));
});
