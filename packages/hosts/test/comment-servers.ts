import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Kept is a comment as a stand-in keeps it. */
export interface Kept {
  readonly id: number;
  body: string;
  readonly user: { readonly id: number; readonly type: string };
  readonly association: string;
  readonly system?: true;
}

/** CommentServer is a stand-in for one pull request's comments, over HTTP as documented. */
export interface CommentServer {
  readonly url: string;
  readonly comments: Kept[];
  /** calls are `METHOD path` in their order. */
  readonly calls: string[];
  /** before runs before a call is answered, to write at the same time. */
  before: (call: string) => void | Promise<void>;
  /** refusal is answered to every call while it is set. */
  refusal: { readonly status: number; readonly body: unknown } | 'silence' | undefined;
  add(comment: Partial<Kept> & { body: string }): Kept;
  stop(): Promise<void>;
}

export const ourUser = 41;

type Handler = (request: { readonly method: string; readonly url: URL; readonly headers: IncomingMessage['headers']; readonly body: string }, server: CommentServer) => { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> };

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
};

const serve = async (handler: Handler): Promise<CommentServer> => {
  let next = 100;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request);
    const call = `${request.method} ${request.url}`;
    server.calls.push(call);
    await server.before(call);
    if (server.refusal === 'silence') return;
    const given = server.refusal ?? handler({ method: request.method ?? '', url: new URL(request.url ?? '', 'http://x'), headers: request.headers, body }, server);
    response.writeHead(given.status, { 'content-type': 'application/json', 'x-github-request-id': 'ABCD:1', 'x-request-id': 'r-1', ...('headers' in given ? given.headers : {}) });
    response.end(given.body === undefined ? undefined : JSON.stringify(given.body));
  };
  const http = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: CommentServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    comments: [],
    calls: [],
    before: () => undefined,
    refusal: undefined,
    add: (comment) => {
      const made = { id: (next += 1), user: { id: ourUser, type: 'Bot' }, association: 'NONE', ...comment };
      server.comments.push(made);
      return made;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return server;
};

const pageOf = <T>(all: readonly T[], url: URL, usual: number): { readonly part: readonly T[]; readonly next: string } => {
  const size = Math.min(100, Number(url.searchParams.get('per_page') ?? usual));
  const page = Number(url.searchParams.get('page') ?? 1);
  return { part: all.slice((page - 1) * size, page * size), next: page * size < all.length ? String(page + 1) : '' };
};

const notFound = { status: 404, body: { message: 'Not Found' } };

/** change answers a call on the one comment whose id ends the path. */
const change = (server: CommentServer, method: string, id: number, body: string | undefined): { readonly status: number; readonly body?: unknown } => {
  const at = server.comments.findIndex((one) => one.id === id);
  const found = server.comments[at];
  if (found === undefined) return notFound;
  if (method === 'DELETE') {
    server.comments.splice(at, 1);
    return { status: 204 };
  }
  found.body = body ?? '';
  return { status: 200, body: { id } };
};

const bodyOf = (text: string): string => {
  const parsed: unknown = JSON.parse(text === '' ? '{}' : text);
  return typeof parsed === 'object' && parsed !== null && 'body' in parsed ? String(parsed.body) : '';
};

/** githubServer answers as docs.github.com/rest/issues/comments says: pages of 100, ids that rise, 65,536 characters at most. */
export const githubServer = (): Promise<CommentServer> =>
  serve(({ method, url, headers, body }, server) => {
    if (headers.authorization === undefined) return { status: 401, body: { message: 'Requires authentication' } };
    const text = method === 'POST' || method === 'PATCH' ? bodyOf(body) : '';
    if (text.length > 65_536) return { status: 422, body: { message: 'Validation Failed', errors: [{ message: 'body is too long (maximum is 65536 characters)' }] } };
    if (url.pathname === '/repos/acme/app/issues/12/comments') {
      if (method === 'POST') return { status: 201, body: { id: server.add({ body: text }).id } };
      const { part } = pageOf(server.comments, url, 30);
      return { status: 200, body: part.map(({ id, body: written, user, association }) => ({ id, body: written, user, author_association: association })) };
    }
    const [, id] = /^\/repos\/acme\/app\/issues\/comments\/(\d+)$/.exec(url.pathname) ?? [];
    return id === undefined ? notFound : change(server, method, Number(id), text);
  });

/** gitlabServer answers as docs.gitlab.com/api/notes says: a token of its own, pages with `x-next-page`, system notes among the others, 1,000,000 characters at most. */
export const gitlabServer = (token: string): Promise<CommentServer> =>
  serve(({ method, url, headers, body }, server) => {
    // The job's own token reaches no notes.
    if (headers['private-token'] !== token) return { status: 401, body: { message: '401 Unauthorized' } };
    if (url.pathname === '/api/v4/user') return { status: 200, body: { id: ourUser, username: 'project_7_bot' } };
    const text = method === 'POST' || method === 'PUT' ? bodyOf(body) : '';
    if (text.length > 1_000_000) return { status: 400, body: { message: { note: ['is too long (maximum is 1000000 characters)'] } } };
    if (/^\/(?:close|merge|approve)/m.test(text)) return { status: 500, body: { message: 'a quick action was run' } };
    const notes = '/api/v4/projects/7/merge_requests/12/notes';
    if (url.pathname === notes) {
      if (method === 'POST') return { status: 201, body: { id: server.add({ body: text }).id } };
      const order = url.searchParams.get('sort') === 'asc' ? server.comments : server.comments.toReversed();
      const { part, next } = pageOf(order, url, 20);
      return { status: 200, headers: { 'x-next-page': next }, body: part.map(({ id, body: written, user, system }) => ({ id, body: written, author: { id: user.id }, system: system === true })) };
    }
    const [, id] = new RegExp(`^${notes}/(\\d+)$`).exec(url.pathname) ?? [];
    if (id === undefined) return notFound;
    const found = server.comments.find((one) => one.id === Number(id));
    // Only its author may change a note.
    if (found !== undefined && found.user.id !== ourUser) return { status: 403, body: { message: '403 Forbidden' } };
    return change(server, method, Number(id), text);
  });
