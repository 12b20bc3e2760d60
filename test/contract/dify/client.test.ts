/*
 * A whole release by our own client: connect, deploy, ask the draft, publish, ask a version, snapshot, go back. The same steps
 * against the lab in each of its dialects and against a real server; server.test.ts says how to name one.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  configSchema, createFilePort, createHttpClient, done, draft, failed, live, systemClock,
  type DeployOptions, type HttpClient, type Outcome, type Reply, type SecretReader, type Source, type Target,
} from '@sluice/core';
import { difyPlatform } from '@sluice/dify';
import { difyVersions } from '@sluice/lab';
import { chatflowDsl, configurationDsl, knowledgeDsl, workflowDsl, type AppOptions } from './apps.ts';
import { fieldsOf, textAt } from './caller.ts';
import { atLeast } from './expectation.ts';
import { labServer, realServer, type ContractServer } from './servers.ts';
import { openWorld, type World } from './world.ts';

const careful: DeployOptions = { create: false, overwrite: false, dryRun: false, ours: [], writing: () => Promise.resolve(done(undefined)) };

const value = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(JSON.stringify(outcome.problem));
};

const problem = <T>(outcome: Outcome<T>): string => {
  if (outcome.ok) throw new Error(`it went well: ${JSON.stringify(outcome.value)}`);
  return `${outcome.problem.category}: ${outcome.problem.reason}`;
};

/** Kind is one kind of app that can be released, and how it is asked. */
interface Kind {
  readonly write: (options: AppOptions) => string;
  readonly question: { readonly query?: string; readonly inputs: Readonly<Record<string, string>> };
  readonly failing: { readonly query?: string; readonly inputs: Readonly<Record<string, string>> };
  readonly said: (reply: Reply) => unknown;
}

const kinds: Readonly<Record<string, Kind>> = {
  'a workflow app': {
    write: workflowDsl,
    question: { inputs: { word: 'good' } },
    failing: { inputs: { word: 'fail' } },
    said: ({ outputs }) => outputs['says'],
  },
  'a chatflow': {
    write: chatflowDsl,
    question: { query: 'good 好', inputs: {} },
    failing: { query: 'fail', inputs: {} },
    said: ({ text }) => text.replace(/: good 好$/, ''),
  },
};

/** Stage is one server, and what the steps have made on it so far. */
interface Stage {
  readonly server: ContractServer;
  readonly world: World;
  readonly http: HttpClient;
  app: string;
  first: string;
  second: string;
}

/** Fitted is a file as an environment changes it, and the target that it goes to. */
interface Fitted {
  readonly target: Target;
  readonly source: Source;
}

/** fitted connects a file to the stage's app; `settings` is what the environment says besides its address. */
const fitted = async (stage: Stage, text: string, settings: object = {}, given: Readonly<Record<string, string>> = {}): Promise<Fitted> => {
  const { server, http, app } = stage;
  const parsed = difyPlatform.parse({ path: 'app.yml', folder: '/', text });
  if (parsed.source === undefined) throw new Error(JSON.stringify(parsed.findings));
  const dify = app === '' ? { console: server.origin } : `${server.origin}/app/${app}/workflow`;
  const { here: environment } = configSchema.parse({ name: 'x', source: 'app.yml', environments: { here: { dify, ...settings } } }).environments;
  if (environment === undefined) throw new Error('no environment');
  const values: Readonly<Record<string, string>> = { DIFY_EMAIL: server.email, DIFY_PASSWORD: server.password, ...given };
  const secrets: SecretReader = {
    find: (name) => values[name],
    read: (name) => (values[name] === undefined ? failed({ category: 'input', reason: `${name} is not set` }) : done(values[name])),
  };
  const source = value(difyPlatform.overlay(parsed.source, environment, secrets));
  const target = value(
    await difyPlatform.connect({
      step: 'deploy', deadlineMs: 300_000, setting: () => undefined, mask: () => undefined, credentialFile: (path) => Promise.resolve(failed({ category: 'input', reason: `${path} is not read` })),
      name: 'contract-here', environment, http, clock: systemClock(20), source, readOnly: false, secrets,
      commands: { run: () => Promise.resolve(failed({ category: 'input', reason: 'no program' })) },
      files: createFilePort(),
      signal: new AbortController().signal,
      log: () => undefined,
    }),
  );
  return { target, source };
};

const connected = async (stage: Stage, { write }: Kind, says: string, password = stage.server.password): Promise<Target> =>
  (await fitted(stage, write({ dsl: stage.world.dsl, name: 'contract release', says }), {}, { DIFY_PASSWORD: password })).target;

const ask = async (target: Target, version: string, question: Kind['question'], streaming = false): Promise<Reply> => {
  const opened = value(await target.open(version));
  const reply = value(await opened.ask({ ...question, user: 'contract', streaming }, AbortSignal.timeout(60_000)));
  value(await opened.close());
  return reply;
};

const staged = async (start: () => Promise<ContractServer>): Promise<Stage> => {
  const server = await start();
  const http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'sluice-contract', loopbackOnly: false });
  return { server, http, world: await openWorld(server), app: '', first: '', second: '' };
};

const struck = async (stage: Stage): Promise<void> => {
  if (stage.app !== '') await stage.world.console('DELETE', `/apps/${stage.app}`);
  await stage.world.close();
  await stage.http.close();
  await stage.server.close();
};

/** made makes the stage's app from a file. */
const made = async (stage: Stage, { target, source }: Fitted): Promise<void> => {
  const deployment = value(await target.deploy(source, { ...careful, create: true }));
  stage.app = deployment.created?.application ?? '';
  expect([deployment.changed, stage.app !== '']).toEqual([true, true]);
};

/** fitting is about what an environment changes in a file, and about somebody else's changes. */
const fitting = (start: () => Promise<ContractServer>): void => {
  const name = 'contract knowledge 知识';
  let stage: Stage;
  let dataset = '';
  const yaml = (says = 'one'): string => knowledgeDsl({ dsl: stage.world.dsl, name: 'contract fitting', says, secret: '' }, 'old-dataset', { provider: 'old/old/old', name: 'old-model' });
  const settings = (secret: string): readonly [object, Readonly<Record<string, string>>] => [
    { datasets: { 'old-dataset': name }, ...(stage.server.model === '' ? {} : { models: { 'old/old/old/old-model': stage.server.model } }), variables: { TOKEN: { env: 'CONTRACT_TOKEN' } } },
    { CONTRACT_TOKEN: secret },
  ];
  const draftText = async (): Promise<string> => textAt(await stage.world.console('GET', `/apps/${stage.app}/export?include_secret=true`), 'data');
  beforeAll(async () => {
    stage = await staged(start);
    dataset = textAt(await stage.world.console('POST', '/datasets', { name, indexing_technique: 'economy' }), 'id');
  }, 120_000);
  afterAll(async () => {
    await stage.world.console('DELETE', `/datasets/${dataset}`);
    await struck(stage);
  }, 60_000);

  test('stops at a dataset that is not there, and makes nothing', async () => {
    const { target, source } = await fitted(stage, yaml(), { datasets: { 'old-dataset': 'contract nothing' }, variables: { TOKEN: 'x' } });
    expect(problem(await target.deploy(source, { ...careful, create: true }))).toBe('input: this workspace has no dataset "contract nothing"');
  }, 60_000);

  test('puts dataset and secret of the environment into the draft', async () => {
    await made(stage, await fitted(stage, yaml(), ...settings('first-secret')));
    const { graph } = fieldsOf((await stage.world.console('GET', `/apps/${stage.app}/workflows/draft`)).body);
    const text = JSON.stringify(graph);
    expect([text.includes(dataset), text.includes('old-dataset'), text.includes('old-model')]).toEqual([true, false, stage.server.model === '']);
    expect(await draftText()).toContain('first-secret');
  }, 60_000);

  test('rotates the secret, and keeps the new one on the way back', async () => {
    const one = await fitted(stage, yaml(), ...settings('first-secret'));
    const first = value(await one.target.publish({ name: 'one', marks: {} })).id;
    const two = await fitted(stage, yaml('two'), ...settings('second-secret'));
    value(await two.target.deploy(two.source, { ...careful, overwrite: true }));
    value(await two.target.publish({ name: 'two', marks: {} }));
    expect(await draftText()).toContain('second-secret');
    value(await two.target.restore(first, {}));
    const back = await draftText();
    expect([back.includes('second-secret'), back.includes('first-secret'), /value: \W*(one|two)$/m.exec(back)?.[1]]).toEqual([true, false, 'one']);
  }, 90_000);

  test('does not write over what somebody else wrote', async () => {
    const { graph, features, hash, environment_variables, conversation_variables } = fieldsOf((await stage.world.console('GET', `/apps/${stage.app}/workflows/draft`)).body);
    const edited = JSON.parse(JSON.stringify(graph).replace('"Search"', '"Search by hand"'));
    await stage.world.console('POST', `/apps/${stage.app}/workflows/draft`, { graph: edited, features, hash, environment_variables, conversation_variables });
    const { target, source } = await fitted(stage, yaml('three'), ...settings('second-secret'));
    expect(problem(await target.deploy(source, careful))).toMatch(/^conflict: /);
    expect(value(await target.deploy(source, { ...careful, overwrite: true })).changed).toBe(true);
  }, 60_000);
};

/** configuring is about an app without a workflow, whose configuration is live with its writing. */
const configuring = (start: () => Promise<ContractServer>): void => {
  let stage: Stage;
  const at = (says: string, settings: object = { 'live-at-once': true }): Promise<Fitted> =>
    fitted(stage, configurationDsl('completion', { dsl: stage.world.dsl, name: 'contract completion release', says }, stage.world.model), settings);
  beforeAll(async () => {
    stage = await staged(start);
  }, 120_000);
  afterAll(() => struck(stage), 60_000);

  test('is allowed, made, changed once and asked', async () => {
    if (stage.server.model === '') {
      process.stderr.write('contract/dify: no completion app was released, the server has no model\n');
      return;
    }
    const refused = await at('one', {});
    expect(problem(await refused.target.deploy(refused.source, { ...careful, create: true }))).toMatch(/^input: completion apps of Dify have no draft/);
    await made(stage, await at('one'));
    const same = await at('one');
    expect(value(await same.target.deploy(same.source, careful)).changed).toBe(false);
    const two = await at('two');
    expect(value(await two.target.deploy(two.source, careful)).changed).toBe(true);
    expect(value(await two.target.deploy(two.source, careful)).changed).toBe(false);
    const reply = await ask(two.target, live, { inputs: { word: 'good' } });
    expect([reply.failed, reply.status, reply.text !== '']).toEqual([undefined, 200, true]);
    const snapshot = value(await two.target.snapshot());
    expect(snapshot.files['app.yml']).toContain('Always say: two');
  }, 90_000);
};

const release = (start: () => Promise<ContractServer>, kind: Kind): void => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await staged(start);
  }, 120_000);
  afterAll(() => struck(stage), 60_000);

  test('finds nothing, and makes the app', async () => {
    const target = await connected(stage, kind, 'one');
    expect(value(await target.inspect())).toMatchObject({ exists: false, server: `Dify ${stage.world.release}` });
    const deployment = value(await target.deploy(await sourceOf(stage, kind, 'one'), { ...careful, create: true }));
    stage.app = deployment.created?.application ?? '';
    expect(deployment).toMatchObject({ changed: true, version: { id: draft } });
    expect(stage.app).not.toBe('');
  }, 60_000);

  test('asks the draft, and publishes it', async () => {
    const target = await connected(stage, kind, 'one');
    const reply = await ask(target, draft, kind.question, true);
    expect([kind.said(reply), reply.version, reply.failed]).toEqual(['one', draft, undefined]);
    const failure = await ask(target, draft, kind.failing, true);
    expect(failure.failed).toContain('nowhere');
    stage.first = value(await target.publish({ name: 'one', marks: { commit: '0123456789abcdef0123456789abcdef01234567' } })).id;
    expect(value(await target.inspect())).toMatchObject({ exists: true, live: { id: stage.first } });
  }, 60_000);

  test('does not write what is there already', async () => {
    const target = await connected(stage, kind, 'one');
    const deployment = value(await target.deploy(await sourceOf(stage, kind, 'one'), careful));
    // A server that does not show its secrets is sent the given ones again.
    expect(deployment.changed).toBe(!atLeast(stage.world.release, '1.5.0'));
  }, 60_000);

  test('releases a second version; both are listed, the newer first', async () => {
    const target = await connected(stage, kind, 'two');
    const deployment = value(await target.deploy(await sourceOf(stage, kind, 'two'), { ...careful, overwrite: true }));
    expect(kind.said(await ask(target, draft, kind.question, true))).toBe('two');
    expect(kind.said(await ask(target, live, kind.question))).toBe('one');
    expect(/value: \W*(one|two)/.exec(value(await target.snapshot()).files['app.yml'] ?? '')?.[1]).toBe('one');
    stage.second = value(await target.publish({ name: 'two', marks: {}, ...(deployment.version.digest === undefined ? {} : { digest: deployment.version.digest }) })).id;
    expect(value((await target.versions?.()) ?? done([])).map(({ id }) => id)).toEqual([stage.second, stage.first]);
  }, 60_000);

  test.each([false, true])('asks the live version, streaming %s', async (streaming) => {
    const target = await connected(stage, kind, 'two');
    const reply = await ask(target, live, kind.question, streaming);
    expect([kind.said(reply), reply.failed, reply.status]).toEqual(['two', undefined, 200]);
    if (reply.version !== undefined) expect(reply.version).toBe(stage.second);
    const failure = await ask(target, live, kind.failing, streaming);
    expect(failure.failed).toContain('nowhere');
  }, 60_000);

  test('asks a chosen version where the server can', async () => {
    const target = await connected(stage, kind, 'two');
    if (!atLeast(stage.world.release, '1.7.2')) {
      expect(problem(await target.open(stage.first))).toContain('cannot run a chosen version');
      return;
    }
    const reply = await ask(target, stage.first, kind.question, true);
    expect([kind.said(reply), reply.version]).toEqual(['one', stage.first]);
  }, 60_000);

  test('passes its own checks', async () => {
    const target = await connected(stage, kind, 'two');
    for (const rung of target.checks()) value(await rung.run(AbortSignal.timeout(60_000)));
  }, 60_000);

  test('marks a version where versions have comments', async () => {
    const target = await connected(stage, kind, 'two');
    if (!atLeast(stage.world.release, '1.1.0')) return;
    value((await target.mark?.(stage.first, { verdict: 'passed' })) ?? failed({ category: 'defect', reason: 'no mark' }));
    const listed = value((await target.versions?.()) ?? done([]));
    expect(listed.find(({ id }) => id === stage.first)?.comment).toContain('passed');
  }, 60_000);

  test('takes a snapshot of the live version, without its secret', async () => {
    const target = await connected(stage, kind, 'two');
    const snapshot = value(await target.snapshot());
    expect(snapshot.version?.id).toBe(stage.second);
    expect(snapshot.files['app.yml']).toContain('two');
    expect(snapshot.files['app.yml']).not.toContain('first-secret');
  }, 60_000);

  test('goes back to the first version, its secret kept', async () => {
    const target = await connected(stage, kind, 'two');
    const before = value((await target.versions?.()) ?? done([])).find(({ id }) => id === stage.first);
    const restored = value(await target.restore(stage.first, {}));
    expect(restored.digest).toBe(before?.digest);
    expect(kind.said(await ask(target, live, kind.question))).toBe('one');
    const yaml = textAt(await stage.world.console('GET', `/apps/${stage.app}/export?include_secret=true`), 'data');
    expect(yaml).toContain('first-secret');
  }, 60_000);

  test('refuses a wrong password after one try', async () => {
    const target = await connected(stage, kind, 'one', 'Wrong-password-1');
    expect(problem(await target.inspect())).toBe('permission: Dify refused the login');
    // The right password clears the count.
    value(await (await connected(stage, kind, 'one')).inspect());
  }, 60_000);
};

const sourceOf = async (stage: Stage, { write }: Kind, says: string) => {
  const parsed = difyPlatform.parse({ path: 'app.yml', folder: '/', text: write({ dsl: stage.world.dsl, name: 'contract release', says }) });
  if (parsed.source === undefined) throw new Error(JSON.stringify(parsed.findings));
  return parsed.source;
};

const real = realServer(process.env);
const servers: readonly (readonly [string, () => Promise<ContractServer>])[] = [
  ...difyVersions.map((version) => [`the lab as Dify ${version}`, () => labServer(version)] as const),
  ...(real === undefined ? [] : [['a real server', () => Promise.resolve(real)] as const]),
];
if (real === undefined) process.stderr.write('contract/dify: our client did not run against a real server, SLUICE_CONTRACT_DIFY_URL is not set\n');

describe.each(servers)('%s', (_name, start) => {
  for (const [name, kind] of Object.entries(kinds)) describe(name, () => release(start, kind));
  describe('what an environment changes', () => fitting(start));
  describe('a completion app', () => configuring(start));
});
