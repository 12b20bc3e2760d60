import { shownConfiguration } from './configuration.ts';
import type { Endpoint } from './endpoint.ts';
import { latest } from './routing.ts';
import type { PublishedVersion, Runtime } from './runtime.ts';
import type { Workspace } from './store.ts';

/** Account names the owner of everything in the lab. */
export interface Account {
  readonly accountId: string;
  readonly region: string;
  /** data is the origin of the data plane. */
  readonly data: string;
}

const runtimeArn = ({ accountId, region }: Account, runtime: Runtime): string =>
  `acs:agentrun:${region}:${accountId}:workspaces/${runtime.workspaceId}/runtimes/${runtime.id}`;

/** resourceArn names a runtime, or an endpoint of it, as policies do: by names, where the ARNs in answers have ids. */
export const resourceArn = ({ accountId, region }: Account, workspaces: readonly Workspace[], runtime: Runtime, endpoint?: string): string => {
  const workspace = workspaces.find(({ workspaceId }) => workspaceId === runtime.workspaceId)?.name ?? '';
  const ofRuntime = `acs:agentrun:${region}:${accountId}:workspaces/${workspace}/runtimes/${runtime.name}`;
  return endpoint === undefined ? ofRuntime : `${ofRuntime}/runtime-endpoints/${endpoint}`;
};

/** showRuntime is a runtime as LATEST, or one of its versions, in the form of AgentRuntime. */
export const showRuntime = (account: Account, runtime: Runtime, version?: PublishedVersion): object => ({
  agentRuntimeId: runtime.id,
  agentRuntimeName: runtime.name,
  agentRuntimeArn: runtimeArn(account, runtime),
  agentRuntimeVersion: version?.number ?? latest,
  workspaceId: runtime.workspaceId,
  ...shownConfiguration(version?.configuration ?? runtime.configuration),
  status: runtime.lifecycle.status,
  statusReason: runtime.lifecycle.reason,
  createdAt: runtime.createdAt,
  lastUpdatedAt: version?.publishedAt ?? runtime.lastUpdatedAt,
});

/** showVersion is an entry of the list of versions; LATEST when none is given. */
export const showVersion = (account: Account, runtime: Runtime, version?: PublishedVersion): object => ({
  agentRuntimeId: runtime.id,
  agentRuntimeName: runtime.name,
  agentRuntimeArn: runtimeArn(account, runtime),
  agentRuntimeVersion: version?.number ?? latest,
  description: version?.description ?? '',
  lastUpdatedAt: version?.publishedAt ?? runtime.lastUpdatedAt,
});

/** showEndpoint is an endpoint in the form of AgentRuntimeEndpoint. */
export const showEndpoint = (account: Account, runtime: Runtime, endpoint: Endpoint): object => ({
  agentRuntimeEndpointId: endpoint.id,
  agentRuntimeEndpointName: endpoint.name,
  agentRuntimeEndpointArn: `${runtimeArn(account, runtime)}/runtime-endpoints/${endpoint.id}`,
  agentRuntimeId: runtime.id,
  description: endpoint.fields.description,
  targetVersion: endpoint.routing.targetVersion,
  routingConfiguration: { versionWeights: endpoint.routing.versionWeights },
  disablePublicNetworkAccess: endpoint.fields.disablePublicNetworkAccess,
  endpointPublicUrl: `${account.data}/agent-runtimes/${runtime.name}/endpoints/${endpoint.name}/invocations`,
  scalingStatus: { minInstances: endpoint.fields.minInstances, targetInstances: 0, currentInstances: 0, currentError: '' },
  status: endpoint.lifecycle.status,
  statusReason: endpoint.lifecycle.reason,
});
