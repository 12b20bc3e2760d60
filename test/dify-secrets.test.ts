import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startLabDify, startLabGateway, type LabDify, type LabGateway } from '@sluice/lab';
import { startFront, type Front, type Manner } from './dify-front.ts';
import { createGarden, everyEntity, forms } from './planted.ts';
import { project, repository, sluice, type Ended } from './sluice-process.ts';
import { hereIfSo } from './through-the-door.ts';

const garden = createGarden();
const awkward = (core: string): string => `p+a/s"s\\ö 密&<${core}>=%'`;
const inUrl = (core: string): string => core;

/** Inbox takes notifications, and tells a stand-in for nginx how it went. */
interface Inbox {
  readonly origin: string;
  /** received are the bodies and headers that arrived. */
  readonly received: string[];
  /** echoed are the secrets that it gave back. */
  readonly echoed: Set<string>;
  refuses: boolean;
  given: readonly string[];
}

const closing: (() => Promise<unknown>)[] = [];
const labs = new Map<'1.9.1' | '1.12.1', LabDify>();
let dsl = '';

/** searched counts what was looked through. */
const searched = { outputs: 0, bytes: 0 };
/** echoes are the names of what servers have given back. */
const echoes = new Set<string>();

const close = (server: Server): Promise<unknown> => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
};

const openInbox = async (): Promise<Inbox> => {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const { 'x-sluice-signature': _signature, ...headers } = incoming.headers;
      inbox.received.push(`${JSON.stringify(headers)}\n${Buffer.concat(chunks).toString('utf8')}`);
      const url = new URL(incoming.url ?? '', 'http://inbox');
      const own = [url.pathname, url.search, ...url.pathname.split('/').slice(-1), ...url.searchParams.values()].filter((part) => part.length > 12);
      const texts = [...own, ...inbox.given].flatMap((secret) => Object.values(forms).map((form) => form(secret))).join('\n');
      if (inbox.refuses) for (const secret of [...own, ...inbox.given]) inbox.echoed.add(secret);
      if (inbox.refuses) response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ errcode: 310000, errmsg: texts, message: texts, error: texts }));
      else if (url.pathname.startsWith('/robot')) response.end('{"errcode":0,"errmsg":"ok"}');
      else response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => close(server));
  const inbox: Inbox = { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received: [], echoed: new Set(), refuses: false, given: [] };
  return inbox;
};

beforeAll(async () => {
  for (const version of ['1.9.1', '1.12.1'] as const) {
    const lab = await startLabDify({ timeScale: 100, version });
    closing.push(() => lab.close());
    labs.set(version, lab);
  }
  const example = await readFile(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
  const kept = "  - { description: kept, id: 5b1f7c52-3f0e-4f0b-9a55-1d2f6e0c8b77, name: KEPT_TOKEN, selector: [env, KEPT_TOKEN], value: '', value_type: secret }\n";
  dsl = example.replace('  environment_variables:\n', `  environment_variables:\n${kept}`);
});

afterAll(async () => {
  for (const end of closing.reverse()) await end();
});

type Surroundings = (folder: string, token: (name: string) => string) => Record<string, string>;

const hosts = {
  github: (folder, token) => ({
    GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: join(folder, 'ci/output'), GITHUB_ENV: join(folder, 'ci/env'), GITHUB_STEP_SUMMARY: join(folder, 'ci/summary'),
    GITHUB_EVENT_PATH: join(folder, 'ci/event.json'), GITHUB_EVENT_NAME: 'push', GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch', GITHUB_REPOSITORY: 'acme/bot',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567', GITHUB_RUN_ID: '7', RUNNER_TEMP: join(folder, 'temp'),
    GITHUB_TOKEN: token('GITHUB_TOKEN'), ACTIONS_RUNTIME_TOKEN: token('ACTIONS_RUNTIME_TOKEN'),
  }),
  gitlab: (folder, token) => ({ GITLAB_CI: 'true', CI: 'true', CI_COMMIT_BRANCH: 'main', SLUICE_DOTENV: join(folder, 'ci/sluice.env'), CI_JOB_TOKEN: token('CI_JOB_TOKEN'), CI_REGISTRY_PASSWORD: token('CI_REGISTRY_PASSWORD') }),
  jenkins: () => ({ JENKINS_URL: 'http://127.0.0.1/', BRANCH_NAME: 'main', BUILD_TAG: 'jenkins-bot-7' }),
  terminal: () => ({}),
} satisfies Readonly<Record<string, Surroundings>>;

type Login = 'password' | 'token' | 'admin key';

/** Scene is what is run against which server. */
interface Scene {
  readonly host: keyof typeof hosts;
  /** inProcess runs its command lines in the process of the tests; the bundle's own when absent. */
  readonly inProcess?: boolean;
  readonly login?: Login;
  readonly version?: '1.9.1' | '1.12.1';
  /** wrong are requests that are answered in a bad manner, the first that fits. */
  readonly wrong?: readonly (readonly [call: RegExp, manner: Manner])[];
  readonly steps: readonly (readonly string[])[];
  /** codes are the exit codes of the steps. */
  readonly codes: readonly number[];
  readonly expired?: RegExp;
  readonly oddVersion?: boolean;
  readonly keyless?: boolean;
  readonly appKey?: boolean;
  readonly inboxRefuses?: boolean;
  readonly gateway?: boolean;
  readonly proxied?: boolean;
}

const admin = (lab: LabDify): Record<string, string> => ({ authorization: `Bearer ${lab.credentials.adminKey}`, 'x-workspace-id': lab.credentials.workspaceId });

const withoutKeys = async (lab: LabDify, app: string): Promise<void> => {
  const path = `${lab.origin}/console/api/apps/${app}/api-keys`;
  const { data } = (await (await fetch(path, { headers: admin(lab) })).json()) as { data: { id: string }[] };
  for (const { id } of data) await fetch(`${path}/${id}`, { method: 'DELETE', headers: admin(lab) });
};

/** openedSession is a browser's session: what people put into DIFY_TOKEN. */
const openedSession = async (lab: LabDify): Promise<ReadonlyMap<string, string>> => {
  const { email, password } = lab.credentials;
  const answer = await fetch(`${lab.origin}/console/api/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password: Buffer.from(password).toString('base64') }) });
  return new Map(answer.headers.getSetCookie().map((line) => [/^[^=]+/.exec(line)?.[0] ?? '', /^[^=]+=([^;]*)/.exec(line)?.[1] ?? '']));
};

type Aliases = readonly (readonly [planted: string, real: string])[];

/** credentialsFor are the variables of a way to log in, planted, and what the lab takes in their place. */
const credentialsFor = async (lab: LabDify, login: Login): Promise<{ readonly variables: Record<string, string>; readonly aliases: Aliases }> => {
  const { email, password, adminKey } = lab.credentials;
  if (login === 'admin key') {
    const key = garden.plant('DIFY_ADMIN_KEY');
    return { variables: { DIFY_ADMIN_KEY: key }, aliases: [[key, adminKey]] };
  }
  if (login === 'token') {
    const aliases = [...(await openedSession(lab))].map(([name, real]) => [name, garden.plant(`${name} in DIFY_TOKEN`, (core) => `ey${core}`), real] as const);
    return { variables: { DIFY_TOKEN: aliases.map(([name, value]) => `${name}=${value}`).join('; ') }, aliases: aliases.map(([, value, real]) => [value, real]) };
  }
  const [ownEmail, ownPassword] = [garden.plant('DIFY_EMAIL', (core) => `${core}@example.com`), garden.plant('DIFY_PASSWORD', awkward)];
  return { variables: { DIFY_EMAIL: ownEmail, DIFY_PASSWORD: ownPassword }, aliases: [[ownEmail, email], [ownPassword, password]] };
};

/** sshScript stands in for ssh: it writes down what it was given, and acts for the gateway's machine. */
const sshScript = (folder: string, include: string, nginx: string): string => `#!${process.execPath}
const { readFileSync, writeFileSync, existsSync } = require('node:fs');
const input = readFileSync(0, 'utf8');
writeFileSync(${JSON.stringify(join(folder, 'children'))} + '/' + process.pid + '.json', JSON.stringify({ argv: process.argv, environment: process.env, input }));
const include = ${JSON.stringify(include)};
const act = {
  cat: () => process.stdout.write(existsSync(include) ? readFileSync(include, 'utf8') : ''),
  tee: () => writeFileSync(include, input),
  nginx: async () => {
    const answer = await (await fetch(${JSON.stringify(nginx)} + '?' + process.argv.slice(4).join('+'))).json();
    process.stderr.write(answer.stderr);
    process.exitCode = answer.code;
  },
};
act[process.argv[3]]();
`;

/** openNginx lets a stand-in reach a lab's gateway. */
const openNginx = async (gateway: LabGateway): Promise<string> => {
  const server = createServer((incoming, response) => {
    const argv = decodeURIComponent((incoming.url ?? '').replace(/^.*\?/, '')).split('+');
    void gateway.run(['nginx', ...argv]).then((ended) => response.end(JSON.stringify(ended)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => close(server));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};

/** withGateway puts a gateway on another machine, reached by ssh, before the front. */
const withGateway = async (folder: string, front: Front): Promise<Record<string, unknown>> => {
  const gateway = await startLabGateway({ upstream: front.origin });
  closing.push(() => gateway.close());
  // What docs/gateway-nginx.md gives for the time before the first release.
  const documented = /```text\n(# Written by Sluice[^]*?)```/.exec(await readFile(join(repository, 'docs/gateway-nginx.md'), 'utf8'))?.[1] ?? '';
  await writeFile(gateway.includeFile, documented.replace(/support([-_])bot/g, 'bot'));
  await gateway.run(['nginx', '-s', 'reload']);
  await writeFile(join(folder, 'bin/ssh'), sshScript(folder, gateway.includeFile, await openNginx(gateway)));
  await chmod(join(folder, 'bin/ssh'), 0o755);
  const ssh = (...argv: readonly string[]): readonly string[] => ['ssh', 'gateway', ...argv];
  return {
    gateway: { address: `${gateway.origin}/v1`, nginx: { include: gateway.includeFile, read: ssh('cat'), write: ssh('tee'), test: ssh('nginx', '-t'), reload: ssh('nginx', '-s', 'reload') } },
    canary: { steps: ['50%'], every: '1s', minimum: 1, watch: ['errors'], pairs: 10 },
  };
};

/** written is all that a scene has left: both streams of each run, every file, what arrived at the inbox, and what was sent where no secret belongs. */
const written = async (folder: string, runs: readonly Ended[], host: string, others: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  // On GitHub a secret is handed to the runner, which then hides it: that line is how.
  const visible = (text: string): string => (host === 'github' ? text.replace(/^::add-mask::.*$/gm, '') : text);
  const texts = new Map<string, string>(runs.flatMap(({ stdout, stderr }, index) => [[`stdout ${index}`, visible(stdout)], [`stderr ${index}`, visible(stderr)]] as const));
  others.forEach((text, index) => texts.set(`sent ${index}`, text));
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    texts.set(path.slice(folder.length), entry.isFile() ? `${entry.name}\n${await readFile(path, 'utf8')}` : entry.name);
  }
  return texts;
};

/** searchAll names each secret that an output holds. */
const searchAll = (scene: string, texts: ReadonlyMap<string, string>): readonly string[] =>
  [...texts].flatMap(([output, text]) => {
    searched.outputs += 1;
    searched.bytes += Buffer.byteLength(text);
    return garden.namesIn(text).map((secret) => `${scene}, ${output}: ${secret}`);
  });

/** Played is how a scene went. */
interface Played {
  readonly name: string;
  readonly found: readonly string[];
  readonly codes: readonly (number | null)[];
}

const play = async (name: string, scene: Scene): Promise<Played> => {
  const { host, login = 'password', version = '1.12.1', wrong = [], steps } = scene;
  const lab = labs.get(version);
  if (lab === undefined) throw new Error('the lab is not there');
  const stored = { CRM_TOKEN: 'what it was before', KEPT_TOKEN: garden.plant('the secret that is kept', awkward) };
  const before = Object.entries(stored).reduce((text, [variable, value]) => text.replace(new RegExp(`(name: ${variable}[^]*?value: )''`), (_, head: string) => `${head}${JSON.stringify(value)}`), dsl);
  const made = lab.createApp(before.replace('name: support-bot', `name: ${name.replace(/\W/g, '-')}`));
  const app = made.appId;
  const appKey = garden.plant('DIFY_APP_KEY', (core) => `app-${core}`);
  if (scene.keyless === true) await withoutKeys(lab, app);
  const inbox = await openInbox();
  const { variables, aliases } = await credentialsFor(lab, login);
  const proxy = { user: garden.plant("the proxy's user"), password: garden.plant("the proxy's password") };
  const tokens: Record<string, string> = {};
  const folder = await project({ 'app.yml': dsl, 'ci/event.json': '{"repository":{"full_name":"acme/bot"}}', 'ci/output': '', 'ci/env': '', 'ci/summary': '', 'temp/.keep': '', 'home/.keep': '', 'bin/.keep': '', 'children/.keep': '', 'state/.keep': '' });
  const surroundings = (hosts[host] as Surroundings)(folder, (variable) => (tokens[variable] = garden.plant(variable)));
  const own: Record<string, string> = {
    ...variables,
    ...(scene.appKey === true ? { DIFY_APP_KEY: appKey } : {}),
    GATE_PASS: garden.plant('a header', (core) => `gate+/="${core}`),
    GATE_OTHER: garden.plant('another header'),
    CRM_TOKEN: garden.plant('a secret variable', awkward),
    CRM_URL: garden.plant('a plain variable', (core) => `https://crm.example.com/?tenant=${core}`),
    DING_SECRET: garden.plant("DingTalk's secret", awkward),
    WEB_SECRET: garden.plant("the webhook's secret", awkward),
  };
  const parts = { slack: garden.plant("Slack's path", inUrl), ding: garden.plant("DingTalk's query", inUrl), path: garden.plant("the webhook's path", inUrl), query: garden.plant("the webhook's query", inUrl) };
  const hooks = { SLACK_HOOK: `${inbox.origin}/services/T0/B0/${parts.slack}`, DING_HOOK: `${inbox.origin}/robot/send?access_token=${parts.ding}`, WEB_HOOK: `${inbox.origin}/in/${parts.path}?token=${parts.query}` };
  const proxyParts = scene.proxied === true ? [proxy.password, proxy.user, `${proxy.user}:${proxy.password}`] : [];
  const sessionParts = login === 'token' ? aliases.map(([planted]) => planted) : [];
  const given = [...proxyParts, ...Object.values(own), ...sessionParts, ...Object.values(tokens), ...Object.values(hooks), ...Object.values(parts)];
  inbox.given = given;
  inbox.refuses = scene.inboxRefuses ?? false;
  const front = await startFront({
    lab, garden, given,
    aliases: scene.appKey === true ? [...aliases, [appKey, made.apiKey]] : aliases,
    manner: (call) => wrong.find(([meant]) => meant.test(call))?.[1] ?? 'good',
    ...(scene.expired === undefined ? {} : { expired: scene.expired }),
    oddVersion: scene.oddVersion ?? false,
  });
  closing.push(() => front.close());
  const console = scene.proxied === true ? 'http://dify.internal' : front.origin;
  const production = {
    branches: ['main'],
    'insecure-http': true,
    dify: { console, app, headers: { 'X-Gate-Pass': { env: 'GATE_PASS' }, 'X-Gate-Other': { env: 'GATE_OTHER' } } },
    variables: { CRM_TOKEN: { env: 'CRM_TOKEN' }, CRM_URL: { env: 'CRM_URL' } },
    notify: [{ slack: { env: 'SLACK_HOOK' } }, { dingtalk: { env: 'DING_HOOK' }, secret: { env: 'DING_SECRET' } }, { webhook: { env: 'WEB_HOOK' }, secret: { env: 'WEB_SECRET' } }],
    canary: false,
    ...(scene.gateway === true ? await withGateway(folder, front) : {}),
  };
  await writeFile(join(folder, 'sluice.yml'), JSON.stringify({ name: 'bot', source: 'app.yml', environments: { production }, health: { ask: [{ query: 'hello', inputs: { language: 'English' } }], settle: '1s' } }));
  const through = scene.proxied === true ? { HTTP_PROXY: front.origin.replace('//', `//${proxy.user}:${proxy.password}@`) } : {};
  const places = { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: join(folder, 'home'), TMPDIR: join(folder, 'temp'), SLUICE_STATE: join(folder, 'state') };
  const runs: Ended[] = [];
  for (const argv of steps) {
    front.newProcess();
    runs.push(await (scene.inProcess === true ? hereIfSo : sluice)([...argv.map((word) => (word === 'FIRST' ? (made.published ?? '') : word)), '--environment', 'production'], { folder, environment: { ...own, ...surroundings, ...hooks, ...through, ...places } }));
  }
  for (const secret of [...front.echoed, ...inbox.echoed]) for (const one of garden.namesIn(secret)) echoes.add(one);
  const found = searchAll(name, await written(folder, runs, host, [...inbox.received, ...front.sent]));
  const broken = front.sent.filter((text) => text.startsWith('the front failed'));
  return { name, found: [...found, ...broken], codes: runs.map(({ code }) => code) };
};

/** bothCores plays scenes two at a time, in their order: the longest come first. */
const bothCores = async (scenes: Readonly<Record<string, Scene>>): Promise<void> => {
  const waiting = Object.entries(scenes);
  const worker = async (): Promise<readonly Played[]> => {
    const played: Played[] = [];
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) played.push(await play(...one));
    return played;
  };
  const played = (await Promise.all([worker(), worker()])).flat();
  expect(played.flatMap(({ found }) => found)).toEqual([]);
  expect(Object.fromEntries(played.map(({ name, codes }) => [name, codes]))).toEqual(Object.fromEntries(Object.entries(scenes).map(([name, { codes }]) => [name, codes])));
};

describe('the search', () => {
  const own = createGarden();
  const secret = own.plant('it', awkward);
  const halfOf = secret.slice(0, secret.length - 16);

  test.each([
    ...Object.entries(forms).map(([name, form]) => [name, form(secret)] as const),
    ['entities', everyEntity(secret)],
    ['base64 in base64url', Buffer.from(`{"a":"${Buffer.from(secret).toString('base64')}"}`).toString('base64url')],
    ['percent-encoded base64', encodeURIComponent(Buffer.from(secret).toString('base64'))],
    ['lines', secret.replace(/(.{5})/g, '$1\n    ')],
    ['lines of JSON', secret.replace(/(.{5})/g, '$1\\n')],
    ['elements', secret.replace(/(.{6})/g, '$1</tspan><tspan x="3">')],
    ['capitals', secret.toUpperCase()],
    ['its first part', halfOf],
    ['its last part', secret.slice(16)],
  ])('finds %s', (_name, text) => {
    expect(own.namesIn(`before ${text} after`)).toEqual(['it']);
  });

  test('finds nothing where nothing is', () => {
    expect(own.namesIn(dsl)).toEqual([]);
    expect(own.namesIn(secret.replace(/zq/g, '**'))).toEqual([]);
  });
});

/** good are scenes in which all goes well although every answer gives secrets back. */
const good: Readonly<Record<string, Scene>> = {
  'a canary behind nginx on another machine': { host: 'terminal', gateway: true, steps: [['release']], codes: [0] },
  'a release on GitHub': { host: 'github', keyless: true, expired: /GET .*\/workflows\/draft$/, steps: [['validate'], ['release'], ['health-check', '--json'], ['notify', '--severity', 'P0', '--title', 'look']], codes: [0, 0, 0, 0] },
  'steps on GitLab': { host: 'gitlab', login: 'token', steps: [['snapshot'], ['deploy'], ['publish-version'], ['rollback', '--version', 'FIRST']], codes: [0, 0, 0, 0] },
  'a release on Jenkins': { host: 'jenkins', version: '1.9.1', steps: [['release', '--json'], ['snapshot', '--verify']], codes: [0, 0] },
  'an admin key and an app key': { host: 'terminal', login: 'admin key', appKey: true, oddVersion: true, steps: [['validate'], ['deploy', '--json'], ['health-check']], codes: [0, 0, 0] },
  'through a proxy': { host: 'jenkins', proxied: true, steps: [['deploy'], ['snapshot']], codes: [0, 0] },
};

/** bad are scenes in which one call is answered with nothing but secrets. */
const bad: Readonly<Record<string, Scene>> = {
  'a canary that fails': { host: 'jenkins', gateway: true, wrong: [[/POST \/v1\/chat-messages/, 'failed run']], steps: [['release']], codes: [1] },
  'login refused': { host: 'github', wrong: [[/POST .*\/login/, 'json']], steps: [['validate'], ['release']], codes: [3, 3] },
  'a page in place of the console': { host: 'gitlab', wrong: [[/\/setup/, 'html 502']], steps: [['deploy'], ['notify']], codes: [4, 0], inboxRefuses: true },
  'a redirect away': { host: 'jenkins', wrong: [[/\/setup/, 'redirect']], steps: [['health-check', '--json']], codes: [4] },
  'headers at the draft': { host: 'terminal', login: 'token', wrong: [[/GET .*\/workflows\/draft$/, 'headers']], steps: [['publish-version']], codes: [3] },
  'import refused': { host: 'gitlab', login: 'admin key', wrong: [[/POST .*\/imports/, 'json']], steps: [['deploy', '--json']], codes: [4] },
  'import failed': { host: 'github', wrong: [[/POST .*\/imports/, 'failed import']], steps: [['release']], codes: [4], inboxRefuses: true },
  'damaged secrets': { host: 'terminal', wrong: [[/\/environment-variables/, 'damaged json']], steps: [['deploy']], codes: [4] },
  'publication refused': { host: 'jenkins', wrong: [[/POST .*\/workflows\/publish/, 'json']], steps: [['release']], codes: [4] },
  'a page at the keys': { host: 'gitlab', wrong: [[/\/api-keys/, 'html 502']], steps: [['health-check']], codes: [4] },
  'an error in the stream': { host: 'github', wrong: [[/POST \/v1\/chat-messages/, 'events']], steps: [['health-check', '--json'], ['notify']], codes: [1, 0] },
  'a failed run': { host: 'jenkins', login: 'admin key', appKey: true, wrong: [[/POST \/v1\/chat-messages/, 'failed run']], steps: [['health-check']], codes: [1] },
  'a failed run of the draft': { host: 'gitlab', version: '1.9.1', wrong: [[/draft\/run/, 'failed run']], steps: [['release']], codes: [1] },
  'a question refused': { host: 'terminal', appKey: true, wrong: [[/POST \/v1\/chat-messages/, 'json']], steps: [['release']], codes: [1] },
  'rollback refused': { host: 'gitlab', wrong: [[/POST .*\/workflows\/draft$/, 'json']], steps: [['deploy'], ['publish-version'], ['rollback', '--version', 'FIRST']], codes: [0, 0, 4] },
  'export refused': { host: 'github', wrong: [[/\/export/, 'json']], steps: [['snapshot']], codes: [4] },
  'renewal refused': { host: 'github', login: 'token', expired: /GET .*\/workflows\/draft$/, wrong: [[/refresh-token/, 'html 502']], steps: [['deploy']], codes: [4] },
  'a proxy that refuses': { host: 'terminal', proxied: true, wrong: [[/^CONNECT|./, 'json']], steps: [['validate'], ['deploy', '--json']], codes: [4, 4] },
};

describe('a server that gives everything back', () => {
  test('in good answers', () => bothCores(good), 300_000);

  test('in errors', () => bothCores(Object.fromEntries(Object.entries(bad).map(([name, scene], index) => [name, { inProcess: index % 6 !== 0, ...scene }]))), 300_000);

  test('has given back every one of at least thirty secrets, and hundreds of outputs were searched', () => {
    const names = garden.names();
    expect(names.length).toBeGreaterThanOrEqual(30);
    expect(names.filter((name) => !echoes.has(name))).toEqual([]);
    expect(searched.outputs).toBeGreaterThan(1000);
    expect(searched.bytes).toBeGreaterThan(500_000);
  });
});
