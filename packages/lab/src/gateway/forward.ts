import { request as send, type Agent, type ServerResponse } from 'node:http';
import { answerJson, type LabRequest } from '../server.ts';

/** hop are the headers that belong to one connection, and those that are made anew. */
const hop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host', 'expect', 'upgrade']);

/** Forwarding is one request on its way to the upstream. */
export interface Forwarding {
  readonly upstream: string;
  readonly agent: Agent;
  /** target is the path and query that the upstream gets. */
  readonly target: string;
  readonly body: Buffer;
  /** authorization takes the place of the request's own. */
  readonly authorization?: string;
}

/** forward passes a request on and streams the answer back as it comes. An upstream that is gone is a 502. */
export const forward = (request: LabRequest, response: ServerResponse, { upstream, agent, target, body, authorization }: Forwarding): Promise<void> =>
  new Promise((resolve) => {
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name, value]) => value !== undefined && !hop.has(name)));
    const outgoing = send(new URL(target, upstream), {
      agent,
      method: request.method,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }), 'content-length': body.length },
    });
    request.closed.addEventListener('abort', () => {
      outgoing.destroy();
      resolve();
    });
    outgoing.on('error', () => {
      if (response.headersSent) response.destroy();
      else answerJson(response, 502, { code: 'bad_gateway', message: 'the upstream did not answer', status: 502 });
      resolve();
    });
    outgoing.on('response', (incoming) => {
      const kept = Object.entries(incoming.headers).filter(([name]) => !['connection', 'keep-alive', 'transfer-encoding'].includes(name));
      response.writeHead(incoming.statusCode ?? 502, Object.fromEntries(kept));
      response.flushHeaders();
      incoming.on('error', () => response.destroy());
      incoming.pipe(response);
      response.on('finish', resolve);
    });
    outgoing.end(body);
  });
