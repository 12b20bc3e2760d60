import { createServer, request as httpRequest, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, systemClock, type HttpClient, type Outcome, type Target } from '@sluice/core';
import { sourceOf } from './dsl.ts';
import { careful, greeting, hello, madeIn, never } from './fixtures.ts';
import { connectionTo, openHouse, problem, value, type House } from './harness.ts';
import { connect } from '../src/server/target.ts';

const servers: Server[] = [];
const listen = async (server: Server): Promise<string> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

let house: House;
let http: HttpClient;
let elsewhere = '';
beforeAll(async () => {
  house = await openHouse();
  // Waits between tries are short; deadlines are not what these tests are about.
  const clock = systemClock();
  http = createHttpClient({ clock: { ...clock, sleep: (milliseconds, signal) => clock.sleep(milliseconds < 15_000 ? milliseconds / 50 : milliseconds, signal) }, signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });
  elsewhere = await listen(createServer((_request, response) => response.end('{"step":"finished"}')));
});
afterAll(async () => {
  await http.close();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await house.close();
});

/** bad are the ways in which something that is not Dify answers, and what is said of each. */
const bad: Readonly<Record<string, readonly [answer: (response: ServerResponse) => void, said: RegExp]>> = {
  'a page': [(response) => response.setHeader('content-type', 'text/html').end('<html>Welcome</html>'), /HTML, not JSON: is the address right\?/],
  "a proxy's page of 502": [(response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'), /Dify refused (?:to|the login)|HTTP 502/],
  'a redirect to another origin': [(response) => response.writeHead(302, { location: `${elsewhere}/login` }).end(), /redirects to http:\S+; no redirect to another origin is followed/],
  'a redirect to nowhere': [(response) => response.writeHead(302).end(), /a redirect, not JSON: is the address right\?/],
  'half a body': [
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{"token":"app-hunter2hunter2"');
      setTimeout(() => response.destroy(), 5);
    },
    /the connection was cut before the answer was complete/,
  ],
  'half of its JSON': [(response) => response.setHeader('content-type', 'application/json').end('{"token":"app-hunter2hunter2",'), /JSON that breaks off or is damaged/],
  'nothing': [(response) => response.end(), /answered nothing where JSON was expected/],
};

/** front hands requests on to the lab, and answers those that `meant` fits badly. */
const front = (meant: RegExp, answer: (response: ServerResponse) => void): Promise<string> =>
  listen(
    createServer((incoming, response) => {
      const { method = '', url = '' } = incoming;
      if (meant.test(`${method} ${url}`)) {
        incoming.resume();
        answer(response);
        return;
      }
      const upstream = new URL(house.lab.origin);
      const onward = httpRequest({ host: upstream.hostname, port: upstream.port, path: url, method, headers: { ...incoming.headers, host: upstream.host } }, (answered) => {
        response.writeHead(answered.statusCode ?? 500, answered.headers);
        answered.pipe(response);
      });
      onward.on('error', () => response.destroy());
      incoming.pipe(onward);
    }),
  );

const source = sourceOf(greeting('next'));

const targetAt = async (origin: string): Promise<Target> => {
  const { appId } = madeIn(house);
  return value(await connect(connectionTo(house, appId, source, { http, environment: { dify: { console: origin, app: appId, workspace: house.lab.credentials.workspaceId } } })));
};

/** failingCheck is the first check that fails. */
const failingCheck = async (target: Target): Promise<Outcome<unknown>> => {
  for (const rung of target.checks()) {
    const outcome = await rung.run(never);
    if (!outcome.ok) return outcome;
  }
  return { ok: true, value: 'all pass' };
};

const publication = async (target: Target): Promise<Outcome<unknown>> => {
  value(await target.deploy(source, careful));
  return target.publish({ name: 'next', marks: {} });
};

/** stages are where a server turns bad, and what is then done with it. */
const stages: readonly (readonly [name: string, meant: RegExp, act: (target: Target) => Promise<Outcome<unknown>>])[] = [
  ['from the first call on', /./, (target) => target.inspect()],
  ['at the login', /POST .*\/login$/, (target) => target.inspect()],
  ['at the workspaces', /GET .*\/workspaces$/, (target) => target.inspect()],
  ['at the draft', /GET .*\/workflows\/draft$/, (target) => target.inspect()],
  ['at the import', /POST .*\/apps\/imports$/, (target) => target.deploy(source, careful)],
  ['at the publication', /POST .*\/workflows\/publish$/, publication],
  ['at the versions', /GET .*\/workflows\?/, async (target) => (target.versions === undefined ? { ok: true, value: 'none' } : target.versions())],
  ['at the setup page', /GET .*\/setup$/, failingCheck],
  ['at the keys', /GET .*\/api-keys$/, failingCheck],
  ['at the parameters', /GET .*\/parameters$/, failingCheck],
];

describe.each(Object.entries(bad))('a server that answers %s', (_name, [answer, said]) => {
  test.each(stages)('%s is a platform problem that says what was tried, where and what to do', async (_stage, meant, act) => {
    const origin = await front(meant, answer);
    const found = problem(await act(await targetAt(origin)));
    expect(found).toMatchObject({ category: 'platform', tried: expect.stringMatching(/\S/), where: expect.stringContaining(origin) });
    expect(found.reason).toMatch(said);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test('to a question has failed its user, or is a platform problem', async () => {
    const origin = await front(/POST \/v1\/chat-messages/, answer);
    const opened = value(await (await targetAt(origin)).open('live'));
    const reply = await opened.ask(hello, never);
    if (reply.ok) expect(reply.value.failed).toMatch(said);
    else expect(reply.problem).toMatchObject({ category: 'platform', reason: expect.stringMatching(said), where: expect.stringContaining(origin), tried: 'ask the app' });
  });
});

test.each([
  ['the console', (target: Target) => target.inspect()],
  ['a check', failingCheck],
])('a server that is not there, by %s', async (_name, act) => {
  expect(problem(await act(await targetAt('http://127.0.0.1:1')))).toMatchObject({ category: 'platform', reason: 'nothing listens at this address', where: expect.stringContaining('127.0.0.1:1'), hint: expect.any(String) });
});
