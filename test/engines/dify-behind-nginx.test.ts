/*
 * Pinned versions of a Dify behind Debian's nginx: 400 users a share, and what answered is read from the answers. It runs
 * against the lab and, where SLUICE_CONTRACT_DIFY_URL, _EMAIL and _PASSWORD name one (see test/contract/dify), against a real
 * server, on which it makes apps named "contract …" and deletes them.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCommandRunner, createHttpClient, systemClock, type Connection, type HttpClient, type Traffic } from '@sluice/core';
import { difyPlatform } from '@sluice/dify';
import { createNginxGateway, renderInclude, type GatewayKind } from '@sluice/gateway';
import { sourceOf, workflowApp } from '../../packages/dify/test/dsl.ts';
import { connectionTo as connectionAt, value } from '../../packages/dify/test/harness.ts';
import { chatflowDsl, workflowDsl, type AppOptions } from '../contract/dify/apps.ts';
import { labServer, realServer, type ContractServer } from '../contract/dify/servers.ts';
import { openWorld, type Made, type World } from '../contract/dify/world.ts';
import { project, sluice } from '../sluice-process.ts';
import { application, installed, startNginx, startServerBlocks, wait, type Nginx } from './nginx-program.ts';

const weights = [5, 25, 50, 100, 0];
const people = Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? `user-${index}` : `用户${index}`));

/** within says how far a count may be from its expectation: four standard deviations of a binomial count. */
const within = (weight: number): number => 4 * Math.sqrt((people.length * weight * (100 - weight)) / 10_000);

/** Form is a kind of app that can be pinned. */
interface Form {
  readonly name: string;
  readonly kind: GatewayKind;
  readonly path: string;
  readonly question: object;
  made(world: World): Made;
  dsl(options: AppOptions): string;
}

const forms: readonly Form[] = [
  { name: 'workflow app', kind: 'workflow', path: '/v1/workflows/run', question: { inputs: { word: '你好' } }, made: ({ flow }) => flow, dsl: workflowDsl },
  { name: 'chatflow', kind: 'chat', path: '/v1/chat-messages', question: { inputs: {}, query: '你好' }, made: ({ chat }) => chat, dsl: chatflowDsl },
];

/** Met is what an answer says of itself: the version's id where it names one, and what the app says. */
interface Met {
  readonly version: string;
  readonly says: string;
}

/** meet asks once as a user. Blocking chatflows do not name their version; what it says then tells. */
const meet = async (nginx: Nginx, { path, question }: Form, key: string, user: string, mode: 'blocking' | 'streaming'): Promise<Met> => {
  const answer = await fetch(nginx.origin + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...question, user, response_mode: mode, auto_generate_name: false }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  const said = /"(?:says|answer)": ?"(one|two|three)\b/.exec(text)?.[1];
  if (said === undefined) throw new Error(`an answer that says nothing: ${text}`);
  return { version: /"workflow_id": ?"([0-9a-f-]{36})"/.exec(text)?.[1] ?? '', says: said };
};

/** meetAll has all users ask, every other one for a stream, and gives what each met. */
const meetAll = async (users: readonly string[], ask: (user: string, mode: 'blocking' | 'streaming') => Promise<Met>, other = 0): Promise<readonly Met[]> => {
  const met: Met[] = [];
  for (let at = 0; at < users.length; at += 8) {
    met.push(...(await Promise.all(users.slice(at, at + 8).map((user, index) => ask(user, (index + other) % 2 === 0 ? 'blocking' : 'streaming')))));
  }
  return met;
};

const emptyInclude = (kind: GatewayKind): string => value(renderInclude({ stable: '', weight: 0 }, { application, kind }));

/** connectionTo is a connection to an app of the server, over the real network, disk and programs. */
const connectionTo = (server: ContractServer, http: HttpClient, environment: Readonly<Record<string, unknown>>): Connection => ({
  ...connectionAt({ lab: { origin: server.origin, credentials: server }, http }, '', sourceOf(workflowApp()), { name: application, environment }),
  clock: systemClock(),
  commands: createCommandRunner({ path: process.env['PATH'] ?? '', home: '/' }),
});

const nginxOf = (nginx: Nginx): object => ({ include: nginx.include, test: nginx.command('-t'), reload: nginx.command('-s', 'reload') });

const trafficOf = (nginx: Nginx, kind: GatewayKind, server: ContractServer, http: HttpClient): Traffic => {
  const connection = connectionTo(server, http, { gateway: { address: `${nginx.origin}/v1`, nginx: nginxOf(nginx) } });
  const { gateway } = connection.environment;
  if (gateway === undefined) throw new Error('no gateway');
  return createNginxGateway({ application, kind, gateway, api: server.origin, connection });
};

/** keptAsking lets users ask until it is told to stop, and counts the answers by what they said. */
const keptAsking = (ask: (user: string, mode: 'blocking' | 'streaming') => Promise<Met>): (() => Promise<Readonly<Record<string, number>>>) => {
  let stopped = false;
  const counts: Record<string, number> = {};
  const users = people.slice(0, 200);
  const one = async (first: number): Promise<void> => {
    for (let turn = first; !stopped; turn += 4) {
      const says = await ask(users[turn % users.length] ?? '', turn % 2 === 0 ? 'blocking' : 'streaming').then((met) => met.says, () => 'nothing');
      counts[says] = (counts[says] ?? 0) + 1;
      await wait(20);
    }
  };
  const running = [0, 1, 2, 3].map(one);
  return async () => {
    stopped = true;
    await Promise.all(running);
    return counts;
  };
};

const suite = (start: () => Promise<ContractServer>): void => {
  let server: ContractServer;
  let world: World;
  let http: HttpClient;
  const started: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    await installed();
    http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });
    started.push(() => http.close());
    server = await start();
    started.push(() => server.close());
    world = await openWorld(server);
    started.push(() => world.close());
  }, 120_000);
  afterAll(async () => {
    for (const close of started.splice(0).reverse()) await close();
  }, 60_000);

  test.each(forms)('400 users of a $name meet each share, by what answered', async (form) => {
    const made = form.made(world);
    const nginx = await startNginx({ upstream: server.origin, kind: form.kind, text: emptyInclude(form.kind) });
    try {
      const traffic = trafficOf(nginx, form.kind, server, http);
      const ask = (user: string, mode: 'blocking' | 'streaming'): Promise<Met> => meet(nginx, form, made.key, user, mode);
      let now = value(await traffic.read());
      let before: ReadonlySet<string> = new Set();
      for (const weight of weights) {
        now = value(await traffic.set(now.split, { stable: made.first, candidate: made.second, weight }));
        const met = await meetAll(people, ask);
        const isCandidate = met.map(({ says }) => says === 'two');
        // An answer that names its version names the one that spoke.
        expect(met.filter(({ version, says }) => version !== '' && version !== (says === 'two' ? made.second : made.first))).toEqual([]);
        expect(met.filter(({ version }) => version !== '').length).toBeGreaterThanOrEqual(people.length / 2);
        const count = isCandidate.filter(Boolean).length;
        process.stderr.write(`${server.name} (${world.release}), ${form.name}, ${weight} %: ${count} of ${people.length}\n`);
        expect(Math.abs(count - (people.length * weight) / 100)).toBeLessThanOrEqual(within(weight));
        // The same users, each asked in the other way, stay where they are.
        const again = await meetAll(people.slice(0, 40), ask, 1);
        expect(again.map(({ says }) => says === 'two')).toEqual(isCandidate.slice(0, 40));
        const candidates = new Set(people.filter((_, index) => isCandidate[index]));
        if (weight > 0) expect([...before].every((user) => candidates.has(user))).toBe(true);
        before = candidates;
      }
    } finally {
      await nginx.close();
    }
  }, 3_600_000);

  test.each(forms)('a release of a $name moves its users by the steps, and pins what it made', async (form) => {
    const made = form.made(world);
    const nginx = await startNginx({ upstream: server.origin, kind: form.kind, text: emptyInclude(form.kind) });
    const stop = keptAsking((user, mode) => meet(nginx, form, made.key, user, mode));
    try {
      const production = {
        dify: { console: server.origin, app: made.id },
        gateway: { address: `${nginx.origin}/v1`, nginx: nginxOf(nginx) },
        variables: { TOKEN: { env: 'APP_TOKEN' } },
        canary: { steps: ['25%', '50%'], every: '10s', minimum: 30, watch: ['errors'], pairs: 0 },
        health: { ask: [form.question] },
      };
      const folder = await project({
        // The app has a node that fails when it is asked to.
        'sluice.yml': JSON.stringify({ name: 'support-bot', source: 'app.yml', lint: { rules: { 'dify/reference-missing': 'warning' } }, environments: { production } }),
        'app.yml': form.dsl({ dsl: world.dsl, name: `contract ${form.kind}`, says: 'three' }),
        'state/.keep': '',
      });
      const environment = { DIFY_EMAIL: server.email, DIFY_PASSWORD: server.password, APP_TOKEN: 'a-secret-of-the-app', SLUICE_STATE: join(folder, 'state') };
      const ended = await sluice(['release', '--environment', 'production', '--json'], { folder, environment, deadlineMs: 1_800_000 });
      const counts = await stop();
      const { status, outputs } = JSON.parse(ended.stdout === '' ? '{}' : ended.stdout) as { status?: string; outputs?: Readonly<Record<string, string>> };
      process.stderr.write(`${server.name} (${world.release}), ${form.name}, release: ${status ?? ended.stderr}, answers ${JSON.stringify(counts)}, ${Math.round(ended.durationMs / 1000)} s\n`);
      expect({ code: ended.code, status, stderr: status === 'passed' ? '' : ended.stderr }).toEqual({ code: 0, status: 'passed', stderr: '' });
      expect(counts['nothing'] ?? 0).toBeLessThan(20);
      expect(counts['two']).toBeGreaterThan(counts['three'] ?? 0);
      const after = await meetAll(people.slice(0, 40), (user, mode) => meet(nginx, form, made.key, user, mode));
      expect(after.every(({ says, version }) => says === 'three' && (version === '' || version === outputs?.['version']))).toBe(true);
    } finally {
      await stop();
      await nginx.close();
    }
  }, 2_000_000);

  test('behind a prefix of nginx the console and the service API are found by one address', async () => {
    const made = world.flow;
    const host = new URL(server.origin).host;
    const block = (port: number): string => `server {
        listen 127.0.0.1:${port};
        location = /sluice/prefix { return 200 up; }
        location /dify/ { proxy_pass ${server.origin}/; proxy_set_header Host ${host}; proxy_buffering off; }
    }`;
    const nginx = await startServerBlocks('prefix', (_folder, port) => ({ http: block(port), files: {} }));
    try {
      const connection = connectionTo(server, http, { dify: `${nginx.origin}/dify/app/${made.id}/workflow` });
      const checks = (await difyPlatform.check?.(connection, { path: 'x.yml', folder: '', text: '' }))?.connection ?? [];
      expect(checks.filter(({ outcome }) => outcome?.ok === false)).toEqual([]);
      expect(checks.map(({ name }) => name)).toContain('service API');
      const opened = value(await value(await difyPlatform.connect(connection)).open('live'));
      const reply = value(await opened.ask({ inputs: { word: '你好' }, user: 'prefix', streaming: true }, connection.signal));
      expect(reply.failed).toBeUndefined();
    } finally {
      await nginx.close();
    }
  });
};

describe('the lab as Dify 1.13.3', () => suite(() => labServer('1.13.3')));

const real = realServer(process.env);
if (real === undefined) process.stderr.write('engines: no real Dify behind nginx, SLUICE_CONTRACT_DIFY_URL is not set\n');
else describe('a real server', () => suite(() => Promise.resolve(real)));
