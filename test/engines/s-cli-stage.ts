import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCommandRunner, createHttpClient, failed, systemClock, type Clock, type Connection, type EnvironmentConfig, type HttpClient, type Outcome, type Source, type Target } from '@sluice/core';
import { fixed } from '../../packages/agentrun/src/credentials/session.ts';
import { AgentRunApi } from '../../packages/agentrun/src/server/api.ts';
import { AgentRunClient } from '../../packages/agentrun/src/server/client.ts';
import { agentrunPlatform } from '../../packages/agentrun/src/index.ts';
import { environmentOf, newProject, noIdentity, secretsOf, type TestProject } from '../../packages/agentrun/test/fixture.ts';
import { startLabAgentRun, type LabAgentRun, type LabAgentRunOptions } from '@sluice/lab';

const require = createRequire(import.meta.url);
const root = join(import.meta.dirname, '..', '..');

/** program is the real CLI. */
export const program = [process.execPath, join(root, 'node_modules', '@serverless-devs', 's', 'bin', 's')] as const;

/** Seen is what the component met. */
export interface Seen {
  readonly names: readonly string[];
  readonly cwd: string;
  readonly template: string;
  readonly agent: Readonly<Record<string, unknown>>;
  readonly argv: readonly string[];
}

/** Stage is a lab account, a project and a cache of components that holds ours. */
export interface Stage {
  readonly lab: LabAgentRun;
  readonly project: TestProject;
  /** api writes what a person would in the console. */
  readonly api: AgentRunApi;
  readonly logged: string[];
  /** components is the folder that holds our component. */
  readonly components: string;
  /** behave says what the component does next. */
  behave(mode: string): void;
  /** pids are those of the component that hangs and of its child. */
  pids(): readonly number[];
  seen(): Seen;
  connect(source: Source, options?: { readonly agentrun?: Partial<NonNullable<EnvironmentConfig['agentrun']>>; readonly more?: Partial<EnvironmentConfig>; readonly secrets?: Readonly<Record<string, string>>; readonly readOnly?: boolean; readonly deadlineMs?: number; readonly path?: string }): Promise<Outcome<Target>>;
  overlay(source: Source, variables: EnvironmentConfig['variables'], secrets: Readonly<Record<string, string>>): Outcome<Source>;
  close(): Promise<void>;
}

const seed = (components: string): string => {
  const folder = join(components, 'devsapp.cn', 'v3', 'agentrun@1.0.12');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'agentrun', main: 'dist/index.js' }));
  writeFileSync(join(folder, 'publish.yaml'), 'Edition: 3.0.0\nType: Component\nName: agentrun\nVersion: 1.0.12\n');
  writeFileSync(join(folder, '.s.lock'), JSON.stringify({ version: '1.0.12', lastUpdateCheck: 4_102_444_800_000 }));
  cpSync(join(import.meta.dirname, 's-cli-component.cjs'), join(folder, 'dist', 'index.js'));
  return join(folder, 'dist');
};

/** startStage starts a lab and seeds the components, so that nothing is downloaded. */
export const startStage = async (options: LabAgentRunOptions = {}): Promise<Stage> => {
  const lab = await startLabAgentRun({ timeScale: 50, usualLatencyMs: 10, ...options });
  const project = newProject();
  const components = join(project.folder, '..', `${project.folder.split('/').at(-1) ?? ''}-components`);
  const dist = seed(components);
  const pidFile = join(components, 'pids.json');
  const behave = (mode: string): void => writeFileSync(join(dist, 'config.json'), JSON.stringify({ mode, control: lab.control, pids: pidFile, sdk: require.resolve('@alicloud/openapi-core'), tea: require.resolve('@darabonba/typescript') }));
  behave('deploy');
  const real = systemClock();
  // Waits of ours are short; the deadline of a program is in real time.
  const clock: Clock = systemClock(200);
  const signal = new AbortController().signal;
  const http: HttpClient = createHttpClient({ clock, signal, userAgent: 'test', loopbackOnly: true });
  const logged: string[] = [];
  const unused = (): Promise<Outcome<never>> => Promise.resolve(failed({ category: 'defect', reason: 'not to be used' }));
  const keys = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: lab.credentials.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.credentials.accessKeySecret,
    ...(lab.credentials.securityToken === undefined ? {} : { ALIBABA_CLOUD_SECURITY_TOKEN: lab.credentials.securityToken }),
  };
  const block: NonNullable<EnvironmentConfig['agentrun']> = { endpoint: 'production', control: lab.control, sts: lab.sts, deploy: 's', s: [...program] };
  return {
    lab,
    project,
    components,
    api: new AgentRunApi(new AgentRunClient({ http, clock, signal, credentials: fixed(lab.credentials), control: lab.control, readOnly: false })),
    logged,
    behave,
    pids: () => JSON.parse(readFileSync(pidFile, 'utf8')) as number[],
    seen: () => JSON.parse(readFileSync(join(dist, 'seen.json'), 'utf8')) as Seen,
    overlay: (source, variables, secrets) => agentrunPlatform.overlay(source, environmentOf(block, { variables }), secretsOf(secrets)),
    connect: (source, { agentrun = {}, more = {}, secrets = {}, readOnly = false, deadlineMs = 60_000, path = process.env['PATH'] ?? '' } = {}) => {
      const connection: Connection = {
        name: 'orders-production',
        ...noIdentity,
        deadlineMs,
        setting: (name) => (name === 'SLUICE_S_COMPONENTS' ? components : undefined),
        environment: environmentOf({ ...block, ...agentrun }, more),
        http,
        clock,
        signal,
        secrets: secretsOf({ ...keys, ...secrets }),
        commands: createCommandRunner({ path, home: tmpdir(), clock: real }),
        files: { read: unused, write: unused },
        log: (line) => void logged.push(line),
        readOnly,
        source,
      };
      return agentrunPlatform.connect(connection);
    },
    close: async () => {
      await http.close();
      await lab.close();
      project.remove();
      rmSync(components, { recursive: true, force: true });
    },
  };
};
