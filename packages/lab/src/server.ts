import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** LabRequest is one request to a lab server, read whole. */
export interface LabRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** target is the raw request target, for signatures. */
  readonly target: string;
  /** headers have lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** closed fires when the client goes away. */
  readonly closed: AbortSignal;
}

/** LabHandler answers one request. */
export type LabHandler = (request: LabRequest, response: ServerResponse) => Promise<void> | void;

/** LabServer is a running HTTP server on 127.0.0.1. */
export interface LabServer {
  /** origin is `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
}

const bodyLimit = 12 * 1024 * 1024;

const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const flatHeaders = (request: IncomingMessage): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

/** answerJson sends a JSON answer. */
export const answerJson = (
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...(headers as Record<string, string | string[]>) });
  response.end(JSON.stringify(value));
};

/** LabServerOptions set a server's pace. */
export interface LabServerOptions {
  /** latencyMs is real time that passes before each answer, as on a server that is far or busy; 0 when absent. */
  readonly latencyMs?: number;
}

const respond = async (handler: LabHandler, request: IncomingMessage, response: ServerResponse, port: number, latencyMs: number): Promise<void> => {
  // A page in a browser could reach a loopback server under a name of its own (DNS rebinding), so the name must be ours.
  const host = request.headers.host ?? '';
  if (!/^(?:127\.0\.0\.1|localhost):\d+$/.test(host)) {
    answerJson(response, 421, { code: 'misdirected', message: 'this lab answers only to 127.0.0.1 and localhost' });
    return;
  }
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  const body = await readBody(request);
  if (body === undefined) {
    answerJson(response, 413, { code: 'too_large', message: 'the request is over 12 MB', status: 413 });
    return;
  }
  if (latencyMs > 0) await sleep(latencyMs);
  const target = request.url ?? '/';
  const url = new URL(target, `http://127.0.0.1:${port}`);
  await handler(
    {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      target,
      headers: flatHeaders(request),
      body,
      closed: closed.signal,
    },
    response,
  );
};

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** startServer listens on 127.0.0.1 on a free port. A handler that throws gives a 500 and the text of the error. */
export const startServer = async (handler: LabHandler, { latencyMs = 0 }: LabServerOptions = {}): Promise<LabServer> => {
  const server = createServer((request, response) => {
    const port = (server.address() as AddressInfo | null)?.port ?? 0;
    respond(handler, request, response, port, latencyMs).catch((error: unknown) => {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      answerJson(response, 500, { code: 'lab_defect', message: error instanceof Error ? error.message : String(error), status: 500 });
    });
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, port, close: () => stop(server) };
};
