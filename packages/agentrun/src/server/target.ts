import { done, draft, failed, type Against, type DeployOptions, type Deployment, type Entries, type EntriesRequest, type Exposure, type Inspection, type Logs, type Opened, type Outcome, type Publication, type PublishRequest, type Rung, type Snapshot, type Source, type Target, type Traffic, type Version } from '@sluice/core';
import { countedLogs, noLogs } from '../logs/place.ts';
import { AgentRunSource } from '../source/source.ts';
import { checks } from './checks.ts';
import { requireRuntimeId, uninterrupted, type AgentRunContext } from './context.ts';
import { exposureOf } from './exposure.ts';
import { sweep } from './side.ts';
import { setSplit, trafficOf } from './traffic.ts';
import { requireVersion, versionOf } from './versions.ts';

/** laterLogs are the logs, whose reader is loaded when they are first read. */
const laterLogs = (context: AgentRunContext): Logs => {
  let read: Promise<Logs['read']> | undefined;
  return {
    ...countedLogs,
    read: async (...asked) => {
      read ??= import('../logs/evidence.ts').then(({ logReader }) => logReader(context));
      return (await read)(...asked);
    },
  };
};

/** AgentRunTarget is one runtime and the one endpoint that users call. */
export class AgentRunTarget implements Target {
  readonly platform = 'agentrun';
  readonly exposure: Exposure;
  readonly traffic: Traffic;
  readonly lacking: Target['lacking'];
  readonly logs?: Logs;
  readonly entries?: (request: EntriesRequest) => Promise<Outcome<Entries>>;
  readonly #context: AgentRunContext;
  #application: string;
  #address: string;
  /** The version that took the place of LATEST at the users' endpoint, so that "what users had" can be put back. */
  #heldLatest: string | undefined;

  /** `logged` is false when neither the runtime nor s.yaml says where the logs are. */
  constructor(context: AgentRunContext, application: string, address: string, logged: boolean) {
    this.#context = context;
    this.#application = application;
    this.#address = address;
    this.exposure = exposureOf(context.endpoint);
    this.traffic = trafficOf(context);
    this.lacking = {
      ...(logged ? {} : { logs: noLogs, entries: noLogs }),
      mark: "AgentRun has no operation to change a version's description, so marks are written once, when a version is published",
    };
    if (!logged) return;
    this.logs = laterLogs(context);
    this.entries = async (request) => (await import('../logs/entries.ts')).readEntries(context, request);
  }

  get application(): string {
    return this.#application;
  }

  /** address is that of the users' endpoint, as it was last seen. */
  get address(): string {
    return this.#address;
  }

  async inspect(): Promise<Outcome<Inspection>> {
    const inspected = await (await import('./inspect.ts')).inspect(this.#context);
    if (!inspected.ok) return inspected;
    this.#address = inspected.value.address;
    return done(inspected.value.inspection);
  }

  async deploy(source: Source, options: DeployOptions): Promise<Outcome<Deployment>> {
    if (!(source instanceof AgentRunSource) || source.title !== this.#context.source.title) {
      return failed({ category: 'defect', reason: `the source "${source.title}" does not belong to this connection`, tried: 'deploy', where: source.path });
    }
    const deployed = await (await import('./deploy.ts')).deploy(this.#context, source, options);
    if (!deployed.ok) return deployed;
    this.#heldLatest = deployed.value.pinned?.version ?? this.#heldLatest;
    this.#application = deployed.value.deployment.created?.application ?? this.#application;
    return done(deployed.value.deployment);
  }

  async publish(request: PublishRequest): Promise<Outcome<Publication>> {
    return (await import('./publish.ts')).publish(this.#context, request);
  }

  async versions(): Promise<Outcome<readonly Version[]>> {
    const runtime = await requireRuntimeId(this.#context);
    if (!runtime.ok) return runtime;
    const list = await this.#context.api.listVersions(runtime.value);
    return list.ok ? done(list.value.map((version) => versionOf(version))) : list;
  }

  checks(): readonly Rung[] {
    return checks(this.#context);
  }

  async open(version: string): Promise<Outcome<Opened>> {
    return (await import('./open.ts')).open(this.#context, version);
  }

  async snapshot(): Promise<Outcome<Snapshot>> {
    return (await import('./snapshot.ts')).snapshot(this.#context);
  }

  async against(source: Source): Promise<Outcome<Against>> {
    if (!(source instanceof AgentRunSource) || source.title !== this.#context.source.title) {
      return failed({ category: 'input', reason: `the source "${source.title}" is another agent than "${this.#context.source.title}"`, tried: 'read what runs', where: source.path });
    }
    return (await import('./against.ts')).against(this.#context, source);
  }

  /** restore gives everybody a published version, whatever the split was; the marks cannot be kept (see `lacking.mark`). */
  async restore(version: string): Promise<Outcome<Version>> {
    const wanted = version === draft ? this.#heldLatest : version;
    if (wanted === undefined) {
      return failed({ category: 'input', reason: 'LATEST cannot be restored: it is what was deployed last, and changes with every deployment', tried: 'restore', hint: 'Name a published version.' });
    }
    const context = uninterrupted(this.#context);
    const runtime = await requireRuntimeId(context);
    if (!runtime.ok) return runtime;
    const known = await requireVersion(context, runtime.value, wanted);
    if (!known.ok) return known;
    const set = await setSplit(context, undefined, { stable: wanted, weight: 0 });
    return set.ok ? known : set;
  }

  async tidy(): Promise<Outcome<void>> {
    const runtime = await requireRuntimeId(this.#context);
    if (!runtime.ok) return runtime;
    await sweep(this.#context, runtime.value, this.#context.endpoint);
    return done(undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
