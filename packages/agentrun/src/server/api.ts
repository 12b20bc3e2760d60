import { done, failed, type Outcome } from '@sluice/core';
import type { Variables } from '../logs/masked.ts';
import { isRecord } from '../source/json.ts';
import { isMissing, isUnclear, type AgentRunClient, type Call } from './client.ts';
import { latest, readEndpoint, readPage, readRuntime, readVersion, type Endpoint, type PublishedVersion, type Routing, type Runtime, type VersionWeight } from './wire.ts';

const pageSize = 100;
const mostPages = 50;
const runtimes = ['agents', 'runtimes'] as const;

type Read<T> = (value: unknown, tried: string) => Outcome<T>;

const numerically = (one: PublishedVersion, other: PublishedVersion): number => Number(other.version) - Number(one.version);

/** AgentRunApi is AgentRun's control plane, one method an operation that Sluice needs. */
export class AgentRunApi {
  readonly #client: AgentRunClient;
  readonly #variables: Variables | undefined;

  /** `variables` learns the values of the runtimes' environment variables before anything of an answer is used; nothing is hidden when absent. */
  constructor(client: AgentRunClient, variables?: Variables) {
    this.#client = client;
    this.#variables = variables;
  }

  readonly #readRuntime: Read<Runtime> = (value, tried) => {
    const runtime = readRuntime(value, tried);
    if (!runtime.ok) return runtime;
    this.#variables?.learn(runtime.value.shown);
    return done(this.#hidden(runtime.value));
  };

  readonly #readEndpoint: Read<Endpoint> = (value, tried) => {
    const endpoint = readEndpoint(value, tried);
    return endpoint.ok ? done(this.#hidden(endpoint.value)) : endpoint;
  };

  #hidden<T extends { readonly statusReason: string }>(seen: T): T {
    return this.#variables === undefined ? seen : { ...seen, statusReason: this.#variables.hide(seen.statusReason) };
  }

  async #one<T>(call: Call, read: Read<T>): Promise<Outcome<T>> {
    const answer = await this.#client.call(call);
    return answer.ok ? read(answer.value, call.tried) : answer;
  }

  async #list<T>(call: Omit<Call, 'method'>, read: Read<T>): Promise<Outcome<T[]>> {
    const all: T[] = [];
    for (let number = 1; number <= mostPages; number += 1) {
      const query = { ...call.query, pageNumber: String(number), pageSize: String(pageSize) };
      const page = await this.#one({ ...call, method: 'GET', query }, readPage);
      if (!page.ok) return page;
      for (const item of page.value.items) {
        const value = read(item, call.tried);
        if (!value.ok) return value;
        all.push(value.value);
      }
      const { items, total } = page.value;
      if (items.length === 0 || (total === undefined ? items.length < pageSize : all.length >= total)) return done(all);
    }
    return failed({ category: 'platform', reason: `the list has more than ${pageSize * mostPages} entries`, tried: call.tried });
  }

  /** #create sends a POST once. When it stays unclear whether it was done, `find` looks, and what is found counts. */
  async #create<T>(call: Omit<Call, 'method'>, read: Read<T>, find: () => Promise<Outcome<T | undefined>>): Promise<Outcome<T>> {
    const created = await this.#one({ ...call, method: 'POST' }, read);
    if (created.ok || !isUnclear(created.problem)) return created;
    const found = await find();
    return found.ok && found.value !== undefined ? done(found.value) : created;
  }

  /** findRuntime gives the runtime of exactly this name; several of one name in different workspaces are `input`. */
  async findRuntime(name: string, workspaceId?: string): Promise<Outcome<Runtime | undefined>> {
    const tried = `find the runtime "${name}"`;
    const query = { agentRuntimeName: name, searchMode: 'exact', ...(workspaceId === undefined ? {} : { workspaceId }) };
    const list = await this.#list({ action: 'ListAgentRuntimes', path: runtimes, query, tried }, this.#readRuntime);
    if (!list.ok) return list;
    const [first, second] = list.value.filter((runtime) => runtime.name === name && (workspaceId === undefined || runtime.workspaceId === workspaceId));
    if (second === undefined) return done(first);
    return failed({
      category: 'input',
      reason: `there are several runtimes named "${name}"`,
      tried,
      where: list.value.map(({ id }) => id).join(', '),
      hint: 'Name the workspace in s.yaml: agent.workspace.id.',
    });
  }

  /** runtimesBeginning gives the runtimes whose names begin so, as the list shows them. */
  async runtimesBeginning(name: string, workspaceId?: string): Promise<Outcome<Runtime[]>> {
    const query = { agentRuntimeName: name, searchMode: 'fuzzy', ...(workspaceId === undefined ? {} : { workspaceId }) };
    const list = await this.#list({ action: 'ListAgentRuntimes', path: runtimes, query, tried: `list the runtimes that begin with "${name}"` }, this.#readRuntime);
    return list.ok ? done(list.value.filter((runtime) => runtime.name.startsWith(name))) : list;
  }

  /** findWorkspace gives the id of the workspace of this name. */
  async findWorkspace(name: string): Promise<Outcome<string | undefined>> {
    const tried = `find the workspace "${name}"`;
    const answer = await this.#client.call({ action: 'ListWorkspaces', method: 'GET', path: ['workspaces'], query: { name, pageNumber: '1', pageSize: String(pageSize) }, tried });
    if (!answer.ok) return answer;
    const list = isRecord(answer.value) && Array.isArray(answer.value['workspaces']) ? answer.value['workspaces'] : [];
    const found: unknown = list.find((workspace: unknown) => isRecord(workspace) && workspace['name'] === name);
    return done(isRecord(found) && typeof found['workspaceId'] === 'string' ? found['workspaceId'] : undefined);
  }

  /** getRuntime gives what is deployed (LATEST), or the frozen state of a published version. */
  getRuntime(id: string, version?: string): Promise<Outcome<Runtime>> {
    return this.#one(
      {
        action: 'GetAgentRuntime',
        method: 'GET',
        path: [...runtimes, id],
        tried: version === undefined ? `read runtime ${id}` : `read version ${version} of runtime ${id}`,
        ...(version === undefined ? {} : { query: { agentRuntimeVersion: version } }),
      },
      this.#readRuntime,
    );
  }

  /** createRuntime makes a runtime; `workspaceId` goes into the body, too. */
  createRuntime(name: string, configuration: object, workspaceId?: string): Promise<Outcome<Runtime>> {
    const body = { agentRuntimeName: name, ...configuration, ...(workspaceId === undefined ? {} : { workspaceId }) };
    return this.#create({ action: 'CreateAgentRuntime', path: runtimes, body, tried: `create the runtime "${name}"` }, this.#readRuntime, () => this.findRuntime(name, workspaceId));
  }

  /** updateRuntime replaces what is deployed. */
  async updateRuntime(id: string, configuration: object): Promise<Outcome<void>> {
    const sent = await this.#client.call({ action: 'UpdateAgentRuntime', method: 'PUT', path: [...runtimes, id], body: configuration, tried: `update runtime ${id}` });
    return sent.ok ? done(undefined) : sent;
  }

  /** deleteRuntime removes a runtime with its versions; the platform takes it when its endpoints are gone. One that is gone already is fine. */
  async deleteRuntime(id: string): Promise<Outcome<void>> {
    const sent = await this.#client.call({ action: 'DeleteAgentRuntime', method: 'DELETE', path: [...runtimes, id], tried: `delete runtime ${id}` });
    return sent.ok || isMissing(sent.problem) ? done(undefined) : sent;
  }

  /** evictInstances asks the platform to end live sessions, "best effort" (OpenAPI 2025-09-10, UpdateAgentRuntime); nothing of the configuration is sent, so that LATEST stays as it is. */
  evictInstances(id: string): Promise<Outcome<void>> {
    return this.updateRuntime(id, { forceEvictInstances: true });
  }

  /** listVersions gives the published versions, newest first, without LATEST. */
  async listVersions(id: string): Promise<Outcome<PublishedVersion[]>> {
    const list = await this.#list({ action: 'ListAgentRuntimeVersions', path: [...runtimes, id, 'versions'], tried: `list the versions of runtime ${id}` }, readVersion);
    return list.ok ? done(list.value.filter(({ version }) => version !== latest && /^\d+$/.test(version)).sort(numerically)) : list;
  }

  /** publishVersion freezes what is deployed. `known` are the versions before, to tell the new one from when the answer was lost. */
  publishVersion(id: string, description: string, known: readonly PublishedVersion[]): Promise<Outcome<PublishedVersion>> {
    const before = new Set(known.map(({ version }) => version));
    return this.#create(
      { action: 'PublishRuntimeVersion', path: [...runtimes, id, 'versions'], body: { description }, tried: `publish a version of runtime ${id}` },
      readVersion,
      async () => {
        const now = await this.listVersions(id);
        return now.ok ? done(now.value.find((entry) => !before.has(entry.version) && entry.description === description)) : now;
      },
    );
  }

  /** listEndpoints gives every endpoint of a runtime. */
  listEndpoints(id: string): Promise<Outcome<Endpoint[]>> {
    return this.#list({ action: 'ListAgentRuntimeEndpoints', path: [...runtimes, id, 'endpoints'], tried: `list the endpoints of runtime ${id}` }, this.#readEndpoint);
  }

  /** listedEndpoint gives the endpoint of exactly this name, as the list shows it. */
  async listedEndpoint(id: string, name: string): Promise<Outcome<Endpoint | undefined>> {
    const tried = `find the endpoint "${name}" of runtime ${id}`;
    const list = await this.#list({ action: 'ListAgentRuntimeEndpoints', path: [...runtimes, id, 'endpoints'], query: { endpointName: name, searchMode: 'exact' }, tried }, this.#readEndpoint);
    return list.ok ? done(list.value.find((endpoint) => endpoint.name === name)) : list;
  }

  /** findEndpoint gives the endpoint of exactly this name, as a single read shows it. */
  async findEndpoint(id: string, name: string): Promise<Outcome<Endpoint | undefined>> {
    const listed = await this.listedEndpoint(id, name);
    if (!listed.ok || listed.value === undefined) return listed;
    const endpoint = await this.getEndpoint(id, listed.value.id);
    // It may have been deleted between the two questions.
    return !endpoint.ok && isMissing(endpoint.problem) ? done(undefined) : endpoint;
  }

  /** getEndpoint reads one endpoint. */
  getEndpoint(id: string, endpointId: string): Promise<Outcome<Endpoint>> {
    return this.#one({ action: 'GetAgentRuntimeEndpoint', method: 'GET', path: [...runtimes, id, 'endpoints', endpointId], tried: `read endpoint ${endpointId} of runtime ${id}` }, this.#readEndpoint);
  }

  /** createEndpoint makes an endpoint that gives everybody one version, but for `weights`. */
  createEndpoint(id: string, name: string, version: string, description: string, weights: readonly VersionWeight[] = []): Promise<Outcome<Endpoint>> {
    const body = { agentRuntimeEndpointName: name, targetVersion: version, description, ...(weights.length === 0 ? {} : { routingConfiguration: { versionWeights: weights } }) };
    return this.#create({ action: 'CreateAgentRuntimeEndpoint', path: [...runtimes, id, 'endpoints'], body, tried: `create the endpoint "${name}" of runtime ${id}` }, this.#readEndpoint, () => this.findEndpoint(id, name));
  }

  /** setRouting sends an endpoint's routing whole: a PUT without weights may keep the old ones. A target that is empty is not sent. */
  async setRouting(id: string, endpointId: string, { targetVersion, weights }: Routing): Promise<Outcome<void>> {
    const sent = await this.#client.call({
      action: 'UpdateAgentRuntimeEndpoint',
      method: 'PUT',
      path: [...runtimes, id, 'endpoints', endpointId],
      body: { ...(targetVersion === '' ? {} : { targetVersion }), routingConfiguration: { versionWeights: weights } },
      tried: `set the routing of endpoint ${endpointId} of runtime ${id}`,
    });
    return sent.ok ? done(undefined) : sent;
  }

  /** deleteEndpoint removes an endpoint; one that is gone already is fine. */
  async deleteEndpoint(id: string, endpointId: string): Promise<Outcome<void>> {
    const sent = await this.#client.call({ action: 'DeleteAgentRuntimeEndpoint', method: 'DELETE', path: [...runtimes, id, 'endpoints', endpointId], tried: `delete endpoint ${endpointId} of runtime ${id}` });
    return sent.ok || isMissing(sent.problem) ? done(undefined) : sent;
  }
}
