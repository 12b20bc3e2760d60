import { chatflowDsl, workflowDsl, type AppOptions, type Model } from './apps.ts';
import { encoded, fieldsOf, send, sessionOf, textAt, type Answer, type Asking, type Session } from './caller.ts';
import { plain } from './masking.ts';
import type { ContractServer } from './servers.ts';

/** Made is an app that the suite made on the server. */
export interface Made {
  readonly id: string;
  readonly key: string;
  /** first and second are the ids of its two published versions, empty when it has none. */
  readonly first: string;
  readonly second: string;
}

/** World is one server with a session and the suite's apps on it. */
export interface World {
  readonly server: ContractServer;
  readonly release: string;
  /** dsl is the DSL version that the server writes. */
  readonly dsl: string;
  readonly session: Session;
  /** flow is a workflow app with two versions, chat a chatflow with two, bare a workflow app that was never published. */
  readonly flow: Made;
  readonly chat: Made;
  readonly bare: Made;
  readonly model: Model;
  /** names gives known ids a name for comparisons. */
  readonly names: Map<string, string>;
  send(method: string, path: string, asking?: Asking): Promise<Answer>;
  /** console asks the console API as the account. */
  console(method: string, path: string, body?: unknown): Promise<Answer>;
  /** service asks an app's service API. */
  service(app: Made, method: string, path: string, body?: unknown): Promise<Answer>;
  /** plain is an answer ready for comparison. */
  plain(answer: Answer): unknown;
  /** imported imports a DSL file and notes the app, so that it is deleted at the end. */
  imported(yaml: string, more?: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** close deletes what the suite made. */
  close(): Promise<void>;
}

/** loggedIn opens a session with the password. */
export const loggedIn = async (server: ContractServer, release: string): Promise<Session> => {
  const body = { email: server.email, password: encoded(release, server.password), remember_me: false };
  return sessionOf(release, await send(server.origin, 'POST', '/console/api/login', { body }));
};

type Tools = Pick<World, 'release' | 'console' | 'imported' | 'names'>;

const published = async (tools: Tools, id: string, name: string): Promise<string> => {
  await tools.console('POST', `/apps/${id}/workflows/publish`, { marked_name: name, marked_comment: `comment of ${name}` });
  return textAt(await tools.console('GET', `/apps/${id}/workflows/publish`), 'id');
};

const make = async (tools: Tools, name: string, write: (says: string) => string, publishes: boolean): Promise<Made> => {
  const id = textAt(await tools.imported(write('one')), 'app_id');
  const key = textAt(await tools.console('POST', `/apps/${id}/api-keys`), 'token');
  tools.names.set(id, `<${name}>`);
  if (!publishes) return { id, key, first: '', second: '' };
  const first = await published(tools, id, 'one');
  await tools.imported(write('two'), { app_id: id });
  const second = await published(tools, id, 'two');
  tools.names.set(first, `<${name} one>`).set(second, `<${name} two>`);
  const draft = textAt(await tools.console('GET', `/apps/${id}/workflows/draft`), 'id');
  tools.names.set(draft, `<${name} draft>`);
  return { id, key, first, second };
};

const dslOf = async (tools: Tools): Promise<string> => {
  // An empty file is refused, and the refusal says which DSL the server speaks.
  const refused = await tools.console('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: '' });
  return textAt(refused, 'current_dsl_version');
};

/** sweep deletes what refused imports left behind: Dify makes the app before it reads the content, and its answer does not name it. */
export const sweep = async ({ console }: World): Promise<void> => {
  for (const name of ['contract import', 'contract none']) {
    const { data } = fieldsOf((await console('GET', `/apps?page=1&limit=100&name=${encodeURIComponent(name)}`)).body);
    for (const app of [data].flat().map(fieldsOf)) {
      if (app['name'] === name) await console('DELETE', `/apps/${String(app['id'])}`);
    }
  }
};

const modelOf = ({ model }: ContractServer): Model => {
  const at = model.lastIndexOf('/');
  return { provider: model.slice(0, Math.max(at, 0)), name: model.slice(at + 1) };
};

/** openWorld logs in, learns the server's release and makes the apps. */
export const openWorld = async (server: ContractServer): Promise<World> => {
  const setup = await send(server.origin, 'GET', '/console/api/setup');
  const release = setup.headers.get('x-version') ?? '';
  if (release === '') throw new Error(`${server.name} does not say its release`);
  const session = await loggedIn(server, release);
  const made: string[] = [];
  const names = new Map<string, string>();
  const console: World['console'] = (method, path, body) =>
    send(server.origin, method, `/console/api${path}`, { headers: session.headers, ...(body === undefined ? {} : { body }) });
  const imported: World['imported'] = async (yaml, more = {}) => {
    const answer = await console('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: yaml, ...more });
    const id = fieldsOf(answer.body)['app_id'];
    if (typeof id === 'string' && !made.includes(id)) made.push(id);
    return answer;
  };
  const tools: Tools = { release, console, imported, names };
  const dsl = await dslOf(tools);
  const options = (name: string, says: string): AppOptions => ({ dsl, name: `contract ${name}`, says });
  const flow = await make(tools, 'flow', (says) => workflowDsl(options('flow', says)), true);
  const chat = await make(tools, 'chat', (says) => chatflowDsl(options('chat', says)), true);
  const bare = await make(tools, 'bare', (says) => workflowDsl(options('bare', says)), false);
  return {
    server, release, dsl, session, model: modelOf(server), flow, chat, bare, names, console, imported,
    send: (method, path, asking) => send(server.origin, method, path, asking),
    service: (app, method, path, body) =>
      send(server.origin, method, `/v1${path}`, { headers: { authorization: `Bearer ${app.key}` }, ...(body === undefined ? {} : { body }) }),
    plain: (answer) => plain(answer, names),
    close: async () => {
      for (const id of made) await console('DELETE', `/apps/${id}`);
    },
  };
};
