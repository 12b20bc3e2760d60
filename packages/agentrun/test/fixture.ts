import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHttpClient, createSecretReader, failed, systemClock, type Connection, type DeployOptions, type EnvironmentConfig, type HttpClient, type Outcome, type Parsed, type SecretReader, type Source, type Target } from '@sluice/core';
import { startLabAgentRun, type LabAgentRun, type LabAgentRunOptions } from '@sluice/lab';
import { agentrunPlatform } from '../src/index.ts';

/** must takes the value out of an outcome that is expected to be good. */
export const must = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(JSON.stringify(outcome.problem, null, 2));
};

/** problemOf takes the problem out of an outcome that is expected to be bad. */
export const problemOf = (outcome: Outcome<unknown>): { category: string; reason: string; hint: string } => {
  if (outcome.ok) throw new Error(`no problem but ${JSON.stringify(outcome.value)}`);
  return { category: outcome.problem.category, reason: outcome.problem.reason, hint: outcome.problem.hint ?? '' };
};

/** agentYaml is an s.yaml; `more` are further lines of `agent`. */
export const agentYaml = (more: readonly string[] = [], code: readonly string[] = ['code:', '  language: nodejs20', '  command: [node, index.js]', '  src: ./code']): string =>
  [
    'edition: 3.0.0',
    'name: orders',
    'vars:',
    '  region: cn-hangzhou',
    '  size: 2048',
    'resources:',
    '  agent:',
    '    component: agentrun@1.0.12',
    '    props:',
    '      region: ${vars.region}',
    '      agent:',
    '        name: order-agent',
    '        cpu: 1',
    '        memory: ${vars.size}',
    '        port: 9000',
    ...[...code, ...more].map((line) => `        ${line}`),
    '',
  ].join('\n');

/** TestProject is a folder on disk with an s.yaml and code. */
export interface TestProject {
  readonly folder: string;
  write(path: string, text: string): void;
  parse(yaml: string): Parsed;
  source(yaml: string): Source;
  remove(): void;
}

/** newProject makes a project in a temporary folder. */
export const newProject = (): TestProject => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-agentrun-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('code/index.js', 'console.log(1);\n');
  const parse = (yaml: string): Parsed => agentrunPlatform.parse({ path: 's.yaml', folder, text: yaml });
  return {
    folder,
    write,
    parse,
    source: (yaml) => {
      const { source, findings } = parse(yaml);
      if (source === undefined) throw new Error(JSON.stringify(findings));
      return source;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};

/** environmentOf is an environment of sluice.yml. */
export const environmentOf = (agentrun: EnvironmentConfig['agentrun'], more: Partial<EnvironmentConfig> = {}): EnvironmentConfig => ({ 'live-at-once': false, 'insecure-http': false, agentrun, ...more });

/** secretsOf reads secrets from a record. */
export const secretsOf = (environment: Readonly<Record<string, string>>): SecretReader => createSecretReader({ environment, mask: () => undefined, note: () => undefined, offline: false });

/** noIdentity is the part of a connection that only other credentials than stored keys need. */
export const noIdentity = {
  step: 'release',
  deadlineMs: 600_000,
  setting: () => undefined,
  mask: () => undefined,
  credentialFile: (path: string) => Promise.resolve(failed({ category: 'input', reason: `${path} is not read` })),
} satisfies Partial<Connection>;

/** Bench is a lab account, a project and a connection to them. */
export interface Bench {
  readonly lab: LabAgentRun;
  readonly project: TestProject;
  readonly http: HttpClient;
  readonly logged: string[];
  connect(source: Source, options?: Partial<Pick<Connection, 'readOnly' | 'http'>> & { readonly endpoint?: string; readonly account?: string; readonly settings?: Partial<NonNullable<EnvironmentConfig['agentrun']>>; readonly secrets?: Readonly<Record<string, string>> }): Promise<Outcome<Target>>;
  close(): Promise<void>;
}

/** careful is a deployment that makes nothing new and overwrites nobody's work; overwrite replaces what is there. */
export const careful: DeployOptions = { create: false, overwrite: false, dryRun: false, ours: [], writing: () => Promise.resolve({ ok: true, value: undefined }) };
export const overwrite: DeployOptions = { ...careful, overwrite: true };

/** startBench starts a lab whose waits and ours are fifty times shorter. */
export const startBench = async (options: LabAgentRunOptions = {}): Promise<Bench> => {
  const lab = await startLabAgentRun({ timeScale: 50, usualLatencyMs: 10, ...options });
  const project = newProject();
  const clock = systemClock(200);
  const signal = new AbortController().signal;
  const http = createHttpClient({ clock, signal, userAgent: 'test', loopbackOnly: true });
  const logged: string[] = [];
  const unused = (): Promise<Outcome<never>> => Promise.resolve(failed({ category: 'defect', reason: 'not to be used' }));
  return {
    lab,
    project,
    http,
    logged,
    connect: (source, { endpoint = 'production', account, settings = {}, secrets = {}, readOnly = false, http: otherHttp } = {}) =>
      agentrunPlatform.connect({
        name: 'orders-production',
        ...noIdentity,
        environment: environmentOf({ endpoint, control: lab.control, sts: lab.sts, logs: lab.logs, metrics: lab.metrics, ...settings, ...(account === undefined ? {} : { account }) }),
        http: otherHttp ?? http,
        clock,
        signal,
        secrets: secretsOf({
          ALIBABA_CLOUD_ACCESS_KEY_ID: lab.credentials.accessKeyId,
          ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.credentials.accessKeySecret,
          ...(lab.credentials.securityToken === undefined ? {} : { ALIBABA_CLOUD_SECURITY_TOKEN: lab.credentials.securityToken }),
          ...secrets,
        }),
        commands: { run: unused },
        files: { read: unused, write: unused },
        log: (line) => logged.push(line),
        readOnly,
        source,
      }),
    close: async () => {
      await http.close();
      await lab.close();
      project.remove();
    },
  };
};
