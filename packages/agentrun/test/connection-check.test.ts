import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { done, systemClock, type Connection, type ConnectionCheck } from '@sluice/core';
import { agentrunPlatform } from '../src/index.ts';
import { agentYaml, environmentOf, noIdentity, problemOf, secretsOf, startBench, type Bench } from './fixture.ts';
import { guardRuntime } from '../src/server/connect.ts';
import { AgentRunSource } from '../src/source/source.ts';
import { unreachable } from './identities.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

type Given = Partial<Connection> & { readonly account?: string; readonly keys?: Readonly<Record<string, string>>; readonly yaml?: readonly string[] };

const connection = ({ account, keys, yaml, ...more }: Given): Connection => ({
  ...noIdentity,
  name: 'orders-production',
  step: 'validate',
  environment: environmentOf({ endpoint: 'production', control: bench.lab.control, sts: bench.lab.sts, ...(account === undefined ? {} : { account }) }),
  http: bench.http,
  clock: systemClock(200),
  signal: new AbortController().signal,
  secrets: secretsOf(keys ?? { ALIBABA_CLOUD_ACCESS_KEY_ID: bench.lab.credentials.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: bench.lab.credentials.accessKeySecret }),
  commands: { run: () => Promise.reject(new Error('not used')) },
  files: { read: () => Promise.reject(new Error('not used')), write: () => Promise.reject(new Error('not used')) },
  log: () => undefined,
  readOnly: true,
  source: bench.project.source(agentYaml(yaml)),
  ...more,
});

const lines = (checks: readonly ConnectionCheck[]): readonly string[] =>
  checks.map(({ name, outcome, skipped }) => `${name}: ${outcome === undefined ? `skipped: ${skipped ?? ''}` : outcome.ok ? outcome.value : `${outcome.problem.category}: ${outcome.problem.reason}`}`);

const checked = async (given: Given = {}): Promise<readonly string[]> => lines((await agentrunPlatform.check?.(connection(given), { path: 's.yaml', folder: '', text: '' }))?.connection ?? []);

describe('a connection', () => {
  test('to an account without the runtime says what the first release makes', async () => {
    expect(await checked()).toEqual([
      `address: ${bench.lab.control} answers`,
      'TLS: none: plain http on this machine',
      'credentials: the stored key in ALIBABA_CLOUD_ACCESS_KEY_ID',
      `account: ${bench.lab.accountId}; name it as agentrun.account in sluice.yml, so that no other is taken`,
      `region: cn-hangzhou, at ${bench.lab.control}`,
      "workspace: the account's default workspace",
      'runtime: skipped: there is no runtime named "order-agent" in cn-hangzhou yet; the first release makes it with create',
      'endpoint: skipped: not asked, since there is no runtime yet',
      'rights: skipped: not asked, since there is no runtime yet',
    ]);
  });

  test('by a role without a key is told in one line each, and writes nothing', async () => {
    const { runtimeId, endpointId } = bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
    const { roleArn, providerArn } = bench.lab.trustJob('job');
    const settings: Readonly<Record<string, string>> = { ALIBABA_CLOUD_ROLE_ARN: roleArn, ALIBABA_CLOUD_OIDC_PROVIDER_ARN: providerArn };
    const keyless = { keys: {}, setting: (name: string) => settings[name], identityToken: async () => done(bench.lab.identityToken({ subject: 'job' })) };
    expect(await checked({ ...keyless, account: bench.lab.accountId, yaml: ['workspace: { name: default }'] })).toEqual([
      `address: ${bench.lab.control} answers`,
      'TLS: none: plain http on this machine',
      expect.stringMatching(new RegExp(`^credentials: the role ${roleArn}, by the job's identity token, for 1[45] minutes more and then renewed$`)),
      `account: ${bench.lab.accountId}, as sluice.yml names it`,
      `region: cn-hangzhou, at ${bench.lab.control}`,
      expect.stringMatching(/^workspace: default \(ws-/),
      `runtime: "order-agent" (${runtimeId}), READY`,
      `endpoint: "production" (${endpointId}), READY, everybody on version 1`,
      'rights: the published versions can be read (1); what may be written shows at the first write',
    ]);
    expect(bench.lab.calls().filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('with credentials of another account ends there, and nothing was asked with them', async () => {
    const before = bench.lab.calls().length;
    const said = await checked({ account: '99999' });
    expect(said.at(-1)).toBe(`account: input: the credentials belong to account ${bench.lab.accountId}, and sluice.yml names account 99999`);
    expect(problemOf(await agentrunPlatform.connect(connection({ account: '99999' }))).hint).toMatch(/Use credentials of account 99999.*They come from the stored key/);
    expect(bench.lab.calls()).toHaveLength(before);
  });

  test('without credentials is skipped, with what was looked at', async () => {
    const said = await checked({ keys: {} });
    expect(said).toHaveLength(3);
    expect(said.at(-1)).toMatch(/^credentials: skipped: not checked, since there are no credentials for Alibaba Cloud: .*ALIBABA_CLOUD_ROLE_ARN is not set/);
  });

  test('that leads nowhere ends at the address', async () => {
    expect(await checked({ http: unreachable })).toEqual(['address: timeout: no answer within 1s']);
  });

  test('with a wrong key ends where the key is first used', async () => {
    const said = await checked({ keys: { ALIBABA_CLOUD_ACCESS_KEY_ID: bench.lab.credentials.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'wrong-secret' } });
    expect(said.at(-1)).toMatch(/^runtime: permission: /);
    expect(said.join()).not.toContain('wrong-secret');
  });
});

test.each([
  ['acs:agentrun:cn-hangzhou:123456:workspaces/w/runtimes/a', '123456', undefined],
  ['', '123456', undefined],
  ['acs:agentrun::123456:runtimes/a', undefined, undefined],
  ['acs:agentrun:cn-beijing:123456:runtimes/a', undefined, 'the runtime is in region cn-beijing, and s.yaml names region cn-hangzhou'],
  ['acs:agentrun:cn-hangzhou:123456:runtimes/a', '654321', 'the runtime belongs to account 123456, and sluice.yml names account 654321'],
])('a runtime with the ARN "%s" for account %p', (arn, account, reason) => {
  const runtime = { id: 'ar-1', arn, name: 'a', workspaceId: '', status: 'READY', statusReason: '', sticky: true, sessionHeader: 'x', shown: {} };
  const source = bench.project.source(agentYaml());
  if (!(source instanceof AgentRunSource)) throw new Error('the source is of another platform');
  const guarded = guardRuntime({ source }, account, runtime);
  expect(guarded.ok ? undefined : guarded.problem.reason).toBe(reason);
});
