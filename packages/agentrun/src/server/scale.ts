import { clause, done, failed, type Outcome, type Split } from '@sluice/core';
import { endpointReady, type AgentRunContext } from './context.ts';
import { beyond, otherScale } from './routing.ts';
import { foreignSide, sideEndpointName } from './side.ts';
import { hasFailed } from './wait.ts';
import { platformVersion, type Endpoint } from './wire.ts';

const description = 'Finds out what a weight means; nobody calls it.';

/** taken says that the server took a weight that no server of this scale takes. */
const taken = ({ weights: scale, source }: AgentRunContext, name: string, left: string): Outcome<never> =>
  failed({
    category: 'platform',
    reason: `agentrun.weights is ${scale}, and AgentRun takes a weight of ${beyond[scale]}, so that its scale is another one or none`,
    tried: 'find out what a weight means, on an endpoint that nobody calls',
    where: `${source.title}/${name}`,
    hint: `No user was moved. Write in sluice.yml: ${otherScale(scale)}. If that is refused in the same way, AgentRun checks no weights, and a canary cannot be trusted here: take canary out.${left}`,
  });

const remove = async (context: AgentRunContext, runtimeId: string, { id, name }: Endpoint): Promise<string> => {
  const gone = await context.api.deleteEndpoint(runtimeId, id);
  return gone.ok ? '' : ` The endpoint "${name}" is left over: ${clause(gone.problem.reason)}.`;
};

/**
 * proveScale makes sure what a weight means before any user follows one: official documents say 0 to 1 and 0 to 100
 * (OpenAPI 2025-09-10; agentrun-cli). A server of the scale refuses a weight beyond it, on an endpoint that nobody calls;
 * one that takes it would give users another share than is meant, without any sign of it when it is read back.
 */
export const proveScale = async (context: AgentRunContext, runtimeId: string, { stable, candidate = stable }: Split): Promise<Outcome<void>> => {
  const { api, weights: scale, endpoint: users } = context;
  const name = sideEndpointName(users, `-${scale}`);
  const made = await api.createEndpoint(runtimeId, name, platformVersion(stable), description, [{ version: platformVersion(candidate), weight: beyond[scale] }]);
  if (made.ok) {
    const settled = await endpointReady(context, runtimeId, made.value);
    const seen = settled.ok ? settled : await api.getEndpoint(runtimeId, made.value.id);
    const left = await remove(context, runtimeId, made.value);
    // A server may look at weights only while it makes the endpoint.
    return seen.ok && hasFailed(seen.value) ? done(undefined) : taken(context, name, left);
  }
  const { problem } = made;
  // It was made by a run that was killed: the server took the weight then.
  const found = problem.category === 'conflict' || /already exists/i.test(problem.answer?.message ?? '') ? await api.findEndpoint(runtimeId, name) : done(undefined);
  if (!found.ok) return found;
  if (found.value !== undefined && found.value.description !== description) return foreignSide(found.value);
  if (found.value !== undefined) return taken(context, name, await remove(context, runtimeId, found.value));
  const { status } = problem.answer ?? {};
  return problem.category === 'platform' && (status === 400 || status === 422) ? done(undefined) : made;
};
