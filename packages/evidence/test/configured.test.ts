import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCommandRunner, createHttpClient, systemClock, type CountingCommandConfig, type PrometheusConfig } from '@sluice/core';
import { countingCommand, prometheusSource } from '../src/index.ts';

const clock = systemClock();
const open = new AbortController().signal;

type Points = readonly (readonly [number, number])[];

interface Counter {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: Points;
}

/** answering is what the server says next, by the metric that is asked for; `seen` are its requests. */
const answering: { body: (metric: string) => unknown; status: number; seen: URL[]; authorization: string[] } = { body: () => ({}), status: 200, seen: [], authorization: [] };

let server: Server;
let url = '';
beforeAll(async () => {
  server = createServer((request, response) => {
    const asked = new URL(request.url ?? '/', url);
    answering.seen.push(asked);
    answering.authorization.push(request.headers.authorization ?? '');
    const metric = /^[a-z_]+/.exec(asked.searchParams.get('query') ?? '')?.[0] ?? '';
    const body = answering.body(metric);
    response.writeHead(answering.status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  Object.assign(answering, { body: () => ({}), status: 200, seen: [], authorization: [] });
});

const matrix = (counters: readonly Counter[]): unknown => ({
  status: 'success',
  data: { resultType: 'matrix', result: counters.map(({ labels, points }) => ({ metric: labels, values: points.map(([at, value]) => [at, String(value)]) })) },
});

const config = (more: Partial<PrometheusConfig> = {}): PrometheusConfig => ({ url, answers: 'answers_total{app="bot"}', errors: { code: '5..' }, version: 'version', unit: 'request', ...more });

const http = () => createHttpClient({ clock, loopbackOnly: true, signal: open, userAgent: 'sluice' });

const observe = async (given: Partial<PrometheusConfig> = {}, token?: string, from = 1_000_000, to = 1_060_000) => {
  const client = http();
  const source = prometheusSource('prometheus', config(given), { http: client, clock, ...(token === undefined ? {} : { token }) }, 'v1', 'v2');
  try {
    return await source.observe(from, to, open);
  } finally {
    await client.close();
  }
};

const counter = (version: string, code: string, points: Points, instance = 'a'): Counter => ({ labels: { version, code, job: 'bot', instance }, points });

const both = (more: readonly Counter[] = []): readonly Counter[] => [
  counter('v1', '200', [[995, 100], [1010, 130], [1055, 190]]),
  counter('v2', '200', [[995, 10], [1055, 19]]),
  ...more,
];

const counted = (answers: number, errors: number, values = {}) => ({ answers, errors, latenciesMs: [], tokens: [], ...values });

describe('counts from Prometheus', () => {
  test.each<[string, readonly Counter[], unknown]>([
    ['growth between the samples that were current at both ends', both(), { stable: counted(90, 0), candidate: counted(9, 0) }],
    ['an error whose counter appears with it', both([counter('v2', '500', [[1055, 1]])]), { stable: counted(90, 0), candidate: counted(10, 1) }],
    ['a counter that began again', both([counter('v1', '503', [[995, 7], [1020, 9], [1050, 4]])]), { stable: counted(96, 6), candidate: counted(9, 0) }],
    ['a target that was scraped first in this window counts from its first sample', both([counter('v2', '500', [[1020, 900], [1055, 902]], 'b')]), { stable: counted(90, 0), candidate: counted(11, 2) }],
    ['a sample at the end belongs to the window, one at the start to the last', [counter('v1', '200', [[1000, 5], [1060, 8]]), counter('v2', '200', [[1000, 1], [1060, 1]])], { stable: counted(3, 0), candidate: counted(0, 0) }],
    ['a pattern is for the whole value', both([counter('v1', '1500', [[995, 0], [1055, 3]])]), { stable: counted(93, 0), candidate: counted(9, 0) }],
    ['other versions count nowhere', both([counter('v0', '500', [[995, 0], [1055, 50]])]), { stable: counted(90, 0), candidate: counted(9, 0) }],
  ])('%s', async (_name, counters, expected) => {
    answering.body = () => matrix(counters);
    const seen = await observe();
    expect(seen.missing).toBeUndefined();
    expect(seen).toMatchObject(expected as object);
    expect(seen).toMatchObject({ source: 'prometheus', unit: 'request', from: 1_000_000, to: 1_060_000, stable: { version: 'v1' }, candidate: { version: 'v2' } });
  });

  test('windows that touch add up to the whole, however they are cut', async () => {
    const points = Array.from({ length: 60 }, (_, index) => [1000 + index * 7, index * index] as const);
    answering.body = () => matrix([counter('v1', '200', points), counter('v2', '500', points)]);
    const cuts = [1_000_000, 1_003_000, 1_050_500, 1_099_999, 1_200_000, 1_413_000];
    let answers = 0;
    for (const [index, to] of cuts.slice(1).entries()) answers += (await observe({}, undefined, cuts[index] ?? 0, to)).candidate.answers;
    expect(answers).toBe(59 * 59);
  });

  test('asks for raw samples of an hour more than the window, with the token', async () => {
    answering.body = () => matrix(both());
    await observe({}, 'prom-token');
    expect(answering.seen.map((asked) => [asked.pathname, Object.fromEntries(asked.searchParams)])).toEqual([['/api/v1/query', { query: 'answers_total{app="bot"}[3660s]', time: '1060.000' }]]);
    expect(answering.authorization).toEqual(['Bearer prom-token']);
  });

  test('versions go by other names where the label has them', async () => {
    answering.body = () => matrix([counter('blue', '200', [[995, 0], [1055, 4]]), counter('green', '500', [[995, 0], [1055, 2]])]);
    expect(await observe({ stable: 'blue', candidate: 'green' })).toMatchObject({ stable: { version: 'v1', answers: 4 }, candidate: { version: 'v2', answers: 2, errors: 2 } });
  });

  test("a histogram's buckets never make a candidate look slower than it is", async () => {
    const bucket = (version: string, le: string, grown: number): Counter => ({ labels: { version, le, job: 'bot', instance: 'a' }, points: [[995, 5], [1055, 5 + grown]] });
    const buckets = ['v1', 'v2'].flatMap((version) => [bucket(version, '0.1', 1), bucket(version, '0.5', 3), bucket(version, '+Inf', 4)]);
    answering.body = (metric) => matrix(metric === 'seconds_bucket' ? buckets : both());
    const seen = await observe({ latency: 'seconds{app="bot"}' });
    expect(seen.stable.latenciesMs).toEqual([100, 500, 500, 500]);
    expect(seen.candidate.latenciesMs).toEqual([0, 100, 100, 500]);
    expect(answering.seen.map((asked) => asked.searchParams.get('query')).toSorted()).toEqual(['answers_total{app="bot"}[3660s]', 'seconds_bucket{app="bot"}[3660s]']);
  });
});

describe('what Prometheus cannot count is missing, never zero errors', () => {
  const refusal = { status: 'error', errorType: 'bad_data', error: 'parse error: unexpected character' };
  test.each<[string, unknown, number, Partial<PrometheusConfig>, RegExp]>([
    ['no counter at all', matrix([]), 200, {}, /^no counter matches answers_total/],
    ['no counter of the candidate', matrix([counter('v1', '200', [[995, 1], [1055, 2]])]), 200, {}, /^no counter has version="v2".*seen are v1$/],
    ['a label that the counters lack', matrix(both()), 200, { version: 'release' }, /no label "release".*its labels are code, instance, job, version$/],
    ['an error label that the counters lack', matrix(both()), 200, { errors: { status: '5..' } }, /no label "status"/],
    ['samples that are old', matrix([counter('v1', '200', [[1055, 2]]), counter('v2', '200', [[600, 2], [700, 3]])]), 200, {}, /newest sample of version v2 is 6 m old|newest sample of version v2/],
    ['NaN', matrix([...both(), { labels: { version: 'v2', code: '500', job: 'bot', instance: 'a' }, points: [[995, 0], [1055, Number.NaN]] }]), 200, {}, /version v2 is no count/],
    ['an infinite count', matrix([...both(), { labels: { version: 'v2', code: '500', job: 'bot', instance: 'a' }, points: [[995, 0], [1055, Infinity]] }]), 200, {}, /version v2 is no count/],
    ['halves of answers', matrix(both([counter('v1', '500', [[995, 0], [1055, 0.5]])])), 200, {}, /version v1 is no count of whole answers/],
    ['a refused query', refusal, 400, {}, /Prometheus refused the query: parse error/],
    ['an answer in part', { ...Object(matrix(both())), warnings: ['store b is not reachable'] }, 200, {}, /in part only: store b/],
    ['another kind of answer', { status: 'success', data: { resultType: 'vector', result: [] } }, 200, {}, /not as Prometheus does/],
    ['a page', '<html>login</html>', 200, {}, /HTML, not JSON/],
    ['refused credentials', {}, 403, {}, /refused the credentials with HTTP 403/],
    ['a histogram of other versions', matrix(both()), 200, { latency: 'seconds' }, /seconds has no complete histogram/],
  ])('%s', async (_name, body, status, more, expected) => {
    answering.body = () => body;
    answering.status = status;
    const seen = await observe(more);
    expect(seen.missing).toMatch(expected);
    expect(seen).toMatchObject({ stable: counted(0, 0), candidate: counted(0, 0) });
  });

  test('a server that is not there', async () => {
    const seen = await observe({ url: 'http://127.0.0.1:9' });
    expect(seen.missing).toMatch(/^nothing listens at this address \(http:\/\/127\.0\.0\.1:9\/api\/v1\/query\)$/);
  });
});

describe('counts from a command', () => {
  const commands = createCommandRunner({ path: process.env['PATH'] ?? '', home: '/' });
  const source = (script: string, more: Partial<CountingCommandConfig> = {}) =>
    countingCommand('command', { run: [process.execPath, '-e', script], environment: [], unit: 'session', within: 20_000, ...more }, { commands, folder: '/', values: { TOKEN_OF_STORE: 'given' } }, 'v1', 'v2');

  test('is told what to count, and counted by the unit of sluice.yml', async () => {
    const script = `const e = process.env; console.log(JSON.stringify({ stable: { answers: Number(e.SLUICE_TO) - Number(e.SLUICE_FROM), errors: 1, latenciesMs: [5] }, candidate: { answers: e.TOKEN_OF_STORE.length, errors: e.SLUICE_STABLE === 'v1' && e.SLUICE_CANDIDATE === 'v2' ? 2 : 0 } }))`;
    expect(await source(script).observe(1000, 1090, open)).toEqual({
      source: 'command',
      unit: 'session',
      from: 1000,
      to: 1090,
      stable: { version: 'v1', ...counted(90, 1, { latenciesMs: [5] }) },
      candidate: { version: 'v2', ...counted(5, 2) },
    });
  });

  test.each<[string, string, RegExp]>([
    ['its own reason', `console.log('{"missing":"the store is being rebuilt"}')`, /^the store is being rebuilt$/],
    ['an exit code', `console.error('密码错误: no access'); process.exit(3)`, /ended with code 3: 密码错误: no access/],
    ['no output', '', /printed nothing and not JSON/],
    ['no JSON', `console.log('all fine')`, /printed "all fine" and not JSON/],
    ['one arm', `console.log('{"stable":{"answers":1,"errors":0}}')`, /not JSON such as/],
    ['a negative count', `console.log('{"stable":{"answers":-1,"errors":0},"candidate":{"answers":1,"errors":0}}')`, /not JSON such as/],
    ['a misspelt key', `console.log('{"stable":{"answers":1,"errors":0},"candidate":{"answers":1,"error":5,"errors":0}}')`, /not JSON such as/],
  ])('%s', async (_name, script, expected) => {
    const seen = await source(script).observe(0, 1, open);
    expect(seen.missing).toMatch(expected);
    expect(seen.candidate.answers).toBe(0);
  });

  test('a command that does not end is ended', async () => {
    const seen = await source('setInterval(() => {}, 1000)', { within: 300 }).observe(0, 1, open);
    expect(seen.missing).toMatch(/300 ms|did not end|0\.3 s/);
  });

  test('a program that is not there', async () => {
    const seen = await source('', { run: ['no-such-program-of-ours'] }).observe(0, 1, open);
    expect(seen.missing).toMatch(/no-such-program-of-ours/);
  });
});
