import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Verdict is what a proxy does with one request. */
export type Verdict =
  | 'pass'
  /** before: the connection is cut and the server never hears of the request. */
  | 'cut before'
  /** after: the server has answered, and the connection is cut then. */
  | 'cut after'
  | { readonly status: number; readonly body: string; readonly type?: string; readonly forwarded?: boolean };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface Proxy {
  readonly origin: string;
  /** seen are all requests so far, in order. */
  readonly seen: Seen[];
  /** rule decides about each request; it may be changed at any time. */
  rule: (seen: Seen) => Verdict;
  /** rewrite changes the text of a server's answer. */
  rewrite: (seen: Seen, text: string) => string;
  count(pattern: RegExp): number;
  close(): Promise<void>;
}

const read = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const upstreamAnswer = (upstream: URL, incoming: IncomingMessage, body: Buffer): Promise<{ head: IncomingMessage; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const headers = { ...incoming.headers, host: upstream.host };
    const outgoing = forward({ host: upstream.hostname, port: upstream.port, method: incoming.method, path: incoming.url, headers }, (head) => {
      read(head).then((text) => resolve({ head, body: text }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** startProxy puts a proxy on loopback in front of a lab, which cuts and rewrites as a test says. */
export const startProxy = async (origin: string): Promise<Proxy> => {
  const upstream = new URL(origin);
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await read(incoming);
    const seen: Seen = { method: incoming.method ?? '', path: incoming.url ?? '', body: body.toString('utf8') };
    proxy.seen.push(seen);
    const verdict = proxy.rule(seen);
    if (verdict === 'cut before') {
      incoming.socket.destroy();
      return;
    }
    if (typeof verdict === 'object' && verdict.forwarded !== true) {
      response.writeHead(verdict.status, { 'content-type': verdict.type ?? 'application/json' }).end(verdict.body);
      return;
    }
    const answer = await upstreamAnswer(upstream, incoming, body);
    if (verdict === 'cut after') {
      incoming.socket.destroy();
    } else if (typeof verdict === 'object') {
      response.writeHead(verdict.status, { 'content-type': verdict.type ?? 'application/json' }).end(verdict.body);
    } else {
      const text = proxy.rewrite(seen, answer.body.toString('utf8'));
      const { 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.head.headers;
      response.writeHead(answer.head.statusCode ?? 500, headers).end(text);
    }
  };
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address() as AddressInfo;
  const proxy: Proxy = {
    origin: `http://127.0.0.1:${address.port}`,
    seen: [],
    rule: () => 'pass',
    rewrite: (_seen, text) => text,
    count: (pattern) => proxy.seen.filter(({ method, path }) => pattern.test(`${method} ${path}`)).length,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
};
