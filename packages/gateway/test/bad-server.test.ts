import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, done, systemClock, type HttpClient, type Split } from '@sluice/core';
import { createNginxGateway, renderInclude, type PinnedApplication } from '../src/index.ts';
import { connectionOf, gatewayOf, memoryFiles } from './ports.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';
const pinned: Split = { stable, weight: 0 };
const bot: PinnedApplication = { application: 'support-bot-production', kind: 'chat' };

const servers: Server[] = [];
const serve = async (answer: (response: ServerResponse) => void): Promise<string> => {
  const server = createServer((_request, response) => answer(response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

let http: HttpClient;
let elsewhere = '';
beforeAll(async () => {
  http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });
  elsewhere = await serve((response) => response.end(JSON.stringify({ format: 1, ...bot, split: { stable: candidate, weight: 0 } })));
});
afterAll(async () => {
  await http.close();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const silent = /does not say which split it serves/;

describe.each<[string, () => Promise<string>, RegExp]>([
  ['is not there', () => Promise.resolve('http://127.0.0.1:1'), /nothing listens at this address/],
  ['answers a page', () => serve((response) => response.setHeader('content-type', 'text/html').end('<html>Welcome</html>')), silent],
  ["answers a proxy's page of 502", () => serve((response) => response.writeHead(502).end('<html>Bad gateway</html>')), silent],
  ['redirects to another gateway', () => serve((response) => response.writeHead(302, { location: `${elsewhere}/sluice/support-bot-production` }).end()), /no redirect to another origin is followed/],
  [
    'sends half of a body',
    () =>
      serve((response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{"format":1,');
        setTimeout(() => response.destroy(), 5);
      }),
    /the connection was cut before the answer was complete/,
  ],
  ['sends half of its JSON', () => serve((response) => response.end('{"format":1,')), silent],
  ['says nothing', () => serve((response) => response.end()), silent],
])('a gateway that %s', (_name, start, said) => {
  const before = renderInclude(pinned, bot);
  const text = before.ok ? before.value : '';

  test('serves nothing that is known: the file is read, and no candidate gets a user', async () => {
    const origin = await start();
    const files = memoryFiles(text);
    const connection = connectionOf({ http, files });
    const traffic = createNginxGateway({ ...bot, gateway: gatewayOf('/etc/nginx/sluice/support-bot.conf', `${origin}/v1`), api: `${origin}/v1`, connection });
    expect(await traffic.read()).toEqual(done({ split: pinned, reach: 'configured' }));
    expect(connection.lines).toEqual([expect.stringMatching(said)]);
    expect(await traffic.set(pinned, { stable, candidate, weight: 5 })).toMatchObject({ ok: false, problem: { category: 'platform', where: `${origin}/sluice/support-bot-production`, tried: expect.any(String), hint: expect.any(String) } });
    expect(files.texts).toEqual([text]);
  });

  test('with a file that is not Sluice’s is a problem that tells both', async () => {
    const origin = await start();
    const traffic = createNginxGateway({ ...bot, gateway: gatewayOf('/etc/nginx/sluice/support-bot.conf', `${origin}/v1`), api: `${origin}/v1`, connection: connectionOf({ http, files: memoryFiles('server {}') }) });
    expect(await traffic.read()).toMatchObject({ ok: false, problem: { category: 'input', others: [{ category: 'platform', reason: expect.stringMatching(said), where: expect.stringContaining(origin) }] } });
  });
});
