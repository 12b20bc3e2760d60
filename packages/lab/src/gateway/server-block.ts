import type { ServerResponse } from 'node:http';
import { answerJson, type LabRequest } from '../server.ts';
import { openBody, userOf } from './body.ts';
import type { Variables } from './variables.ts';

/** givenNames are the variables that exist beside the include file. */
export const givenNames = ['request_body', 'http_authorization', 'sluice_user', 'sluice_body_open'] as const;

const limit = 10 * 1024 * 1024;

/** Passage is what becomes of a request: it was answered, or it goes on with this target and body, and this key if it is another. */
export type Passage = 'answered' | { readonly target: string; readonly body: Buffer; readonly authorization?: string };

/** Pin is a variable that the server block uses at a path. */
type Pin = 'path' | 'body' | 'authorization';

const atPath: Readonly<Record<Pin, RegExp>> = {
  path: /^\/v1\/workflows\/run$/,
  body: /^\/v1\/chat-messages$/,
  authorization: /^\/v1\/(completion-messages(\/[^/]+\/stop)?|workflows\/run|workflows\/tasks\/[^/]+\/stop|messages\/[^/]+\/feedbacks)$/,
};

/** pinOf finds the variable of the include file that decides about a path. */
const pinOf = (path: string, variables: Variables): { readonly pin: Pin; readonly name: string } | undefined => {
  for (const pin of ['path', 'body', 'authorization'] as const) {
    const name = variables.names.find((one) => one.startsWith('sluice_') && one.endsWith(`_${pin}`));
    if (name !== undefined && atPath[pin].test(path)) return { pin, name };
  }
  return undefined;
};

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
  const unchanged = { target: request.target, body: request.body };
  const found = request.method === 'POST' ? pinOf(request.path, variables) : undefined;
  if (found === undefined) return unchanged;
  if (request.body.length > limit) return refuse(response, 413, 'too_large', 'The body is over 10 MB.');
  const text = request.body.toString('latin1');
  const user = userOf(text);
  if (user === '') return refuse(response, 400, 'bad_request', 'The gateway could not read this body as a JSON object.');
  const key = request.headers['authorization'] ?? '';
  const pinned = variables.forRequest({ request_body: text, http_authorization: key, sluice_user: user, sluice_body_open: openBody(text) })(found.name);
  switch (found.pin) {
    case 'path':
      return { ...unchanged, target: request.target.replace(request.path, pinned) };
    case 'body':
      return { ...unchanged, body: Buffer.from(pinned, 'latin1') };
    case 'authorization':
      return { ...unchanged, authorization: pinned };
  }
};
