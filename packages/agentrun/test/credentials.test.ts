import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, done, failed, systemClock, type Clock, type HttpClient, type HttpRequest } from '@sluice/core';
import { startLabAgentRun, type LabAgentRun, type Trust } from '@sluice/lab';
import { chooseSource, noCredentials } from '../src/credentials/chain.ts';
import { sessionName, sessionSeconds } from '../src/credentials/assume-role.ts';
import { ownHost } from '../src/credentials/own-host.ts';
import { CredentialSession } from '../src/credentials/session.ts';
import type { CredentialSource, Issued } from '../src/credentials/source.ts';
import { callerAccount, stsAddress } from '../src/credentials/sts.ts';
import { claimsOf } from '../src/credentials/token.ts';
import { must, problemOf } from './fixture.ts';
import { surroundings, unreachable, withInstance, type Around } from './identities.ts';

const clock = systemClock();
const signal = new AbortController().signal;
const job = 'repo:acme/orders:environment:production';

let lab: LabAgentRun;
let http: HttpClient;
let trust: Trust;
beforeAll(async () => {
  lab = await startLabAgentRun({ timeScale: 50 });
  http = createHttpClient({ clock, signal, userAgent: 'test', loopbackOnly: true });
  trust = lab.trustJob(job);
});
afterAll(async () => {
  await http.close();
  await lab.close();
});

const key = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'cloud-id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'cloud-secret' };
const role = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({ ALIBABA_CLOUD_ROLE_ARN: trust.roleArn, ALIBABA_CLOUD_OIDC_PROVIDER_ARN: trust.providerArn, ...more });
const chosen = (around: Around, notes: string[] = []) => chooseSource(surroundings(around), (line) => notes.push(line));
const obtained = async (around: Around) => must(chosen(around)).obtain();

describe('a key in the environment', () => {
  test.each([
    [{ ...key, AGENTRUN_ACCESS_KEY_ID: 'agentrun-id', AGENTRUN_ACCESS_KEY_SECRET: 'agentrun-secret' }, { accessKeyId: 'cloud-id', accessKeySecret: 'cloud-secret' }, 'the stored key in ALIBABA_CLOUD_ACCESS_KEY_ID'],
    [{ ALIYUN_ACCESS_KEY_ID: 'aliyun-id', ALIYUN_ACCESS_KEY_SECRET: 'aliyun-secret', ALIBABA_CLOUD_SECURITY_TOKEN: 'token-of-another-key' }, { accessKeyId: 'aliyun-id', accessKeySecret: 'aliyun-secret' }, 'the stored key in ALIYUN_ACCESS_KEY_ID'],
    [{ ...key, ALIBABA_CLOUD_SECURITY_TOKEN: 'cloud-token' }, { accessKeyId: 'cloud-id', accessKeySecret: 'cloud-secret', securityToken: 'cloud-token' }, 'the temporary key in ALIBABA_CLOUD_ACCESS_KEY_ID'],
  ])('%p is taken whole from one family of names', async (secrets, credentials, kind) => {
    expect(must(chosen({ secrets })).kind).toBe(kind);
    expect(must(await obtained({ secrets })).credentials).toEqual(credentials);
  });

  test('without its secret is refused, whatever else is set', () => {
    expect(problemOf(chosen({ secrets: { AGENTRUN_ACCESS_KEY_ID: 'some-id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'of-another' }, settings: role() }))).toMatchObject({ category: 'input', reason: 'the secret AGENTRUN_ACCESS_KEY_SECRET is not set' });
  });

  test('wins over a role, which is said', () => {
    const notes: string[] = [];
    expect(must(chosen({ secrets: key, settings: role() }, notes)).account).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(/stored key in ALIBABA_CLOUD_ACCESS_KEY_ID is used and no role is taken/)]);
  });
});

describe('a role by the identity token of the job', () => {
  const ways: readonly (readonly [string, () => Around])[] = [
    ['that the CI gives on request', () => ({ identityToken: async (audience) => done(lab.identityToken({ subject: job, audience })) })],
    ['in a variable', () => ({ secrets: { ALIBABA_CLOUD_OIDC_TOKEN: lab.identityToken({ subject: job }) } })],
    ['in a file', () => ({ settings: { ALIBABA_CLOUD_OIDC_TOKEN_FILE: '/run/token' }, files: { '/run/token': `${lab.identityToken({ subject: job })}\n` } })],
  ];

  test.each(ways)('%s gives temporary credentials of the account in its ARN, and all of them are masked', async (_way, way) => {
    const around = way();
    const parts = surroundings({ ...around, http, sts: lab.sts, settings: role(around.settings) });
    const source = must(chooseSource(parts, () => undefined));
    expect(source).toMatchObject({ account: lab.accountId, renews: true });
    const { credentials, expiresAt = 0 } = must(await source.obtain());
    expect(credentials.accessKeyId).toMatch(/^STS\./);
    expect(expiresAt - Date.now()).toBeGreaterThan(890_000);
    expect(parts.masked).toEqual(expect.arrayContaining([credentials.accessKeySecret, credentials.securityToken]));
    expect(parts.masked.some((one) => one.split('.').length === 3)).toBe(true);
    expect(must(await callerAccount({ http, clock, signal, sts: lab.sts }, credentials))).toBe(lab.accountId);
  });

  test('a token that was given by name comes before the one of the CI', async () => {
    const asked: string[] = [];
    const identityToken = async (audience: string) => (asked.push(audience), done('never.used.token'));
    must(await obtained({ http, sts: lab.sts, settings: role(), secrets: { ALIBABA_CLOUD_OIDC_TOKEN: lab.identityToken({ subject: job }) }, identityToken }));
    expect(asked).toEqual([]);
  });

  test.each([
    [{ subject: 'repo:acme/orders:ref:refs/heads/main' }, 'permission', /does not let this job take the role acs:ram::\d+:role\/release: There is no permission/, /sub=repo:acme\/orders:ref:refs\/heads\/main/],
    [{ audience: 'somebody-else' }, 'permission', /does not know the audience/, /Add the client id sts\.aliyuncs\.com .* aud=somebody-else/],
    [{ issuer: 'https://other.example' }, 'permission', /is of another issuer/, /iss=https:\/\/other\.example/],
    [{ seconds: -1 }, 'permission', /has expired/, /Start the job again/],
  ])('%p is refused with the claims and the trust policy, never with the token', async (claims, category, reason, hint) => {
    const token = lab.identityToken({ subject: job, ...claims });
    const refused = await obtained({ http, sts: lab.sts, settings: role(), identityToken: async () => done(token) });
    expect(problemOf(refused)).toMatchObject({ category, reason: expect.stringMatching(reason), hint: expect.stringMatching(hint) });
    const { issuer, subject } = claimsOf(token);
    expect(problemOf(refused).hint).toContain(`"oidc:iss":"${issuer}","oidc:aud":"sts.aliyuncs.com","oidc:sub":"${subject}"`);
    for (const part of token.split('.')) expect(JSON.stringify(refused)).not.toContain(part);
  });

  test.each([
    [{ ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'acs:ram::1:oidc-provider/other' }, 'permission', /does not know the identity provider acs:ram::1:oidc-provider\/other/],
    [{ ALIBABA_CLOUD_ROLE_ARN: 'acs:ram::1:role/gone' }, 'input', /there is no RAM role acs:ram::1:role\/gone/],
  ])('%p is refused', async (settings, category, reason) => {
    expect(problemOf(await obtained({ http, sts: lab.sts, settings: role(settings), identityToken: async () => done(lab.identityToken({ subject: job })) }))).toMatchObject({ category, reason: expect.stringMatching(reason) });
  });

  test.each([
    [{ settings: { ALIBABA_CLOUD_ROLE_ARN: 'acs:ram::1:role/a' } }, /ALIBABA_CLOUD_OIDC_PROVIDER_ARN is not/],
    [{ settings: { ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'acs:ram::1:oidc-provider/a' } }, /ALIBABA_CLOUD_ROLE_ARN is not/],
    [{ settings: { ALIBABA_CLOUD_ROLE_ARN: 'release', ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'acs:ram::1:oidc-provider/a' } }, /is no ARN of a RAM role/],
  ])('half a set-up, %p, is refused before anything else is tried', (around, reason) => {
    expect(problemOf(chosen({ ...around, secrets: { ALIBABA_CLOUD_CREDENTIALS_URI: lab.credentialsUri } }))).toMatchObject({ category: 'input', reason: expect.stringMatching(reason) });
  });

  test.each([
    [{}, /no identity token/, /id-token: write.*id_tokens: \{ ALIBABA_CLOUD_OIDC_TOKEN: \{ aud: sts\.aliyuncs\.com \} \}/],
    [{ secrets: { ALIBABA_CLOUD_OIDC_TOKEN: '  ' } }, /no identity token/, /id_tokens/],
    [{ settings: { ALIBABA_CLOUD_OIDC_TOKEN_FILE: '/run/none' } }, /does not exist/, /^$/],
    [{ settings: { ALIBABA_CLOUD_OIDC_TOKEN_FILE: '/run/blank' }, files: { '/run/blank': '\n' } }, /is empty/, /the identity token and nothing else/],
  ])('no token, %p, says how a job gets one', async (around: Around, reason, hint) => {
    expect(problemOf(await obtained({ ...around, settings: role(around.settings) }))).toMatchObject({ category: 'input', reason: expect.stringMatching(reason), hint: expect.stringMatching(hint) });
  });

  test('a CI that refuses a token is quoted', async () => {
    const refused = failed({ category: 'permission', reason: 'this job may not get an identity token' });
    expect(problemOf(await obtained({ settings: role(), identityToken: async () => refused })).reason).toContain('may not get');
  });

  test.each([
    [300_000, 900],
    [1_200_000, 1500],
    [5_400_000, 3600],
  ])('a session of a step of %i ms lasts %i s', (deadlineMs, seconds) => expect(sessionSeconds(deadlineMs)).toBe(seconds));

  test.each([['orders-production', 'orders-production'], ['x', 'x-'], ['a b/中', 'a-b--'], ['n'.repeat(80), 'n'.repeat(64)]])('the session of %s is named %s', (name, session) => expect(sessionName(name)).toBe(session));
});

describe('an address of credentials', () => {
  test('gives temporary ones', async () => {
    const parts = surroundings({ http, secrets: { ALIBABA_CLOUD_CREDENTIALS_URI: lab.credentialsUri } });
    const { credentials } = must(await must(chooseSource(parts, () => undefined)).obtain());
    expect(must(await callerAccount({ http, clock, signal, sts: lab.sts }, credentials))).toBe(lab.accountId);
    expect(parts.masked).toContain(credentials.accessKeySecret);
  });

  test.each(['http://10.0.0.1/credentials', 'ftp://127.0.0.1/', 'nonsense', 'http://127.0.0.1.example.com/'])('%s is refused', (address) => {
    expect(problemOf(chosen({ secrets: { ALIBABA_CLOUD_CREDENTIALS_URI: address } })).reason).toMatch(/neither an https address nor one of this machine/);
  });

  test.each([
    [500, '{}', 'platform', /gives no credentials/],
    [403, 'no', 'permission', /gives no credentials/],
    [200, '<html>', 'platform', /something else than JSON/],
    [200, '{"AccessKeyId":"half-an-id"}', 'platform', /holds no AccessKeyId, AccessKeySecret and SecurityToken/],
  ])('an answer %i %s is a problem that quotes nothing of it', async (status, text, category, reason) => {
    const answering: HttpClient = { ...unreachable, send: async () => done({ status, text, headers: {}, durationMs: 1 }) };
    const outcome = await obtained({ http: answering, secrets: { ALIBABA_CLOUD_CREDENTIALS_URI: 'https://credentials.example.com/' } });
    expect(problemOf(outcome)).toMatchObject({ category, reason: expect.stringMatching(reason) });
    expect(JSON.stringify(outcome)).not.toContain('half-an-id');
  });
});

describe('the role of the instance', () => {
  test.each([[{}, 3], [{ ALIBABA_CLOUD_ECS_METADATA: 'lab-instance' }, 2]])('with the settings %p takes %i requests, each with a token of the service', async (settings, requests) => {
    const asked = withInstance(http, lab);
    const { credentials } = must(await obtained({ http: asked, settings }));
    expect(must(await callerAccount({ http, clock, signal, sts: lab.sts }, credentials))).toBe(lab.accountId);
    expect(asked.sent.map(({ method }) => method)).toEqual(['PUT', ...Array.from({ length: requests - 1 }, () => 'GET')]);
    expect(asked.sent.every(({ metadata, url }) => metadata === true && url.startsWith('http://100.100.100.200/latest/'))).toBe(true);
    expect(asked.sent[0]).toMatchObject({ deadlineMs: 1000, repeatable: false });
    expect(asked.sent.slice(1).every(({ headers }) => (headers?.['x-aliyun-ecs-metadata-token'] ?? '').length > 20)).toBe(true);
  });

  test('is never asked without a token of the service', async () => {
    const sent: HttpRequest[] = [];
    const old: HttpClient = { ...unreachable, send: async (request) => (sent.push(request), done({ status: 404, text: '', headers: {}, durationMs: 1 })) };
    expect(problemOf(await obtained({ http: old }))).toMatchObject({ reason: expect.stringMatching(/gives no token/), hint: expect.stringMatching(/IMDSv2/) });
    expect(sent).toHaveLength(1);
  });

  test.each([
    [{ ALIBABA_CLOUD_ECS_METADATA: 'another-role' }, /no credentials of the role another-role/],
    [{ ALIBABA_CLOUD_ECS_METADATA: '../../user-data' }, /no RAM role/],
  ])('that does not fit the settings %p is a problem', async (settings, reason) => {
    expect(problemOf(await obtained({ http: withInstance(http, lab), settings })).reason).toMatch(reason);
  });
});

describe('nothing at all', () => {
  const names = /ALIBABA_CLOUD_ACCESS_KEY_ID, AGENTRUN_ACCESS_KEY_ID and ALIYUN_ACCESS_KEY_ID are not set; ALIBABA_CLOUD_ROLE_ARN is not set; ALIBABA_CLOUD_CREDENTIALS_URI is not set; /;

  test('names everything that was looked at', async () => {
    const outcome = await obtained({});
    expect(outcome).toMatchObject({ ok: false, problem: { category: 'input', reason: noCredentials, where: expect.stringMatching(names) } });
    expect(JSON.stringify(outcome)).toContain('no ECS instance answers at 100.100.100.200');
  });

  test.each(['true', 'TRUE', '1'])('with ALIBABA_CLOUD_ECS_METADATA_DISABLED=%s asks no instance', (value) => {
    expect(chosen({ settings: { ALIBABA_CLOUD_ECS_METADATA_DISABLED: value } })).toMatchObject({ ok: false, problem: { reason: noCredentials, where: expect.stringMatching(/keeps the instance from being asked/) } });
  });
});

describe('a session', () => {
  const at = (now: () => number): Clock => ({ ...clock, now });
  const counted = (life: number | undefined, now: () => number): CredentialSource & { asked: number } => ({
    kind: 'a source',
    renews: true,
    asked: 0,
    async obtain() {
      this.asked += 1;
      await Promise.resolve();
      const issued: Issued = { credentials: { accessKeyId: 'i', accessKeySecret: 's', securityToken: `token-${this.asked}` } };
      return done(life === undefined ? issued : { ...issued, expiresAt: now() + life });
    },
  });

  test('asks once for many, and again when less than five minutes remain', async () => {
    let now = 1e12;
    const source = counted(900_000, () => now);
    const session = new CredentialSession(source, at(() => now));
    await Promise.all([session.current(), session.current(), session.current()]);
    now += 600_000;
    must(await session.current());
    expect(source.asked).toBe(1);
    now += 1;
    expect(must(await session.current()).securityToken).toBe('token-2');
  });

  test('does not ask at each request where credentials never last that long', async () => {
    let now = 1e12;
    const source = counted(120_000, () => now);
    const session = new CredentialSession(source, at(() => now));
    for (let request = 0; request < 10; request += 1, now += 1000) must(await session.current());
    expect(source.asked).toBe(1);
  });

  test('keeps what it has while it still lasts, when no other can be had', async () => {
    let now = 1e12;
    const source = { ...counted(900_000, () => now), obtain: counted(900_000, () => now).obtain };
    const session = new CredentialSession(source, at(() => now));
    must(await session.current());
    source.obtain = async () => failed({ category: 'platform', reason: 'away' });
    now += 800_000;
    expect(must(await session.current()).securityToken).toBe('token-1');
    now += 200_000;
    expect(problemOf(await session.current()).reason).toBe('away');
  });

  test('renews for many who were refused at once with one question', async () => {
    const source = counted(undefined, () => 0);
    const session = new CredentialSession(source, clock);
    const old = must(await session.current());
    const renewed = await Promise.all([session.renewed(old), session.renewed(old)]);
    expect(renewed.map((one) => must(one).securityToken)).toEqual(['token-2', 'token-2']);
    expect(must(await session.renewed(old)).securityToken).toBe('token-2');
    expect(source.asked).toBe(2);
  });

  test('with a key that was handed in cannot be renewed', async () => {
    const session = new CredentialSession(must(chosen({ secrets: { ...key, ALIBABA_CLOUD_SECURITY_TOKEN: 'ended-token' } })), clock);
    expect(problemOf(await session.renewed(must(await session.current())))).toMatchObject({ category: 'permission', reason: 'the security token of the temporary key in ALIBABA_CLOUD_ACCESS_KEY_ID has expired', hint: expect.stringMatching(/identity token/) });
  });
});

test('STS is that of the region unless sluice.yml names one', () => {
  expect(stsAddress('cn-shanghai', undefined)).toBe('https://sts.cn-shanghai.aliyuncs.com');
  expect(stsAddress('cn-shanghai', 'https://sts.example.com/')).toBe('https://sts.example.com');
});

test.each([
  ['agentrun.cn-hangzhou.aliyuncs.com', true],
  ['sts.eu-central-1.aliyuncs.com', true],
  ['metrics.us-west-1.aliyuncs.com', true],
  ['aliyun-serverless-1-cn-hangzhou.cn-hangzhou.log.aliyuncs.com', true],
  ['1234567890.agentrun-data.cn-hangzhou.aliyuncs.com', false],
  ['bucket.oss-cn-hangzhou.aliyuncs.com', false],
  ['1234567890.cn-hangzhou.fc.aliyuncs.com', false],
  ['agentrun.cn-nowhere.aliyuncs.com', false],
  ['agentrun.cn-hangzhou.aliyuncs.com.example.com', false],
  ['x.agentrun.cn-hangzhou.aliyuncs.com', false],
  ['a.b.cn-hangzhou.log.aliyuncs.com', false],
  ['aliyuncs.com', false],
])('%s is a host of the platform itself: %p', (host, own) => expect(ownHost(host)).toBe(own));

test.each(['', 'a.b', 'a.!!!.c', `x.${Buffer.from('7').toString('base64url')}.y`, `x.${Buffer.from('{"sub":5}').toString('base64url')}.y`])('a token "%s" that says nothing has empty claims', (token) => {
  expect(claimsOf(token)).toEqual({ issuer: '', subject: '', audience: '' });
});
