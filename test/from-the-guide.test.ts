import { spawnSync } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentrunPlatform } from '@sluice/agentrun';
import { systemClock } from '@sluice/core';
import { detectHost } from '@sluice/hosts';
import { loadStep } from '@sluice/steps';
import { parse } from 'yaml';
import { agentYaml, must, overwrite, problemOf, startBench } from '../packages/agentrun/test/fixture.ts';
import { runStepCommand } from '../packages/cli/src/step-command.ts';
import { captures } from '../packages/hosts/test/fakes.ts';
import { control } from '../packages/lab/test/agentrun-client.ts';
import { openStage, type RunOptions, type Stage } from './lab-stage.ts';
import { project, repository, sluice } from './sluice-process.ts';
import { agentSetting, stepOf, writeAgent } from './stage-settings.ts';

// Each test is named after the line of docs/from-the-guide.md that it holds up.
const runtime = 'order-agent';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const withRuntime = (): void => {
  stage.lab.agentrun.createRuntime({ name: runtime, endpoint: 'production' });
};

const routing = () => stage.lab.agentrun.routing(runtime, 'production');

/** watched releases and gives every routing of the users' endpoint that was seen meanwhile. */
const watched = async (options: RunOptions = {}) => {
  const seen = new Set<string>();
  const look = setInterval(() => seen.add(JSON.stringify(routing())), 1);
  try {
    const ran = await stage.run('release', agentSetting(stage), {}, options);
    return { ...ran, routings: [...seen].map((text) => JSON.parse(text) as ReturnType<typeof routing>) };
  } finally {
    clearInterval(look);
  }
};

/** agentFile is an s.yaml with further lines below `agent`. */
const agentFile = (...more: readonly string[]): string =>
  ['edition: 3.0.0', 'name: orders', 'resources:', '  agent:', '    component: agentrun@1.0.12', '    props:', '      region: cn-hangzhou', '      agent:', '        name: order-agent',
    '        cpu: 1', '        memory: 2048', '        port: 9000', '        customContainerConfig: { image: "registry.example.com/a/b:1" }', ...more.map((line) => `        ${line}`)].join('\n');

const findingsOf = (text: string) => agentrunPlatform.parse({ path: 's.yaml', folder: stage.folder, text }).findings;

/** validate runs the step on a folder of files, as in a terminal. */
const validate = async (files: Readonly<Record<string, string>>) => {
  const folder = await project(files);
  const streams = captures();
  const host = await detectHost({}, streams, { folder, clock: systemClock() });
  const signal = new AbortController().signal;
  return runStepCommand(host, await loadStep('validate'), { command: 'validate', flags: { config: join(folder, 'sluice.yml') }, positionals: [], json: false, dryRun: false, help: false }, { signal, connection: signal });
};

/** cli runs the real Serverless Devs CLI in an empty folder. */
const cli = async (argv: readonly string[]) => {
  const home = await project({ '.keep': '' });
  const ended = spawnSync(process.execPath, [join(repository, 'node_modules/@serverless-devs/s/bin/s'), ...argv], {
    cwd: home,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: home, serverless_devs_config_home: home, SERVERLESS_DEVS_CICD: '1' },
  });
  return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
};

test('G1 credentials: the guide\'s command ends at once; its three variables are enough here, with no command at all', async () => {
  const real = await cli(['config', 'add', '--AccountID', '1', '--AccessKeyID', 'a', '--AccessKeySecret', 'b', '--alias', 'default']);
  expect({ code: real.code, said: real.stderr + real.stdout }).toEqual({ code: 1, said: expect.stringContaining("unknown option '--alias'") });

  withRuntime();
  await writeAgent(stage, 'new');
  const { accessKeyId, accessKeySecret } = stage.lab.agentrun.credentials;
  const secrets = { ALIBABA_CLOUD_ACCESS_KEY_ID: '', ALIBABA_CLOUD_ACCESS_KEY_SECRET: '', ALIYUN_ACCESS_KEY_ID: accessKeyId, ALIYUN_ACCESS_KEY_SECRET: accessKeySecret };
  expect((await stage.run('deploy', agentSetting(stage), {}, { secrets })).result).toMatchObject({ status: 'passed' });
}, 30_000);

test('G2 G3 canary: the weights stand inside the endpoint that users call, beside the version that they had', async () => {
  withRuntime();
  await writeAgent(stage, 'new');
  const { result, routings } = await watched();
  expect(result).toMatchObject({ status: 'passed' });
  const version = result.outputs['version'] ?? '';
  for (const weight of [0.25, 0.5]) expect(routings).toContainEqual({ targetVersion: '1', versionWeights: [{ version, weight }] });
  expect(routing()).toEqual({ targetVersion: version, versionWeights: [] });
  const { json } = await control(stage.lab.agentrun, 'GET', `/agents/runtimes/${stepOf(result, 'deploy')?.outputs['application'] ?? ''}/endpoints`, 'ListAgentRuntimeEndpoints');
  expect(json.data?.items?.map((item) => item['agentRuntimeEndpointName'])).toEqual(['production']);
}, 30_000);

test('G4 abort: the weights are cleared explicitly and read back, where the server keeps what a request leaves out', async () => {
  withRuntime();
  await writeAgent(stage, 'new');
  stage.lab.agentrun.setFaults(runtime, '1', { errors: 0.6 });
  for (const step of ['deploy', 'publish-version'] as const) expect((await stage.run(step, agentSetting(stage))).result.status).toBe('passed');
  const { result, sent } = await stage.run('canary', agentSetting(stage));
  expect(result).toMatchObject({ status: 'failed', outputs: { verdict: 'abort' } });
  expect(sent.filter((one) => one.startsWith('PUT')).length).toBeGreaterThanOrEqual(2);
  expect(routing()).toEqual({ targetVersion: '1', versionWeights: [] });
}, 30_000);

test('G5 endpoint: users are never put on LATEST, at no moment of a release', async () => {
  withRuntime();
  await writeAgent(stage, 'new');
  const { result, routings } = await watched();
  expect(result).toMatchObject({ status: 'passed' });
  expect(routings.length).toBeGreaterThan(2);
  for (const { targetVersion } of routings) expect(targetVersion).toMatch(/^\d+$/);
}, 30_000);

test("G6 address: the guide's line finds the page for issues; here each step gives the users' own endpoint, and a failure gives none", async () => {
  const broken = await cli(['info', '-t', 's.prod.yaml']);
  expect(broken.stdout.split(/\s+/).find((word) => word.startsWith('https://'))).toMatch(/^https:\/\/github\.com\/Serverless-Devs/);

  const made = stage.lab.agentrun.createRuntime({ name: runtime, endpoint: 'production' });
  const other = await control(stage.lab.agentrun, 'POST', `/agents/runtimes/${made.runtimeId}/endpoints`, 'CreateAgentRuntimeEndpoint', { agentRuntimeEndpointName: 'a-first-one', targetVersion: '1' });
  expect(other.json.code).toBe('SUCCESS');
  await writeAgent(stage, 'new');
  const address = `${stage.lab.agentrun.data}/agent-runtimes/${runtime}/endpoints/production/invocations`;
  for (const step of ['info', 'deploy', 'publish-version', 'health-check', 'release'] as const) {
    expect([step, (await stage.run(step, agentSetting(stage))).result.outputs['address']]).toEqual([step, address]);
    const refused = await stage.run(step, agentSetting(stage), {}, { secrets: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'another-secret-than-the-right-one' } });
    expect([step, refused.result]).toMatchObject([step, { status: 'error', category: expect.stringMatching(/authentication|permission/), outputs: { address: '' } }]);
  }
}, 60_000);

describe('G7 logs', () => {
  test('what failed is counted, not lines: none where none failed, and a failure to look is no number', async () => {
    stage.lab.agentrun.createRuntime({ name: runtime, endpoint: 'production', logs: { project: 'orders-logs', logstore: 'requests' } });
    await writeAgent(stage, 'new');
    const plain = agentSetting(stage);
    const { logs, metrics } = stage.lab.agentrun;
    const setting = { ...plain, environment: { ...plain.environment, agentrun: { ...(plain.environment['agentrun'] as object), logs, metrics } } };
    const failed = () => stage.run('logs', setting, { failed: true, since: '5m' });
    const ask = () => fetch(`${stage.lab.agentrun.data}/agent-runtimes/${runtime}/endpoints/production/invocations/openai/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }) }).then(async (answer) => (await answer.text(), answer.status));
    for (let count = 0; count < 3; count += 1) await ask();
    expect((await failed()).result).toMatchObject({ status: 'passed', outputs: { entries: '0' } });
    stage.lab.agentrun.setFaults(runtime, undefined, { errors: 1 });
    // The agent reports some of its failures inside an answer of status 200, which these records do not tell.
    const statuses: number[] = [];
    for (let count = 0; count < 6; count += 1) statuses.push(await ask());
    const wanted = statuses.filter((status) => status >= 500).length;
    expect(wanted).toBeGreaterThan(0);
    expect((await failed()).result).toMatchObject({ status: 'passed', outputs: { entries: String(wanted) } });
    expect((await stage.run('logs', setting, { failed: true, since: '5 minutes ago' })).result).toMatchObject({ category: 'input', outputs: { entries: '' } });
    expect((await stage.run('logs', setting, { failed: true, since: '5m' }, { secrets: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'another-secret-than-the-right-one' } })).result).toMatchObject({ status: 'error', outputs: { entries: '' } });
  }, 30_000);

  test('too little evidence is neither an alarm nor a success', async () => {
    withRuntime();
    await writeAgent(stage, 'new');
    const setting = agentSetting(stage);
    const { result } = await stage.run('release', { ...setting, environment: { ...setting.environment, canary: { steps: ['50%'], every: '1m', pairs: 0, minimum: 5, watch: ['errors'] } } });
    expect(stepOf(result, 'canary')).toMatchObject({ status: 'inconclusive' });
    expect(result).toMatchObject({ status: 'inconclusive', category: 'evidence' });
    expect(routing()).toEqual({ targetVersion: '1', versionWeights: [] });
  }, 30_000);
});

describe('G8 G12 endpoints in s.yaml', () => {
  test.each([
    ['G8 a weight that splits nothing', ['endpoints:', '  - name: canary', '    version: 2', '    weight: 0.2'], 'agentrun/endpoint-weight', 17],
    ['G8 a weight of nothing', ['endpoints:', '  - name: canary', '    version: "2"', '    weight: 0.0'], 'agentrun/endpoint-weight', 17],
    ['G12 an endpoint on LATEST', ['endpoints:', '  - name: staging'], 'agentrun/endpoint-latest', 15],
    ['G12 a pinned endpoint', ['endpoints:', '  - name: production', '    version: "1"'], 'agentrun/endpoint-pinned', 15],
  ])('%s is an error with its line', (_name, lines, rule, line) => {
    expect(findingsOf(agentFile(...lines))).toContainEqual(expect.objectContaining({ rule, severity: 'error', place: expect.objectContaining({ file: 's.yaml', line }) }));
  });

  test('G12 an endpoint that serves LATEST is put on a version of the same content before anything is deployed', async () => {
    const made = stage.lab.agentrun.createRuntime({ name: runtime, endpoint: 'production' });
    await control(stage.lab.agentrun, 'PUT', `/agents/runtimes/${made.runtimeId}/endpoints/${made.endpointId}`, 'UpdateAgentRuntimeEndpoint', { targetVersion: 'LATEST', routingConfiguration: { versionWeights: [] } });
    expect(routing().targetVersion).toBe('LATEST');
    await writeAgent(stage, 'new');
    const { result, sent } = await stage.run('deploy', agentSetting(stage));
    expect(result).toMatchObject({ status: 'passed', outputs: { served: 'nobody' } });
    expect(routing()).toEqual({ targetVersion: expect.stringMatching(/^\d+$/), versionWeights: [] });
    const endpointAt = sent.findIndex((one) => /^PUT .*\/endpoints\//.test(one));
    expect(endpointAt).toBeGreaterThanOrEqual(0);
    expect(sent.findIndex((one) => /^PUT .*\/runtimes\/[^/]+$/.test(one))).toBeGreaterThan(endpointAt);
  }, 30_000);
});

test('G9 output: standard output is one document, whether it ends well or not', async () => {
  const files = { 'sluice.yml': JSON.stringify({ name: 'orders', source: 's.yaml', environments: { production: { agentrun: { endpoint: 'production' } } } }) };
  const good = await sluice(['validate', '--json'], { folder: await project({ ...files, 's.yaml': agentFile() }) });
  const bad = await sluice(['validate', '--json'], { folder: await project({ ...files, 's.yaml': agentFile('endpoints: [{ name: canary, version: 2, weight: 0.2 }]') }) });
  expect([good.code, bad.code]).toEqual([0, 1]);
  expect([good, bad].map(({ stdout }) => (JSON.parse(stdout) as { status: string }).status)).toEqual(['passed', 'failed']);
});

test.each([
  ['answers errors', { errors: 1 }],
  ['answers something else', { wrong: 1 }],
])('G10 health: an agent that %s stops the release before anybody meets it', async (_name, faults) => {
  withRuntime();
  await writeAgent(stage, 'new');
  stage.lab.agentrun.setFaults(runtime, '1', faults);
  const health = { ask: [{ query: 'hello', expect: { contains: 'hello' } }] };
  const { result } = await stage.run('release', { ...agentSetting(stage), health });
  expect(result).toMatchObject({ status: 'failed', category: 'gate', outputs: { 'failed-step': 'health-check' } });
  expect(stepOf(result, 'canary')).toBeUndefined();
  expect(stage.lab.agentrun.served(runtime, 'production')).toEqual({});
}, 30_000);

describe('G11 waiting', () => {
  test.each([
    ['runtime', 'deploy', {}],
    ['endpoint', 'health-check', { version: 'candidate' }],
  ] as const)('the %s that ends in a failure fails %s with the reason of the platform', async (what, step, inputs) => {
    withRuntime();
    await writeAgent(stage, 'new');
    if (step === 'health-check') expect((await stage.run('deploy', agentSetting(stage))).result.status).toBe('passed');
    stage.lab.agentrun.failNext(what, 'no address is left');
    const { result } = await stage.run(step, agentSetting(stage), inputs);
    expect(result).toMatchObject({ status: 'error', category: 'platform', reason: expect.stringContaining('no address is left') });
  }, 30_000);

  test('an endpoint that stays CREATING is a timeout that shows its last state', async () => {
    const bench = await startBench({ timeScale: 0.000_01, pollsToReady: 1_000_000 });
    try {
      bench.lab.createRuntime({ name: runtime, endpoint: 'production' });
      const target = must(await bench.connect(bench.project.source(agentYaml())));
      const problem = problemOf(await target.open('1'));
      expect(problem).toMatchObject({ category: 'timeout' });
      expect(problem.reason).toContain('CREATING');
    } finally {
      await bench.close();
    }
  }, 60_000);
});

test('G13 build: no pipeline of the example asks for Docker, and a deployment starts no program', async () => {
  for (const file of ['.github/workflows/release.yml', '.gitlab-ci.yml', 'Jenkinsfile']) {
    expect(await readFile(join(repository, 'examples/order-agent', file), 'utf8')).not.toMatch(/dind|privileged|DOCKER_HOST/);
  }
  const bench = await startBench();
  try {
    bench.lab.createRuntime({ name: runtime, endpoint: 'production' });
    // The bench refuses every command.
    const source = bench.project.source(agentYaml());
    must(await must(await bench.connect(source)).deploy(source, overwrite));
    expect(bench.lab.code(runtime, 'LATEST')?.includes('index.js')).toBe(true);
  } finally {
    await bench.close();
  }
}, 30_000);

describe('environments', () => {
  const text = (source: string, endpoints: readonly [string, string], accounts: readonly string[] = []): string =>
    ['name: orders', `source: ${source}`, 'environments:', ...['staging', 'production'].flatMap((name, index) => [`  ${name}:`, `    agentrun: { endpoint: ${endpoints[index]}${accounts[index] === undefined ? '' : `, account: "${accounts[index]}"`} }`])].join('\n');

  test('two that name the same runtime and endpoint are an error at both lines', async () => {
    const result = await validate({ 'sluice.yml': text('s.yaml', ['live', 'live']), 's.yaml': agentFile() });
    expect(result).toMatchObject({ category: 'gate', outputs: { errors: '1' }, reason: expect.stringMatching(/sluice\.yml:7:5: Environment production releases to endpoint live of runtime order-agent in cn-hangzhou, and so does staging \(.*sluice\.yml:5:5\)/) });
  });

  test.each([
    ['environments with other endpoints', text('s.yaml', ['staging', 'production']), agentFile()],
    ['environments with other accounts', text('s.yaml', ['live', 'live'], ['1234567890', '1234567891']), agentFile()],
    ['environments with names that the pipeline gives', text('s.yaml', ['live', 'live']), agentFile().replace('name: order-agent', "name: \"agent-${env('STAGE', 'dev')}\"")],
  ])('%s are no error', async (_name, config, yaml) => {
    expect(await validate({ 'sluice.yml': config, 's.yaml': yaml })).toMatchObject({ status: 'passed' });
  });

  /** two are environments with a file each, and further keys of theirs. */
  const two = (files: readonly [string, string], more: readonly [string, string] = ['', '']): Readonly<Record<string, string>> => ({
    'sluice.yml': ['name: orders', 'source: s.yaml', 'environments:', ...['staging', 'production'].flatMap((name, index) => [`  ${name}:`, `    agentrun: { source: s.${name}.yaml, endpoint: live${more[index] ?? ''} }`])].join('\n'),
    's.staging.yaml': files[0],
    's.production.yaml': files[1],
  });
  const inVariables = agentFile().replace('name: orders', 'name: orders\nvars: { stage: { name: order }, region: cn-hangzhou }').replace('region: cn-hangzhou\n      agent', 'region: ${vars.region}\n      agent').replace('name: order-agent', 'name: ${vars.stage.name}-agent');
  const workspace = (name: string): string => agentFile(`workspace: { name: ${name} }`);

  test.each([
    ['by variables of s.yaml', two([agentFile(), inVariables])],
    ['one of them at the address that the other leaves out', two([agentFile(), inVariables], ['', ', control: "https://agentrun.cn-hangzhou.aliyuncs.com/"'])],
    ['with an account that one of them does not name', two([agentFile(), agentFile()], [', account: "1234567890"', ''])],
    ['with a workspace that one of them does not name', two([agentFile(), workspace('orders')])],
  ])('two that name the same runtime and endpoint %s are an error', async (_name, files) => {
    expect(await validate(files)).toMatchObject({ category: 'gate', outputs: { errors: '1' }, reason: expect.stringContaining('Environment production releases to endpoint live of runtime order-agent in cn-hangzhou, and so does staging') });
  });

  test.each([
    ['in other regions', two([agentFile(), agentFile().replace('cn-hangzhou', 'cn-shanghai')])],
    ['in other workspaces', two([workspace('one'), workspace('two')])],
    ['in private clouds', two([agentFile(), agentFile()], [', control: "https://one.example.com"', ', control: "https://two.example.com"'])],
    ['whose region the pipeline gives', two([agentFile(), agentFile().replace('region: cn-hangzhou', "region: ${env('REGION', 'cn-hangzhou')}")])],
  ])('two that name the same runtime and endpoint %s are no error', async (_name, files) => {
    expect(await validate(files)).toMatchObject({ status: 'passed', outputs: { errors: '0' } });
  });

  test('what validate warns of, a deployment by itself says, too: hooks that are not run, keys in the code', async () => {
    withRuntime();
    await writeAgent(stage, 'new');
    await stage.write('code/.env', 'TOKEN=abc\n');
    await stage.write('s.yaml', (await readFile(join(stage.folder, 's.yaml'), 'utf8')).replace('name: orders', 'actions: { pre-deploy: [{ run: ./build.sh }] }\nname: orders'));
    const { result, said } = await stage.run('deploy', agentSetting(stage));
    expect(result.status).toBe('passed');
    const lines = [...said.lines, ...said.warnings].join('\n');
    for (const words of ['Sluice does not run pre-deploy, not with "deploy: s" either.', 'holds .env, which look like keys']) expect(lines).toContain(words);
  });

  test('a .env beside s.yaml is a warning', async () => {
    await stage.write('.env', 'AccessKeyID=x\n');
    expect(findingsOf(agentFile())).toContainEqual(expect.objectContaining({ rule: 'agentrun/dotenv', severity: 'warning', place: { file: '.env' } }));
  });
});

describe('docs/agentrun.md', () => {
  test('has YAML that validate finds nothing wrong with, and links to what is there', async () => {
    const page = await readFile(join(repository, 'docs/agentrun.md'), 'utf8');
    const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, block = '']) => block);
    const configs = blocks.filter((block) => block.includes('environments:'));
    expect(configs).toHaveLength(2);
    for (const config of configs) {
      const agent = (name: string): string => agentFile().replace('order-agent', name);
      const result = await validate({ 'sluice.yml': config, 's.prod.yaml': agent('order-agent-prod'), 's.staging.yaml': agent('order-agent-staging') });
      expect(result).toMatchObject({ status: 'passed', outputs: { findings: '0' } });
    }
    for (const block of blocks) expect(parse(block)).toEqual(expect.any(Object));
    for (const name of ['docs/agentrun.md', 'docs/from-the-guide.md', 'examples/order-agent/README.md']) {
      const text = await readFile(join(repository, name), 'utf8');
      for (const [, path = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) await access(join(repository, dirname(name), path));
    }
  });
});

test('docs/compatibility.md lists what nobody has proved, each with what is done about it', async () => {
  const page = await readFile(join(repository, 'docs/compatibility.md'), 'utf8');
  const [, table = ''] = /\nUnproven, since[^]*?\n(\| --- \| --- \|\n[^]*)$/.exec(page) ?? [];
  const rows = table.trimEnd().split('\n').slice(1).map((row) => row.split('|').map((cell) => cell.trim()));
  const open = ['without `routingConfiguration`', '0 to 1 or 0 to 100', 'refuses a weight beyond its scale', '`enableRequestMetrics`', '`versionId`', '`READY` or `ACTIVE`', 'inline `zipFile`', 'names the version that served it', 'how many versions', 'publishing without a change', '`forceEvictInstances` alone', 'checksum of code from OSS'];
  for (const words of open) expect(rows.filter(([, what = '', done = '']) => what.includes(words) && done !== '')).toHaveLength(1);
});
