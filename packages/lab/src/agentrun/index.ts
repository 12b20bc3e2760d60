import { randomInt } from 'node:crypto';
import type { Faults } from '../faults.ts';
import { answerJson, startServer, type LabHandler } from '../server.ts';
import { SignatureCheck, type AccessKey } from './acs3.ts';
import { controlHandler, type LabCall, type Throttle } from './control.ts';
import { dataHandler } from './data.ts';
import type { Endpoint } from './endpoint.ts';
import { Issuer, type TokenClaims } from './identity.ts';
import { instanceHandler } from './instance.ts';
import { Keys, randomText, type LabKey } from './keys.ts';
import { monitorHandler } from './monitor.ts';
import { Records, usualRules, type LogRules } from './records.ts';
import { usualDialect, type Dialect, type MergeRule, type VersionWeight } from './routing.ts';
import type { Runtime } from './runtime.ts';
import { createReady, type LabRuntimeOptions, type ReadyRuntime } from './seed.ts';
import { slsHandler } from './sls.ts';
import { Store } from './store.ts';
import { stsHandler, type TokenService, type Trust } from './sts.ts';

export type { LabCall } from './control.ts';
export type { TokenClaims } from './identity.ts';
export type { LogRules } from './records.ts';
export type { Dialect, MergeRule, VersionWeight } from './routing.ts';
export type { LabRuntimeOptions, ReadyRuntime } from './seed.ts';
export type { Trust } from './sts.ts';

/** LabAgentRun is a running AgentRun account in one region. */
export interface LabAgentRun {
  /** control and data are the origins of the two planes. */
  readonly control: string;
  readonly data: string;
  /** sts is the origin of STS. */
  readonly sts: string;
  /** instance is the origin of the metadata service of an instance with a RAM role. */
  readonly instance: string;
  /** credentialsUri is an address that answers with temporary credentials. */
  readonly credentialsUri: string;
  /** logs is the origin of Log Service, for every project alike; metrics that of CloudMonitor. */
  readonly logs: string;
  readonly metrics: string;
  readonly region: 'cn-hangzhou';
  readonly accountId: string;
  readonly credentials: AccessKey;
  /** apiKey is what invocations of a runtime with a `credentialName` send as `X-API-Key`. */
  readonly apiKey: string;
  /** trustJob makes a role that a job of this subject may take by a token of the lab's own issuer. */
  trustJob(subject: string): Trust;
  /** identityToken is a token as a CI gives one to a job. */
  identityToken(claims?: TokenClaims): string;
  /** expireSessions ends all temporary credentials that were given out. */
  expireSessions(): void;
  /** calls are all calls of the control plane with a good signature, the newest last. */
  calls(): readonly LabCall[];
  /** createEndpoint makes a ready endpoint of a runtime on its first version. */
  createEndpoint(runtimeName: string, name: string): void;
  /** createRuntime makes a ready runtime with version 1 published and an endpoint on it. */
  createRuntime(options: LabRuntimeOptions): ReadyRuntime;
  /** setFaults makes every version but `except` misbehave; LATEST is excused until it differs from `except`. */
  setFaults(runtimeName: string, except: string | undefined, faults: Faults): void;
  /** served counts by version the chat requests that were routed to it, failed and refused ones included. */
  served(runtimeName: string, endpointName: string): Record<string, number>;
  /** versions are the numbers of a runtime's published versions, in the order in which they were published; endpoints the names of its endpoints. */
  versions(runtimeName: string): readonly string[];
  endpoints(runtimeName: string): readonly string[];
  /** publish publishes LATEST as it is, as somebody does beside a release. */
  publish(runtimeName: string, times: number): void;
  /** routing is what the lab has stored for an endpoint. */
  routing(runtimeName: string, endpointName: string): { targetVersion: string; versionWeights: VersionWeight[] };
  /** code is the inline archive of a version, or of LATEST, as it was sent. */
  code(runtimeName: string, version: string): Buffer | undefined;
  /** setLogs says what is written down of requests from now on; what is not named is as usual. */
  setLogs(rules: Partial<LogRules>): void;
  /** writeLine is a line that an agent itself logs. */
  writeLine(runtimeName: string, version: string, message: string): void;
  /** failNext lets the next creation or update of a runtime or an endpoint end as CREATE_FAILED or UPDATE_FAILED; of any runtime when none is named. */
  failNext(of: 'runtime' | 'endpoint', statusReason: string, runtimeName?: string): void;
  /** throttle refuses the next control-plane requests as `Throttling.User`. */
  throttle(options: { requests: number; status?: 400 | 429; retryAfterSeconds?: number }): void;
  close(): Promise<void>;
}

/** LabAgentRunOptions set the lab's speed and what official documents leave open about the platform. */
export interface LabAgentRunOptions {
  /** timeScale is by how much waits are compressed; 1 when absent. */
  readonly timeScale?: number;
  /** usualLatencyMs is the usual latency of an answer; 40 when absent. */
  readonly usualLatencyMs?: number;
  /** controlLatencyMs passes before each answer of the control plane, in real time; 0 when absent. */
  readonly controlLatencyMs?: number;
  /** pollsToReady is how often a client has to ask before a phase ends; 2 when absent. A phase ends after 2 s as well. */
  readonly pollsToReady?: number;
  /** mergeRule is what a PUT without weights does to the stored ones; they stay when absent. */
  readonly mergeRule?: MergeRule;
  /** dialect is what weights mean; shares of 1 beside a main version when absent. */
  readonly dialect?: Dialect;
  /** endpointReady is the word for a finished endpoint; READY when absent. */
  readonly endpointReady?: 'READY' | 'ACTIVE';
  /** signedCalls refuses calls to agents without a signature. */
  readonly signedCalls?: boolean;
  /** temporaryCredentials makes the key pair one of STS, with a security token. */
  readonly temporaryCredentials?: boolean;
}

const region = 'cn-hangzhou';
const phaseMs = 2000;
// Compressed further, an answer's latency would drown in the machine's own noise and a slow version could not be seen.
const leastLatencyMs = 10;

const newAccessKey = (temporary: boolean): AccessKey =>
  temporary
    ? { accessKeyId: `STS.${randomText(24)}`, accessKeySecret: randomText(44), securityToken: randomText(120) }
    : { accessKeyId: `LTAI${randomText(20)}`, accessKeySecret: randomText(30) };

const found = <T>(value: T | undefined, what: string): T => {
  // A wrong name here is a mistake in a test or a rehearsal, not an expected failure.
  if (value === undefined) throw new Error(`the lab has no ${what}`);
  return value;
};

const newStore = (options: LabAgentRunOptions, timeScale: number): Store => {
  const pace = { polls: options.pollsToReady ?? 2, settleMs: phaseMs / timeScale, ready: 'READY' } as const;
  return new Store(
    {
      runtimePace: pace,
      endpointPace: { ...pace, ready: options.endpointReady ?? 'READY' },
      mergeRule: options.mergeRule ?? { absent: 'keep', empty: 'clear' },
      dialect: options.dialect ?? usualDialect,
    },
    () => Date.now(),
    () => performance.now(),
  );
};

/** projectOf is the project of the runtime that writes to a log store of this name. */
const projectOf = (store: Store, logstore: string): string | undefined => {
  for (const { configuration } of store.currentRuntimes()) {
    const written = configuration['logConfiguration'];
    if (typeof written !== 'object' || written === null || !('logstore' in written) || written.logstore !== logstore) continue;
    return 'project' in written && typeof written.project === 'string' ? written.project : undefined;
  }
  return undefined;
};

const credentialsPath = '/credentials';

/** tokensHandler answers for STS, for an instance's metadata and for an address of credentials, which share a server here. */
const tokensHandler = (service: TokenService): LabHandler => {
  const { accountId, keys, now } = service;
  const [sts, instance] = [stsHandler(service), instanceHandler({ role: 'lab-instance', roleArn: `acs:ram::${accountId}:role/lab-instance`, keys, now })];
  return (request, response) => {
    if (request.path === credentialsPath) answerJson(response, 200, { ...keys.issue({ arn: `acs:ram::${accountId}:assumed-role/beside/job`, seconds: 3600 }), Code: 'Success' });
    else return request.path.startsWith('/latest/') ? instance(request, response) : sts(request, response);
  };
};

/** startLabAgentRun starts the control plane and the data plane on loopback, with random credentials and an empty account. */
export const startLabAgentRun = async (options: LabAgentRunOptions = {}): Promise<LabAgentRun> => {
  const timeScale = options.timeScale ?? 1;
  const usualMs = options.usualLatencyMs ?? 40;
  const store = newStore(options, timeScale);
  const credentials = newAccessKey(options.temporaryCredentials ?? false);
  const apiKey = randomText(40);
  const accountId = `1${String(randomInt(1e12)).padStart(15, '0')}`;
  const throttle: Throttle = { requests: 0, status: 429, retryAfterSeconds: 1 };
  const records = new Records(() => Date.now());
  const now = (): number => Date.now();
  const keys = new Keys(now);
  const keyOf = (id: string): LabKey | undefined => keys.find(id);
  const data = await startServer(
    dataHandler({ store, callers: { region, signed: options.signedCalls ?? false, keyOf, now }, apiKey, records, usualMs: Math.max(usualMs / timeScale, Math.min(usualMs, leastLatencyMs)), timeScale, now }),
  );
  keys.add({ ...credentials, arn: `acs:ram::${accountId}:user/lab` });
  const check = new SignatureCheck((id) => keys.find(id), now);
  const issuer = new Issuer(now);
  const trusts: Trust[] = [];
  const calls: LabCall[] = [];
  const control = await startServer(controlHandler({ store, account: { accountId, region, data: data.origin }, check, throttle, calls, keyOf: (id) => keys.find(id) }), { latencyMs: options.controlLatencyMs ?? 0 });
  const tokens = await startServer(tokensHandler({ accountId, keys, check, issuer, now, trusts: () => trusts }));
  const logs = await startServer(slsHandler({ records, region, accountId, keyOf, now, projectOf: (logstore) => projectOf(store, logstore) }));
  const metrics = await startServer(monitorHandler({ records, check: new SignatureCheck(keyOf, now), keyOf }));
  const runtimeNamed = (name: string): Runtime => found(store.runtimeNamed(name), `runtime ${name}`);
  const endpointNamed = (runtime: string, name: string): Endpoint =>
    found(runtimeNamed(runtime).endpointNamed(name), `endpoint ${name} of runtime ${runtime}`);
  return {
    control: control.origin,
    data: data.origin,
    sts: tokens.origin,
    instance: tokens.origin,
    logs: logs.origin,
    metrics: metrics.origin,
    credentialsUri: `${tokens.origin}${credentialsPath}`,
    region,
    accountId,
    credentials,
    apiKey,
    trustJob: (subject) => {
      const trust = { roleArn: `acs:ram::${accountId}:role/release`, providerArn: `acs:ram::${accountId}:oidc-provider/ci`, subject };
      trusts.push(trust);
      return trust;
    },
    identityToken: (claims) => issuer.token(claims),
    expireSessions: () => keys.expire(),
    calls: () => [...calls],
    createEndpoint: (runtime, name) => {
      store.createEndpoint(runtimeNamed(runtime), { agentRuntimeEndpointName: name, targetVersion: '1' }, true);
    },
    createRuntime: (description) => createReady(store, description),
    setFaults: (name, except, faults) => runtimeNamed(name).setFaults(except, faults),
    served: (runtime, endpoint) => ({ ...endpointNamed(runtime, endpoint).served }),
    versions: (runtime) => runtimeNamed(runtime).versions.map(({ number }) => number),
    endpoints: (runtime) => runtimeNamed(runtime).currentEndpoints().map(({ name }) => name),
    publish: (runtime, times) => {
      for (let done = 0; done < times; done += 1) store.publish(runtimeNamed(runtime), { description: 'published by hand' });
    },
    routing: (runtime, endpoint) => {
      const { targetVersion, versionWeights } = endpointNamed(runtime, endpoint).routing;
      return { targetVersion, versionWeights: [...versionWeights] };
    },
    code: (runtime, version) => store.code(runtimeNamed(runtime), version),
    setLogs: (rules) => {
      records.rules = { ...usualRules, ...rules };
    },
    writeLine: (runtime, version, message) => records.line(runtimeNamed(runtime).id, version, message),
    failNext: (of, statusReason, runtimeName) => store.failNext(of, statusReason, runtimeName),
    throttle: ({ requests, status = 429, retryAfterSeconds = 1 }) => {
      Object.assign(throttle, { requests, status, retryAfterSeconds });
    },
    close: async () => {
      await Promise.all([control, data, tokens, logs, metrics].map((server) => server.close()));
    },
  };
};
