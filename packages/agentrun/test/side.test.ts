import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock, type HttpClient, type HttpRequest, type Target } from '@sluice/core';
import { fixed } from '../src/credentials/session.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { isLeftOver, sideDescription } from '../src/server/side.ts';
import { agentYaml, must, problemOf, startBench, type Bench } from './fixture.ts';

const quiet = new AbortController().signal;
const hour = 3_600_000;

let bench: Bench;
let api: AgentRunApi;
let runtimeId: string;
beforeEach(async () => {
  bench = await startBench({ pollsToReady: 0 });
  ({ runtimeId } = bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' }));
  api = new AgentRunApi(new AgentRunClient({ http: bench.http, clock: systemClock(200), signal: quiet, credentials: fixed(bench.lab.credentials), control: bench.lab.control, readOnly: false }));
});
afterEach(() => bench.close());

const connected = async (http: HttpClient = bench.http): Promise<Target> => must(await bench.connect(bench.project.source(agentYaml()), { http }));
const names = async (): Promise<readonly string[]> => must(await api.listEndpoints(runtimeId)).filter(({ status }) => status !== 'DELETING').map(({ name }) => name).sort();

test('an endpoint that a killed run left is removed when it is older than any run, and no other', async () => {
  const now = Date.now();
  const make = async (name: string, description: string): Promise<void> => {
    must(await api.createEndpoint(runtimeId, name, '1', description));
  };
  await make('sluice-production-v7', sideDescription(now - 3 * hour));
  await make('sluice-production-v8', sideDescription(now - hour));
  await make('sluice-mine', 'made by a person');
  await make('canary', sideDescription(now - 3 * hour));
  const opened = must(await (await connected()).open('1'));
  must(await opened.close());
  expect(await names()).toEqual(['canary', 'production', 'sluice-mine', 'sluice-production-v8']);
  expect(bench.logged).toContain('removed endpoint "sluice-production-v7", which a run that was killed had left');
});

test('the endpoint of a killed run is taken over by the next check of that version, and removed', async () => {
  const target = await connected();
  must(await target.open('1'));
  const again = must(await (await connected()).open('1'));
  expect(must(await again.ask({ query: 'q', inputs: {}, user: 'u', streaming: false }, quiet)).failed).toBeUndefined();
  must(await again.close());
  expect(await names()).toEqual(['production']);
});

test('an endpoint of our name that a person made is neither routed nor deleted', async () => {
  must(await api.createEndpoint(runtimeId, 'sluice-production-v1', 'LATEST', 'mine'));
  expect(problemOf(await (await connected()).open('1'))).toMatchObject({ category: 'conflict', reason: 'there is an endpoint "sluice-production-v1" that Sluice did not make' });
  expect(await names()).toContain('sluice-production-v1');
  expect(bench.lab.routing('order-agent', 'sluice-production-v1').targetVersion).toBe('LATEST');
});

test('an arm is woken before it is asked, outside the counts, and again while it starts', async () => {
  const woken: string[] = [];
  let busy = 2;
  const slow: HttpClient = {
    ...bench.http,
    stream: (request) => bench.http.stream(request),
    close: () => Promise.resolve(),
    send: async (request: HttpRequest) => {
      if (!request.url.includes('/invocations/')) return bench.http.send(request);
      woken.push(new URL(request.url).pathname.replace(/.*invocations/, ''));
      busy -= 1;
      return busy >= 0 ? { ok: true, value: { status: 503, headers: {}, text: '', durationMs: 1 } } : bench.http.send(request);
    },
  };
  const opened = must(await (await connected(slow)).open('1'));
  expect(woken).toEqual(['/health', '/health', '/health']);
  expect(bench.lab.served('order-agent', 'sluice-production-v1')).toEqual({});
  must(await opened.close());
});

test.each([
  ['sluice-a-v1', sideDescription(0), 'READY', true],
  ['sluice-a-v1', sideDescription(0), 'DELETING', false],
  ['sluice-a-v1', 'Serves one version while Sluice checks it.', 'READY', false],
  ['a-v1', sideDescription(0), 'READY', false],
])('isLeftOver %s "%s" %s: %p', (name, description, status, expected) => {
  expect(isLeftOver({ id: 'e', name, description, status, statusReason: '', url: '', targetVersion: '1', weights: [] }, 3 * hour)).toBe(expected);
});
