import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { done, systemClock, type HttpClient, type HttpRequest, type HttpResponse, type Outcome, type Question, type Target, type Traffic } from '@sluice/core';
import { endpointAddress } from '../src/server/address.ts';
import { fixed } from '../src/credentials/session.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { contextOf } from '../src/server/context.ts';
import { AgentRunSource } from '../src/source/source.ts';
import { agentYaml, must, overwrite, problemOf, startBench, type Bench } from './fixture.ts';

const quiet = new AbortController().signal;
const question: Question = { query: 'hello', inputs: {}, user: 'u', streaming: false };

/** Meddling is what somebody else does around the first request that matches. */
interface Meddling {
  matches(request: HttpRequest): boolean;
  before?(): Promise<unknown>;
  after?(): Promise<unknown>;
  change?(response: HttpResponse): HttpResponse;
}

const meddled = (http: HttpClient, meddling: Meddling): HttpClient => {
  let met = false;
  return {
    ...http,
    send: async (request): Promise<Outcome<HttpResponse>> => {
      const now = !met && meddling.matches(request);
      if (now) {
        met = true;
        await meddling.before?.();
      }
      const sent = await http.send(request);
      if (now) await meddling.after?.();
      return now && sent.ok && meddling.change !== undefined ? done(meddling.change(sent.value)) : sent;
    },
  };
};

const trafficOf = ({ traffic }: Target): Traffic => {
  if (traffic === undefined) throw new Error('the target splits no traffic');
  return traffic;
};

describe('somebody else acts at the same time', () => {
  let bench: Bench;
  let api: AgentRunApi;
  let id: string;
  let endpointId: string;
  beforeEach(async () => {
    bench = await startBench();
    const made = bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
    [id, endpointId] = [made.runtimeId, made.endpointId];
    api = new AgentRunApi(new AgentRunClient({ http: bench.http, clock: systemClock(200), signal: quiet, credentials: fixed(bench.lab.credentials), control: bench.lab.control, readOnly: false }));
  });
  afterEach(() => bench.close());

  const connected = async (meddling?: Meddling, yaml = agentYaml()): Promise<Target> =>
    must(await bench.connect(bench.project.source(yaml), meddling === undefined ? {} : { http: meddled(bench.http, meddling) }));
  const editRuntime = async (): Promise<unknown> => {
    for (;;) {
      const runtime = must(await api.getRuntime(id));
      if (runtime.status === 'READY') return must(await api.updateRuntime(id, { ...runtime.shown, memory: 8192, codeConfiguration: { language: 'nodejs20', ossBucketName: 'b', ossObjectName: 'o.zip' } }));
    }
  };
  const twoVersions = async (): Promise<void> => {
    const target = await connected();
    must(await target.deploy(bench.project.source(agentYaml()), overwrite));
    must(await target.publish({ name: '2', marks: {} }));
  };

  test('a routing that is changed after ours is found by reading back', async () => {
    await twoVersions();
    const target = await connected({
      matches: ({ method, url }) => method === 'PUT' && url.endsWith(endpointId),
      after: () => api.setRouting(id, endpointId, { targetVersion: '2', weights: [] }),
    });
    const wanted = { stable: '1', candidate: '2', weight: 5 };
    expect(problemOf(await trafficOf(target).set({ stable: '1', weight: 0 }, wanted))).toMatchObject({
      category: 'platform',
      reason: expect.stringMatching(/5 % on version 2, the others on version 1.*reads back as everybody on version 2/),
    });
  });

  test('a runtime that is changed after our deployment is found by reading back', async () => {
    const target = await connected({ matches: ({ method, url }) => method === 'PUT' && url.endsWith(id), after: editRuntime });
    expect(problemOf(await target.deploy(bench.project.source(agentYaml()), overwrite))).toMatchObject({ category: 'platform', reason: expect.stringMatching(/memory/) });
  });

  test('a routing that changes during a deployment is a conflict', async () => {
    await twoVersions();
    const yaml = agentYaml(['description: third']);
    const target = await connected(
      { matches: ({ method, url }) => method === 'PUT' && url.endsWith(id), after: () => api.setRouting(id, endpointId, { targetVersion: '2', weights: [] }) },
      yaml,
    );
    expect(problemOf(await target.deploy(bench.project.source(yaml), overwrite))).toMatchObject({ category: 'conflict', reason: expect.stringContaining('routing') });
  });

  test('a runtime that is changed just before the publication is a conflict, and serves nobody', async () => {
    const target = await connected({
      matches: ({ method, url }) => method === 'POST' && url.endsWith('/versions'),
      before: async () => {
        await editRuntime();
        while (must(await api.getRuntime(id)).status !== 'READY');
      },
    });
    must(await target.deploy(bench.project.source(agentYaml()), overwrite));
    expect(problemOf(await target.publish({ name: '2', marks: {} }))).toMatchObject({ category: 'conflict', reason: expect.stringContaining('it serves nobody') });
    expect(bench.lab.routing('order-agent', 'production').targetVersion).toBe('1');
  });

  test('a version that is not listed after its publication is a problem', async () => {
    let published = false;
    const target = await connected({
      matches: ({ method, url }) => {
        published ||= method === 'POST' && url.endsWith('/versions');
        return published && method === 'GET' && url.includes('/versions');
      },
      change: (response) => ({ ...response, text: JSON.stringify({ data: { items: [], total: 0 } }) }),
    });
    must(await target.deploy(bench.project.source(agentYaml()), overwrite));
    expect(problemOf(await target.publish({ name: '2', marks: {} }))).toMatchObject({ category: 'platform', reason: expect.stringContaining('not in the list') });
  });

  test('a runtime whose update failed is repaired by a deployment of what it holds already', async () => {
    const target = await connected();
    const source = bench.project.source(agentYaml());
    const { digest } = must(await target.deploy(source, overwrite)).version;
    bench.lab.failNext('runtime', 'no capacity');
    expect(problemOf(await target.deploy(bench.project.source(agentYaml(['description: x'])), overwrite)).category).toBe('platform');
    expect(must(await target.deploy(source, overwrite))).toMatchObject({ changed: true, version: { digest } });
    expect(must(await target.deploy(source, overwrite)).changed).toBe(false);
  });

  test('an endpoint that cannot be made is a problem with the reason', async () => {
    const target = await connected();
    bench.lab.failNext('endpoint', 'quota of endpoints');
    expect(problemOf(await target.open('1'))).toMatchObject({ category: 'platform', reason: expect.stringContaining('quota of endpoints') });
    must(await must(await target.open('1')).close());
  });

  test('an agent with a credential is asked with its key, and only so', async () => {
    const yaml = agentYaml(['credentialName: order-key']);
    const source = bench.project.source(yaml);
    const without = await connected(undefined, yaml);
    must(await without.deploy(source, overwrite));
    const refused = must(await without.open('draft'));
    expect(problemOf(await refused.ask(question, quiet))).toMatchObject({ category: 'permission', hint: expect.stringContaining('AGENTRUN_API_KEY') });
    expect(problemOf(await refused.ask({ ...question, streaming: true }, quiet)).category).toBe('permission');
    must(await refused.close());
    const withKey = must(await bench.connect(source, { secrets: { AGENTRUN_API_KEY: bench.lab.apiKey } }));
    const opened = must(await withKey.open('draft'));
    expect(must(await opened.ask(question, quiet)).failed).toBeUndefined();
    must(await opened.close());
  });

  test('the address of an endpoint is https, loopback, or the data plane that sluice.yml names', async () => {
    const source = bench.project.source(agentYaml());
    if (!(source instanceof AgentRunSource)) throw new Error('not a source of AgentRun');
    const context = contextOf({ http: bench.http, clock: systemClock(), signal: quiet, credentials: fixed(bench.lab.credentials), control: bench.lab.control, source, endpoint: 'production', auth: 'none', weights: 'ratio', evict: false, readOnly: false, log: () => undefined });
    const endpoint = must(await api.getEndpoint(id, endpointId));
    expect(must(endpointAddress(context, endpoint))).toBe(endpoint.url);
    expect(must(endpointAddress(context, { ...endpoint, url: 'https://1.example.com/x/' }))).toBe('https://1.example.com/x');
    for (const url of ['http://1.example.com/x', '', 'file:///etc/passwd']) expect(problemOf(endpointAddress(context, { ...endpoint, url })).category).toBe('platform');
    expect(must(endpointAddress({ ...context, data: 'http://data.internal/' }, { ...endpoint, url: '' }))).toBe('http://data.internal/agent-runtimes/order-agent/endpoints/production/invocations');
  });
});

test('a side endpoint that is still being deleted is waited for', async () => {
  const bench = await startBench({ timeScale: 10, pollsToReady: 50 });
  try {
    bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
    const target = must(await bench.connect(bench.project.source(agentYaml())));
    must(await must(await target.open('1')).close());
    const again = must(await target.open('1'));
    expect(must(await again.ask(question, quiet)).failed).toBeUndefined();
    must(await again.close());
  } finally {
    await bench.close();
  }
});
