import { randomBytes } from 'node:crypto';
import { codeBytes, configurationFault, pickConfiguration, type Configuration } from './configuration.ts';
import { Endpoint, type EndpointFields } from './endpoint.ts';
import { Lifecycle, type Pace } from './lifecycle.ts';
import { badRequest, invalid, notFound, refuse, type Refused } from './reply.ts';
import { latest, mergeRouting, readRouting, type Dialect, type MergeRule, type Routing } from './routing.ts';
import { Runtime, type PublishedVersion } from './runtime.ts';

/** Workspace groups runtimes. */
export interface Workspace {
  readonly workspaceId: string;
  readonly name: string;
  readonly isDefault: boolean;
}

/** StoreRules are the platform's behaviours that no document settles, and its pace. */
export interface StoreRules {
  readonly runtimePace: Pace;
  readonly endpointPace: Pace;
  readonly mergeRule: MergeRule;
  readonly dialect: Dialect;
}

type Body = Readonly<Record<string, unknown>>;

const runtimeName = /^[a-zA-Z][a-zA-Z0-9_-]{0,127}$/;
const endpointName = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

const identifier = (prefix: string): string => `${prefix}-${randomBytes(8).toString('hex')}`;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const minInstancesOf = (scaling: unknown): number | undefined =>
  typeof scaling === 'object' && scaling !== null && 'minInstances' in scaling && typeof scaling.minInstances === 'number'
    ? scaling.minInstances
    : undefined;

const fieldsOf = (body: Body, stored: EndpointFields): EndpointFields => ({
  description: typeof body['description'] === 'string' ? body['description'] : stored.description,
  disablePublicNetworkAccess:
    typeof body['disablePublicNetworkAccess'] === 'boolean' ? body['disablePublicNetworkAccess'] : stored.disablePublicNetworkAccess,
  minInstances: minInstancesOf(body['scalingConfig']) ?? (body['deleteScalingConfig'] === true ? 0 : stored.minInstances),
});

const noFields: EndpointFields = { description: '', disablePublicNetworkAccess: false, minInstances: 0 };

/** isRefused tells a refusal from what was asked for. */
export const isRefused = (value: object): value is Refused => 'code' in value;

/** Store holds everything that the lab's AgentRun account owns. */
export class Store {
  readonly workspaces: Workspace[] = [{ workspaceId: identifier('ws'), name: 'default', isDefault: true }];
  readonly #runtimes = new Map<string, Runtime>();
  readonly #rules: StoreRules;
  readonly #elapsed: () => number;
  readonly #now: () => number;
  #failures: { of: 'runtime' | 'endpoint'; reason: string; runtime: string | undefined }[] = [];

  constructor(rules: StoreRules, now: () => number, elapsed: () => number) {
    this.#rules = rules;
    this.#now = now;
    this.#elapsed = elapsed;
  }

  /** failNext lets the next creation or update of a runtime or endpoint end in its failed status. */
  failNext(of: 'runtime' | 'endpoint', reason: string, runtime?: string): void {
    this.#failures.push({ of, reason, runtime });
  }

  /** currentRuntimes are the runtimes that exist now, without those whose deletion has ended. */
  currentRuntimes(): readonly Runtime[] {
    for (const runtime of [...this.#runtimes.values()]) runtime.lifecycle.settle();
    return [...this.#runtimes.values()];
  }

  runtimeNamed(name: string): Runtime | undefined {
    return this.currentRuntimes().find((runtime) => runtime.name === name);
  }

  createRuntime(body: Body, ready = false): Runtime | Refused {
    const name = textOf(body['agentRuntimeName']);
    if (!runtimeName.test(name)) return invalid('agentRuntimeName must match ^[a-zA-Z][a-zA-Z0-9_-]{0,127}$');
    if (this.runtimeNamed(name) !== undefined) {
      return refuse(409, 'ERR_RESOURCE_CONFLICT', `agent runtime ${name} already exists`);
    }
    const workspaceId = textOf(body['workspaceId']) || (this.workspaces[0]?.workspaceId ?? '');
    if (!this.workspaces.some((workspace) => workspace.workspaceId === workspaceId)) return notFound(`workspace ${workspaceId}`);
    const configuration = pickConfiguration(body);
    const fault = configurationFault(configuration);
    if (fault !== undefined) return badRequest(fault);
    const lifecycle = new Lifecycle(this.#rules.runtimePace, this.#elapsed);
    const runtime = new Runtime(identifier('ar'), name, workspaceId, configuration, lifecycle, this.#time());
    if (!ready) lifecycle.begin('CREATING', this.#failure('runtime', name), () => undefined);
    this.#runtimes.set(runtime.id, runtime);
    return runtime;
  }

  /** updateRuntime changes LATEST at once; fields that are absent stay. */
  updateRuntime(runtime: Runtime, body: Body): Runtime | Refused {
    if (runtime.lifecycle.status === 'DELETING') return notFound(`agent runtime ${runtime.id}`);
    const configuration: Configuration = { ...runtime.configuration, ...pickConfiguration(body) };
    const fault = configurationFault(configuration);
    if (fault !== undefined) return badRequest(fault);
    const failure = this.#failure('runtime', runtime.name);
    if (failure === undefined) runtime.update(configuration, this.#time());
    runtime.lifecycle.begin('UPDATING', failure, () => undefined);
    return runtime;
  }

  deleteRuntime(runtime: Runtime): Runtime | Refused {
    if (runtime.currentEndpoints().length > 0) return badRequest(`agent runtime ${runtime.name} still has endpoints`);
    runtime.lifecycle.begin('DELETING', undefined, () => this.#runtimes.delete(runtime.id));
    return runtime;
  }

  publish(runtime: Runtime, body: Body): PublishedVersion | Refused {
    if (runtime.lifecycle.status !== 'READY') {
      return badRequest(`agent runtime ${runtime.name} is ${runtime.lifecycle.status}, a version can be published when it is READY`);
    }
    return runtime.publish(textOf(body['description']), textOf(body['publisher']), this.#time());
  }

  createEndpoint(runtime: Runtime, body: Body, ready = false): Endpoint | Refused {
    const name = textOf(body['agentRuntimeEndpointName']);
    if (!endpointName.test(name)) return invalid('agentRuntimeEndpointName must match ^[a-zA-Z][a-zA-Z0-9_-]{0,63}$');
    if (runtime.endpointNamed(name) !== undefined) return badRequest(`agent runtime endpoint ${name} already exists`);
    const routing = this.#routing(runtime, body, { targetVersion: latest, versionWeights: [] });
    if (isRefused(routing)) return routing;
    const lifecycle = new Lifecycle(this.#rules.endpointPace, this.#elapsed);
    const endpoint = new Endpoint(identifier('are'), name, fieldsOf(body, noFields), routing, lifecycle, this.#elapsed, this.#rules.dialect);
    if (ready) endpoint.serve(routing);
    else endpoint.route(routing, 'CREATING', this.#failure('endpoint', runtime.name));
    runtime.endpoints.set(endpoint.id, endpoint);
    return endpoint;
  }

  updateEndpoint(runtime: Runtime, endpoint: Endpoint, body: Body): Endpoint | Refused {
    if (endpoint.lifecycle.status === 'DELETING') return notFound(`agent runtime endpoint ${endpoint.id}`);
    const routing = this.#routing(runtime, body, endpoint.routing);
    if (isRefused(routing)) return routing;
    endpoint.fields = fieldsOf(body, endpoint.fields);
    endpoint.route(routing, 'UPDATING', this.#failure('endpoint', runtime.name));
    return endpoint;
  }

  deleteEndpoint(runtime: Runtime, endpoint: Endpoint): void {
    endpoint.lifecycle.begin('DELETING', undefined, () => runtime.endpoints.delete(endpoint.id));
  }

  createWorkspace(body: Body): Workspace | Refused {
    const name = textOf(body['name']);
    if (name === '') return invalid('name is required');
    if (this.workspaces.some((workspace) => workspace.name === name)) {
      return refuse(409, 'ERR_RESOURCE_CONFLICT', `workspace ${name} already exists`);
    }
    const workspace = { workspaceId: identifier('ws'), name, isDefault: false };
    this.workspaces.push(workspace);
    return workspace;
  }

  /** code is the archive of a version as it was sent. */
  code(runtime: Runtime, version: string): Buffer | undefined {
    const configuration = version === latest ? runtime.configuration : runtime.published(version)?.configuration;
    return configuration === undefined ? undefined : codeBytes(configuration);
  }

  #routing(runtime: Runtime, body: Body, stored: Routing): Routing | Refused {
    const request = readRouting(body, this.#rules.dialect);
    if (typeof request === 'string') return invalid(request);
    const routing = mergeRouting(stored, request, this.#rules.mergeRule, this.#rules.dialect);
    const unknown = [...(routing.targetVersion === '' ? [] : [routing.targetVersion]), ...routing.versionWeights.map(({ version }) => version)].find(
      (version) => !runtime.has(version),
    );
    return unknown === undefined ? routing : notFound(`version ${unknown} of agent runtime ${runtime.name}`);
  }

  #failure(of: 'runtime' | 'endpoint', runtime: string): string | undefined {
    const index = this.#failures.findIndex((failure) => failure.of === of && (failure.runtime ?? runtime) === runtime);
    return index < 0 ? undefined : this.#failures.splice(index, 1)[0]?.reason;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
