import { done, draft, type Json, type Outcome, type Snapshot } from '@sluice/core';
import { contentOf, digestOf } from '../source/configuration.ts';
import { canonicalJson, isJsonRecord, sha256, sorted, type JsonRecord } from '../source/json.ts';
import { findRuntime, findUsersEndpoint, type AgentRunContext } from './context.ts';
import { liveVersion } from './inspect.ts';
import type { Endpoint, Runtime } from './wire.ts';

const pretty = (value: Json): string => `${JSON.stringify(sorted(value), null, 2)}\n`;

/** configurationFile is a runtime's content without the values of its environment variables. */
const configurationFile = (runtime: Runtime): JsonRecord => {
  const { environmentVariables: variables, ...content } = contentOf(runtime.shown);
  return {
    agentRuntimeId: runtime.id,
    agentRuntimeName: runtime.name,
    ...content,
    ...(isJsonRecord(variables) ? { environmentVariableNames: Object.keys(variables).sort() } : {}),
  };
};

const endpointFile = ({ id, name, targetVersion, weights }: Endpoint): JsonRecord => ({
  agentRuntimeEndpointId: id,
  agentRuntimeEndpointName: name,
  targetVersion,
  versionWeights: weights.map(({ version, weight }) => ({ version, weight })),
});

/** snapshot copies what users have: the frozen configuration of the live version and the endpoint's routing. Where nothing exists it is empty. */
export const snapshot = async (context: AgentRunContext): Promise<Outcome<Snapshot>> => {
  const found = await findRuntime(context);
  if (!found.ok) return found;
  if (found.value === undefined) return done({ files: {}, digest: sha256(canonicalJson({})) });
  const { id } = found.value;
  const current = await context.api.getRuntime(id);
  if (!current.ok) return current;
  const version = await liveVersion(context, current.value);
  if (!version.ok) return version;
  const frozen = version.value === undefined || version.value.id === draft ? current : await context.api.getRuntime(id, version.value.id);
  if (!frozen.ok) return frozen;
  const users = await findUsersEndpoint(context, id);
  if (!users.ok) return users;
  const files = {
    'agentrun/runtime.json': pretty(configurationFile(frozen.value)),
    ...(users.value === undefined ? {} : { 'agentrun/endpoint.json': pretty(endpointFile(users.value)) }),
  };
  return done({
    files,
    digest: version.value?.digest ?? digestOf(frozen.value.shown) ?? sha256(canonicalJson(files)),
    ...(version.value === undefined ? {} : { version: version.value }),
  });
};
