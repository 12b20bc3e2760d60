import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { done, systemClock, type Arm, type HttpRequest, type Outcome, type Target } from '@sluice/core';
import type { LabAgentRunOptions, LogRules } from '@sluice/lab';
import { fixed } from '../src/credentials/session.ts';
import { hiderOf } from '../src/logs/masked.ts';
import { projectOrigin } from '../src/logs/place.ts';
import { countRequests, mostRows } from '../src/logs/request-metrics.ts';
import { sampleRatioFault } from '../src/logs/sample-ratio.ts';
import { signedLogHeaders } from '../src/logs/sign.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { agentYaml, must, overwrite, problemOf, startBench, type Bench } from './fixture.ts';

const never = new AbortController().signal;
/** official is a part of Alibaba Cloud's own client of Log Service, as that client finds it. */
const official = createRequire(createRequire(import.meta.url).resolve('@alicloud/sls20201230'));
const where = { project: 'orders-logs', logstore: 'requests' };

describe('a signature of Log Service', () => {
  test('is what the official client makes of the same request', () => {
    const body = JSON.stringify({ query: '*', from: 1, to: 2 });
    const headers = signedLogHeaders(
      { method: 'POST', url: 'https://p.cn-hangzhou.log.aliyuncs.com/logstores/l/logs', region: 'cn-hangzhou', body, at: Date.UTC(2026, 0, 2, 3, 4, 5) },
      { accessKeyId: 'AKtest', accessKeySecret: 'SKtest', securityToken: 'STStok' },
    );
    const Gateway = official('@alicloud/gateway-sls').default;
    const { authorization, ...sent } = headers;
    const request = { method: 'POST', pathname: '/logstores/l/logs', query: {}, headers: { ...sent, host: 'p.cn-hangzhou.log.aliyuncs.com' } };
    return expect(
      Gateway.prototype.getAuthorizationV4.call(new Gateway(), { request, configuration: { regionId: 'cn-hangzhou' } }, '20260102T030405Z', sent['x-log-content-sha256'], 'AKtest', 'SKtest'),
    ).resolves.toBe(authorization);
  });
});

describe('counting', () => {
  const row = (more: Readonly<Record<string, string>>) => ({ versionId: '1', qualifier: 'production', statusCode: '200', hasFunctionError: 'false', step: '460', requests: '10', ...more });

  test('makes arms of rows: errors, latencies to one per cent, and other doors left out', () => {
    const counted = countRequests([row({}), row({ versionId: '2', statusCode: '500', requests: '3' }), row({ versionId: '2', hasFunctionError: 'true', requests: '1' }), row({ versionId: '2', requests: '2' }), row({ versionId: '2', qualifier: 'sluice-production-v2', requests: '50' })], ['1', '2']);
    if (typeof counted === 'string') throw new Error(counted);
    expect(counted.arms.map(({ version, answers, errors }) => [version, answers, errors])).toEqual([['1', 10, 0], ['2', 6, 4]]);
    expect(counted.arms[1]?.latenciesMs).toHaveLength(2);
    expect(counted.arms[0]?.latenciesMs[0]).toBeCloseTo(99.98, 1);
    expect(counted).toMatchObject({ requests: 16, told: true, seen: ['1', '2'] });
  });

  test.each([
    ['no version', [row({ versionId: '' })], /10 of 10 requests do not say which version/],
    ['null for a version', [row({ versionId: 'null' })], /do not say which version/],
    ['other versions alone', [row({ versionId: '17' })], /name the versions 17 in versionId, and none of 1 and 2/],
    ['no readable status', [row({ statusCode: 'null' })], /no readable statusCode/],
    ['no count', [row({ requests: 'NaN' })], /has no count/],
    ['a cut answer', Array.from({ length: mostRows }, () => row({})), /incomplete/],
  ])('refuses rows with %s', (_name, rows, reason) => expect(countRequests(rows, ['1', '2'])).toMatch(reason));

  test('a latency that is no number is left out, and its request still counts', () => {
    const counted = countRequests([row({ step: 'null' }), row({ step: '' })], ['1']);
    expect(counted).toMatchObject({ arms: [{ answers: 20, latenciesMs: [] }] });
  });

  const arm = (version: string, answers: number): Arm => ({ version, answers, errors: 0, latenciesMs: [], tokens: [] });
  test.each([
    [10, 900, 100, false, undefined],
    [10, 850, 150, false, undefined],
    [10, 100, 900, false, /90 % of 1000 requests went to version 2, whose weight is 10 %/],
    [10, 100, 900, true, /90 %/],
    [10, 600, 400, false, /40 %/],
    [10, 600, 400, true, undefined],
    [50, 1000, 0, true, /0 % of 1000/],
    [10, 9, 90, false, undefined],
    [100, 1000, 0, false, undefined],
  ])('weight %p with %p and %p requests (probed %p)', (weight, stable, candidate, probed, fault) => {
    const found = sampleRatioFault(weight, arm('1', stable), arm('2', candidate), probed);
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(fault);
  });
});

test.each([
  [undefined, 'https://orders.cn-hangzhou.log.aliyuncs.com'],
  ['https://log.cloud.example', 'https://orders.log.cloud.example'],
  ['http://127.0.0.1:81', 'http://127.0.0.1:81'],
])('the address of a project at %p', (named, origin) => expect(projectOrigin('orders', 'cn-hangzhou', named)).toBe(origin));

test('values of environment variables are taken out of lines, short ones where the name promises a secret', () => {
  const hide = hiderOf({ environmentVariables: { CRM_TOKEN: 'abcd1', REGION: 'cn', URL: 'https://crm.internal' } });
  expect(hide('asked https://crm.internal with abcd1 in cn')).toBe('asked *** with *** in cn');
});

describe('on the lab', () => {
  let bench: Bench;
  let runtimeId: string;
  const open = async (options: LabAgentRunOptions = {}): Promise<void> => {
    bench = await startBench(options);
    ({ runtimeId } = bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production', logs: where, environmentVariables: { CRM_TOKEN: 'hunter2hunter2' } }));
  };
  beforeEach(() => open());
  afterEach(() => bench.close());

  const connected = async (): Promise<Target> => must(await bench.connect(bench.project.source(agentYaml())));

  const api = (): AgentRunApi => new AgentRunApi(new AgentRunClient({ http: bench.http, clock: systemClock(200), signal: never, credentials: fixed(bench.lab.credentials), control: bench.lab.control, readOnly: false }));

  /** split publishes a second version and gives it half of the users. */
  const split = async (): Promise<void> => {
    must(await api().publishVersion(runtimeId, 'second', []));
    const users = must(await api().findEndpoint(runtimeId, 'production'));
    must(await api().setRouting(runtimeId, users?.id ?? '', { targetVersion: '1', weights: [{ version: '2', weight: 0.5 }] }));
    for (let polls = 0; polls < 3; polls += 1) must(await api().findEndpoint(runtimeId, 'production'));
  };

  const ask = async (count: number, endpoint = 'production'): Promise<void> => {
    const url = `${bench.lab.data}/agent-runtimes/order-agent/endpoints/${endpoint}/invocations/openai/v1/chat/completions`;
    for (let index = 0; index < count; index += 1) {
      await bench.http.send({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }), tried: 'ask', repeatable: false });
    }
  };

  const read = async (rules: Partial<LogRules> = {}, target?: Target): Promise<Outcome<readonly Arm[]>> => {
    const { logs } = target ?? (await connected());
    if (logs === undefined) throw new Error('the target has no logs');
    bench.lab.setLogs(rules);
    return logs.read(['1', '2'], Date.now() - 60_000, Date.now() + 2000);
  };

  test("users' requests are counted by version, with errors and latencies", async () => {
    await split();
    bench.lab.setFaults('order-agent', '1', { errors: 1 });
    await ask(12);
    expect(must(await read()).map(({ version, answers, errors, latenciesMs }) => [version, answers, errors, latenciesMs.length])).toEqual([
      ['1', 6, 0, 6],
      ['2', 6, 3, 3],
    ]);
  });

  test('an answer that is not complete is asked for again', async () => {
    await ask(2);
    expect(must(await read({ incomplete: 3 }))[0]).toMatchObject({ answers: 2 });
    expect(problemOf(await read({ incomplete: 99 }))).toMatchObject({ category: 'evidence', reason: expect.stringContaining('did not complete its answer') });
  });

  test.each([
    ['request metrics off', { requestMetrics: false }, /no request of this window: request metrics are off, or their rows come late; CloudMonitor, which does not tell versions apart, has seen 3 requests of all versions, 0 % of them failed/],
    ['rows that lag', { lagMs: 60_000 }, /no request of this window/],
    ['metrics off and no CloudMonitor', { requestMetrics: false, measured: false }, /no request of this window; CloudMonitor has seen no request/],
    ['no index', { indexed: [] }, /has no index, so nothing in it can be counted; CloudMonitor, which/],
    ['a field without index', { indexed: ['__topic__', 'versionId', 'qualifier', 'statusCode', 'hasFunctionError'] }, /a field has no index.*durationMs/],
    ['rows without versions', { versionIds: false }, /3 of 3 requests do not say which version answered/],
  ])('%s is no evidence, never no errors', async (_name, rules, reason) => {
    await ask(3);
    const problem = problemOf(await read(rules));
    expect(problem).toMatchObject({ category: 'evidence', hint: expect.any(String) });
    expect(problem.reason).toMatch(reason);
  });

  test('requests through an endpoint of Sluice are not users', async () => {
    must(await api().createEndpoint(runtimeId, 'sluice-production-v1', '1', 'side'));
    for (let polls = 0; polls < 3; polls += 1) must(await api().findEndpoint(runtimeId, 'sluice-production-v1'));
    await ask(2);
    await ask(5, 'sluice-production-v1');
    expect(must(await read())[0]).toMatchObject({ answers: 2 });
    expect(must(await read({ qualifier: 'version' }))[0]).toMatchObject({ answers: 7 });
  });

  test('an agent whose logs nobody has set up lacks them, with the reason', async () => {
    bench.lab.createRuntime({ name: 'silent-agent' });
    const target = must(await bench.connect(bench.project.source(agentYaml().replace('order-agent', 'silent-agent'))));
    expect([target.logs, target.entries]).toEqual([undefined, undefined]);
    expect(target.lacking.logs).toContain('neither the runtime nor s.yaml names a project');
  });

  /** meddled changes the headers of what is sent to Log Service. */
  const meddled = async (headers: Readonly<Record<string, string>>): Promise<Outcome<readonly Arm[]>> => {
    await ask(1);
    const http = { ...bench.http, send: (request: HttpRequest) => bench.http.send(request.url.startsWith(bench.lab.logs) ? { ...request, headers: { ...request.headers, ...headers } } : request) };
    return read({}, must(await bench.connect(bench.project.source(agentYaml()), { http })));
  };

  test.each([
    ['a signature that is not taken', { authorization: 'none' }, 'permission', /may not read log store "requests"/, /log:GetLogStoreLogs/],
    ['a clock that is off', { 'x-log-date': '20200101T000000Z' }, 'input', /the clock of this machine differs/, /Set the clock/],
  ])('%s is said, with what to do', async (_name, headers, category, reason, hint) => {
    expect(await meddled(headers)).toMatchObject({
      ok: false,
      problem: { category, reason: expect.stringMatching(reason), hint: expect.stringMatching(hint), where: 'orders-logs/requests', answer: { requestId: expect.stringMatching(/^[0-9A-F]{24}$/) } },
    });
  });

  test('lines are shown with values of the environment taken out, the newest that were wanted, oldest first', async () => {
    for (let index = 0; index < 5; index += 1) bench.lab.writeLine('order-agent', '1', `订单 ${index} with hunter2hunter2`);
    const { entries } = await connected();
    if (entries === undefined) throw new Error('no entries');
    const window = { from: Date.now() - 60_000, to: Date.now() + 2000, failed: false };
    const found = must(await entries({ ...window, most: 3 }));
    expect(found.more).toBe(true);
    expect(found.entries.map(({ text, version }) => `${version} ${text}`)).toEqual(['1 订单 2 with ***', '1 订单 3 with ***', '1 订单 4 with ***']);
    expect(must(await entries({ ...window, most: 3, version: '2' })).entries).toEqual([]);
  });

  test('a line of a version whose values cannot be read is not shown', async () => {
    bench.lab.writeLine('order-agent', '1', 'one');
    bench.lab.writeLine('order-agent', '9', 'nine');
    const { entries } = await connected();
    const found = must((await entries?.({ from: Date.now() - 60_000, to: Date.now() + 2000, failed: false, most: 2 })) ?? done({ source: '', entries: [], more: false }));
    expect(found.entries.map(({ text }) => text)).toEqual(['one', expect.stringMatching(/^\(not shown: the values of this version/)]);
  });

  test('a runtime that fails is shown with the last lines of its log', async () => {
    bench.lab.writeLine('order-agent', '1', 'cannot reach the CRM with hunter2hunter2');
    bench.lab.failNext('runtime', 'the agent did not start');
    const target = await connected();
    const deployed = await target.deploy(bench.project.source(agentYaml()), overwrite);
    expect(deployed).toMatchObject({ ok: false, problem: { reason: expect.stringContaining('the agent did not start'), others: [{ reason: 'its log ends with: cannot reach the CRM with ***' }] } });
  });

  test('failed requests are shown by status', async () => {
    bench.lab.setFaults('order-agent', undefined, { errors: 1 });
    await ask(4);
    const { entries } = await connected();
    const found = must((await entries?.({ from: Date.now() - 60_000, to: Date.now() + 2000, failed: true, most: 100 })) ?? done({ source: '', entries: [], more: false }));
    expect(found.entries).toHaveLength(2);
    expect(found.entries[0]?.text).toMatch(/^HTTP 500, after \d+ ms, request 1-/);
  });

  test("the official client's signature is accepted, and a flipped byte refused", async () => {
    await ask(3);
    const { default: Sls, GetLogsV2Request, GetLogsV2Headers } = official('@alicloud/sls20201230');
    const { RuntimeOptions } = official('@alicloud/tea-util');
    const { accessKeyId, accessKeySecret } = bench.lab.credentials;
    const client = (secret: string) => new Sls({ accessKeyId, accessKeySecret: secret, endpoint: bench.lab.logs.replace('http://', ''), protocol: 'HTTP', regionId: 'cn-hangzhou', signatureVersion: 'v4' });
    const ours = { query: `__topic__: "FCRequestMetrics:/agentrun-${runtimeId}"`, from: Math.floor(Date.now() / 1000) - 60, to: Math.floor(Date.now() / 1000) + 2, line: 100, offset: 0 };
    const headers = new GetLogsV2Headers({ acceptEncoding: 'identity' });
    const answer = await client(accessKeySecret).getLogsV2WithOptions(undefined, 'requests', new GetLogsV2Request(ours), headers, new RuntimeOptions({}));
    expect(answer.body.data).toHaveLength(3);
    const flipped = `${accessKeySecret.slice(0, -1)}${accessKeySecret.endsWith('A') ? 'B' : 'A'}`;
    await expect(client(flipped).getLogsV2WithOptions(undefined, 'requests', new GetLogsV2Request(ours), headers, new RuntimeOptions({}))).rejects.toMatchObject({ code: 'SignatureNotMatch' });
  });
});
