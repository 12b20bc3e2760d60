import { copyFileSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createCommandRunner, systemClock, type Target } from '@sluice/core';
import { makePrivateHome } from '../../packages/agentrun/src/cli/private-home.ts';
import { runTemplate } from '../../packages/agentrun/src/cli/serverless-devs.ts';
import { templateOf } from '../../packages/agentrun/src/cli/template.ts';
import { AgentRunSource } from '../../packages/agentrun/src/source/source.ts';
import { agentYaml, careful, must, overwrite, problemOf } from '../../packages/agentrun/test/fixture.ts';
import { program, startStage, type Stage } from './s-cli-stage.ts';

const homes = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('sluice-s-'));

/** isAlive does not count a process that has ended and that nobody has asked about yet. */
const isAlive = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  } catch {
    return false;
  }
};

const python = ['code:', '  language: python3.12', '  command: [python, main.py]', '  src: ./agent'];

describe('deploy through the real Serverless Devs CLI 3.1.10', () => {
  let stage: Stage;
  let homesBefore: readonly string[];
  beforeAll(async () => {
    stage = await startStage({ temporaryCredentials: true });
    stage.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
  });
  beforeEach(() => {
    stage.behave('deploy');
    homesBefore = homes();
  });
  afterAll(() => stage.close());

  const target = async (yaml: string, options: Parameters<Stage['connect']>[1] = {}): Promise<[Target, ReturnType<Stage['project']['source']>]> => {
    const source = stage.project.source(yaml);
    return [must(await stage.connect(source, options)), source];
  };

  test('the runtime holds what was sent, with our checksum; users keep their version', async () => {
    stage.project.write('code/index.js', 'console.log("through s");\n');
    // What a project's .env says must reach neither the credentials nor the agent.
    stage.project.write('.env', 'AccountID=666\nAccessKeyID=evil\nAccessKeySecret=evil\n');
    const secrets = { CRM_TOKEN: 'planted-token-1', OTHER: 'planted-other-2' };
    const source = must(stage.overlay(stage.project.source(agentYaml(['environmentVariables:', '  PLAIN: "明文 #1"', '  EMPTY: ""', "  OTHER: ${env('OTHER')}"])), { CRM_TOKEN: { env: 'CRM_TOKEN' }, MODE: 'a "b" \\ $1 {{ c }}' }, secrets));
    const connected = must(await stage.connect(source));
    const deployment = must(await connected.deploy(source, overwrite));
    expect(deployment).toMatchObject({ changed: true, version: { id: 'draft' }, notes: [] });
    expect(stage.lab.routing('order-agent', 'production')).toMatchObject({ targetVersion: '1' });

    const { agent, template, names, argv, cwd } = stage.seen();
    expect(agent['environmentVariables']).toEqual({ PLAIN: '明文 #1', EMPTY: '', OTHER: 'planted-other-2', CRM_TOKEN: 'planted-token-1', MODE: 'a "b" \\ $1 {{ c }}' });
    expect(template).not.toMatch(/planted|endpoints/);
    expect(argv.join(' ')).toBe('deploy -t s.yaml -a sluice_serverless_devs_key --silent --output json -y');
    expect(names.filter((name) => /AccountID|AccessKey|ALIBABA/.test(name))).toEqual([]);
    expect(existsSync(cwd)).toBe(false);
    expect(homes()).toEqual(homesBefore);

    expect(must(await connected.deploy(source, careful))).toMatchObject({ changed: false });
    const published = must(await connected.publish({ name: 'v2', marks: {}, digest: deployment.version.digest ?? '' }));
    expect(published).toMatchObject({ id: '2', digest: deployment.version.digest });
  });

  test('a dry run names the command and runs no component', async () => {
    stage.project.write('code/index.js', 'console.log("dry");\n');
    const [connected, source] = await target(agentYaml(), { readOnly: true });
    const calls = stage.lab.calls().length;
    const deployment = must(await connected.deploy(source, { ...overwrite, dryRun: true }));
    expect(deployment.changed).toBe(true);
    expect(deployment.notes.join()).toMatch(/would run .*s deploy -t s\.yaml -a sluice_serverless_devs_key --silent --output json -y/);
    expect(stage.lab.calls().slice(calls).every(({ method }) => method === 'GET')).toBe(true);
  });

  test('an endpoint on LATEST is pinned before the component runs', async () => {
    const { runtimeId, endpointId } = stage.lab.createRuntime({ name: 'open-agent', endpoint: 'production' });
    const [connected, source] = await target(agentYaml().replace('name: order-agent', 'name: open-agent'));
    must(await stage.api.setRouting(runtimeId, endpointId, { targetVersion: 'LATEST', weights: [] }));
    const before = stage.lab.calls().length;
    must(await connected.deploy(source, overwrite));
    const writes = stage.lab.calls().slice(before).filter(({ method }) => method !== 'GET').map(({ action }) => action);
    expect(writes.indexOf('agentrun:UpdateAgentRuntimeEndpoint')).toBeLessThan(writes.indexOf('agentrun:UpdateAgentRuntime'));
    expect(stage.lab.routing('open-agent', 'production').targetVersion).toBe('1');
  });

  test('a runtime that is not there is made with --create alone; an image goes without code', async () => {
    const yaml = agentYaml([], ['customContainerConfig:', '  image: registry.example.com/agent:1']).replace('name: order-agent', 'name: image-agent');
    const [connected, source] = await target(yaml);
    expect(problemOf(await connected.deploy(source, careful))).toMatchObject({ category: 'input', reason: 'there is no runtime named "image-agent"' });
    expect(must(await connected.deploy(source, { ...careful, create: true }))).toMatchObject({ changed: true, created: { application: expect.stringMatching(/^ar-/) } });
    expect(connected.application).toMatch(/^ar-/);
  });

  test.each<[string, string, RegExp, string]>([
    ['a component that fails', 'fail', /^the Serverless Devs CLI failed to deploy: quota of \*\*\* 用尽$/, 'platform'],
    ['a component without the command, which ends with code 0', 'no commands', /says that all went well, and gives no result of "deploy"$/, 'platform'],
    ['a component that deploys something else', 'other content', /took the deployment and shows something else: memory$/, 'platform'],
  ])('%s', async (_name, mode, reason, category) => {
    stage.project.write('code/index.js', `console.log(${JSON.stringify(mode)});\n`);
    const source = must(stage.overlay(stage.project.source(agentYaml()), { TOKEN: { env: 'TOKEN' } }, { TOKEN: 'planted-3' }));
    const connected = must(await stage.connect(source));
    stage.behave(mode);
    const problem = problemOf(await connected.deploy(source, overwrite));
    expect(problem).toMatchObject({ category });
    expect(problem.reason).toMatch(reason);
    expect(homes()).toEqual(homesBefore);
  });

  test('a component that prints junk before its result', async () => {
    stage.project.write('code/index.js', 'console.log("junk");\n');
    const [connected, source] = await target(agentYaml());
    stage.behave('junk');
    expect(must(await connected.deploy(source, overwrite))).toMatchObject({ changed: true });
  });

  test('success of the CLI is not enough: every endpoint must be ready', async () => {
    stage.project.write('code/index.js', 'console.log("endpoints");\n');
    const [connected, source] = await target(agentYaml());
    stage.behave('another endpoint');
    stage.lab.failNext('endpoint', 'no address is left');
    expect(problemOf(await connected.deploy(source, overwrite))).toMatchObject({ category: 'platform', reason: 'endpoint "second" is CREATE_FAILED: no address is left' });
  });

  test('credentials that the platform refuses', async () => {
    stage.project.write('code/index.js', 'console.log("credentials");\n');
    const [connected, source] = await target(agentYaml());
    stage.behave('wrong key');
    expect(problemOf(await connected.deploy(source, overwrite))).toMatchObject({ category: 'permission', reason: 'the Serverless Devs CLI failed to deploy: the credentials were refused' });
  });

  test('build: auto builds what a manifest asks for, and the built code is what is deployed', async () => {
    stage.project.write('agent/main.py', 'print(1)\n');
    stage.project.write('agent/requirements.txt', 'fastapi\n');
    const yaml = agentYaml([], python).replace('name: order-agent', 'name: python-agent');
    const [connected, source] = await target(yaml);
    const create = { ...overwrite, create: true };
    expect(must(await connected.deploy(source, { ...create, dryRun: true })).notes.join()).toContain('s build -t s.yaml');
    stage.behave('no docker');
    const problem = problemOf(await connected.deploy(source, create));
    expect(problem).toMatchObject({ category: 'input', reason: 'the Serverless Devs CLI failed to build: there is no Docker to build with' });
    expect(problem.hint).toMatch(/GitHub.*GitLab.*docker:dind.*Jenkins.*Yunxiao/);
    stage.behave('builds nothing');
    expect(problemOf(await connected.deploy(source, create)).reason).toBe('the build ended well and left no python');
    const [reusing] = await target(yaml, { agentrun: { build: 'reuse' } });
    expect(problemOf(await reusing.deploy(source, create)).reason).toBe('the code in ./agent is not built: python is not there');
    stage.behave('deploy');
    const deployment = must(await connected.deploy(source, create));
    expect(readFileSync(join(stage.project.folder, 'agent', 'python', 'package.py'), 'utf8')).toContain('built');
    const built = stage.project.source(yaml);
    expect(deployment.version.digest).toBe(built.digest);
    expect(built.digest).not.toBe(source.digest);
    expect(must(await reusing.deploy(built, careful)).changed).toBe(false);
    utimesSync(join(stage.project.folder, 'agent', 'requirements.txt'), new Date(), new Date(Date.now() + 60_000));
    expect(problemOf(await reusing.deploy(built, careful)).reason).toContain('python is older than requirements.txt');
  });

  test('a hanging component ends at the deadline with its child', async () => {
    stage.project.write('code/index.js', 'console.log("hang");\n');
    const [connected, source] = await target(agentYaml(), { deadlineMs: 4000 });
    stage.behave('hang');
    expect(problemOf(await connected.deploy(source, overwrite))).toMatchObject({ category: 'timeout', reason: expect.stringContaining('did not end within 4 s') });
    const pids = stage.pids();
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(await isAlive(pid)).toBe(false);
    expect(homes()).toEqual(homesBefore);
  });

  describe('connections', () => {
    // The endpoint that failed above would keep every deployment from being ready.
    beforeAll(async () => {
      await stage.close();
      stage = await startStage({ temporaryCredentials: true });
      stage.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
    });

    /** watched is the CLI with every connection written down that it, or a program that it starts, opens. */
    const watched = () => {
      const hook = join(stage.project.folder, `watch-${Date.now()}.cjs`);
      copyFileSync(join(import.meta.dirname, 'watch-connections.cjs'), hook);
      const [node, script] = program;
      const found = () => readFileSync(hook.replace('.cjs', '.txt'), 'utf8').trimEnd().split('\n');
      return { argv: [node, '--require', hook, script], found, reached: () => found().filter((line) => /^(?:connect|lookup) /.test(line)) };
    };

    test('a deployment opens none but those to the lab, and starts nothing that could', async () => {
      stage.project.write('code/index.js', 'console.log("quiet");\n');
      const { argv, found, reached } = watched();
      const [connected, source] = await target(agentYaml(), { agentrun: { s: argv } });
      expect(must(await connected.deploy(source, overwrite))).toMatchObject({ changed: true });
      // What is sent after the end comes from a program of its own.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(found().filter((line) => line.startsWith('loaded ')).length).toBeGreaterThanOrEqual(2);
      expect([...new Set(reached())]).toEqual([`connect 127.0.0.1 ${new URL(stage.lab.control).port}`]);
    });

    test('in a home without our settings the same run calls its maker, which the test sees and stops', async () => {
      const { argv, found, reached } = watched();
      const home = must(await makePrivateHome(stage.components));
      try {
        writeFileSync(join(home.folder, '.s', 'set-config.yml'), 'log: disable\n');
        const options = { program: argv, component: 'agentrun@1.0.12', commands: createCommandRunner({ path: process.env['PATH'] ?? '', home: home.folder, clock: systemClock() }), signal: new AbortController().signal, deadlineMs: 60_000, settings: {} };
        const source = stage.project.source(agentYaml([], ['customContainerConfig:', '  image: registry.example.com/agent:1']));
        if (!(source instanceof AgentRunSource)) throw new Error('not a source of AgentRun');
        const caller = { account: stage.lab.accountId, credentials: stage.lab.credentials };
        must(await runTemplate(options, home, caller, 'deploy', must(templateOf(source, { component: options.component }))));
        await new Promise((resolve) => setTimeout(resolve, 5000));
        expect([found().length > 0, reached().filter((line) => !line.includes('127.0.0.1')).join()]).toEqual([true, expect.stringMatching(/serverless-devs.*log\.aliyuncs\.com|devsapp/)]);
      } finally {
        await home.remove();
      }
    });
  });

  test('another version of the CLI: what was found, what is needed, how to get it', async () => {
    stage.project.write('code/index.js', 'console.log("version");\n');
    stage.project.write('other-s.cjs', "console.log('@serverless-devs/s: 3.1.9, core: 0.1.0');\n");
    const [connected, source] = await target(agentYaml(), { agentrun: { s: [process.execPath, join(stage.project.folder, 'other-s.cjs')] } });
    expect(problemOf(await connected.deploy(source, overwrite))).toMatchObject({
      category: 'input',
      reason: 'the Serverless Devs CLI is version 3.1.9, and Sluice works with 3.1.10',
      hint: 'Install it: npm install -g @serverless-devs/s@3.1.10. Or name the program in sluice.yml: agentrun.s, as in [npx, --yes, "@serverless-devs/s@3.1.10"].',
    });
  });

  test('another program in place of the CLI, or none', async () => {
    stage.project.write('code/index.js', 'console.log("program");\n');
    const [none, source] = await target(agentYaml(), { agentrun: { s: ['no-such-s'] } });
    expect(problemOf(await none.deploy(source, overwrite))).toMatchObject({ category: 'input', reason: expect.stringContaining('the program no-such-s was not found'), hint: expect.stringContaining('npm install -g @serverless-devs/s@3.1.10') });
    const [other] = await target(agentYaml(), { agentrun: { s: [process.execPath] } });
    expect(problemOf(await other.deploy(source, overwrite))).toMatchObject({ category: 'input', hint: expect.stringContaining('npm install -g @serverless-devs/s@3.1.10') });
  });
});
