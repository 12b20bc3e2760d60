/**
 * The source of evidence reads a real Prometheus (Debian's), which scrapes a server of this test. What it counts over
 * windows that follow one another must be exactly what that server counted, its restart and its first error included.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, systemClock, type EvidenceSource, type Observation, type PrometheusConfig } from '@sluice/core';
import { prometheusSource } from '@sluice/evidence';
import { freePort, wait } from './nginx-program.ts';

const clock = systemClock();
const open = new AbortController().signal;

/** counters are what the scraped server has counted since it started, by version and code. */
let counters = new Map<string, number>();
/** refusing makes scrapes fail, as those of a server that is down. */
let refusing = false;

const add = (version: string, code: string, count: number): void => {
  const key = `version="${version}",code="${code}"`;
  counters.set(key, (counters.get(key) ?? 0) + count);
};

const exposition = (): string => {
  const answers = [...counters].map(([labels, count]) => `answers_total{${labels}} ${count}`);
  const buckets = [...counters].filter(([labels]) => labels.includes('code="200"')).flatMap(([labels, count]) =>
    ['0.25', '1', '+Inf'].map((bound) => `answer_seconds_bucket{${labels},le="${bound}"} ${bound === '0.25' ? Math.floor(count / 2) : count}`),
  );
  return ['# TYPE answers_total counter', ...answers, '# TYPE answer_seconds histogram', ...buckets, ''].join('\n');
};

let scraped: Server;
let program: ChildProcess;
let folder = '';
let url = '';
let http: ReturnType<typeof createHttpClient>;

const answers = async (path: string): Promise<boolean> => {
  const found = await http.send({ method: 'GET', url: `${url}${path}`, tried: 'find Prometheus', repeatable: false });
  return found.ok && found.value.status === 200;
};

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 150; tries += 1) {
    if (await holds()) return;
    await wait(200);
  }
  throw new Error(`${what} did not happen within 30 s`);
};

beforeAll(async () => {
  http = createHttpClient({ clock, loopbackOnly: true, signal: open, userAgent: 'sluice' });
  scraped = createServer((_request, response) => {
    if (refusing) return response.writeHead(503).end();
    return response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(exposition());
  });
  await new Promise<void>((resolve) => scraped.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'));
  const target = `127.0.0.1:${(scraped.address() as AddressInfo).port}`;
  await writeFile(
    join(folder, 'prometheus.yml'),
    JSON.stringify({ global: { scrape_interval: '250ms', scrape_timeout: '200ms' }, scrape_configs: [{ job_name: 'bot', static_configs: [{ targets: [target] }] }] }),
  );
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  program = spawn('prometheus', [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], { stdio: 'ignore' });
  add('v1', '200', 1000);
  add('v2', '200', 40);
  await until('Prometheus is ready', () => answers('/-/ready'));
});

afterAll(async () => {
  if (program.exitCode === null) {
    const ended = once(program, 'exit');
    program.kill('SIGKILL');
    await ended;
  }
  scraped.closeAllConnections();
  scraped.close();
  await http.close();
  await rm(folder, { recursive: true, force: true });
});

const source = (more: Partial<PrometheusConfig> = {}): EvidenceSource =>
  prometheusSource('prometheus', { url, answers: 'answers_total{job="bot"}', errors: { code: '5..' }, version: 'version', unit: 'request', latency: 'answer_seconds', ...more }, { http, clock }, 'v1', 'v2');

const total = (seen: readonly Observation[], arm: 'stable' | 'candidate', field: 'answers' | 'errors'): number => seen.reduce((sum, one) => sum + one[arm][field], 0);

test('windows of a real Prometheus add up to what was counted', async () => {
  const begun: { at: number } = { at: 0 };
  await until('both versions are scraped', async () => {
    begun.at = clock.now();
    return (await source().observe(begun.at - 1, begun.at, open)).missing === undefined;
  });
  const seen: Observation[] = [];
  let from = begun.at;
  const look = async (): Promise<Observation> => {
    await wait(700);
    const to = clock.now();
    const one = await source().observe(from, to, open);
    from = to;
    seen.push(one);
    return one;
  };
  add('v1', '200', 90);
  add('v2', '200', 10);
  const first = await look();
  expect(first.missing).toBeUndefined();
  add('v2', '502', 3);
  await look();
  counters = new Map();
  add('v1', '200', 30);
  add('v2', '200', 5);
  add('v2', '502', 1);
  await look();
  add('v1', '500', 2);
  await look();
  await look();
  expect(seen.filter(({ missing }) => missing !== undefined)).toEqual([]);
  expect([total(seen, 'stable', 'answers'), total(seen, 'stable', 'errors')]).toEqual([90 + 30 + 2, 2]);
  expect([total(seen, 'candidate', 'answers'), total(seen, 'candidate', 'errors')]).toEqual([10 + 3 + 5 + 1, 3 + 1]);
  const slow = seen.flatMap(({ stable, candidate }) => [...stable.latenciesMs.map((value) => `stable ${value}`), ...candidate.latenciesMs.map((value) => `candidate ${value}`)]);
  expect([...new Set(slow)].toSorted()).toEqual(['candidate 0', 'candidate 250', 'stable 1000', 'stable 250']);
});

test('what a real Prometheus refuses or does not have is missing', async () => {
  const now = clock.now();
  const said = async (more: Partial<PrometheusConfig>): Promise<string> => (await source(more).observe(now - 1000, now, open)).missing ?? 'counted';
  expect(await said({ answers: 'no_such_total' })).toBe('no counter matches no_such_total');
  expect(await said({ version: 'release' })).toMatch(/no label "release".*its labels are __name__, code, instance, job, version/);
  expect(await said({ answers: 'answers_total{job=~"("}' })).toMatch(/Prometheus refused the query: .*missing closing \)/);
  expect(await said({ latency: 'no_such_seconds' })).toMatch(/no_such_seconds has no complete histogram/);
  expect(await said({ candidate: 'v9' })).toMatch(/no counter has version="v9" for version v2; seen are v1, v2/);
  refusing = true;
  const later = now + 400_000;
  expect((await source().observe(later - 1000, later, open)).missing).toMatch(/newest sample of version v1 is 6 m|newest sample/);
});
