import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, systemClock, type Clock, type HttpClient, type Outcome } from '@sluice/core';
import { fixed } from '../src/credentials/session.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { ask } from '../src/server/ask.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { connect } from '../src/server/connect.ts';
import { contextOf } from '../src/server/context.ts';
import type { Endpoint } from '../src/server/wire.ts';
import { readRuntime } from '../src/server/wire.ts';
import { AgentRunSource } from '../src/source/source.ts';
import { agentYaml, environmentOf, must, noIdentity, newProject, secretsOf, type TestProject } from './fixture.ts';

const quiet = new AbortController().signal;
const credentials = { accessKeyId: 'some-id', accessKeySecret: 'some-secret' };

const servers: Server[] = [];
const serve = async (answer: (response: ServerResponse) => void): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** clock makes waits between tries short; deadlines are not what these tests are about. */
const real = systemClock();
const clock: Clock = { ...real, sleep: (milliseconds, signal) => real.sleep(milliseconds < 25_000 ? milliseconds / 100 : milliseconds, signal) };

let http: HttpClient;
let project: TestProject;
let elsewhere = '';
beforeAll(async () => {
  http = createHttpClient({ clock, signal: quiet, userAgent: 'test', loopbackOnly: true });
  project = newProject();
  elsewhere = await serve((response) => response.end('{"data":{"items":[]}}'));
});
afterAll(async () => {
  await http.close();
  project.remove();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const half = '{"code":"","data":{"environmentVariables":{"TOKEN":"hunter2-hunter2"';

/** bad are the ways in which something that is not AgentRun answers, and what is said of each, on the control plane and of a question. */
const bad: Readonly<Record<string, readonly [start: () => Promise<string>, said: RegExp, failure: RegExp]>> = {
  'is not there': [() => Promise.resolve('http://127.0.0.1:1'), /nothing listens at this address/, /nothing listens at this address/],
  'answers a page': [() => serve((response) => response.setHeader('content-type', 'text/html').end('<html>Welcome</html>')), /HTML, not JSON: is the address right\?/, /not a chat completion: "<html>Welcome/],
  "answers a proxy's page of 502": [() => serve((response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>')), /AgentRun failed/, /HTTP 502: <html>/],
  'redirects to another origin': [() => serve((response) => response.writeHead(302, { location: `${elsewhere}/x` }).end()), /no redirect to another origin is followed/, /no redirect to another origin is followed/],
  'redirects to nowhere': [() => serve((response) => response.writeHead(302).end()), /a redirect, not JSON/, /HTTP 302/],
  'sends half of a body': [
    () =>
      serve((response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write(half);
        setTimeout(() => response.destroy(), 5);
      }),
    /the connection was cut before the answer was complete/,
    /the connection was cut before the answer was complete/,
  ],
  'sends half of its JSON': [() => serve((response) => response.setHeader('content-type', 'application/json').end(half)), /JSON that breaks off or is damaged/, /not a chat completion/],
  'says nothing': [() => serve((response) => response.end()), /answered nothing where JSON was expected/, /not a chat completion: ""/],
};

const apiAt = (control: string): AgentRunApi => new AgentRunApi(new AgentRunClient({ http, clock, signal: quiet, credentials: fixed(credentials), control, readOnly: false }));

const calls: readonly (readonly [name: string, call: (control: string) => Promise<Outcome<unknown>>])[] = [
  ['a connection', (control) => connectionTo(control)],
  ['a list', (control) => apiAt(control).listVersions('ar-1')],
  ['a read', (control) => apiAt(control).getRuntime('ar-1')],
  ['a publication', (control) => apiAt(control).publishVersion('ar-1', 'new', [])],
  ['a routing', (control) => apiAt(control).setRouting('ar-1', 'are-1', { targetVersion: '1', weights: [] })],
];

const connectionTo = (control: string): Promise<Outcome<unknown>> => {
  const unused = (): Promise<Outcome<never>> => Promise.reject(new Error('not used'));
  return connect({
    name: 'orders-production',
    ...noIdentity,
    environment: environmentOf({ endpoint: 'production', control }),
    secrets: secretsOf({ ALIBABA_CLOUD_ACCESS_KEY_ID: credentials.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: credentials.accessKeySecret }),
    commands: { run: unused },
    files: { read: unused, write: unused },
    log: () => undefined,
    signal: quiet,
    readOnly: false,
    source: project.source(agentYaml()),
    ...{ http, clock },
  });
};

describe.each(Object.entries(bad))('a server that %s', (_name, [start, said, failure]) => {
  test.each(calls)('%s is a platform problem that says what was tried, where and what came', async (_call, call) => {
    const origin = await start();
    const outcome = await call(origin);
    if (outcome.ok) throw new Error('expected a problem');
    expect(outcome.problem).toMatchObject({ category: 'platform', reason: expect.stringMatching(said), tried: expect.stringMatching(/\S/), where: expect.stringContaining(origin) });
    expect(JSON.stringify(outcome.problem)).not.toMatch(/hunter2|some-secret/);
  });

  test.each([[true], [false]])('a question, streamed: %p, has failed its user', async (streaming) => {
    const data = await start();
    const source = project.source(agentYaml());
    if (!(source instanceof AgentRunSource)) throw new Error('not a source of AgentRun');
    const context = contextOf({ http, clock, signal: quiet, credentials: fixed(credentials), control: data, data, source, endpoint: 'production', auth: 'none', weights: 'ratio', evict: false, readOnly: false, log: () => undefined });
    const endpoint: Endpoint = { id: 'are-1', name: 'production', description: '', url: '', status: 'READY', statusReason: '', targetVersion: '1', weights: [] };
    const runtime = must(readRuntime({ agentRuntimeId: 'ar-1', agentRuntimeName: 'order-agent' }, 'read'));
    const reply = must(await ask(context, runtime, endpoint, { query: 'hello', inputs: {}, user: 'ada', streaming }, quiet));
    expect(reply.failed).toMatch(failure);
  });
});
