import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '@sluice/core';
import { detectHost } from '@sluice/hosts';
import { startLabAgentRun, type LabAgentRun } from '@sluice/lab';
import { loadStep } from '@sluice/steps';
import { runStepCommand } from '../packages/cli/src/step-command.ts';
import { allText, captures } from '../packages/hosts/test/fakes.ts';

const job = 'repo:acme/orders:environment:production';
let lab: LabAgentRun;
let runner: Server;
let folder: string;
let issued: string[] = [];
const kept = process.env['GITHUB_OUTPUT'];

beforeAll(async () => {
  lab = await startLabAgentRun({ timeScale: 50 });
  folder = await mkdtemp(join(tmpdir(), 'sluice-keyless-'));
  runner = createServer((request, response) => {
    const audience = new URL(request.url ?? '', 'http://runner').searchParams.get('audience') ?? '';
    const subject = request.headers.authorization === 'Bearer request-token' ? job : 'nobody';
    issued = [...issued, lab.identityToken({ subject, audience })];
    response.end(JSON.stringify({ value: issued.at(-1) }));
  });
  await new Promise<void>((resolve) => runner.listen(0, '127.0.0.1', resolve));
  const agentrun = { endpoint: 'production', control: lab.control, data: lab.data, sts: lab.sts, account: lab.accountId };
  await writeFile(join(folder, 'sluice.yml'), JSON.stringify({ name: 'orders', source: 's.yaml', environments: { production: { branches: ['main'], agentrun } } }));
  const agent = { name: 'order-agent', cpu: 1, memory: 2048, port: 9000, code: { src: './code', language: 'nodejs20', command: ['node', 'index.js'] } };
  await writeFile(join(folder, 's.yaml'), JSON.stringify({ edition: '3.0.0', name: 'orders', resources: { agent: { component: 'agentrun@1.0.12', props: { region: 'cn-hangzhou', agent } } } }));
  await mkdir(join(folder, 'code'));
  await writeFile(join(folder, 'code', 'index.js'), '// one\n');
  process.env['GITHUB_OUTPUT'] = join(folder, 'output');
  await writeFile(join(folder, 'output'), '');
});
afterAll(async () => {
  if (kept === undefined) Reflect.deleteProperty(process.env, 'GITHUB_OUTPUT');
  else process.env['GITHUB_OUTPUT'] = kept;
  await new Promise((resolve) => runner.close(resolve));
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

/** inJob runs a step as a job on GitHub does that has no secret at all. */
const inJob = async (step: 'validate' | 'deploy', flags: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = {}) => {
  const { roleArn, providerArn } = lab.trustJob(job);
  const streams = captures();
  const host = await detectHost(
    {
      GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main', GITHUB_REPOSITORY: 'acme/orders', GITHUB_RUN_ID: '7', GITHUB_OUTPUT: join(folder, 'output'), RUNNER_TEMP: folder,
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(runner.address() as AddressInfo).port}/token?v=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
      ALIBABA_CLOUD_ROLE_ARN: roleArn, ALIBABA_CLOUD_OIDC_PROVIDER_ARN: providerArn, SLUICE_HOSTS: '127.0.0.1', ...environment,
    },
    streams,
    { folder, clock: systemClock() },
  );
  const signal = new AbortController().signal;
  const result = await runStepCommand(host, await loadStep(step), { command: step, flags: { config: join(folder, 'sluice.yml'), ...flags }, positionals: [], json: false, dryRun: false, help: false }, { signal, connection: signal });
  await host.close();
  const masks = /^::add-mask::.*$/gm;
  const shown = streams.stdout.text() + streams.stderr.text();
  return { result, masked: shown.match(masks) ?? [], said: `${shown.replaceAll(masks, '')}\n${await allText(folder)}` };
};

test('a job on GitHub without a stored key validates and deploys, and no token is seen', async () => {
  const checked = await inJob('validate', { environment: 'production' });
  expect(checked.result).toMatchObject({ status: 'passed' });
  expect(checked.said).toMatch(/credentials: the role acs:ram::\d+:role\/release, by the job's identity token, for 1[45] minutes more/);
  const deployed = await inJob('deploy', { create: 'true' });
  expect(deployed.result).toMatchObject({ status: 'passed' });
  expect(issued).toHaveLength(2);
  for (const { said, masked } of [checked, deployed]) {
    for (const token of issued) for (const part of token.split('.').slice(1)) expect(said).not.toContain(part);
    expect(said).not.toMatch(/STS\.[A-Za-z0-9]{24}/);
    expect(masked.length).toBeGreaterThanOrEqual(4);
  }
});

test('a role of another job is refused with what the token says', async () => {
  const { result, said } = await inJob('deploy', {}, { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'another-token' });
  expect(result).toMatchObject({ category: 'permission', hint: expect.stringMatching(/sub=nobody, aud=sts\.aliyuncs\.com.*"oidc:sub":"nobody"/) });
  expect(said).not.toContain(issued.at(-1)?.split('.')[1] ?? 'no token');
});

test('a token goes to hosts that SLUICE_HOSTS lists, and to no other', async () => {
  const before = issued.length;
  const { result } = await inJob('deploy', {}, { SLUICE_HOSTS: 'agentrun.example.com' });
  expect(result).toMatchObject({ category: 'input', reason: expect.stringMatching(/credentials may not go to 127\.0\.0\.1/) });
  expect(issued).toHaveLength(before);
});
