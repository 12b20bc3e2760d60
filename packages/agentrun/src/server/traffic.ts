import { clause, done, durationText, failed, sameSplit, type Observed, type Outcome, type Problem, type Split, type Traffic } from '@sluice/core';
import { digestOf } from '../source/configuration.ts';
import { endpointReady, findUsersEndpoint, requireRuntime, requireRuntimeId, uninterrupted, type AgentRunContext } from './context.ts';
import { otherScale, routingOf, scaleFault, splitOf, splitText, wantedFault, zeroes, type Scale } from './routing.ts';
import { proveScale } from './scale.ts';
import type { Endpoint, Runtime } from './wire.ts';

const nobody: Split = { stable: '', weight: 0 };

/** currentSplit is the split of an endpoint; an endpoint that does not exist yet routes nobody. */
const currentSplit = (endpoint: Endpoint | undefined, scale: Scale): Outcome<Split> => (endpoint === undefined ? done(nobody) : splitOf(endpoint, scale));

const rounded = (split: Split): Split => ({ ...split, weight: Math.round(split.weight * 1e4) / 1e4 });

const settled = async (context: AgentRunContext, runtimeId: string, endpoint: Endpoint): Promise<Outcome<{ endpoint: Endpoint; split: Split }>> => {
  const now = await endpointReady(context, runtimeId, endpoint);
  if (!now.ok) return now;
  const split = splitOf(now.value, context.weights);
  return split.ok ? done({ endpoint: now.value, split: split.value }) : split;
};

/** refusedWeights adds to a refusal of weights what may be wrong with them: the server's scale is not documented. */
const refusedWeights = (problem: Problem, scale: Scale): Problem =>
  problem.answer?.status === 400 ? { ...problem, hint: `If AgentRun counts on another scale than agentrun.weights says (${scale}), write in sluice.yml: ${otherScale(scale)}. ${problem.hint ?? ''}`.trim() } : problem;

/** route sends a split to an endpoint, waits until it is ready, and gives what is read back, which may be another split. */
export const route = async (context: AgentRunContext, runtimeId: string, endpoint: Endpoint, wanted: Split): Promise<Outcome<Split>> => {
  const { weights: scale, cleared: clearing } = context;
  const routing = routingOf(wanted, scale);
  const clears = scale === 'ratio' && wanted.weight === 0;
  const sent = await context.api.setRouting(runtimeId, endpoint.id, clears && clearing === 'zero' ? { ...routing, weights: zeroes(endpoint) } : routing);
  if (!sent.ok) return failed(routing.weights.length === 0 ? sent.problem : refusedWeights(sent.problem, scale));
  const first = await settled(context, runtimeId, endpoint);
  if (!first.ok) return first;
  // The server's rule for merging is not documented: an empty list may leave old weights in place.
  if (!clears || first.value.endpoint.weights.every(({ weight }) => weight === 0)) return done(first.value.split);
  if (clearing !== undefined) return keptWeights(context, clearing);
  const cleared = await context.api.setRouting(runtimeId, endpoint.id, { ...routing, weights: zeroes(first.value.endpoint) });
  if (!cleared.ok) return cleared;
  const second = await settled(context, runtimeId, endpoint);
  return second.ok ? done(second.value.split) : second;
};

/** keptWeights is the problem of a server that keeps weights against what sluice.yml says of it. */
const keptWeights = ({ endpoint, source }: AgentRunContext, clearing: 'empty' | 'zero'): Outcome<never> =>
  failed({
    category: 'platform',
    reason: `endpoint "${endpoint}" keeps its old weights, although they were taken away as agentrun.cleared says (${clearing})`,
    tried: 'set the traffic split',
    where: `${source.title}/${endpoint}`,
    hint: 'Take agentrun.cleared out of sluice.yml, so that both ways are tried.',
  });

/** losingVersion is the version that loses users, on which their sessions may stay; undefined when none does. */
const losingVersion = (before: Split, after: Split): string | undefined =>
  before.weight > 0 && after.stable !== before.candidate && (after.candidate !== before.candidate || after.weight < before.weight) ? before.candidate : undefined;

/** lingerText says how long sessions may stay on a version that lost users. */
const lingerText = ({ sessionIdleSeconds: idle }: Runtime, version: string): string => {
  const how = idle === undefined ? 'for the idle time that the platform sets, which s.yaml does not state' : `until ${durationText(idle * 1000)} after their last message`;
  return `sessions that began on version ${version} may stay there ${how}; AgentRun does not say how many there are`;
};

/** evicted ends the sessions that stay on a version that lost its users, where sluice.yml wants it, and says what came of it; users are back on stable already, so that a failure is told and no problem. */
const evicted = async (context: AgentRunContext, runtime: Runtime, stays: string): Promise<string> => {
  if (!context.evict) return `${stays}; agentrun.evict in sluice.yml would end them`;
  const sent = await context.api.evictInstances(runtime.id);
  if (!sent.ok) return `${stays}; they could not be ended: ${clause(sent.problem.reason)}`;
  const after = await context.api.getRuntime(runtime.id);
  const before = digestOf(runtime.shown);
  const kept = after.ok && before !== undefined && digestOf(after.value.shown) === before;
  return `AgentRun was asked to end the sessions that stayed on the version (agentrun.evict), which it does as well as it can${kept ? '' : '; LATEST was not seen to be as before: compare it with what was deployed'}`;
};

/** lingering says what becomes of the sessions on a version that has lost users; undefined where sessions do not stick. */
const lingering = async (context: AgentRunContext, version: string): Promise<string | undefined> => {
  const runtime = await requireRuntime(context);
  if (!runtime.ok) return `sessions that began on version ${version} may stay there; whether they do could not be read: ${clause(runtime.problem.reason)}`;
  return runtime.value.sticky ? evicted(context, runtime.value, lingerText(runtime.value, version)) : undefined;
};

const unwanted = (wanted: Split, found: Split, context: AgentRunContext): Outcome<never> =>
  failed({
    category: 'platform',
    reason: `endpoint "${context.endpoint}" was set to ${splitText(wanted)}, and reads back as ${splitText(found)}`,
    tried: 'set the traffic split',
    where: `${context.source.title}/${context.endpoint}`,
    hint: 'Someone else may have changed it, or AgentRun stored something else. Look at the endpoint in the AgentRun console.',
  });

const wrongWish = (reason: string, context: AgentRunContext): Outcome<never> =>
  failed({ category: 'input', reason, tried: 'set the traffic split', where: `${context.source.title}/${context.endpoint}` });

/** createUsersEndpoint makes the endpoint of the first release, on one published version. */
const createUsersEndpoint = async (context: AgentRunContext, runtimeId: string, version: string): Promise<Outcome<Endpoint>> => {
  const created = await context.api.createEndpoint(runtimeId, context.endpoint, version, 'The endpoint that users call; routed by Sluice.');
  return created.ok ? endpointReady(context, runtimeId, created.value) : created;
};

/** setSplit makes the split that is wanted and verifies it. `expected` absent means whatever there is. */
export const setSplit = async (given: AgentRunContext, expected: Split | undefined, wish: Split): Promise<Outcome<Observed>> => {
  const context = uninterrupted(given);
  const wanted = rounded(wish);
  const fault = wantedFault(wanted) ?? scaleFault(wanted, context.weights);
  if (fault !== undefined) return wrongWish(fault, context);
  const runtime = await requireRuntimeId(context);
  if (!runtime.ok) return runtime;
  const proof = (): Promise<Outcome<void>> => proveScale(context, runtime.value, wanted);
  // A first share is proved while the endpoint is read: neither waits for the other.
  const [existing, early] = await Promise.all([findUsersEndpoint(context, runtime.value), wanted.weight > 0 && expected?.weight === 0 ? proof() : undefined]);
  if (!existing.ok) return existing;
  const before = currentSplit(existing.value, context.weights);
  // Putting everybody on one version also repairs a routing that cannot be read.
  if (!before.ok && expected !== undefined) return before;
  if (expected !== undefined && before.ok && !sameSplit(before.value, rounded(expected))) {
    return failed({
      category: 'conflict',
      reason: `endpoint "${context.endpoint}" is not as it was left: expected was ${splitText(expected)}, found is ${splitText(before.value)}`,
      tried: 'set the traffic split',
      where: `${context.source.title}/${context.endpoint}`,
      hint: 'Someone else changed the routing. Look at it in the AgentRun console before the next release.',
    });
  }
  const endpoint = existing.value === undefined ? await createUsersEndpoint(context, runtime.value, wanted.stable) : done(existing.value);
  if (!endpoint.ok) return endpoint;
  // A canary that goes on has been through this; users on a weight must not wait for it.
  const proved = wanted.weight > 0 && before.ok && before.value.weight === 0 ? (early ?? (await proof())) : done(undefined);
  if (!proved.ok) return proved;
  const found = await route(context, runtime.value, endpoint.value, wanted);
  if (!found.ok) return found;
  if (!sameSplit(found.value, wanted)) return unwanted(wanted, found.value, context);
  const losing = before.ok ? losingVersion(before.value, wanted) : undefined;
  const linger = losing === undefined ? undefined : await lingering(context, losing);
  return done({ split: found.value, reach: 'configured', ...(linger === undefined ? {} : { linger }) });
};

/**
 * trafficOf reads and sets the weights of the users' endpoint. Its reach is `configured`: no answer of an agent says
 * which version gave it, so that what serves cannot be read.
 */
export const trafficOf = (context: AgentRunContext): Traffic => ({
  read: async () => {
    const runtime = await requireRuntimeId(context);
    if (!runtime.ok) return runtime;
    const endpoint = await findUsersEndpoint(context, runtime.value);
    if (!endpoint.ok) return endpoint;
    const split = currentSplit(endpoint.value, context.weights);
    return split.ok ? done({ split: split.value, reach: 'configured' }) : split;
  },
  set: (expected, wanted) => setSplit(context, expected, wanted),
});
