import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../src/clock.ts';
import type { EventStream, HttpClient, HttpRequest, HttpResponse } from '../src/http/client.ts';
import { readJson } from '../src/http/json.ts';
import { createHttpClient, type HttpClientOptions } from '../src/http/undici-client.ts';
import type { Outcome } from '../src/outcome.ts';
import type { Problem } from '../src/problem.ts';
import { credentialHosts } from '../src/secrets/host-binding.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

const serve = async (handler: Handler): Promise<{ origin: string; port: number; requests: IncomingMessage[]; connections: Set<Socket> }> => {
  const requests: IncomingMessage[] = [];
  const connections = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    requests.push(request);
    handler(request, response, requests.length);
  });
  server.on('connection', (socket: Socket) => connections.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, port, requests, connections };
};

/** quickClock takes a hundredth of every wait and deadline, and remembers what was asked. */
const quickClock = (): Clock & { readonly waits: number[] } => {
  const real = systemClock();
  const waits: number[] = [];
  return {
    ...real,
    waits,
    sleep: (milliseconds, signal) => {
      waits.push(milliseconds);
      return real.sleep(milliseconds / 100, signal);
    },
  };
};

const clientOf = (change: Partial<HttpClientOptions> = {}): HttpClient => {
  const client = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'sluice/test', loopbackOnly: false, ...change });
  opened.push(() => client.close());
  return client;
};

const get = (url: string, change: Partial<HttpRequest> = {}): HttpRequest => ({ method: 'GET', url, tried: 'read the app', ...change });

const value = <T>(outcome: Outcome<T>): T => {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
  return outcome.value;
};

const problem = (outcome: Outcome<unknown>): Problem => {
  if (outcome.ok) throw new Error('expected a problem');
  return outcome.problem;
};

const eventsIn = async (outcome: Outcome<EventStream>): Promise<string[]> => {
  const stream = value(outcome);
  if (stream.kind !== 'events') throw new Error('expected a stream');
  const seen: string[] = [];
  for await (const event of stream.events) seen.push(event.ok ? `${event.value.event}:${event.value.data}` : `${event.problem.category}: ${event.problem.reason}`);
  return seen;
};

describe('send', () => {
  test('gives status, lower-case headers, text and time, over kept connections', async () => {
    const { origin, requests, connections } = await serve((_request, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.end('你好');
    });
    const client = clientOf();
    const answer = value(await client.send(get(origin, { headers: { 'X-Mine': 'yes' } })));
    expect(answer).toMatchObject({ status: 200, text: '你好', headers: { 'set-cookie': 'a=1\nb=2' } });
    expect(answer.durationMs).toBeGreaterThan(0);
    value(await client.send({ method: 'POST', url: origin, tried: 'x', body: '{"a":1}', headers: { 'content-type': 'application/json' } }));
    for (let more = 0; more < 8; more += 1) value(await client.send(get(origin)));
    expect(requests[0]?.headers).toMatchObject({ 'user-agent': 'sluice/test', 'x-mine': 'yes', 'accept-encoding': 'identity' });
    expect(requests[1]?.headers['content-type']).toBe('application/json');
    expect(connections.size).toBe(1);
  });

  test('a status of 400 is an answer and is not repeated', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(404).end('{}'));
    expect(value(await clientOf().send(get(origin))).status).toBe(404);
    expect(requests).toHaveLength(1);
  });

  test('repeats what passes and honours Retry-After', async () => {
    const { origin, requests } = await serve((_request, response, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '7' }).end();
      else if (count === 2) response.writeHead(503).end();
      else response.end('good');
    });
    const clock = quickClock();
    expect(value(await clientOf({ clock }).send(get(origin))).text).toBe('good');
    expect(requests).toHaveLength(3);
    const waits = clock.waits.filter((wait) => wait !== 30_000);
    expect(waits[0]).toBe(7000);
    expect(waits[1]).toBeLessThanOrEqual(2000);
  });

  test('gives the last answer after three tries', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(502).end('bad'));
    expect(value(await clientOf({ clock: quickClock() }).send(get(origin))).status).toBe(502);
    expect(requests).toHaveLength(3);
  });

  test('does not wait beyond its deadline for another try', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(429, { 'retry-after': '60' }).end());
    expect(value(await clientOf().send(get(origin, { deadlineMs: 5000 }))).status).toBe(429);
    expect(requests).toHaveLength(1);
  });

  test.each([
    ['POST', undefined, 1],
    ['POST', true, 3],
    ['GET', false, 1],
  ] as const)('%s with repeatable %p is sent %d times on 503', async (method, repeatable, times) => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(503).end());
    await clientOf({ clock: quickClock() }).send({ ...get(origin), method, ...(repeatable === undefined ? {} : { repeatable }) });
    expect(requests).toHaveLength(times);
  });

  test('a reset connection is repeated for GET and is a platform problem for POST', async () => {
    const { origin, requests } = await serve((_request, response, count) => {
      if (count === 1 || count === 3) response.destroy();
      else response.end('good');
    });
    const client = clientOf({ clock: quickClock() });
    expect(value(await client.send(get(origin))).text).toBe('good');
    expect(problem(await client.send({ ...get(origin), method: 'POST' }))).toMatchObject({
      category: 'platform',
      reason: 'the connection was cut before the answer was complete',
      tried: 'read the app',
    });
    expect(requests).toHaveLength(3);
  });

  test.each([
    ['a body with a length', { 'content-length': '100' }],
    ['a chunked body', {}],
  ])('%s that breaks off is a problem, never a short answer', async (_name, headers) => {
    const { origin } = await serve((_request, response) => {
      response.writeHead(200, headers);
      response.write('{"half":');
      setTimeout(() => response.destroy(), 20);
    });
    expect(problem(await clientOf().send(get(origin, { repeatable: false })))).toMatchObject({ category: 'platform', reason: expect.stringContaining('cut before') });
  });

  test('a slow answer is a timeout at the deadline', async () => {
    const { origin } = await serve(() => undefined);
    const begun = performance.now();
    expect(problem(await clientOf().send(get(origin, { deadlineMs: 100 })))).toMatchObject({ category: 'timeout', reason: 'no answer within 100 ms', where: `${origin}/` });
    expect(performance.now() - begun).toBeLessThan(6000);
  });

  test('a body that trickles is a timeout, too', async () => {
    const { origin } = await serve((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(problem(await clientOf().send(get(origin, { deadlineMs: 150 }))).category).toBe('timeout');
  });

  test.each([
    ['cancelled', undefined],
    ['timeout', new DOMException('the step is over', 'TimeoutError')],
  ])('a signal ends it as %s', async (category, reason) => {
    const { origin } = await serve(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    expect(problem(await clientOf({ signal: controller.signal }).send(get(origin))).category).toBe(category);
    expect(problem(await clientOf().send(get(origin, { signal: controller.signal }))).category).toBe(category);
  });

  test('follows redirects within the origin', async () => {
    const { origin, requests } = await serve((request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end('moved');
      else response.end('here');
    });
    expect(value(await clientOf().send(get(`${origin}/a`))).text).toBe('here');
    expect(requests.map((request) => request.url)).toEqual(['/a', '/b']);
  });

  test('gives up on a circle and does not follow a POST', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(307, { location: '/again' }).end());
    expect(problem(await clientOf().send(get(origin))).reason).toBe('the server redirected more than 3 times');
    expect(requests).toHaveLength(4);
    expect(value(await clientOf().send({ ...get(origin), method: 'POST' })).status).toBe(307);
  });

  test('names both sides of a redirect to another origin and does not go there', async () => {
    const other = await serve((_request, response) => response.end());
    const { origin } = await serve((_request, response) => response.writeHead(302, { location: `${other.origin}/login?next=secret` }).end());
    const found = problem(await clientOf().send(get(origin, { headers: { authorization: 'Bearer hunter2' } })));
    expect(found).toMatchObject({ category: 'platform', reason: `${origin} redirects to ${other.origin}; no redirect to another origin is followed` });
    expect(JSON.stringify(found)).not.toContain('secret');
    expect(other.requests).toHaveLength(0);
  });

  test('an answer beyond 20 MB is refused', async () => {
    const { origin } = await serve((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      let sent = 0;
      const write = (): void => {
        while (sent < 25) {
          sent += 1;
          if (!response.write(chunk)) {
            response.once('drain', write);
            return;
          }
        }
        response.end();
      };
      write();
    });
    expect(problem(await clientOf().send(get(origin)))).toMatchObject({ category: 'platform', reason: 'the server sent more than 20 MB' });
  });

  test('a compressed body that nobody asked for is refused', async () => {
    const { origin } = await serve((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('zip'));
    expect(problem(await clientOf().send(get(origin))).reason).toContain('encoding gzip');
  });

  test('nobody listens', async () => {
    const server = await serve(() => undefined);
    await opened.pop()?.();
    expect(problem(await clientOf().send(get(server.origin)))).toMatchObject({ category: 'platform', reason: 'nothing listens at this address', answer: { code: 'ECONNREFUSED' } });
  });

  test('something else than HTTP answers', async () => {
    const server = createTcpServer((socket) => socket.resume().end('220 mail.example.com ESMTP\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(() => new Promise((resolve) => server.close(resolve)));
    expect(problem(await clientOf().send(get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)))).toMatchObject({ category: 'platform', reason: 'the server did not answer in HTTP' });
  });

  test('a header with a line end is an input problem that does not show it', async () => {
    const { origin } = await serve((_request, response) => response.end());
    const found = problem(await clientOf().send(get(origin, { headers: { authorization: 'Bearer hunter2\r\nx: y' } })));
    expect(found.category).toBe('input');
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test.each<[string, Partial<HttpClientOptions>, RegExp]>([
    ['http://example.com/', { loopbackOnly: true }, /connects to this machine only, not to example.com/],
    ['http://127.0.0.1.example.com/', { loopbackOnly: true }, /this machine only/],
    ['http://169.254.169.254/latest/meta-data', {}, /link-local or metadata/],
    ['http://[fe80::1]/', {}, /link-local or metadata/],
    ['http://user:hunter2@127.0.0.1/', {}, /carries credentials/],
    ['file:///etc/passwd', {}, /file: addresses cannot be asked/],
    ['nonsense', {}, /no URL/],
  ])('%s is refused before connecting', async (url, change, reason) => {
    const found = problem(await clientOf(change).send(get(url)));
    expect(found.category).toBe('input');
    expect(found.reason).toMatch(reason);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test('a rehearsal reaches localhost', async () => {
    const { port } = await serve((_request, response) => response.end('lab'));
    expect(value(await clientOf({ loopbackOnly: true }).send(get(`http://localhost:${port}`))).text).toBe('lab');
  });

  test('credentials go to listed hosts only', async () => {
    const { origin } = await serve((_request, response) => response.end('ok'));
    const client = clientOf({ credentialHosts: value(credentialHosts('dify.example.com')) });
    expect(problem(await client.send(get(origin, { headers: { Authorization: 'Bearer x' } })))).toMatchObject({ category: 'input', reason: expect.stringContaining('SLUICE_HOSTS') });
    for (const credentials of ['sent', 'exchanged'] as const) {
      expect(problem(await client.send({ ...get(origin), method: 'POST', body: '{"password":"x"}', credentials })).reason).toContain('SLUICE_HOSTS');
    }
    expect(value(await client.send(get(origin))).text).toBe('ok');
  });

  test('asks through the proxy of the environment, apart from loopback', async () => {
    const target = await serve((_request, response) => response.end('through the proxy'));
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
      asked.push(request.url ?? '');
      const onward = connect(target.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
      opened.push(async () => {
        socket.destroy();
        onward.destroy();
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    opened.push(async () => {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    });
    const client = clientOf({ proxyEnvironment: { HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` } });
    expect(value(await client.send(get('http://dify.example.com/'))).text).toBe('through the proxy');
    expect(value(await client.send(get(target.origin))).text).toBe('through the proxy');
    expect(asked).toEqual(['dify.example.com:80']);
    const wrong = clientOf({ proxyEnvironment: { https_proxy: 'user:hunter2@proxy' } });
    const found = problem(await wrong.send(get('https://dify.example.com/')));
    expect(found.category).toBe('input');
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});

describe('stream', () => {
  const sse = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });

  test('gives the events in order, whatever the chunks, without pings', async () => {
    const { origin, requests } = await serve((_request, response) => {
      const bytes = Buffer.from('event: ping\n\nevent: ping\ndata: {}\n\ndata: {"a":"你"}\n\nevent: message\ndata: two\ndata: lines\n\ndata: [DONE]\n\n');
      sse(response).write(bytes.subarray(0, 49));
      setTimeout(() => response.end(bytes.subarray(49)), 20);
    });
    expect(await eventsIn(await clientOf().stream({ ...get(origin), method: 'POST' }))).toEqual([':{"a":"你"}', 'message:two\nlines', ':[DONE]']);
    expect(requests[0]?.headers.accept).toBe('text/event-stream');
  });

  test('a whole answer comes whole', async () => {
    const { origin } = await serve((_request, response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{"code":"x"}'));
    expect(value(await clientOf().stream(get(origin)))).toMatchObject({ kind: 'whole', response: { status: 400, text: '{"code":"x"}' } });
  });

  test('ends with a problem when it is cut', async () => {
    const { origin } = await serve((_request, response) => {
      sse(response).write('data: one\n\n');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await eventsIn(await clientOf().stream(get(origin)))).toEqual([':one', 'platform: the connection was cut before the answer was complete']);
  });

  test('pings do not keep it alive', async () => {
    const { origin } = await serve((_request, response) => {
      sse(response).write('data: one\n\n');
      const timer = setInterval(() => response.write('event: ping\ndata: {}\n\n: comment\n\n'), 50);
      response.on('close', () => clearInterval(timer));
    });
    expect(await eventsIn(await clientOf({ clock: quickClock() }).stream(get(origin)))).toEqual([':one', 'timeout: the stream was silent for 1 m']);
  });

  test('a slow reader is not the server’s silence', async () => {
    const { origin } = await serve((_request, response) => {
      sse(response).write('data: one\n\n');
      setTimeout(() => response.end('data: two\n\n'), 50);
    });
    const stream = value(await clientOf({ clock: quickClock() }).stream(get(origin)));
    if (stream.kind !== 'events') throw new Error('expected a stream');
    const seen: string[] = [];
    for await (const event of stream.events) {
      seen.push(event.ok ? event.value.data : event.problem.reason);
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    expect(seen).toEqual(['one', 'two']);
  });

  test('no first byte is a timeout', async () => {
    const { origin } = await serve(() => undefined);
    expect(problem(await clientOf().stream(get(origin, { deadlineMs: 80 })))).toMatchObject({ category: 'timeout' });
  });

  test('a cancelled run ends it, and a reader that leaves lets the connection go', async () => {
    let closed = 0;
    const { origin } = await serve((_request, response) => {
      response.on('close', () => (closed += 1));
      sse(response).write('data: one\n\n');
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    expect(await eventsIn(await clientOf().stream(get(origin, { signal: controller.signal })))).toEqual([':one', 'cancelled: the run was cancelled']);
    const stream = value(await clientOf().stream(get(origin)));
    if (stream.kind !== 'events') throw new Error('expected a stream');
    for await (const event of stream.events) if (event.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(2);
  });
});

describe('readJson', () => {
  const response = (text: string, type = 'application/json'): HttpResponse => ({ status: 200, headers: { 'content-type': type }, text, durationMs: 1 });

  test.each([
    ['{"a":1}', { a: 1 }],
    ['null', null],
  ])('reads %s', (text, expected) => {
    expect(readJson(response(text), 'x')).toEqual({ ok: true, value: expected });
  });

  test.each([
    ['<!DOCTYPE html>\n<html>…', 'text/plain', /HTML, not JSON: is the address right\?/],
    ['Welcome', 'text/html; charset=utf-8', /HTML, not JSON/],
    ['{"a":', 'application/json', /breaks off or is damaged/],
    ['upstream error', 'text/plain', /text that is not JSON/],
    ['  ', 'application/json', /answered nothing/],
  ])('%j of type %s is a platform problem', (text, type, reason) => {
    const found = problem(readJson(response(text, type), 'read the app'));
    expect(found).toMatchObject({ category: 'platform', tried: 'read the app', answer: { status: 200 } });
    expect(found.reason).toMatch(reason);
  });

  test('shows 120 characters in one line', () => {
    const found = problem(readJson(response(`<html>\n${'长'.repeat(500)}`), 'x'));
    expect(found.answer?.message).toHaveLength(120);
    expect(found.answer?.message).not.toContain('\n');
  });
});
