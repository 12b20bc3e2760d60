import type { ServerResponse } from 'node:http';
import { answerJson, type LabRequest } from '../server.ts';
import { openBody, userOf } from './body.ts';
import type { Variables } from './variables.ts';

/** givenNames are the variables that exist beside the include file. */
export const givenNames = ['request_body', 'sluice_user', 'sluice_body_open'] as const;

const limit = 10 * 1024 * 1024;

/** Passage is what becomes of a request: it was answered, or it goes on with this target and body. */
export type Passage = 'answered' | { readonly target: string; readonly body: Buffer };

const suffixed = (variables: Variables, suffix: string): string | undefined =>
  variables.names.find((name) => name.startsWith('sluice_') && name.endsWith(suffix));

const refuse = (response: ServerResponse, status: number, code: string, message: string): Passage => {
  answerJson(response, status, { code, message, status });
  return 'answered';
};

const splitPage = (request: LabRequest, response: ServerResponse, variables: Variables): Passage | undefined => {
  const [, application] = /^\/sluice\/([a-z0-9-]+)$/.exec(request.path) ?? [];
  const name = `sluice_${(application ?? '').replaceAll('-', '_')}_split`;
  if (application === undefined || !variables.has(name)) return undefined;
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(variables.forRequest({})(name));
  return 'answered';
};

/** serverBlock does what the documented server block does (docs/gateway-nginx.md), with the variables of the include file. */
export const serverBlock = (request: LabRequest, response: ServerResponse, variables: Variables): Passage => {
  const page = splitPage(request, response, variables);
  if (page !== undefined) return page;
  const path = request.path === '/v1/workflows/run' ? suffixed(variables, '_path') : undefined;
  const body = request.path === '/v1/chat-messages' && request.method === 'POST' ? suffixed(variables, '_body') : undefined;
  if (path === undefined && body === undefined) return { target: request.target, body: request.body };
  if (request.body.length > limit) return refuse(response, 413, 'too_large', 'The body is over 10 MB.');
  const text = request.body.toString('latin1');
  const user = userOf(text);
  const lookup = variables.forRequest({ request_body: text, sluice_user: user, sluice_body_open: openBody(text) });
  if (path !== undefined) return { target: request.target.replace(request.path, lookup(path)), body: request.body };
  if (user === '') return refuse(response, 400, 'bad_request', 'The gateway could not read this body as a JSON object.');
  return { target: request.target, body: Buffer.from(lookup(body ?? ''), 'latin1') };
};
