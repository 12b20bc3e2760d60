import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startLab, type Lab } from '../packages/lab/src/index.ts';
import { project, repository, sluice, type Ended } from './sluice-process.ts';
import { hereIfSo } from './through-the-door.ts';

/** core is what must not be found, in any form: twenty characters that no escaping changes. */
const newCore = (): string => `zq${randomBytes(9).toString('hex')}`;

/** planted makes a secret with the characters that break careless masking around a core. */
const planted = (): string => `p+a/s"s\\ö 密&<${newCore()}=%`;

/** alignedBase64 is what base64 shows of a text, wherever it stands. */
const alignedBase64 = (text: string): string[] =>
  [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6));
  });

/** needles are the core's first half, so that a secret cut in two is found as well, plain and in base64. */
const needles = (core: string): string[] => [core.slice(0, 12), ...alignedBase64(core.slice(0, 12))];

const coresIn = (texts: Iterable<string>): Set<string> => new Set([...texts].flatMap((text) => text.match(/zq[0-9a-f]{18}/g) ?? []));

const commands = ['::set-env name=PWNED::1', '::add-path::/pwned', '::stop-commands::pwned', '##[set-env name=PWNED]1', '##vso[task.setvariable variable=PWNED]1'];

/** echoes are the forms in which servers give back what they were sent. */
const echoes = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('base64'),
  Buffer.from(`api:${secret}`).toString('base64url'),
  encodeURIComponent(secret),
  new URLSearchParams({ secret }).toString(),
];

type Mode = 'json' | 'html' | 'redirect' | 'events' | 'headers';

interface Hostile {
  readonly origin: string;
  /** secrets are everything that the server may give back; it learns sessions and keys as they pass. */
  readonly secrets: Set<string>;
  /** asked counts the answers that gave secrets back. */
  asked(): number;
}

const servers: Server[] = [];

const hostileAnswer = (response: ServerResponse, mode: Mode, secrets: readonly string[], turn: number): void => {
  // Texts are cut to their first few hundred characters, so each answer begins with another secret at another offset.
  const rotated = [...secrets.slice(turn % secrets.length), ...secrets.slice(0, turn % secrets.length)];
  const filling = 'x '.repeat(((turn * 37) % 160) + 1);
  // In a JSON answer every text is escaped by the answer itself.
  const texts = rotated.flatMap((secret) => [...echoes(secret), ...(mode === 'html' ? [JSON.stringify(secret)] : [])]);
  const text = [filling, ...texts.slice(0, 40), ...commands, ...texts].join('\n');
  const header = encodeURIComponent(rotated[0] ?? '');
  switch (mode) {
    case 'json':
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ code: rotated[0], message: text, status: 400 }));
      return;
    case 'html':
      response.writeHead(400, { 'content-type': 'text/html' }).end(`<html><title>${text}</title><body>${text}</body></html>`);
      return;
    case 'redirect':
      response.writeHead(302, { location: `https://other.example.com/${header}?key=${header}` }).end();
      return;
    case 'events':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${JSON.stringify({ event: 'error', code: rotated[0], message: text.slice(filling.length) })}\n\n`);
      return;
    case 'headers':
      response.writeHead(403, { 'x-request-id': header, 'x-trace-id': header, 'www-authenticate': `Bearer realm="${header}"` }).end(`\n${commands.join('\n')}\n`);
      return;
  }
};

const learn = (secrets: Set<string>, headers: IncomingHttpHeaders): void => {
  const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) secrets.add(bearer);
  for (const line of headers['set-cookie'] ?? []) {
    const value = /^[^=]+=([^;]+)/.exec(line)?.[1];
    if (value !== undefined) secrets.add(value);
  }
};

/** hostile is a server that hands requests on to `upstream` and answers those that `meant` fits with every secret it knows. */
const hostile = async (mode: Mode, meant: RegExp, given: readonly string[], upstream?: string): Promise<Hostile> => {
  const secrets = new Set(given);
  let turn = 0;
  const server = createServer((incoming, response) => {
    learn(secrets, incoming.headers);
    const path = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
    if (upstream === undefined || meant.test(path)) {
      incoming.resume();
      hostileAnswer(response, mode, [...secrets], (turn += 1));
      return;
    }
    const onward = httpRequest(`${upstream}${incoming.url ?? ''}`, { method: incoming.method ?? 'GET', headers: { ...incoming.headers, host: new URL(upstream).host } }, (answer) => {
      learn(secrets, answer.headers);
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, secrets, asked: () => turn };
};

let lab: Lab;
let dsl = '';

beforeAll(async () => {
  lab = await startLab({ timeScale: 100 });
  dsl = await readFile(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await lab.close();
});

/** hosts are the surroundings of the four kinds of host; `token` is a secret of the CI system itself. */
const hosts: Readonly<Record<string, (folder: string, token: () => string) => Record<string, string>>> = {
  github: (folder, token) => ({
    GITHUB_ACTIONS: 'true',
    GITHUB_OUTPUT: join(folder, 'ci/output'),
    GITHUB_STEP_SUMMARY: join(folder, 'ci/summary'),
    GITHUB_EVENT_PATH: join(folder, 'ci/event.json'),
    GITHUB_EVENT_NAME: 'push',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_REPOSITORY: 'acme/bot',
    RUNNER_TEMP: join(folder, 'temp'),
    GITHUB_TOKEN: token(),
    ACTIONS_RUNTIME_TOKEN: token(),
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: token(),
  }),
  gitlab: (_folder, token) => ({ GITLAB_CI: 'true', CI: 'true', CI_COMMIT_BRANCH: 'main', CI_JOB_TOKEN: token(), CI_REGISTRY_PASSWORD: token(), CI_DEPLOY_PASSWORD: token() }),
  jenkins: (_folder, token) => ({ JENKINS_URL: 'http://127.0.0.1/', BRANCH_NAME: 'main', GIT_URL: `https://bot:${token()}@git.example.com/acme/bot.git` }),
  terminal: () => ({}),
};

interface Scene {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Set<string>;
}

const configuration = (dify: string, application: string): string => `
name: bot
source: app.yml
environments:
  production:
    branches: [main]
    dify:
      console: ${dify}
      app: ${application}
      headers: { X-Gate-Pass: { env: GATE_PASS }, X-Other: { env: GATE_OTHER } }
    variables: { CRM_TOKEN: { env: CRM_TOKEN }, CRM_URL: { env: CRM_URL } }
    notify:
      - slack: { env: SLACK_HOOK }
      - { dingtalk: { env: DING_HOOK }, secret: { env: DING_SECRET } }
      - { webhook: { env: WEB_HOOK }, secret: { env: WEB_SECRET } }
health: { ask: [{ query: hello, inputs: { language: English } }], settle: 1s }
`;

const headerSecret = (): string => `gate+/="${newCore()}`;

/** scene is a project in one host's surroundings, with a server and inboxes that give everything back. */
const scene = async (host: string, mode: Mode, meant: RegExp, upstream?: { readonly origin: string; readonly application: string; readonly login: Record<string, string> }): Promise<Scene & { readonly server: Hostile; readonly inbox: Hostile }> => {
  const login = upstream?.login ?? { DIFY_EMAIL: `${newCore()}@example.com`, DIFY_PASSWORD: planted(), DIFY_APP_KEY: `app-${newCore()}` };
  const own = { ...login, GATE_PASS: headerSecret(), GATE_OTHER: headerSecret(), CRM_TOKEN: planted(), CRM_URL: planted(), DING_SECRET: planted(), WEB_SECRET: planted() };
  const folder = await project({ 'app.yml': dsl, 'ci/event.json': '{"repository":{"full_name":"acme/bot"}}', 'ci/output': '', 'ci/summary': '', 'temp/.keep': '' });
  const tokens: string[] = [];
  const surroundings = hosts[host]?.(folder, () => (tokens.push(newCore()), tokens.at(-1) ?? '')) ?? {};
  const paths = { SLACK_HOOK: `services/T0/${newCore()}`, DING_HOOK: `robot/send?access_token=${newCore()}`, WEB_HOOK: `in/${newCore()}` };
  // Jenkins hands the Git address over; it is never read as a secret, so it must never be shown.
  const known = [...Object.values(own), ...(host === 'jenkins' ? [] : tokens)];
  const server = await hostile(mode, meant, known, upstream?.origin);
  const inbox = await hostile(mode === 'events' ? 'json' : mode, /./, known);
  const hooks = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, `${inbox.origin}/${path}`]));
  for (const hook of Object.values(hooks)) inbox.secrets.add(hook);
  await writeFile(join(folder, 'sluice.yml'), configuration(server.origin, upstream?.application ?? '0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10'));
  return { folder, environment: { ...own, ...surroundings, ...hooks }, secrets: new Set([...known, ...tokens, ...Object.values(hooks)]), server, inbox };
};

/** written is all that a run has left: both streams and every file, with its name. */
const written = async (folder: string, runs: readonly Ended[], github: boolean): Promise<ReadonlyMap<string, string>> => {
  const visible = (text: string): string => (github ? text.replace(/^::add-mask::.*$/gm, '') : text);
  const texts = new Map<string, string>(runs.flatMap((ended, index) => [[`stdout ${index}`, visible(ended.stdout)], [`stderr ${index}`, visible(ended.stderr)]] as const));
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    texts.set(path, `${path}\n${await readFile(path, 'latin1')}\n${await readFile(path, 'utf8')}`);
  }
  return texts;
};

const leaks = (texts: ReadonlyMap<string, string>, secrets: Iterable<string>): readonly string[] =>
  [...coresIn(secrets)].flatMap((core) =>
    [...texts].flatMap(([name, text]) => needles(core).flatMap((needle) => {
      const at = text.indexOf(needle);
      return at === -1 ? [] : [`${name}: ${text.slice(Math.max(0, at - 80), at + 40)}`];
    })),
  );

/** ownCommands are the lines that Sluice means as commands; a runner that has understood one looks for no other in it. */
const ownCommands = /^::(?:error|warning|notice|group|endgroup)(?: [^\n]*)?::.*$/gm;

/** obeyed are the streams with a line that a runner would obey: `::` at its beginning, or `##[` and `##vso[` anywhere. */
const obeyed = (runs: readonly Ended[]): readonly string[] =>
  runs.flatMap(({ stdout, stderr }) => [stdout, stderr]).filter((text) => /^\s*::(?!add-mask::)|##\[|##vso\[/m.test(text.replace(ownCommands, '')));

const inOrder = async (steps: readonly (readonly string[])[], { folder, environment }: Scene, runner: typeof sluice): Promise<Ended[]> => {
  const runs: Ended[] = [];
  for (const argv of steps) runs.push(await runner(argv, { folder, environment }));
  return runs;
};

const expectSafe = async (host: string, made: Scene & { readonly server: Hostile; readonly inbox: Hostile }, runs: readonly Ended[]): Promise<void> => {
  const texts = await written(made.folder, runs, host === 'github');
  const secrets = new Set([...made.secrets, ...made.server.secrets, ...made.inbox.secrets]);
  expect(coresIn(secrets).size).toBeGreaterThan(8);
  expect(leaks(texts, secrets)).toEqual([]);
  expect(obeyed(runs)).toEqual([]);
  if (host === 'gitlab') {
    for (const line of (texts.get(join(made.folder, 'sluice.env')) ?? '').split('\n').slice(1)) expect(line).toMatch(/^(?:SLUICE_[A-Z_]+=.*)?$/);
  }
};

const hostNames = Object.keys(hosts);

const bothCores = async <T>(jobs: readonly T[], work: (job: T) => Promise<void>): Promise<void> => {
  const waiting = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await work(job);
  };
  await Promise.all([worker(), worker()]);
};

describe('on every host, a server that gives everything back from the first call on', () => {
  test.each<Mode>(['json', 'html', 'redirect', 'headers'])('in %s', async (mode) => {
    await bothCores(hostNames, async (host) => {
      const made = await scene(host, mode, /./);
      const runs = await inOrder([['deploy'], ['health-check', '--json'], ['notify', '--severity', 'P0', '--title', 'look']], made, mode === 'json' ? sluice : hereIfSo);
      expect(runs.map(({ code }) => code)).not.toContain(0);
      expect(runs.map(({ code }) => code)).not.toContain(70);
      expect(made.server.asked()).toBeGreaterThan(1);
      expect(made.inbox.asked()).toBeGreaterThan(2);
      await expectSafe(host, made, runs);
    });
  }, 180_000);
});

/** stages are the calls at which a server turns hostile that has let Sluice in: it knows the session and the keys by then. */
const stages: readonly (readonly [name: string, meant: RegExp, mode: Mode, steps: readonly (readonly string[])[]])[] = [
  ['draft', /POST \/console\/api\/apps\/imports/, 'json', [['deploy'], ['release']]],
  ['inspection', /GET \/console\/api\/apps\/[^/]+\/workflows/, 'headers', [['snapshot'], ['release', '--json']]],
  ['publishing', /POST .*\/workflows\/publish/, 'json', [['release']]],
  ['answer', /POST \/v1\/chat-messages/, 'events', [['health-check'], ['release']]],
  ['answer, refused', /POST \/v1\/chat-messages/, 'json', [['health-check', '--json'], ['notify']]],
  ['nothing', /^$/, 'json', [['validate'], ['snapshot'], ['release'], ['rollback']]],
];

/** longValues are the lab's own throw-away sessions and keys; they have no core. */
const longValues = (values: Iterable<string>): readonly string[] => [...values].filter((value) => value.length >= 16 && coresIn([value]).size === 0);

describe('a server that lets Sluice in and gives sessions and keys back at', () => {
  test.each(stages)('%s', async (_name, meant, mode, steps) => {
    await Promise.all(
      ['github', 'jenkins'].map(async (host) => {
        const created = lab.dify.createApp(dsl.replace('name: support-bot', `name: support-bot-${host}`));
        const { email, password } = lab.dify.credentials;
        const made = await scene(host, mode, meant, { origin: lab.dify.origin, application: created.appId, login: { DIFY_EMAIL: email, DIFY_PASSWORD: password } });
        const runs = await inOrder(steps, made, host === 'github' ? sluice : hereIfSo);
        expect(runs.map(({ code }) => code)).not.toContain(70);
        await expectSafe(host, made, runs);
        const texts = await written(made.folder, runs, host === 'github');
        const sessions = longValues([...made.server.secrets, password]);
        expect(sessions.length).toBeGreaterThan(3);
        for (const value of sessions) {
          const forms = [value.slice(0, Math.max(16, value.length / 2)), ...alignedBase64(value)];
          for (const [name, text] of texts) expect(forms.filter((form) => text.includes(form)).map(() => name)).toEqual([]);
        }
      }),
    );
  }, 180_000);
});

test('an input that looks like a secret is masked before anything else is written, and refused', async () => {
  for (const host of hostNames) {
    const value = newCore();
    const folder = await project({ 'app.yml': dsl, 'sluice.yml': configuration('https://dify.example.com', '1'), 'ci/output': '', 'ci/summary': '', 'ci/event.json': '{}' });
    const environment = { ...hosts[host]?.(folder, newCore), SLUICE_INPUTS: JSON.stringify({ token: value, config: `${value}.yml`, 'deadline': value }) };
    const ended = await sluice(['deploy'], { folder, environment });
    expect(ended.code).toBe(2);
    if (host === 'github') expect(ended.stdout.split('\n')[0]).toBe(`::add-mask::${value}`);
    expect(leaks(await written(folder, [ended], host === 'github'), [value])).toEqual([]);
  }
});
