import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { done, failed, systemClock, type Clock, type HttpClient, type HttpRequest, type HttpResponse, type Outcome, type Question, type Target } from '@sluice/core';
import { mayHaveKey } from '../src/server/address.ts';
import { fixed } from '../src/credentials/session.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { contextOf, type AgentRunContext } from '../src/server/context.ts';
import { connect } from '../src/server/connect.ts';
import { waitReady } from '../src/server/wait.ts';
import { AgentRunSource } from '../src/source/source.ts';
import { agentYaml, environmentOf, must, noIdentity, overwrite, problemOf, secretsOf, startBench, type Bench } from './fixture.ts';

const quiet = new AbortController().signal;
const question: Question = { query: 'hello', inputs: {}, user: 'u', streaming: false };

/** countingClock counts the waits and takes no time. */
const countingClock = (): Clock & { readonly slept: number[] } => {
  const slept: number[] = [];
  return {
    slept,
    factor: 1,
    now: () => Date.parse('2026-01-02T03:04:05Z'),
    elapsed: () => 0,
    sleep: (milliseconds) => {
      slept.push(milliseconds);
      return Promise.resolve();
    },
  };
};

const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse => ({ status, headers, text: typeof body === 'string' ? body : JSON.stringify(body), durationMs: 1 });
const lost = failed({ category: 'platform', reason: 'the connection was cut' });

/** scripted answers requests from a list, and keeps them. */
const scripted = (...answers: readonly (HttpResponse | typeof lost)[]): HttpClient & { readonly sent: HttpRequest[] } => {
  const sent: HttpRequest[] = [];
  return {
    sent,
    send: (request) => {
      const next = answers[sent.length];
      sent.push(request);
      if (next === undefined) throw new Error(`no answer for ${request.method} ${request.url}`);
      return Promise.resolve('ok' in next ? next : done(next));
    },
    stream: () => Promise.reject(new Error('not used')),
    close: () => Promise.resolve(),
  };
};

const apiOver = (http: HttpClient, clock: Clock = countingClock()): AgentRunApi =>
  new AgentRunApi(new AgentRunClient({ http, clock, signal: quiet, credentials: fixed({ accessKeyId: 'id', accessKeySecret: 'secret' }), control: 'https://agentrun.cn-hangzhou.aliyuncs.com', readOnly: false }));

const versionItem = (version: string, description: string): object => ({ agentRuntimeVersion: version, description });
const listOf = (items: readonly object[], total = items.length): HttpResponse => answer(200, { code: 'SUCCESS', data: { items, total } });

describe('calls', () => {
  test('a read is tried again after 5xx and a lost connection, each time with a new nonce', async () => {
    const http = scripted(answer(503, 'busy'), lost, listOf([versionItem('1', '')]));
    expect(must(await apiOver(http).listVersions('ar-1'))).toHaveLength(1);
    const nonces = http.sent.map(({ headers }) => headers?.['x-acs-signature-nonce']);
    expect(new Set(nonces).size).toBe(3);
    expect(http.sent.every(({ repeatable }) => repeatable === false)).toBe(true);
  });

  test('a read that stays impossible ends after four tries', async () => {
    const http = scripted(...Array.from({ length: 4 }, () => answer(500, { code: 'ERR_INTERNAL_SERVER_ERROR' })));
    expect(problemOf(await apiOver(http).listVersions('ar-1'))).toMatchObject({ category: 'platform', reason: 'AgentRun failed with HTTP 500', hint: expect.stringMatching(/again/) });
  });

  test('the wait is as long as the server asks', async () => {
    const clock = countingClock();
    const http = scripted(answer(429, {}, { 'retry-after': '7' }), answer(400, { Code: 'Throttling' }, { 'x-acs-retry-after': '3' }), listOf([]));
    must(await apiOver(http, clock).listVersions('ar-1'));
    expect(clock.slept).toEqual([7000, 3000]);
  });

  test('a publication whose answer was lost is looked up and not sent again', async () => {
    const http = scripted(lost, listOf([versionItem('LATEST', ''), versionItem('1', 'old'), versionItem('2', 'mine')]));
    expect(must(await apiOver(http).publishVersion('ar-1', 'mine', [{ version: '1', description: 'old', lastUpdatedAt: '' }]))).toMatchObject({ version: '2' });
    expect(http.sent.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  test('a publication that was not done is reported, and an older version of the same name is not taken for it', async () => {
    const http = scripted(answer(502, ''), listOf([versionItem('1', 'mine')]));
    expect(problemOf(await apiOver(http).publishVersion('ar-1', 'mine', [{ version: '1', description: 'mine', lastUpdatedAt: '' }])).category).toBe('platform');
    expect(http.sent).toHaveLength(2);
  });

  test('a creation that was refused is not looked up', async () => {
    const http = scripted(answer(400, { code: 'ERR_VALIDATION_FAILED', message: 'CPU is required', requestId: 'r' }));
    const outcome = await apiOver(http).createRuntime('a', {});
    expect(outcome).toMatchObject({ ok: false, problem: { answer: { status: 400, message: 'CPU is required', requestId: 'r' } } });
    expect(http.sent).toHaveLength(1);
  });

  test('lists are read to their end and sorted by number', async () => {
    const page = (from: number, size: number): object[] => Array.from({ length: size }, (_, index) => versionItem(String(from + index), ''));
    const http = scripted(listOf([versionItem('LATEST', ''), ...page(1, 99)], 131), listOf(page(100, 31), 131));
    const versions = must(await apiOver(http).listVersions('ar-1'));
    expect(versions.map(({ version }) => version).slice(0, 3)).toEqual(['130', '129', '128']);
    expect(versions).toHaveLength(130);
    expect(http.sent.map(({ url }) => new URL(url).searchParams.get('pageNumber'))).toEqual(['1', '2']);
  });

  test.each([
    ['a web page', answer(200, '<html>'), 'HTML, not JSON'],
    ['JSON of something else', answer(200, '[1]'), 'no answer of AgentRun'],
    ['an error in a good status', answer(200, { code: 'ERR_BAD_REQUEST', message: 'no' }), 'refused'],
    ['another shape', answer(200, { data: { items: [{ x: 1 }] } }), 'does not know'],
    ['a redirect', answer(302, ''), 'a redirect, not JSON'],
  ])('%s is a problem', async (_name, response, said) => {
    expect(problemOf(await apiOver(scripted(response)).listVersions('ar-1')).reason).toContain(said);
  });

  test('an empty code on a good status is fine', async () => {
    expect(must(await apiOver(scripted(answer(200, { code: '', data: { items: [] } }))).listVersions('ar-1'))).toEqual([]);
  });
});

describe('waitReady', () => {
  const wait = (statuses: readonly string[], clock: Clock, signal = quiet): Promise<Outcome<{ status: string; statusReason: string }>> => {
    let asked = 0;
    return waitReady({ what: 'runtime ar-1', deadlineMs: 60_000, clock, signal, log: () => undefined, read: () => Promise.resolve(done({ status: statuses[asked++] ?? statuses.at(-1) ?? '', statusReason: 'because' })) });
  };

  test('pauses grow from 3 s to 10 s', async () => {
    const clock = countingClock();
    must(await wait(['CREATING', 'CREATING', 'UPDATING', 'UPDATING', 'UPDATING', 'ACTIVE'], clock));
    expect(clock.slept).toEqual([3000, 4500, 6750, 10_000, 10_000]);
  });

  test.each(['CREATE_FAILED', 'UPDATE_FAILED', 'FAILED'])('%s ends it at once with the reason', async (status) => {
    const clock = countingClock();
    expect(problemOf(await wait(['CREATING', status], clock))).toMatchObject({ category: 'platform', reason: `runtime ar-1 is ${status}: because` });
    expect(clock.slept).toHaveLength(1);
  });

  test.each(['UPDATING', ''])('state "%s" for ever is a timeout', async (status) => {
    expect(problemOf(await wait([status], countingClock())).category).toBe('timeout');
  });

  test('a cancelled wait says so', async () => {
    expect(problemOf(await wait(['UPDATING'], countingClock(), AbortSignal.abort())).category).toBe('cancelled');
  });
});

describe('on the data plane', () => {
  let bench: Bench;
  let target: Target;
  let context: AgentRunContext;
  const seen: HttpRequest[] = [];
  beforeAll(async () => {
    bench = await startBench();
    const source = bench.project.source(agentYaml());
    if (!(source instanceof AgentRunSource)) throw new Error('not a source of AgentRun');
    bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
    const spy: HttpClient = { ...bench.http, send: (request) => (seen.push(request), bench.http.send(request)), stream: (request) => (seen.push(request), bench.http.stream(request)) };
    target = must(await bench.connect(source, { http: spy, secrets: { AGENTRUN_API_KEY: bench.lab.apiKey } }));
    context = contextOf({ http: spy, clock: countingClock(), signal: quiet, credentials: fixed(bench.lab.credentials), control: bench.lab.control, source, endpoint: 'production', auth: 'key', weights: 'ratio', evict: false, readOnly: false, apiKey: 'k', log: () => undefined });
  });
  afterAll(() => bench.close());

  test('no credential of the account is sent, and each question has a session of its own', async () => {
    const opened = must(await target.open('live'));
    seen.length = 0;
    must(await opened.ask(question, quiet));
    must(await opened.ask({ ...question, streaming: true }, quiet));
    expect(seen).toHaveLength(2);
    for (const { headers, url } of seen) {
      expect(url.startsWith(bench.lab.data)).toBe(true);
      expect(JSON.stringify(headers)).not.toContain(bench.lab.credentials.accessKeyId);
      expect(headers).toMatchObject({ 'x-api-key': bench.lab.apiKey });
    }
    expect(seen[0]?.headers?.['x-agentrun-session-id']).not.toBe(seen[1]?.headers?.['x-agentrun-session-id']);
    expect(problemOf(await opened.ask({ inputs: {}, user: 'u', streaming: false }, quiet)).category).toBe('input');
  });

  test.each([
    ['https://1.agentrun-data.cn-hangzhou.aliyuncs.com/x', undefined, true],
    ['http://1.agentrun-data.cn-hangzhou.aliyuncs.com/x', undefined, false],
    ['https://evil.example.com/.aliyuncs.com', undefined, false],
    ['https://aliyuncs.com.evil.example.com/', undefined, false],
    ['https://data.internal.example.com/a', 'https://data.internal.example.com', true],
    ['https://1.agentrun-data.cn-hangzhou.aliyuncs.com/x', 'https://data.internal.example.com', false],
    ['no url', undefined, false],
  ])('the API key may go to %s with data %s: %s', (address, data, expected) => {
    expect(mayHaveKey(data === undefined ? context : { ...context, data }, address)).toBe(expected);
  });

  test('a run that is being cancelled still puts users back', async () => {
    must(await target.deploy(bench.project.source(agentYaml()), overwrite));
    must(await target.publish({ name: '2', marks: {} }));
    const cancelled = new AbortController();
    const unused = (): Promise<Outcome<never>> => Promise.reject(new Error('not used'));
    const other = must(
      await connect({
        name: 'orders-production',
        ...noIdentity,
        environment: environmentOf({ endpoint: 'production', control: bench.lab.control }),
        http: bench.http,
        clock: systemClock(200),
        signal: cancelled.signal,
        secrets: secretsOf({ ALIBABA_CLOUD_ACCESS_KEY_ID: bench.lab.credentials.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: bench.lab.credentials.accessKeySecret }),
        commands: { run: unused },
        files: { read: unused, write: unused },
        log: () => undefined,
        readOnly: false,
        source: bench.project.source(agentYaml()),
      }),
    );
    must(await other.restore('2', {}));
    cancelled.abort();
    must((await other.traffic?.set({ stable: '2', weight: 0 }, { stable: '1', candidate: '2', weight: 5 })) ?? done(undefined));
    expect(bench.lab.routing('order-agent', 'production').versionWeights).toHaveLength(1);
    must(await other.restore('1', {}));
    expect(bench.lab.routing('order-agent', 'production').versionWeights).toEqual([]);
    expect(bench.lab.routing('order-agent', 'production').targetVersion).toBe('1');
  });
});
