import { afterAll, beforeAll } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chatflowDsl, tokenId } from './contract/dify/apps.ts';
import { fieldsOf, send, textAt, type Answer } from './contract/dify/caller.ts';
import type { ContractServer } from './contract/dify/servers.ts';
import { loggedIn } from './contract/dify/world.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { recordIn, runIn, type RecordFile, type Runner } from './fault-record.ts';
import type { Ran } from './fault-verdicts.ts';
import { project } from './sluice-process.ts';

/** storedSecret is the value of the apps' secret on the server; no file of a release has it. */
export const storedSecret = 'kept-secret-4c1f0a77';

/** World is a server with a session of the test's own, which does not pass the proxies. */
export interface World {
  readonly server: ContractServer;
  readonly release: string;
  console(method: string, path: string, body?: unknown): Promise<Answer>;
  /** scene makes a published app, a folder that releases to it, and a proxy between the two. */
  scene(runner?: Runner): Promise<Scene>;
  /** close deletes the apps that were made. */
  close(): Promise<void>;
}

/** Truth is what the server itself says of an app. */
export interface Truth {
  /** published is how many versions the app has. */
  readonly published: number;
  /** live and draft are what the published version and the draft say. */
  readonly live: string;
  readonly draft: string;
  readonly secret: string;
}

/** Scene is one app with one folder and one proxy. */
export interface Scene extends Pick<RecordFile, 'expireLease'> {
  readonly world: World;
  readonly app: string;
  readonly folder: string;
  readonly proxy: FaultProxy;
  run(argv: readonly string[], more?: Readonly<Record<string, string>>, onStart?: (send: (signal: NodeJS.Signals) => void) => void): Promise<Ran>;
  /** change edits the app's file. */
  change(edit: (text: string) => string): Promise<void>;
  truth(): Promise<Truth>;
  close(): Promise<void>;
}

const saysOf = (answer: Answer): string => {
  const variables = [fieldsOf(answer.body)['environment_variables']].flat().map(fieldsOf);
  const says = variables.find((variable) => variable['name'] === 'SAYS')?.['value'];
  return typeof says === 'string' ? says : '';
};

const configuration = (origin: string, app: string): string =>
  JSON.stringify({
    name: 'bot',
    source: 'app.yml',
    // The app has a node that fails when it is asked to.
    lint: { rules: { 'dify/reference-missing': 'warning' } },
    environments: { production: { branches: ['main'], dify: `${origin}/app/${app}/workflow`, canary: false } },
    health: { ask: [{ query: '你好', expect: { contains: 'new 新' } }], settle: '2s' },
  });

const truthOf = async (world: World, app: string): Promise<Truth> => {
  const [list, live, draft, secrets] = await Promise.all([
    world.console('GET', `/apps/${app}/workflows?page=1&limit=20`),
    world.console('GET', `/apps/${app}/workflows/publish`),
    world.console('GET', `/apps/${app}/workflows/draft`),
    world.console('GET', `/apps/${app}/workflows/draft/environment-variables`),
  ]);
  const rows = [fieldsOf(list.body)['items']].flat().map(fieldsOf);
  const secret = [fieldsOf(secrets.body)['items']].flat().map(fieldsOf).find((item) => item['id'] === tokenId)?.['value'];
  return {
    published: rows.filter((row) => typeof row['version'] === 'string' && row['version'] !== 'draft').length,
    live: saysOf(live),
    draft: saysOf(draft),
    secret: typeof secret === 'string' ? secret : '',
  };
};

const makeScene = async (world: World, dsl: string, number: number, made: string[], runner?: Runner): Promise<Scene> => {
  const name = `fault ${number}`;
  const yaml = chatflowDsl({ dsl, name, says: 'old 旧', secret: storedSecret });
  const app = textAt(await world.console('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: yaml }), 'app_id');
  made.push(app);
  await world.console('POST', `/apps/${app}/workflows/publish`, { marked_name: '', marked_comment: '' });
  const proxy = await startFaultProxy(world.server.origin);
  const folder = await project({
    'sluice.yml': configuration(proxy.origin, app),
    'app.yml': chatflowDsl({ dsl, name, says: 'new 新', secret: '' }),
    'state/.keep': '',
  });
  const environment = { DIFY_EMAIL: world.server.email, DIFY_PASSWORD: world.server.password, SLUICE_STATE: join(folder, 'state') };
  return {
    world, app, folder, proxy,
    run: (argv, more = {}, onStart) => runIn(argv, { folder, environment: { ...environment, ...more }, ...(onStart === undefined ? {} : { onStart }) }, runner),
    change: async (edit) => {
      const path = join(folder, 'app.yml');
      await writeFile(path, edit(await readFile(path, 'utf8')));
    },
    truth: () => truthOf(world, app),
    expireLease: recordIn(folder).expireLease,
    close: () => proxy.close(),
  };
};

/** openWorld logs in at a server, past every proxy. */
export const openWorld = async (server: ContractServer): Promise<World> => {
  const setup = await send(server.origin, 'GET', '/console/api/setup');
  const release = setup.headers.get('x-version') ?? '';
  if (release === '') throw new Error(`${server.name} does not say its release`);
  const session = await loggedIn(server, release);
  const made: string[] = [];
  const scenes: Scene[] = [];
  const console: World['console'] = (method, path, body) => {
    const ask = (): Promise<Answer> => send(server.origin, method, `/console/api${path}`, { headers: session.headers, ...(body === undefined ? {} : { body }) });
    // A server may close a kept connection at the moment in which it is used again.
    return ask().catch(ask);
  };
  // An empty file is refused, and the refusal says which DSL the server speaks.
  const dsl = textAt(await console('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: '' }), 'current_dsl_version');
  let count = 0;
  const world: World = {
    server, release, console,
    scene: async (runner) => {
      const scene = await makeScene(world, dsl, (count += 1), made, runner);
      scenes.push(scene);
      return scene;
    },
    close: async () => {
      for (const scene of scenes) await scene.close();
      for (const app of made) await console('DELETE', `/apps/${app}`);
    },
  };
  return world;
};

/** worldAround opens a world before the tests of a block and closes it after them; the world is there once a test runs. */
export const worldAround = (start: () => Promise<ContractServer>): (() => World) => {
  const opened: { server: ContractServer; world: World }[] = [];
  beforeAll(async () => {
    const server = await start();
    opened.push({ server, world: await openWorld(server) });
  }, 60_000);
  afterAll(async () => {
    for (const { server, world } of opened) {
      await world.close();
      await server.close();
    }
  }, 60_000);
  return () => {
    const [first] = opened;
    if (first === undefined) throw new Error('the world is not open yet');
    return first.world;
  };
};
