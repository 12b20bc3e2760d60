import { createServer, request as forward, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { LabDify } from '@sluice/lab';
import { parse, stringify } from 'yaml';
import { forms, type Garden } from './planted.ts';

/** Manner is how an answer gives secrets back: within a good answer, or in its place. */
export type Manner = 'good' | 'json' | 'html 502' | 'events' | 'redirect' | 'headers' | 'failed import' | 'failed run' | 'damaged json';

/** FrontOptions set a front. */
export interface FrontOptions {
  readonly lab: LabDify;
  readonly garden: Garden;
  /** given are the secrets that the process is started with. */
  readonly given: readonly string[];
  /** aliases are planted credentials and what the lab takes in their place. */
  readonly aliases: readonly (readonly [planted: string, real: string])[];
  /** manner says how a request, as `GET /path`, is answered. */
  readonly manner: (call: string) => Manner;
  /** expired is a request that is answered 401 once, so that the session is renewed. */
  readonly expired?: RegExp;
  /** version is what X-Version says after the release's number. */
  readonly oddVersion?: boolean;
}

/** Front is a hostile proxy before a lab's Dify: it plants what the server hands out, and gives everything back. */
export interface Front {
  readonly origin: string;
  /** newProcess forgets what only the process before knew: a session, a key, stored secrets. */
  newProcess(): void;
  /** sent is what was sent where no secret belongs: request lines, headers that carry none, and bodies that need none. */
  readonly sent: string[];
  /** echoed are all secrets that were given back. */
  readonly echoed: ReadonlySet<string>;
  close(): Promise<void>;
}

const carriers = /^(?:authorization|cookie|x-csrf-token|x-gate-pass|x-gate-other|proxy-authorization|host)$/;
const needsSecrets = /\/login$|\/refresh-token$|\/apps\/imports$|POST .*\/workflows\/draft$/;
const plantedCookies = /^(?:access_token|csrf_token|refresh_token)$/;

const read = async (stream: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** formsOf are a secret in every form. Inside an export, which is written once more, JSON in JSON would be three encodings at once. */
const formsOf = (secret: string, inExport: boolean): readonly string[] =>
  Object.entries(forms).flatMap(([name, form]) => (inExport && name === 'JSON in JSON' ? [] : [form(secret)]));

/** startFront starts a front on loopback. It is a proxy in the sense of HTTP_PROXY as well, and takes any host for its own. */
export const startFront = async ({ lab, garden, given, aliases, manner, expired, oddVersion = false }: FrontOptions): Promise<Front> => {
  const plantedFor = new Map(aliases.flatMap(([planted, real]) => [[real, planted], [base64(real), base64(planted)]] as const));
  // A password stands in JSON as well, where a release takes it as it is.
  const realFor = new Map([...plantedFor].flatMap(([real, planted]) => [[planted, real], [JSON.stringify(planted).slice(1, -1), real]] as const));
  const learnt = new Set<string>();
  const sent: string[] = [];
  const echoed = new Set<string>();
  let refusals = expired === undefined ? 0 : 1;
  let turn = 0;
  /** next are secrets, beginning with another one each time. */
  const next = (most = Infinity): readonly string[] => {
    const secrets = [...learnt, ...given];
    turn += 2;
    const first = turn % Math.max(1, secrets.length);
    const chosen = [...secrets.slice(first), ...secrets.slice(0, first)].slice(0, most);
    for (const secret of chosen) echoed.add(secret);
    return chosen;
  };
  /** echo gives secrets back in every form, behind a filling of another length each time: texts are cut at a length. */
  const echo = (most?: number, inExport = false): readonly string[] => {
    const secrets = next(most);
    return ['x '.repeat(((turn * 37) % 150) + 1), ...secrets.flatMap((secret) => formsOf(secret, inExport))];
  };
  /** some are a few secrets as they are, and two in every form, for a field of a usual length. */
  const some = (): string => [...next(4), ...echo(2)].join(' ');
  const exchanged = (text: string, by: ReadonlyMap<string, string>): string => [...by].reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
  const handOut = (name: string, real: string): string => {
    if (realFor.has(real)) {
      learnt.add(real);
      return real;
    }
    const planted = plantedFor.get(real) ?? garden.plant(`${name} from the server`, (core) => (name.endsWith('key') ? `app-${core}` : `ey${core}.${core}`));
    plantedFor.set(real, planted);
    realFor.set(planted, real);
    learnt.add(planted);
    return planted;
  };

  const cookieLine = (line: string): string => {
    const [, name = '', value = '', rest = ''] = /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? [];
    return plantedCookies.test(name) && value !== '' ? `__Host-${name}=${handOut(name, value)}${rest}` : line;
  };

  /** inside puts secrets into the texts of a good answer that Sluice may show. */
  const inside = (call: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((one) => inside(call, one));
    if (typeof value !== 'object' || value === null) return value;
    const shown = /\/apps\/[^/]+$/.test(call) ? ['name', 'description'] : /\/workflows/.test(call) ? ['marked_name', 'marked_comment', 'error'] : ['name', 'error', 'message', 'opening_statement'];
    return Object.fromEntries(
      Object.entries(value).map(([key, one]: [string, unknown]) => {
        if (shown.includes(key) && (typeof one === 'string' || one === null)) return [key, `${one ?? ''} ${some()}`];
        if (key === 'token' && typeof one === 'string' && /api-keys/.test(call)) return [key, handOut(call.startsWith('POST') ? 'created key' : 'read key', one)];
        if (/^(?:access|refresh)_token$/.test(key) && typeof one === 'string') return [key, handOut(`${key} in a body`, one)];
        if (key === 'leaked_dependencies') return [key, [{ type: 'marketplace', value: { marketplace_plugin_unique_identifier: some() } }]];
        return [key, key === 'graph' || key === 'features' ? one : inside(call, one)];
      }),
    );
  };

  /** exported is an export with secrets in a node and in the app's name, as a server gives it that was asked with include_secret. */
  const exported = (yaml: string): string => {
    const root = parse(yaml) as { app: Record<string, unknown>; workflow: { graph: { nodes: { data: Record<string, unknown> }[] } } };
    const [first] = root.workflow.graph.nodes;
    if (first !== undefined) first.data = { ...first.data, desc: echo(undefined, true).join(' '), authorization: { type: 'api-key', config: { api_key: given[0] ?? '' } } };
    return stringify({ ...root, app: { ...root.app, description: echo(undefined, true).join('\n') } });
  };

  /** said puts secrets into an app's answers, one of them cut in two by the end of an event. */
  const said = (text: string, failing: boolean): string =>
    text.replace(/^data: (\{.*\})$/gm, (_, json: string) => {
      const event = JSON.parse(json) as { event: string; answer?: string; data?: Record<string, unknown> };
      if (event.event === 'message') {
        const [middle, answer] = [7, some()];
        return [answer.slice(0, -middle), `${answer.slice(-middle)} ${event.answer ?? ''}`].map((part) => `data: ${JSON.stringify({ ...event, answer: part })}`).join('\n\n');
      }
      if (event.event !== 'workflow_finished' || !failing) return `data: ${json}`;
      return `data: ${JSON.stringify({ ...event, data: { ...event.data, status: 'failed', error: echo().join(' ') } })}`;
    });

  const goodBody = (call: string, text: string, type: string, failing: boolean): string => {
    if (type.startsWith('text/event-stream')) return said(text, failing);
    if (!type.startsWith('application/json') || text === '') return text;
    const body: unknown = JSON.parse(text);
    if (/\/export\b/.test(call)) return JSON.stringify({ data: exported((body as { data: string }).data) });
    if (/\/environment-variables/.test(call)) for (const { value } of (body as { items: { value: string }[] }).items) learnt.add(value);
    return JSON.stringify(inside(call, body));
  };

  const inPlace = (response: ServerResponse, how: Manner): void => {
    const [all, head] = [echo(), encodeURIComponent(next(1)[0] ?? '')];
    const text = all.join('\n');
    const json = (status: number, body: unknown): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (how === 'html 502') response.writeHead(502, { 'content-type': 'text/html' }).end(`<html><title>${text}</title><body>${text}</body></html>`);
    else if (how === 'redirect') response.writeHead(302, { location: `https://${/^[\w-]+$/.test(head) ? head : 'other'}.example.com/${head}?key=${head}` }).end();
    else if (how === 'headers') response.writeHead(403, { 'x-request-id': head, 'x-trace-id': head, 'www-authenticate': `Bearer realm="${head}"` }).end(text);
    else if (how === 'events') response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify({ event: 'error', code: all[1], message: text, status: 400 })}\n\n`);
    else if (how === 'failed import') json(400, { id: 'x', status: 'failed', app_id: null, error: text });
    else if (how === 'damaged json') response.writeHead(200, { 'content-type': 'application/json' }).end(`{"data": "${text}`);
    else json(400, { code: all[1], message: text, status: 400 });
  };

  const upstream = (incoming: IncomingMessage, path: string, body: string): Promise<{ head: IncomingMessage; text: string }> =>
    new Promise((resolve, reject) => {
      const { 'content-length': _length, 'proxy-authorization': _proxy, ...kept } = incoming.headers;
      const headers = Object.fromEntries(Object.entries({ ...kept, host: new URL(lab.origin).host }).map(([name, value]) => [name, exchanged(String(value), realFor).replaceAll('__Host-', '')]));
      const asking = forward(`${lab.origin}${path}`, { method: incoming.method ?? 'GET', headers: { ...headers, ...(body === '' ? {} : { 'content-length': Buffer.byteLength(body) }) } }, (head) => {
        read(head).then((text) => resolve({ head, text }), reject);
      });
      asking.on('error', reject);
      asking.end(body);
    });

  const headersOut = (headers: IncomingHttpHeaders): Record<string, string | string[]> => {
    const { 'content-length': _length, 'transfer-encoding': _encoding, 'set-cookie': cookies, ...rest } = headers;
    const [first = ''] = next(1);
    return {
      ...(rest as Record<string, string>),
      ...(cookies === undefined ? {} : { 'set-cookie': cookies.map(cookieLine) }),
      'x-request-id': encodeURIComponent(first),
      'x-trace-id': base64(first),
      ...(oddVersion ? { 'x-version': `${lab.version} ${encodeURIComponent(first)}${'-'.repeat(80)}${base64(first)}` } : {}),
    };
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await read(incoming);
    const path = (incoming.url ?? '').replace(/^https?:\/\/[^/]+/, '');
    const call = `${incoming.method ?? ''} ${path}`;
    const plain = Object.entries(incoming.headers).filter(([name]) => !carriers.test(name));
    sent.push(`${call}\n${JSON.stringify(plain)}`, needsSecrets.test(call.replace(/\?.*/, '')) ? '' : body);
    if (expired?.test(call) === true && refusals > 0) {
      refusals -= 1;
      response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ code: 'unauthorized', message: some(), status: 401 }));
      return;
    }
    const how = manner(call);
    if (how !== 'good' && how !== 'failed run') {
      inPlace(response, how);
      return;
    }
    const answer = await upstream(incoming, path, exchanged(body, realFor));
    // The session is planted before the body, which may give it back, is written.
    const headers = headersOut(answer.head.headers);
    response.writeHead(answer.head.statusCode ?? 500, headers).end(goodBody(call, exchanged(answer.text, plantedFor), answer.head.headers['content-type'] ?? '', how === 'failed run'));
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      sent.push(`the front failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      response.destroy();
    });
  });
  // A tunnel through this proxy ends at this proxy: with its own echo first, where the tunnel is refused.
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    sent.push(`CONNECT ${incoming.url ?? ''}`);
    if (manner(`CONNECT ${incoming.url ?? ''}`) !== 'good') {
      const text = echo().join('\n');
      socket.end(`HTTP/1.1 407 ${encodeURIComponent(given[0] ?? '')}\r\ncontent-type: text/html\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    server.emit('connection', socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    newProcess: () => learnt.clear(),
    sent,
    echoed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
