import { request as send, type Agent, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { GatewayKind } from '@sluice/gateway';
import { startServer, type LabServer } from '../../packages/lab/src/server.ts';
import { keys, wait } from './nginx-program.ts';

/** Seen is what arrived at the upstream. */
export interface Seen {
  readonly path: string;
  readonly length: number;
  readonly authorization?: string;
  /** workflow is the body's `workflow_id`. */
  readonly workflow?: string;
  /** text is the start of the body as it arrived. */
  readonly text: string;
}

/** startUpstream answers with what arrived, with 500 to the query `fail`, and to who asks for a stream with events 300 ms apart, what arrived first; `arrived` counts requests. */
export const startUpstream = async (): Promise<LabServer & { arrived(): number }> => {
  let arrived = 0;
  const server = await startServer(async (request, response) => {
    arrived += 1;
    const text = request.body.toString('utf8');
    let body: Record<string, unknown> | undefined;
    try {
      body = JSON.parse(text) as Record<string, unknown>;
    } catch {
      body = undefined;
    }
    const seen = {
      path: request.target,
      length: request.body.length,
      authorization: request.headers['authorization'],
      workflow: body?.['workflow_id'],
      text: text.slice(0, 200),
    };
    if (body?.['response_mode'] === 'streaming') {
      // Without chunks, as an HTTP/1.0 server answers: nginx passes chunks on at once even where it buffers.
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
      for (const event of [JSON.stringify(seen), 'two', 'three']) {
        response.write(`data: ${event}\n\n`);
        await wait(300);
      }
      response.end();
      return;
    }
    const failing = body?.['query'] === 'fail';
    response.writeHead(failing ? 500 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(seen));
  });
  return { ...server, arrived: () => arrived };
};

/** Answer is what came back. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** post sends a body in one piece or in chunks of a size; without an agent each call has a connection of its own. */
export const post = (url: string, body: string | Buffer, options: { readonly chunked?: number; readonly method?: string; readonly agent?: Agent } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const call = send(
      url,
      {
        method: options.method ?? 'POST',
        agent: options.agent ?? false,
        headers: {
          authorization: `Bearer ${keys.app}`,
          'content-type': 'application/json',
          ...(options.chunked === undefined ? { 'content-length': bytes.length } : {}),
        },
      },
      (answer: IncomingMessage) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        answer.on('error', reject);
      },
    );
    call.on('error', reject);
    const size = options.chunked ?? bytes.length;
    for (let at = 0; at < bytes.length; at += size) call.write(bytes.subarray(at, at + size));
    call.end();
  });

/** postExtended sends a body whose chunk headers take as much room as the body: chunk extensions, which RFC 9112 allows. */
export const postExtended = (origin: string, path: string, text: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    let answer = '';
    socket.on('error', reject);
    socket.on('data', (part) => (answer += part.toString()));
    socket.on('end', () => resolve({ status: Number(answer.split(' ')[1]), text: answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1) }));
    socket.write(`POST ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`);
    for (let at = 0; at < text.length; at += 50_000) {
      const part = text.slice(at, at + 50_000);
      socket.write(`${part.length.toString(16)};x=${'y'.repeat(60_000)}\r\n${part}\r\n`);
    }
    socket.write('0\r\n\r\n');
  });

/** seenBy posts and gives what arrived; any other answer than 200 is an error. */
export const seenBy = async (url: string, body: string, options = {}): Promise<Seen> => {
  const answer = await post(url, body, options);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return JSON.parse(answer.text) as Seen;
};

/** Form is a way to split: a kind of gateway, and the path that users call. */
export interface Form {
  readonly name: string;
  readonly kind: GatewayKind;
  readonly path: string;
}

/** forms are all ways to split. */
export const forms: readonly Form[] = [
  { name: 'chatflow, pinned by its body', kind: 'chat', path: '/v1/chat-messages' },
  { name: 'workflow app, pinned by its path', kind: 'workflow', path: '/v1/workflows/run' },
  { name: 'completion app with a twin', kind: 'twin', path: '/v1/completion-messages' },
  { name: 'workflow app with a twin', kind: 'twin', path: '/v1/workflows/run' },
];

/** Arms are the two versions of a split. */
export interface Arms {
  readonly stable: string;
  readonly candidate: string;
}

/** armOf is the version that a request met when it arrived; undefined when nothing pinned it. */
export const armOf = (kind: GatewayKind, { stable, candidate }: Arms, seen: Seen): string | undefined => {
  switch (kind) {
    case 'chat':
      return seen.workflow;
    case 'workflow':
      return /^\/v1\/workflows\/([^/]+)\/run$/.exec(seen.path)?.[1];
    case 'twin':
      return { [`Bearer ${keys.app}`]: stable, [`Bearer ${keys.twin}`]: candidate }[seen.authorization ?? ''];
  }
};
