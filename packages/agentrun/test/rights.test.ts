import { describe, expect, test } from '@jest/globals';
import { done, failed, systemClock, type HttpClient, type HttpRequest, type Outcome } from '@sluice/core';
import fc from 'fast-check';
import type { Signing } from '../src/credentials/session.ts';
import { longestPolicy, policyOf, stepRole, type Scope } from '../src/credentials/policy.ts';
import { trustPolicy } from '../src/credentials/token.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { stepRoles, type StepRole } from '../src/server/operations.ts';
import { regions } from '../src/source/regions.ts';
import { must, problemOf } from './fixture.ts';

const scope: Scope = { region: 'cn-hangzhou', account: '1234567890123456', workspace: '*', runtime: 'order-agent', endpoint: 'production' };
const name = (longest: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[a-zA-Z][a-zA-Z0-9_-]{0,${longest - 1}}$`));

describe('the least policy of a step', () => {
  test.each(stepRoles)('%s is valid JSON within what STS takes, whatever the names', (role) => {
    const scopes = fc.record({
      region: fc.constantFrom(...regions),
      account: fc.stringMatching(/^[0-9]{5,20}$/),
      workspace: fc.constant('*'),
      runtime: name(128),
      endpoint: name(64),
      logs: fc.record({ project: fc.stringMatching(/^[a-z0-9-]{3,63}$/), logstore: fc.stringMatching(/^[a-z0-9_-]{3,63}$/) }),
    });
    fc.assert(fc.property(scopes, (some) => {
      const text = JSON.stringify(policyOf(role, some));
      expect(text.length).toBeLessThanOrEqual(longestPolicy);
      expect(JSON.parse(text)).toMatchObject({ Version: '1' });
      expect(policyOf(role, some).Statement.every(({ Action, Resource }) => Action.length > 0 && Resource.length > 0)).toBe(true);
    }), { seed: 4, numRuns: 50, examples: [[{ region: 'cn-zhangjiakou', account: '9'.repeat(20), workspace: '*', runtime: 'r'.repeat(128), endpoint: 'e'.repeat(64), logs: { project: 'p'.repeat(63), logstore: 'l'.repeat(63) } }]] });
  });

  test('names the runtime and the endpoint where RAM can tell them', () => {
    expect(policyOf('rollback', scope).Statement).toContainEqual({
      Effect: 'Allow',
      Action: ['agentrun:UpdateAgentRuntimeEndpoint'],
      Resource: ['acs:agentrun:cn-hangzhou:1234567890123456:workspaces/*/runtimes/order-agent/runtime-endpoints/production'],
    });
  });

  test('lets steps that only look write nothing', () => {
    for (const role of ['validate', 'snapshot', 'versions', 'info', 'logs', 'notify'] as const) {
      expect(policyOf(role, scope).Statement.flatMap(({ Action }) => Action).filter((action) => !/:(?:Get|List)/.test(action))).toEqual([]);
    }
  });

  test('gives a release through s what both of its halves need', () => {
    const actions = (role: StepRole): readonly string[] => policyOf(role, scope).Statement.flatMap(({ Action }) => Action);
    expect(new Set(actions('release with s'))).toEqual(new Set([...actions('release'), ...actions('deploy with s')]));
    expect(actions('release with s')).toContain('fc:GetTempBucketToken');
    expect(JSON.stringify(policyOf('release with s', scope)).length).toBeLessThan(longestPolicy);
  });

  test.each([
    ['deploy', false, 'deploy'],
    ['deploy', true, 'deploy with s'],
    ['canary', true, 'canary'],
    ['release', true, 'release with s'],
    ['release', false, 'release'],
    ['a step to come', false, 'release'],
  ])('%s (through s: %p) has the rights of %s', (step, throughS, role) => expect(stepRole(step, throughS)).toBe(role));
});

test('a trust policy names provider, issuer, audience and job', () => {
  expect(trustPolicy('acs:ram::1:oidc-provider/ci', { issuer: 'https://ci.example', subject: 'repo:a/b' })).toEqual({
    Version: '1',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Federated: ['acs:ram::1:oidc-provider/ci'] }, Condition: { StringEquals: { 'oidc:iss': 'https://ci.example', 'oidc:aud': 'sts.aliyuncs.com', 'oidc:sub': 'repo:a/b' } } }],
  });
});

describe('credentials that a server calls expired', () => {
  const expired = [400, { Code: 'InvalidSecurityToken.Expired', Message: 'Specified SecurityToken is expired.' }] as const;
  const replayed = [400, { Code: 'SignatureNonceUsed', Message: 'Specified signature nonce was used already.' }] as const;
  const listed = [200, { data: { items: [] } }] as const;

  const ask = async (answers: readonly (readonly [number, object])[], write = false) => {
    const sent: HttpRequest[] = [];
    const http: HttpClient = {
      send: async (request) => {
        const [status, body] = answers[sent.push(request) - 1] ?? [500, {}];
        return done({ status, text: JSON.stringify(body), headers: { 'content-type': 'application/json' }, durationMs: 1 });
      },
      stream: () => Promise.reject(new Error('not used')),
      close: () => Promise.resolve(),
    };
    let renewals = 0;
    const keyOf = (number: number) => done({ accessKeyId: `key-${number}`, accessKeySecret: 'secret', securityToken: `token-${number}` });
    const credentials: Signing = { current: async () => keyOf(renewals), renewed: async () => (renewals === 2 ? failed({ category: 'permission', reason: 'gone' }) : keyOf((renewals += 1))) };
    const api = new AgentRunApi(new AgentRunClient({ http, clock: systemClock(1000), signal: new AbortController().signal, credentials, control: 'https://agentrun.cn-hangzhou.aliyuncs.com', readOnly: false }));
    const outcome: Outcome<unknown> = await (write ? api.publishVersion('ar-1', 'mine', []) : api.listVersions('ar-1'));
    return { outcome, sent, tokens: sent.map(({ headers }) => headers?.['x-acs-security-token']), renewals };
  };

  test('are renewed, and the call is signed anew', async () => {
    const { outcome, tokens } = await ask([expired, listed]);
    must(outcome);
    expect(tokens).toEqual(['token-0', 'token-1']);
  });

  test('are renewed once: a second refusal is a permission problem', async () => {
    const { outcome, tokens, renewals } = await ask([expired, expired, listed]);
    expect(problemOf(outcome).category).toBe('permission');
    expect([tokens.length, renewals]).toEqual([2, 1]);
  });

  test('a request that arrived twice is sent again with a new nonce when it only reads', async () => {
    const { outcome, sent } = await ask([replayed, listed]);
    must(outcome);
    expect(new Set(sent.map(({ headers }) => headers?.['x-acs-signature-nonce'])).size).toBe(2);
  });

  test('a publication that arrived twice is looked up and not sent again', async () => {
    const { outcome, sent } = await ask([replayed, [200, { data: { items: [{ agentRuntimeVersion: '2', description: 'mine' }] } }]], true);
    expect(must(outcome)).toMatchObject({ version: '2' });
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });
});
