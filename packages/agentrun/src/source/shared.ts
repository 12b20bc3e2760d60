import type { PlacedEnvironment } from '@sluice/core';
import { isJsonRecord } from './json.ts';
import { hasPlaceholder } from './placeholders.ts';
import { AgentRunSource } from './source.ts';

/** Place is where an environment's users are. */
interface Place {
  readonly name: string;
  readonly server: string;
  /** workspaces are its id and its name, as far as s.yaml tells them: a name of a runtime is taken once in each. */
  readonly workspace: { readonly id: string | undefined; readonly name: string | undefined };
}

const known = (value: unknown): string | undefined => (typeof value === 'string' && !hasPlaceholder(value) ? value : undefined);

/** placeOf is where an environment's users are, undefined when the name of the runtime or its region still waits for the pipeline. */
const placeOf = ({ environment, source }: PlacedEnvironment): Place | undefined => {
  if (!(source instanceof AgentRunSource) || environment.agentrun === undefined) return undefined;
  const { agent } = source.parts.props;
  const [region, runtime] = [known(source.parts.props['region']), known(isJsonRecord(agent) ? agent['name'] : undefined)];
  if (region === undefined || runtime === undefined) return undefined;
  const { control, endpoint } = environment.agentrun;
  // Each preview is a runtime of its own.
  if (endpoint === undefined) return undefined;
  const workspace = isJsonRecord(agent) && isJsonRecord(agent['workspace']) ? agent['workspace'] : {};
  return {
    name: `endpoint ${endpoint} of runtime ${runtime} in ${region}`,
    server: new URL(control ?? `https://agentrun.${region}.aliyuncs.com`).href.replace(/\/$/, ''),
    workspace: { id: known(workspace['id']), name: known(workspace['name']) },
  };
};

const differ = (one: string | undefined, other: string | undefined): boolean => one !== undefined && other !== undefined && one !== other;

/** sharedEndpoint says which endpoint two environments both release to; two different accounts or workspaces have nothing in common. */
export const sharedEndpoint = (one: PlacedEnvironment, other: PlacedEnvironment): string | undefined => {
  const [first, second] = [placeOf(one), placeOf(other)];
  if (first === undefined || second === undefined || first.server !== second.server || first.name !== second.name) return undefined;
  const apart = differ(one.environment.agentrun?.account, other.environment.agentrun?.account) || differ(first.workspace.id, second.workspace.id) || differ(first.workspace.name, second.workspace.name);
  return apart ? undefined : first.name;
};
