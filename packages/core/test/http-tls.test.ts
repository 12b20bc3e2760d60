import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../src/clock.ts';
import { createHttpClient, type HttpClientOptions } from '../src/http/undici-client.ts';
import type { HttpClient, HttpRequest } from '../src/http/client.ts';
import type { Outcome } from '../src/outcome.ts';
import type { Problem } from '../src/problem.ts';

const certificate = (name: string): Promise<string> => readFile(new URL(`certificates/${name}`, import.meta.url), 'utf8');

let authority = '';
let identity = { key: '', cert: '' };
beforeAll(async () => {
  // A throw-away authority, and a certificate of it for localhost, 127.0.0.1 and dify.example.com, good until 2126.
  authority = await certificate('ca.pem');
  identity = { key: await certificate('server.key'), cert: await certificate('server.pem') };
});

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const listen = async (server: Server, address = '127.0.0.1'): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
};

interface Dify {
  readonly port: number;
  readonly asked: string[];
}

const startDify = async (): Promise<Dify> => {
  const asked: string[] = [];
  const server = createHttpsServer(identity, (request, response) => {
    asked.push(request.url ?? '');
    response.end('{"step":"finished"}');
  });
  return { port: await listen(server), asked };
};

interface Proxy {
  readonly port: number;
  /** asked are the CONNECT requests, with the credentials that came along. */
  readonly asked: string[];
}

/** startProxy is a CONNECT proxy that leads every name to one port of this machine, or refuses with 407. */
const startProxy = async (onwardPort: number, refuses = false): Promise<Proxy> => {
  const asked: string[] = [];
  const server = createHttpServer();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push([request.url, request.headers['proxy-authorization']].filter((part) => part !== undefined).join(' '));
    socket.on('error', () => undefined);
    if (refuses) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nconnection: close\r\n\r\n');
      return;
    }
    const onward = connect(onwardPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  return { port: await listen(server), asked };
};

const clientOf = (change: Partial<HttpClientOptions> = {}): HttpClient => {
  const client = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'sluice/test', loopbackOnly: false, ...change });
  opened.push(() => client.close());
  return client;
};

const get = (url: string): HttpRequest => ({ method: 'GET', url, tried: 'read the app', repeatable: false });

const text = async (client: HttpClient, url: string): Promise<string> => {
  const answer = await client.send(get(url));
  return answer.ok ? answer.value.text : JSON.stringify(answer.problem);
};

const problem = (outcome: Outcome<unknown>): Problem => {
  if (outcome.ok) throw new Error('expected a problem');
  return outcome.problem;
};

const untrusted = { category: 'platform', reason: "the server's certificate is not trusted", tried: 'read the app', hint: expect.stringContaining('`ca` in sluice.yml') };

describe('a server with the certificate of a private authority', () => {
  test('is asked when the authority is given', async () => {
    const { port } = await startDify();
    expect(await text(clientOf({ ca: authority }), `https://127.0.0.1:${port}/`)).toBe('{"step":"finished"}');
    expect(await text(clientOf({ ca: authority, loopbackOnly: true }), `https://localhost:${port}/`)).toBe('{"step":"finished"}');
  });

  test.each([
    ['no authority', {}],
    ['the usual proxies and no authority', { proxyEnvironment: { HTTPS_PROXY: 'http://127.0.0.1:1' } }],
  ])('is told as such and sent nothing with %s', async (_name, change) => {
    const { port, asked } = await startDify();
    const found = problem(await clientOf(change).send({ ...get(`https://127.0.0.1:${port}/`), headers: { authorization: 'Bearer hunter2' } }));
    expect(found).toMatchObject({ ...untrusted, where: `https://127.0.0.1:${port}/`, answer: { code: expect.stringMatching(/CERT|VERIFY/) } });
    expect(asked).toEqual([]);
  });

  test('is not trusted under a name that its certificate does not have', async () => {
    const { port } = await startDify();
    const proxy = await startProxy(port);
    const client = clientOf({ ca: authority, proxyEnvironment: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } });
    expect(problem(await client.send(get('https://other.example.com/')))).toMatchObject({ ...untrusted, hint: expect.stringContaining('Check the host name') });
  });

  test.each([['no PEM at all'], ['-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n']])('an authority that is %j is an input problem', async (ca) => {
    const { port } = await startDify();
    expect(problem(await clientOf({ ca }).send(get(`https://127.0.0.1:${port}/`)))).toMatchObject({ category: 'input', hint: expect.stringContaining('PEM') });
  });
});

describe('a proxy', () => {
  test('is asked for https with HTTPS_PROXY, its password included, and the authority counts behind it', async () => {
    const { port } = await startDify();
    const proxy = await startProxy(port);
    const proxyEnvironment = { https_proxy: `http://me:pass%3Aword@127.0.0.1:${proxy.port}` };
    expect(await text(clientOf({ ca: authority, proxyEnvironment }), 'https://dify.example.com/')).toBe('{"step":"finished"}');
    expect(proxy.asked).toEqual([`dify.example.com:443 Basic ${Buffer.from('me:pass:word').toString('base64')}`]);
    expect(problem(await clientOf({ proxyEnvironment }).send(get('https://dify.example.com/')))).toMatchObject(untrusted);
  });

  test('that refuses is told as such, without its password', async () => {
    const proxy = await startProxy(1, true);
    const found = problem(await clientOf({ proxyEnvironment: { HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${proxy.port}` } }).send(get('https://dify.example.com/')));
    expect(found).toMatchObject({ category: 'platform', reason: 'the proxy refused the connection', where: 'https://dify.example.com/', hint: expect.stringContaining('HTTPS_PROXY') });
    expect(JSON.stringify(found)).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  test('that is not there is told by its address, not by that of the server', async () => {
    const found = problem(await clientOf({ proxyEnvironment: { HTTPS_PROXY: 'http://127.0.0.1:1' } }).send(get('https://dify.example.com/')));
    expect(found).toMatchObject({ category: 'platform', answer: { code: 'ECONNREFUSED', message: '127.0.0.1:1' } });
  });

  // Only Linux has more than one loopback address without further ado.
  (process.platform === 'linux' ? test : test.skip)('is left out for the hosts of NO_PROXY', async () => {
    const server = createHttpServer((_request, response) => response.end('direct'));
    const port = await listen(server, '127.0.0.2');
    const other = createHttpServer((_request, response) => response.end('through the proxy'));
    const proxy = await startProxy(await listen(other));
    const HTTP_PROXY = `http://127.0.0.1:${proxy.port}`;
    const address = `http://127.0.0.2:${port}/`;
    expect(await text(clientOf({ proxyEnvironment: { HTTP_PROXY } }), address)).toBe('through the proxy');
    expect(await text(clientOf({ proxyEnvironment: { HTTP_PROXY, NO_PROXY: 'dify.example.com,127.0.0.2' } }), address)).toBe('direct');
    expect(proxy.asked).toEqual([`127.0.0.2:${port}`]);
  });
});
