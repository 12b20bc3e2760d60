import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Seen is one request, as it came to the proxy. */
export interface Seen {
  readonly method: string;
  /** path is the whole path with its query. */
  readonly path: string;
  readonly body: string;
}

/** Page is what the proxy answers in the server's place; `forwarded` ones are answered after the server has carried the request out. */
export interface Page {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly forwarded?: boolean;
}

/** Verdict is what the proxy does with one request. */
export type Verdict =
  | 'pass'
  /** cut before: the connection is reset and the server never hears of the request. */
  | 'cut before'
  /** cut after: the server has carried the request out, and the connection is reset then. */
  | 'cut after'
  /** half: the server's answer breaks off in the middle of its body, before the length that was announced. */
  | 'half'
  /** hang: the server has carried the request out, and nothing is ever answered. */
  | 'hang'
  /** gone: from this request on nobody listens at the address, until `comeBack`. */
  | 'gone'
  /** gone after: the same, but the server has carried this request out. */
  | 'gone after'
  | Page
  /** after: the server has carried the request out, this is called then, and nothing is ever answered. */
  | { readonly after: () => void }
  /** changed: the server's answer has another body. */
  | { readonly changed: (body: string) => string }
  /** A function writes the answer itself, and may keep it open. */
  | ((response: ServerResponse) => void);

/** Rule decides about each request; it may remember what it saw, and do something on the server first. */
export type Rule = (seen: Seen) => Verdict | Promise<Verdict>;

/** FaultProxy stands in front of a server on loopback and does to its answers what a rule says. */
export interface FaultProxy {
  readonly origin: string;
  rule: Rule;
  /** seen are all requests, forwarded those that reached the server. */
  readonly seen: readonly Seen[];
  readonly forwarded: readonly Seen[];
  /** forget empties both lists. */
  forget(): void;
  /** comeBack listens again at the same address after `gone`. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const read = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const listen = (server: Server, port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));

/** Upstream is one origin, or one for each path; `signed` servers are told the host that the client named, since its signature covers it. */
export type Upstream = string | { readonly signed: true; readonly originOf: (path: string) => string };

/** startFaultProxy starts a proxy in front of the servers at `upstream`. */
export const startFaultProxy = async (upstream: Upstream): Promise<FaultProxy> => {
  const sockets = new Set<Socket>();
  const seen: Seen[] = [];
  const forwarded: Seen[] = [];
  let closing: Promise<void> | undefined;

  const handOn = (incoming: IncomingMessage, one: Seen): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      forwarded.push(one);
      const to = new URL(typeof upstream === 'string' ? upstream : upstream.originOf(one.path));
      const headers = { ...incoming.headers, ...(typeof upstream === 'string' ? { host: to.host } : {}) };
      const outgoing = forward({ host: to.hostname, port: to.port, method: one.method, path: one.path, headers, agent: false }, resolve);
      outgoing.on('error', reject);
      outgoing.end(one.body);
    });

  const leave = (): void => {
    closing = new Promise((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one: Seen = { method: incoming.method ?? '', path: incoming.url ?? '', body: (await read(incoming)).toString('utf8') };
    seen.push(one);
    const verdict = await proxy.rule(one);
    if (typeof verdict === 'function') {
      verdict(response);
      return;
    }
    if (verdict === 'cut before') {
      incoming.socket.resetAndDestroy();
      return;
    }
    if (verdict === 'gone') {
      leave();
      return;
    }
    if (typeof verdict === 'object' && 'status' in verdict && verdict.forwarded !== true) {
      response.writeHead(verdict.status, { 'content-type': 'application/json', ...verdict.headers }).end(verdict.body);
      return;
    }
    const answer = await handOn(incoming, one);
    if (verdict === 'pass') {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      // The one who asked has gone, or the server has: either way the other hears of it.
      response.on('close', () => answer.destroy());
      answer.on('error', () => response.destroy());
      answer.pipe(response);
      return;
    }
    const body = await read(answer);
    if (verdict === 'cut after') incoming.socket.resetAndDestroy();
    else if (verdict === 'gone after') leave();
    else if (verdict === 'half') {
      const { 'transfer-encoding': _encoding, ...headers } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, { ...headers, 'content-length': String(body.length) });
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => incoming.socket.destroy());
    } else if (typeof verdict === 'object' && 'after' in verdict) verdict.after();
    else if (typeof verdict === 'object' && 'changed' in verdict) {
      const { 'transfer-encoding': _encoding, 'content-length': _length, ...headers } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, headers).end(verdict.changed(body.toString('utf8')));
    }
    else if (verdict !== 'hang') {
      response.writeHead(verdict.status, { 'content-type': 'application/json', ...verdict.headers }).end(verdict.body);
    }
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const proxy: FaultProxy = {
    origin: `http://127.0.0.1:${port}`,
    rule: () => 'pass',
    seen,
    forwarded,
    forget: () => {
      seen.length = 0;
      forwarded.length = 0;
    },
    comeBack: async () => {
      if (closing === undefined) return;
      await closing;
      closing = undefined;
      await listen(server, port);
    },
    close: async () => {
      if (closing === undefined) leave();
      await closing;
    },
  };
  return proxy;
};
