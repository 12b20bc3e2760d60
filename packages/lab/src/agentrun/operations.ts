import { randomBytes } from 'node:crypto';
import type { Endpoint } from './endpoint.ts';
import { accept, invalid, notFound, type Refused, type Reply } from './reply.ts';
import { latest } from './routing.ts';
import type { Runtime } from './runtime.ts';
import { showEndpoint, showRuntime, showVersion, type Account } from './shapes.ts';
import { isRefused, type Store } from './store.ts';

/** Call is one operation with its path's identifiers. */
export interface Call {
  readonly store: Store;
  readonly account: Account;
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Operation is one entry of AgentRun's control plane (OpenAPI 2025-09-10). */
export interface Operation {
  readonly action: string;
  readonly method: string;
  /** path stands after `/2025-09-10`; each group is an identifier. */
  readonly path: RegExp;
  /** limitedTo is what RAM can limit the right to; absent for operations that it knows no limit for. */
  readonly limitedTo?: 'runtime' | 'endpoint';
  run(call: Call): Reply;
}

const numberOf = (text: string | null, otherwise: number): number => (text === null || text === '' ? otherwise : Number(text));

const page = (items: readonly unknown[], query: URLSearchParams, name = 'items'): Reply => {
  const pageNumber = numberOf(query.get('pageNumber'), 1);
  const pageSize = numberOf(query.get('pageSize'), 10);
  if (!Number.isInteger(pageNumber) || pageNumber < 1) return invalid('pageNumber must be 1 or more');
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 100) return invalid('pageSize must be from 1 to 100');
  const from = (pageNumber - 1) * pageSize;
  return accept({ [name]: items.slice(from, from + pageSize), pageNumber, pageSize, total: items.length });
};

const named = (query: URLSearchParams, parameter: string, name: string): boolean => {
  const wanted = query.get(parameter) ?? '';
  return wanted === '' || (query.get('searchMode') === 'exact' ? name === wanted : name.includes(wanted));
};

const show = <T extends object>(made: T | Refused, status: number, shape: (value: T) => unknown): Reply =>
  isRefused(made) ? made : accept(shape(made), status);

const onRuntime =
  (run: (call: Call, runtime: Runtime) => Reply) =>
  (call: Call): Reply => {
    const [id = ''] = call.ids;
    const runtime = call.store.currentRuntimes().find((candidate) => candidate.id === id);
    return runtime === undefined ? notFound(`agent runtime ${id}`) : run(call, runtime);
  };

const onEndpoint = (run: (call: Call, runtime: Runtime, endpoint: Endpoint) => Reply): ((call: Call) => Reply) =>
  onRuntime((call, runtime) => {
    const id = call.ids[1] ?? '';
    const endpoint = runtime.currentEndpoints().find((candidate) => candidate.id === id);
    return endpoint === undefined ? notFound(`agent runtime endpoint ${id}`) : run(call, runtime, endpoint);
  });

const listRuntimes = (call: Call): Reply => {
  const { query, store } = call;
  const status = query.get('status') ?? '';
  const workspace = query.get('workspaceId') ?? '';
  const matching = (): readonly Runtime[] => store.currentRuntimes().filter(({ name }) => named(query, 'agentRuntimeName', name));
  for (const runtime of matching()) runtime.lifecycle.poll();
  return page(
    matching()
      .filter((runtime) => status === '' || runtime.lifecycle.status === status)
      .filter((runtime) => workspace === '' || runtime.workspaceId === workspace)
      .map((runtime) => showRuntime(call.account, runtime)),
    query,
  );
};

const getRuntime = onRuntime((call, runtime) => {
  runtime.lifecycle.poll();
  if (!call.store.currentRuntimes().includes(runtime)) return notFound(`agent runtime ${runtime.id}`);
  const wanted = call.query.get('agentRuntimeVersion') ?? '';
  if (wanted === '' || wanted === latest) return accept(showRuntime(call.account, runtime));
  const version = runtime.published(wanted);
  return version === undefined ? notFound(`version ${wanted} of agent runtime ${runtime.id}`) : accept(showRuntime(call.account, runtime, version));
});

// LATEST comes first and the numbers in the order of text ("1", "10", "2"): a client has to sort for itself.
const listVersions = onRuntime((call, runtime) =>
  page(
    [
      showVersion(call.account, runtime),
      ...[...runtime.versions]
        .sort((one, other) => (one.number < other.number ? -1 : 1))
        .map((version) => showVersion(call.account, runtime, version)),
    ],
    call.query,
  ),
);

const listEndpoints = onRuntime((call, runtime) => {
  const matching = (): readonly Endpoint[] => runtime.currentEndpoints().filter(({ name }) => named(call.query, 'endpointName', name));
  for (const endpoint of matching()) endpoint.lifecycle.poll();
  return page(matching().map((endpoint) => showEndpoint(call.account, runtime, endpoint)), call.query);
});

const getAccessToken = ({ query }: Call): Reply =>
  query.get('resourceType') === null || (query.get('resourceName') ?? query.get('resourceId')) === null
    ? invalid('resourceType and one of resourceName and resourceId are required')
    : accept({ accessToken: randomBytes(24).toString('base64url') });

const runtimes = /^\/agents\/runtimes$/;
const runtime = /^\/agents\/runtimes\/([^/]+)$/;
const versions = /^\/agents\/runtimes\/([^/]+)\/versions$/;
const endpoints = /^\/agents\/runtimes\/([^/]+)\/endpoints$/;
const endpoint = /^\/agents\/runtimes\/([^/]+)\/endpoints\/([^/]+)$/;

/** operations are all that the control plane knows. */
export const operations: readonly Operation[] = [
  {
    action: 'CreateAgentRuntime',
    method: 'POST',
    path: runtimes,
    run: (call) => show(call.store.createRuntime(call.body), 201, (made) => showRuntime(call.account, made)),
  },
  { action: 'ListAgentRuntimes', method: 'GET', path: runtimes, run: listRuntimes },
  { action: 'GetAgentRuntime', method: 'GET', path: runtime, limitedTo: 'runtime', run: getRuntime },
  {
    action: 'UpdateAgentRuntime',
    method: 'PUT',
    path: runtime,
    run: onRuntime((call, found) => show(call.store.updateRuntime(found, call.body), 202, (made) => showRuntime(call.account, made))),
  },
  {
    action: 'DeleteAgentRuntime',
    method: 'DELETE',
    path: runtime,
    run: onRuntime((call, found) => show(call.store.deleteRuntime(found), 202, (made) => showRuntime(call.account, made))),
  },
  {
    action: 'PublishRuntimeVersion',
    method: 'POST',
    path: versions,
    run: onRuntime((call, found) => show(call.store.publish(found, call.body), 201, (made) => showVersion(call.account, found, made))),
  },
  { action: 'ListAgentRuntimeVersions', method: 'GET', path: versions, run: listVersions },
  {
    action: 'CreateAgentRuntimeEndpoint',
    method: 'POST',
    path: endpoints,
    run: onRuntime((call, found) => show(call.store.createEndpoint(found, call.body), 201, (made) => showEndpoint(call.account, found, made))),
  },
  { action: 'ListAgentRuntimeEndpoints', method: 'GET', path: endpoints, run: listEndpoints },
  {
    action: 'GetAgentRuntimeEndpoint',
    method: 'GET',
    path: endpoint,
    run: onEndpoint((call, owner, found) => {
      found.lifecycle.poll();
      return owner.endpoints.has(found.id) ? accept(showEndpoint(call.account, owner, found)) : notFound(`agent runtime endpoint ${found.id}`);
    }),
  },
  {
    action: 'UpdateAgentRuntimeEndpoint',
    method: 'PUT',
    path: endpoint,
    limitedTo: 'endpoint',
    run: onEndpoint((call, owner, found) =>
      show(call.store.updateEndpoint(owner, found, call.body), 202, (made) => showEndpoint(call.account, owner, made)),
    ),
  },
  {
    action: 'DeleteAgentRuntimeEndpoint',
    method: 'DELETE',
    path: endpoint,
    run: onEndpoint((call, owner, found) => {
      call.store.deleteEndpoint(owner, found);
      return accept(showEndpoint(call.account, owner, found), 202);
    }),
  },
  { action: 'GetAccessToken', method: 'GET', path: /^\/agents\/accessToken$/, run: getAccessToken },
  {
    action: 'ListWorkspaces',
    method: 'GET',
    path: /^\/workspaces$/,
    run: ({ store, query }) => page(store.workspaces.filter(({ name }) => named(query, 'name', name)), query, 'workspaces'),
  },
  {
    action: 'CreateWorkspace',
    method: 'POST',
    path: /^\/workspaces$/,
    run: ({ store, body }) => show(store.createWorkspace(body), 201, (made) => made),
  },
  {
    action: 'GetWorkspace',
    method: 'GET',
    path: /^\/workspaces\/([^/]+)$/,
    run: ({ store, ids }) => {
      const found = store.workspaces.find(({ workspaceId }) => workspaceId === ids[0]);
      return found === undefined ? notFound(`workspace ${ids[0] ?? ''}`) : accept(found);
    },
  },
];
