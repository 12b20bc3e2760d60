import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  configSchema,
  createFilePort,
  createHttpClient,
  createSecretReader,
  done,
  failed,
  resultsFolder,
  runStep,
  systemClock,
  type Config,
  type DeploymentState,
  type Host,
  type HttpClient,
  type Outcome,
  type Project,
  type StateStore,
  type StepResult,
} from '@sluice/core';
import { startLab, type Lab } from '@sluice/lab';
import { folderStore } from '@sluice/state';
import { loadStep, type StepName } from '@sluice/steps';
import { createContext } from '../packages/cli/src/context.ts';
import { quietHost } from './quiet-host.ts';

/** Said is what a host was told. */
export interface Said {
  readonly lines: string[];
  readonly warnings: string[];
  readonly deployments: DeploymentState[];
}

const hostOf = (said: Said, folder: string, deployment: Host['deployment']): Host =>
  quietHost(folder, {
    log: (line) => said.lines.push(line),
    annotate: ({ message }) => said.lines.push(message),
    warn: (message) => said.warnings.push(message),
    progress: ({ label, text }) => said.lines.push(`${label}: ${text}`),
    stepEnded: ({ step, status, reason }) => said.lines.push(`${step} ${status}: ${reason}`),
    ...(deployment === undefined ? {} : { deployment }),
  });

/** Setting is an environment of sluice.yml, and what else of it a test needs. */
export interface Setting {
  readonly source?: string;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly health?: Readonly<Record<string, unknown>>;
  readonly notify?: readonly Readonly<Record<string, unknown>>[];
}

/** RunOptions change one run of a step. */
export interface RunOptions {
  readonly dryRun?: boolean;
  readonly rehearsal?: boolean;
  readonly signal?: AbortSignal;
  /** factor is by how much waits are compressed; 400 when absent. */
  readonly factor?: number;
  readonly state?: StateStore;
  readonly deployment?: Host['deployment'];
  readonly onStep?: (step: string) => void;
  /** commit is the commit of the run; none when absent. */
  readonly commit?: string;
  /** runId is the CI's; the number of the job when absent. */
  readonly runId?: string;
  /** secrets are environment variables beside the lab's credentials; an empty one is not set. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** rightsOf is the step whose rights the run gets; its own when absent. */
  readonly rightsOf?: StepName;
  /** settings are environment variables that are no secret; none when absent. */
  readonly settings?: Readonly<Record<string, string>>;
  /** http is what stands between the run and the lab; nothing when absent. */
  readonly http?: (http: HttpClient) => HttpClient;
  /** redact is the host's; nothing is secret when absent. */
  readonly redact?: (text: string) => string;
}

/** Ran is a step's result with what it said and sent. */
export interface Ran {
  readonly result: StepResult;
  readonly said: Said;
  /** sent are the requests that are not GET, as `POST /path`. */
  readonly sent: readonly string[];
}

/** Stage is a lab with a folder beside it, in which steps run as they do in a job. */
export interface Stage {
  readonly lab: Lab;
  readonly folder: string;
  readonly state: StateStore;
  write(path: string, text: string): Promise<void>;
  run(step: StepName, setting: Setting, inputs?: Readonly<Record<string, unknown>>, options?: RunOptions): Promise<Ran>;
  /** newResults begins another job, with an empty results folder. */
  newResults(): void;
  /** breakWrites refuses every further write to Dify's console. */
  breakWrites(): void;
  close(): Promise<void>;
}

const configOf = (setting: Setting): Config =>
  configSchema.parse({
    name: 'bot',
    source: setting.source ?? 'app.yml',
    environments: { production: { 'insecure-http': true, ...setting.environment } },
    ...(setting.health === undefined ? {} : { health: setting.health }),
    ...(setting.notify === undefined ? {} : { notify: setting.notify }),
  });

const recording = (http: HttpClient, sent: string[], broken: () => string | undefined): HttpClient => {
  const note = ({ method, url }: { method: string; url: string }): void => {
    if (method !== 'GET') sent.push(`${method} ${new URL(url).pathname}`);
  };
  return {
    send: (request) => {
      note(request);
      const origin = broken();
      const refused = origin !== undefined && request.method !== 'GET' && request.url.startsWith(`${origin}/console`);
      return refused ? Promise.resolve(failed({ category: 'platform', reason: 'the lab is broken' })) : http.send(request);
    },
    stream: (request) => {
      note(request);
      return http.stream(request);
    },
    close: () => http.close(),
  };
};

const secretsOf = (lab: Lab): Readonly<Record<string, string>> => ({
  DIFY_EMAIL: lab.dify.credentials.email,
  DIFY_PASSWORD: lab.dify.credentials.password,
  ALIBABA_CLOUD_ACCESS_KEY_ID: lab.agentrun.credentials.accessKeyId,
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.agentrun.credentials.accessKeySecret,
  SLACK_WEBHOOK: lab.inbox.slack.url,
});

/** openStage starts a lab whose own waits are compressed as well. */
export const openStage = async (): Promise<Stage> => {
  const lab = await startLab({ timeScale: 20 });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-stage-'));
  const state = folderStore(join(folder, 'state'));
  let job = 1;
  let broken = false;
  const run: Stage['run'] = async (step, setting, inputs = {}, options = {}) => {
    const said: Said = { lines: [], warnings: [], deployments: [] };
    const sent: string[] = [];
    const clock = systemClock(options.factor ?? 400);
    const signal = options.signal ?? new AbortController().signal;
    const never = new AbortController().signal;
    const plain = hostOf(said, folder, options.deployment ?? ((deployment) => {
      said.deployments.push(deployment);
      return Promise.resolve(done(undefined));
    }));
    const runId = options.runId ?? String(job);
    const where = { ...plain.context, commit: options.commit ?? '', runId, runUrl: `https://ci.example.com/runs/${runId}` };
    const host: Host = { ...plain, context: where, redact: options.redact ?? plain.redact, stepStarted: (name) => options.onStep?.(name) };
    const config = configOf(setting);
    const production = config.environments['production'];
    const project: Project = { config, folder, file: 'sluice.yml', placeOf: () => ({ file: 'sluice.yml' }) };
    const context = createContext({
      host,
      clock,
      step: options.rightsOf ?? step,
      deadlineMs: 600_000,
      settings: options.settings ?? {},
      signal,
      connectionSignal: never,
      cancelled: () => signal.aborted,
      dryRun: options.dryRun ?? false,
      offline: false,
      rehearsal: options.rehearsal ?? false,
      project,
      workFolder: join(folder, '.sluice'),
      selected: production === undefined ? failed({ category: 'input', reason: 'no environment' }) : done({ name: 'production', config: production }),
      secrets: createSecretReader({ environment: { ...secretsOf(lab), ...options.secrets }, environmentName: 'production', mask: () => undefined, note: () => undefined, offline: false }),
      http: recording((options.http ?? ((http) => http))(createHttpClient({ clock: systemClock(), signal: never, userAgent: 'test', loopbackOnly: true })), sent, () => (broken ? lab.dify.origin : undefined)),
      commands: { run: async ({ argv }) => done(await lab.gateway.run(argv)) },
      files: createFilePort(),
      state: options.state ?? state,
      results: resultsFolder(join(folder, `results-${job}`), (text) => text, (line) => said.lines.push(line)),
    });
    const result = await runStep(await loadStep(step), context, inputs);
    await context.record(result);
    await context.close();
    return { result, said, sent };
  };
  return {
    lab,
    folder,
    state,
    write: async (path, text) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    },
    run,
    newResults: () => {
      job += 1;
    },
    breakWrites: () => {
      broken = true;
    },
    close: async () => {
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** valueOf takes an outcome apart in a test. */
export const valueOf = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(JSON.stringify(outcome.problem));
};
