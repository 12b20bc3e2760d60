import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openProject, type LabProject } from './lab-project.ts';
import { project, repository, sluice, type Ended } from './sluice-process.ts';

/* The bundle connects to what its configuration names and asks for no other name. A hook in every Node program of a run
   writes down what is tried and stops it; where the kernel can be asked as well, it counts what no hook would see. */

interface Watched extends Ended {
  /** tried are the connections, names and datagrams, each once. */
  readonly tried: readonly string[];
  readonly programs: readonly string[];
}

let hooks = 0;

/** watched runs something with the hook; its record has to exist, or nothing was watched. */
const watched = async (run: (environment: Readonly<Record<string, string>>) => Promise<Ended>): Promise<Watched> => {
  const folder = await project({ 'a/.keep': '' });
  const hook = join(folder, `watch-${hooks}.cjs`);
  hooks += 1;
  copyFileSync(join(repository, 'test/engines/watch-connections.cjs'), hook);
  const ended = await run({ NODE_OPTIONS: `--require ${hook}` });
  const lines = readFileSync(hook.replace('.cjs', '.txt'), 'utf8').trimEnd().split('\n');
  expect(lines[0]).toMatch(/^loaded /);
  const kept = (pattern: RegExp): readonly string[] => [...new Set(lines.filter((line) => pattern.test(line)))].sort();
  return { ...ended, tried: kept(/^(?:connect|lookup|datagram) /), programs: kept(/^start /) };
};

const app = readFileSync(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
const secrets = { DIFY_EMAIL: 'a@example.test', DIFY_PASSWORD: 'planted-password', HOOK: 'https://hooks.example.test/services/planted' };

describe('the bundle', () => {
  test('tries nothing at all in steps that work offline', async () => {
    const offline = async (step: string): Promise<unknown> => {
      const { code, tried, programs } = await watched((environment) => sluice([step], { folder: join(repository, 'examples/support-bot'), environment }));
      return { step, code, tried, programs };
    };
    expect(await Promise.all(['validate', 'plan'].map(offline))).toEqual(['validate', 'plan'].map((step) => ({ step, code: 0, tried: [], programs: [] })));
  });

  test('tries the hosts that sluice.yml names and no other, whatever the environment of the CI holds', async () => {
    const config = 'name: bot\nsource: app.yml\nenvironments:\n  production:\n    dify: https://dify.example.test/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f\nnotify: [{ slack: { env: HOOK } }]\n';
    const folder = await project({ 'sluice.yml': config, 'app.yml': app });
    const surroundings = { ...secrets, SLUICE_HOSTS: 'dify.example.test', CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'acme/bot', GITHUB_SERVER_URL: 'https://github.example.test', GITHUB_API_URL: 'https://github.example.test/api/v3', GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main', RUNNER_TEMP: folder };
    const { code, tried, stdout, stderr } = await watched((environment) => sluice(['release', '--environment', 'production', '--deadline', '5s'], { folder, environment: { ...surroundings, ...environment } }));
    expect({ code, said: stdout + stderr }).toEqual({ code: expect.any(Number), said: expect.stringContaining('dify.example.test') });
    expect(code).not.toBe(0);
    expect(tried).toEqual(['connect dify.example.test 443', 'connect hooks.example.test 443']);
  });

  const keys = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'planted-id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'planted-secret' };

  test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['the hosts of the region on AgentRun', keys, ['sts.cn-hangzhou.aliyuncs.com 443']],
    ['the instance that it may run on when nothing else gives credentials', {}, ['100.100.100.200 80']],
    ['nothing when that is switched off', { ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' }, []],
  ])('tries %s, as the page for reviewers says', async (_what, surroundings, hosts) => {
    const config = 'name: agent\nsource: s.prod.yaml\nenvironments:\n  production:\n    agentrun: { endpoint: production, account: "1234567890123456" }\n';
    const folder = await project({ 'sluice.yml': config, 's.prod.yaml': readFileSync(join(repository, 'examples/order-agent/s.prod.yaml')), 'code/index.js': '' });
    const { code, tried } = await watched((environment) => sluice(['info', '--environment', 'production', '--deadline', '5s'], { folder, environment: { ...surroundings, ...environment } }));
    expect(code).not.toBe(0);
    expect(tried).toEqual(hosts.map((host) => `connect ${host}`));
    const page = readFileSync(join(repository, 'docs/security-review.md'), 'utf8');
    for (const host of hosts) expect(page).toContain(`\`${host.replace('cn-hangzhou', '<region>').split(' ')[0]}\``);
  });
});

describe('a whole release by the real door', () => {
  let lab: LabProject;
  beforeAll(async () => {
    lab = await openProject({ steps: ['50%'], every: '10s', watch: ['errors'] });
  });
  afterAll(() => lab.close());

  test('connects to the servers of sluice.yml and no other', async () => {
    await lab.change('new');
    const { tried } = await watched((environment) => lab.run(['release', '--deadline', '40s'], { environment }));
    const ports = [lab.lab.dify.origin, lab.lab.gateway.origin].map((origin) => new URL(origin).port);
    expect(tried).toEqual(expect.arrayContaining([`connect 127.0.0.1 ${ports[0]}`]));
    expect(tried.filter((line) => !line.startsWith('connect 127.0.0.1 '))).toEqual([]);
  }, 120_000);
});

/** counting runs a command in a network of its own that has loopback alone, and prints afterwards what the kernel counted there. */
const counting = 'ip link set lo up || exit; "$@" >&2; code=$?; cat /proc/net/snmp /proc/net/snmp6; exit $code';
const apart = (environment: Readonly<Record<string, string>>, argv: readonly string[]) => spawn('unshare', ['--net', 'sh', '-c', counting, 'sh', ...argv], { cwd: repository, env: { PATH: `${process.env['PATH']}:/usr/sbin`, HOME: process.env['HOME'] ?? '', ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });

/** alone runs a script of Node so, and keeps the counts. */
const alone = async (counts: string[], environment: Readonly<Record<string, string>>, ...script: readonly string[]): Promise<Ended> => {
  const child = apart(environment, [process.execPath, ...script]);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close').then(([ended]: unknown[]) => (typeof ended === 'number' ? ended : null))]);
  counts.push(stdout);
  return { code, stdout, stderr, durationMs: 0 };
};

const kernel = process.platform === 'linux' && (await once(apart({}, ['true']).on('error', () => undefined), 'exit').catch(() => [-1]))[0] === 0;
if (!kernel) process.stderr.write('test/no-telemetry: the kernel was not asked, since no network of its own can be made here\n');

/** countedIn gives the packets that had nowhere to go, and the datagrams that were sent, loopback's included. */
const countedIn = (counts: string): { readonly lost: number; readonly datagrams: number } => {
  const value = (protocol: string, name: string): number => {
    const [names = [], values = []] = counts.split('\n').filter((line) => line.startsWith(`${protocol}:`)).map((line) => line.split(' '));
    return Number(values[names.indexOf(name)]);
  };
  return { lost: value('Ip', 'OutNoRoutes') + Number(/^Ip6OutNoRoutes\s+(\d+)/m.exec(counts)?.[1]), datagrams: value('Udp', 'OutDatagrams') };
};

describe('a rehearsal', () => {
  const examples = ['examples/support-bot/sluice.yml', 'examples/order-agent/sluice.yml'];

  test('stays on this machine, in every program that it starts', async () => {
    const counts: string[] = [];
    const runs = examples.map((file) => watched((environment) => (kernel ? alone(counts, environment, 'dist/index.js', 'rehearse', file) : sluice(['rehearse', file], { environment }))));
    for (const { code, tried } of await Promise.all(runs)) {
      expect(code).toBe(0);
      expect(tried.length).toBeGreaterThan(0);
      expect(tried.filter((line) => !/^connect 127\.0\.0\.1 \d+$/.test(line))).toEqual([]);
    }
    if (kernel) expect(counts.map(countedIn)).toEqual(examples.map(() => ({ lost: 0, datagrams: 0 })));
  }, 120_000);

  (kernel ? test : test.skip)('is watched by a kernel that sees a packet without a way, and a datagram', async () => {
    const files = { 'call.mjs': "await fetch('http://192.0.2.1').catch(() => undefined);\n", 'ask.mjs': "import { createSocket } from 'node:dgram';\nconst socket = createSocket('udp4');\nsocket.send('x', 9, '127.0.0.1', () => socket.close());\n" };
    const folder = await project(files);
    const counts: string[] = [];
    for (const file of Object.keys(files)) await alone(counts, {}, join(folder, file));
    expect(counts.map(countedIn)).toEqual([{ lost: expect.any(Number), datagrams: 0 }, { lost: 0, datagrams: 1 }]);
    expect(countedIn(counts[0] ?? '').lost).toBeGreaterThan(0);
  });
});
