import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  configSchema,
  createCommandRunner,
  createFilePort,
  createHttpClient,
  createSecretReader,
  done,
  failed,
  resultsFolder,
  runStep,
  systemClock,
  type Failed,
  type Host,
  type Project,
  type StepResult,
} from '@sluice/core';
import { renderInclude } from '@sluice/gateway';
import { startLabDify, type DifyVersion, type LabDify } from '@sluice/lab';
import { folderStore } from '@sluice/state';
import { loadStep, type StepName } from '@sluice/steps';
import { createContext } from '../../packages/cli/src/context.ts';
import { value } from '../../packages/dify/test/harness.ts';
import { inCi, quietHost } from '../quiet-host.ts';
import { startNginx, wait, type Nginx } from './nginx-program.ts';

const application = 'support-bot-production';

/** Ran is how a step ended and what it said. */
export interface Ran {
  readonly result: StepResult;
  readonly lines: readonly string[];
}

/** TwinStage is an app and its twin in a lab's Dify behind a real nginx, where steps run as they do in a job. */
export interface TwinStage {
  readonly lab: LabDify;
  readonly nginx: Nginx;
  readonly app: { readonly id: string; readonly key: string; readonly published: string };
  readonly twin: string;
  /** run runs a step; `reloaded` is called when nginx serves a new split, before the step knows. */
  run(step: StepName, options?: { readonly inputs?: Readonly<Record<string, unknown>>; readonly sameJob?: boolean; readonly reloaded?: (weight: number) => Promise<void> }): Promise<Ran>;
  write(source: string): Promise<void>;
  /** cut cuts the run off from every server and program, as when its machine dies. */
  cut(): void;
  /** weight is what nginx says that it serves. */
  weight(): Promise<number>;
  close(): Promise<void>;
}

const dead = (): Promise<Failed> => Promise.resolve(failed({ category: 'platform', reason: 'this machine is dead' }));

const hostOf = (lines: string[], folder: string, runId: string): Host =>
  quietHost(folder, {
    context: { ...inCi, runId, runUrl: `https://ci.example.com/runs/${runId}` },
    log: (line) => lines.push(line),
    annotate: ({ message }) => lines.push(message),
    warn: (message) => lines.push(`warning: ${message}`),
    progress: ({ label, text }) => lines.push(`${label}: ${text}`),
    stepEnded: ({ step, status, reason }) => lines.push(`${step} ${status}: ${reason}`),
  });

/** openTwinStage makes both apps of one file, the twin unpublished as a duplicate is, and starts nginx with the documented blocks. */
export const openTwinStage = async (version: DifyVersion, source: string, health: Readonly<Record<string, unknown>>): Promise<TwinStage> => {
  const lab = await startLabDify({ timeScale: 40, version });
  const main = lab.createApp(source);
  const twin = lab.createApp(source, { publish: false });
  const text = value(renderInclude({ stable: '', weight: 0 }, { application, kind: 'twin' }));
  const nginx = await startNginx({ upstream: lab.origin, kind: 'twin', text, swap: { app: main.apiKey, twin: twin.apiKey } });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-twin-'));
  const state = folderStore(join(folder, 'state'));
  const weight = async (): Promise<number> => {
    const page = (await (await fetch(`${nginx.origin}/sluice/${application}`)).json()) as { split: { weight: number } };
    return page.split.weight;
  };
  /** served waits until the workers of before accept no more. */
  const served = async (): Promise<number> => {
    await wait(400);
    return weight();
  };
  let job = 0;
  let alive = true;
  const config = configSchema.parse({
    name: 'support-bot',
    source: 'app.yml',
    environments: {
      production: {
        'insecure-http': true,
        dify: `${lab.origin}/app/${main.appId}/workflow`,
        gateway: { twin: `${lab.origin}/app/${twin.appId}/workflow`, address: `${nginx.origin}/v1`, nginx: { include: nginx.include, test: nginx.command('-t'), reload: nginx.command('-s', 'reload') } },
        canary: { steps: ['5%', '25%', '50%'], every: '1m', minimum: 5, watch: ['errors'] },
        health,
      },
    },
  });
  const run: TwinStage['run'] = async (step, { inputs = {}, sameJob = false, reloaded } = {}) => {
    if (!sameJob) job += 1;
    alive = true;
    const lines: string[] = [];
    const never = new AbortController().signal;
    // Every call that is on its way listens to it.
    setMaxListeners(0, never);
    const production = config.environments['production'];
    const project: Project = { config, folder, file: 'sluice.yml', placeOf: () => ({ file: 'sluice.yml' }) };
    const http = createHttpClient({ clock: systemClock(), signal: never, userAgent: 'test', loopbackOnly: true });
    const files = createFilePort();
    const programs = createCommandRunner({ path: process.env['PATH'] ?? '', home: '/' });
    const context = createContext({
      host: hostOf(lines, folder, String(job)),
      clock: systemClock(100),
      step,
      deadlineMs: 600_000,
      settings: {},
      signal: never,
      connectionSignal: never,
      cancelled: () => false,
      dryRun: false,
      offline: false,
      rehearsal: false,
      project,
      workFolder: join(folder, '.sluice'),
      selected: production === undefined ? failed({ category: 'input', reason: 'no environment' }) : done({ name: 'production', config: production }),
      secrets: createSecretReader({ environment: { DIFY_EMAIL: lab.credentials.email, DIFY_PASSWORD: lab.credentials.password }, environmentName: 'production', mask: () => undefined, note: () => undefined, offline: false }),
      http: { send: (request) => (alive ? http.send(request) : dead()), stream: (request) => (alive ? http.stream(request) : dead()), close: () => http.close() },
      commands: {
        run: async (command) => {
          if (!alive) return dead();
          const ended = await programs.run(command);
          if (command.argv.includes('reload')) await reloaded?.(await served());
          return alive ? ended : dead();
        },
      },
      files: { read: (path) => (alive ? files.read(path) : dead()), write: (path, text) => (alive ? files.write(path, text) : dead()) },
      state,
      results: resultsFolder(join(folder, `results-${job}`), (line) => line, (line) => lines.push(line)),
    });
    const result = await runStep(await loadStep(step), context, inputs);
    await context.record(result);
    await context.close();
    return { result, lines };
  };
  return {
    lab,
    nginx,
    app: { id: main.appId, key: main.apiKey, published: main.published ?? '' },
    twin: twin.appId,
    run,
    write: (text) => writeFile(join(folder, 'app.yml'), text),
    cut: () => {
      alive = false;
    },
    weight,
    close: async () => {
      await nginx.close();
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
