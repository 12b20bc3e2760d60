import { afterAll, beforeAll } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLabAgentRun, type LabAgentRun, type LabRuntimeOptions } from '@sluice/lab';
import { startFaultProxy, type FaultProxy, type Seen } from './fault-proxy.ts';
import { recordIn, runIn, type RecordFile, type Runner } from './fault-record.ts';
import type { Ran } from './fault-verdicts.ts';
import { project, type RunOptions } from './sluice-process.ts';

/** Truth is what the lab itself holds of a runtime. */
export interface Truth {
  /** versions are the published ones; the first was there before. */
  readonly versions: number;
  readonly routing: { readonly targetVersion: string; readonly versionWeights: readonly { readonly version: string; readonly weight: number }[] };
  /** beside are the endpoints that are not the users'. */
  readonly beside: readonly string[];
}

/** Scene is one runtime with a folder that releases to it, and a proxy between the two. */
export interface Scene extends RecordFile {
  readonly lab: LabAgentRun;
  readonly runtime: string;
  readonly id: string;
  /** endpoint is the id of the users' endpoint. */
  readonly endpoint: string;
  readonly folder: string;
  readonly proxy: FaultProxy;
  run(argv: readonly string[], options?: Partial<RunOptions>): Promise<Ran>;
  /** write replaces a file of the folder. */
  write(path: string, text: string): Promise<void>;
  truth(): Truth;
  /** users ask the users' endpoint, each in a session of its own, and are counted by the version that answered. */
  users(count: number): Promise<Readonly<Record<string, number>>>;
}

/** World is a lab with the scenes in it. */
export interface World {
  readonly lab: LabAgentRun;
  scene(options?: SceneOptions): Promise<Scene>;
  close(): Promise<void>;
}

/** SceneOptions change one scene. */
export interface SceneOptions extends Partial<LabRuntimeOptions> {
  /** agentrun are further keys of the environment's block, canary its plan, more lines of the agent in s.yaml. */
  readonly agentrun?: Readonly<Record<string, unknown>>;
  readonly canary?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly region?: string;
  /** missing makes no runtime. */
  readonly missing?: boolean;
  /** runner runs the command lines; processes of the bundle when absent. */
  readonly runner?: Runner;
}

/** agentFile is the s.yaml of a runtime. */
export const agentFile = (name: string, more: Readonly<Record<string, unknown>> = {}, region = 'cn-hangzhou'): string => {
  const agent = { name, cpu: 1, memory: 2048, port: 9000, code: { src: './code', language: 'nodejs20', command: ['node', 'index.js'] }, ...more };
  return JSON.stringify({ edition: '3.0.0', name: 'orders', resources: { agent: { component: 'agentrun@1.0.12', props: { region, agent } } } });
};

/** briefly judges a candidate in some seconds of real time. */
export const briefly = { steps: ['50%'], every: '2s', minimum: 1, watch: ['errors'], pairs: 9 };

const askedBy = async (lab: LabAgentRun, runtime: string, count: number): Promise<Readonly<Record<string, number>>> => {
  const before = lab.served(runtime, 'production');
  const url = `${lab.data}/agent-runtimes/${runtime}/endpoints/production/invocations/openai/v1/chat/completions`;
  const body = JSON.stringify({ model: runtime, messages: [{ role: 'user', content: '你好' }] });
  for (let asked = 0; asked < count; asked += 1) await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then((answer) => answer.text());
  const counts = Object.entries(lab.served(runtime, 'production')).map(([version, served]) => [version, served - (before[version] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, served]) => served > 0));
};

const makeScene = async (lab: LabAgentRun, number: number, options: SceneOptions): Promise<Scene> => {
  const { agentrun = {}, canary = briefly, more = {}, region, missing = false, runner, ...described } = options;
  const runtime = options.name ?? `agent-${number}`;
  const { runtimeId: id, endpointId: endpoint } = missing ? { runtimeId: '', endpointId: '' } : lab.createRuntime({ ...described, name: runtime, endpoint: 'production' });
  const originOf = (path: string): string =>
    path.startsWith('/2025-09-10') ? lab.control : path.startsWith('/agent-runtimes') ? lab.data : path.startsWith('/logstores') ? lab.logs : /Action=DescribeMetric/.test(path) ? lab.metrics : lab.sts;
  const proxy = await startFaultProxy({ signed: true, originOf });
  const { origin } = proxy;
  const production = { branches: ['main'], agentrun: { endpoint: 'production', control: origin, data: origin, sts: origin, logs: origin, metrics: origin, ...agentrun }, canary };
  const folder = await project({
    'sluice.yml': JSON.stringify({ name: 'orders', source: 's.yaml', environments: { production }, health: { ask: [{ query: '你好', expect: { contains: 'answer' } }], settle: '1s' } }),
    's.yaml': agentFile(runtime, more, region),
    'code/index.js': '// new 新\n',
    'state/.keep': '',
  });
  const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: lab.credentials.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.credentials.accessKeySecret, SLUICE_STATE: join(folder, 'state') };
  return {
    lab, runtime, id, endpoint, folder, proxy,
    ...recordIn(folder),
    run: (argv, given = {}) => runIn(argv, { folder, ...given, environment: { ...environment, ...given.environment } }, runner),
    write: (path, text) => writeFile(join(folder, path), text),
    truth: () => ({ versions: lab.versions(runtime).length, routing: lab.routing(runtime, 'production'), beside: lab.endpoints(runtime).filter((name) => name !== 'production') }),
    users: (count) => askedBy(lab, runtime, count),
  };
};

/** lineOf names a request as the patterns of the tests do: `PUT /runtimes/:id/endpoints/:users`, `POST /:agent/production/chat/completions`. */
export const lineOf = ({ id, endpoint, runtime }: Scene, { method, path }: Seen): string => {
  const place = path
    .replace(/\?.*$/, '')
    .replace(/^\/2025-09-10(?:\/agents)?/, '')
    .replace(`/agent-runtimes/${runtime}/endpoints/`, '/:agent/')
    .replace(/\/invocations(?:\/openai\/v1)?/, '');
  const named = id === '' ? place.replace(/\/ar-[0-9a-f]+/, '/:id') : place.replace(`/${id}`, '/:id').replace(`/${endpoint}`, '/:users');
  return `${method} ${named.replace(/\/are-[0-9a-f]+$/, '/:side')}`;
};

/** worldAround starts a lab before the tests of a block and ends it after them; the world is there once a test runs. */
export const worldAround = (): (() => World) => {
  const worlds: World[] = [];
  beforeAll(async () => {
    const lab = await startLabAgentRun({ timeScale: 50, usualLatencyMs: 0, pollsToReady: 0 });
    const scenes: Scene[] = [];
    let count = 0;
    worlds.push({
      lab,
      scene: async (options = {}) => {
        const scene = await makeScene(lab, (count += 1), options);
        scenes.push(scene);
        return scene;
      },
      close: async () => {
        for (const scene of scenes) await scene.proxy.close();
        await lab.close();
      },
    });
  });
  afterAll(async () => {
    for (const world of worlds) await world.close();
  });
  return () => {
    const [world] = worlds;
    if (world === undefined) throw new Error('the world is not open yet');
    return world;
  };
};
