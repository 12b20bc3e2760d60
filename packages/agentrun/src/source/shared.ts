import type { PlacedEnvironment } from '@sluice/core';
import { isJsonRecord } from './json.ts';
import { hasPlaceholder } from './placeholders.ts';
import { AgentRunSource } from './source.ts';

/** endpointOf is where an environment's users are, undefined when the name of the runtime or its region still waits for the pipeline. */
const endpointOf = ({ environment, source }: PlacedEnvironment): { readonly name: string; readonly server: string } | undefined => {
  if (!(source instanceof AgentRunSource) || environment.agentrun === undefined) return undefined;
  const { region, agent } = source.parts.props;
  const runtime = isJsonRecord(agent) ? agent['name'] : undefined;
  if (typeof runtime !== 'string' || typeof region !== 'string' || hasPlaceholder(runtime) || hasPlaceholder(region)) return undefined;
  return { name: `endpoint ${environment.agentrun.endpoint} of runtime ${runtime} in ${region}`, server: environment.agentrun.control ?? '' };
};

/** sharedEndpoint says which endpoint two environments both release to; two different accounts have nothing in common. */
export const sharedEndpoint = (one: PlacedEnvironment, other: PlacedEnvironment): string | undefined => {
  const [first, second] = [endpointOf(one), endpointOf(other)];
  const [account, otherAccount] = [one.environment.agentrun?.account, other.environment.agentrun?.account];
  if (first === undefined || second === undefined || first.server !== second.server || first.name !== second.name) return undefined;
  return account === otherAccount || account === undefined || otherAccount === undefined ? first.name : undefined;
};
