import { done, draft, durationText, failed, live, sameSplit, type Opened, type Outcome } from '@sluice/core';
import { ask } from './ask.ts';
import { calling } from './caller.ts';
import { healthPath } from './checks.ts';
import { endpointReady, requireRuntime, requireUsersEndpoint, uninterrupted, type AgentRunContext } from './context.ts';
import { splitOf, splitText } from './routing.ts';
import { foreignSide, isSide, sideDescription, sideEndpointName, sweep } from './side.ts';
import { route } from './traffic.ts';
import { requireVersion } from './versions.ts';
import { platformVersion, type Endpoint, type Runtime } from './wire.ts';

/** sideName names the endpoint that serves one version for checks, beside the users' endpoint it belongs to. */
export const sideName = (users: string, version: string): string => sideEndpointName(users, version === draft ? '-latest' : `-v${version}`);

const openLive = async (context: AgentRunContext, runtime: Runtime): Promise<Outcome<Opened>> => {
  const endpoint = await requireUsersEndpoint(context, runtime.id);
  if (!endpoint.ok) return endpoint;
  const settled = await endpointReady(context, runtime.id, endpoint.value);
  if (!settled.ok) return settled;
  const split = splitOf(settled.value, context.weights);
  if (!split.ok) return split;
  return done({
    version: split.value.weight === 0 ? split.value.stable : live,
    how: `the users' endpoint "${context.endpoint}", ${splitText(split.value)}`,
    ask: (question, signal) => ask(context, runtime, settled.value, question, signal),
    close: () => Promise.resolve(done(undefined)),
  });
};

const goneMs = 5 * 60_000;
const pauseMs = 3000;

/** findSide finds a side endpoint that stays; one that is being deleted is waited for until it is gone. */
const findSide = async (context: AgentRunContext, runtimeId: string, name: string): Promise<Outcome<Endpoint | undefined>> => {
  const { api, clock, signal } = context;
  for (let waited = 0; ; waited += pauseMs) {
    const found = await api.findEndpoint(runtimeId, name);
    if (!found.ok || found.value?.status !== 'DELETING') return found;
    const tried = `wait until the old endpoint "${name}" is gone`;
    if (signal.aborted) return failed({ category: 'cancelled', reason: `endpoint "${name}" of an earlier check is still being deleted`, tried });
    if (waited >= goneMs) return failed({ category: 'timeout', reason: `endpoint "${name}" of an earlier check is still being deleted after ${durationText(goneMs)}`, tried, hint: 'Delete it in the AgentRun console.' });
    await clock.sleep(pauseMs, signal);
  }
};

/** sideEndpoint makes the side endpoint, or takes one that an earlier run left, and puts it on the version. */
const sideEndpoint = async (context: AgentRunContext, runtime: Runtime, version: string): Promise<Outcome<Endpoint>> => {
  const name = sideName(context.endpoint, version);
  const left = await findSide(context, runtime.id, name);
  if (!left.ok) return left;
  if (left.value === undefined) return context.api.createEndpoint(runtime.id, name, platformVersion(version), sideDescription(context.clock.now()));
  if (!isSide(left.value)) return foreignSide(left.value);
  const routed = await route(context, runtime.id, left.value, { stable: version, weight: 0 });
  return routed.ok ? done(left.value) : routed;
};

const pinnedEndpoint = async (context: AgentRunContext, runtime: Runtime, version: string): Promise<Outcome<Endpoint>> => {
  const made = await sideEndpoint(context, runtime, version);
  if (!made.ok) return made;
  const settled = await endpointReady(context, runtime.id, made.value);
  if (!settled.ok) return settled;
  const split = splitOf(settled.value, context.weights);
  if (!split.ok) return split;
  if (sameSplit(split.value, { stable: version, weight: 0 })) return settled;
  return failed({
    category: 'platform',
    reason: `endpoint "${settled.value.name}" was made for version ${version} and has ${splitText(split.value)}`,
    tried: `open version ${version}`,
    where: runtime.name,
  });
};

/** passing are answers of an endpoint that is still starting. */
const passing: readonly number[] = [429, 502, 503, 504];
const warmTries = 4;
const warmPauseMs = 2000;

/** warm wakes an instance by the health path, which costs no tokens and is counted nowhere: cold starts belong to no version's numbers. What goes wrong shows when the agent is asked. */
const warm = async (context: AgentRunContext, runtime: Runtime, endpoint: Endpoint): Promise<void> => {
  const { http, clock, signal } = context;
  for (let attempt = 1; attempt <= warmTries && !signal.aborted; attempt += 1) {
    const call = await calling(context, endpoint, { method: 'GET', route: healthPath(runtime) });
    if (!call.ok) return;
    const sent = await http.send({ method: 'GET', ...call.value, tried: `wake endpoint "${endpoint.name}"`, repeatable: false, signal });
    if (sent.ok && !passing.includes(sent.value.status)) return;
    if (attempt < warmTries) await clock.sleep(warmPauseMs, signal);
  }
};

const openPinned = async (context: AgentRunContext, runtime: Runtime, version: string): Promise<Outcome<Opened>> => {
  if (version !== draft) {
    const known = await requireVersion(context, runtime.id, version);
    if (!known.ok) return known;
  }
  if (!context.readOnly) await sweep(context, runtime.id, context.endpoint);
  const endpoint = await pinnedEndpoint(context, runtime, version);
  if (!endpoint.ok) {
    const { api } = uninterrupted(context);
    const left = context.readOnly ? done(undefined) : await api.findEndpoint(runtime.id, sideName(context.endpoint, version));
    if (left.ok && left.value !== undefined && isSide(left.value)) await api.deleteEndpoint(runtime.id, left.value.id);
    return endpoint;
  }
  await warm(context, runtime, endpoint.value);
  return done({
    version,
    how: `endpoint "${endpoint.value.name}", everybody on ${version === draft ? 'LATEST' : `version ${version}`}`,
    ask: (question, signal) => ask(context, runtime, endpoint.value, question, signal),
    close: () => uninterrupted(context).api.deleteEndpoint(runtime.id, endpoint.value.id),
  });
};

/**
 * open gives an address that serves one version: a side endpoint of its own, deleted on close, or the users' endpoint
 * for `live`. AgentRun names no version in its answers, so the pin on the endpoint is what tells the version.
 */
export const open = async (context: AgentRunContext, version: string): Promise<Outcome<Opened>> => {
  const runtime = await requireRuntime(context);
  if (!runtime.ok) return runtime;
  return version === live ? openLive(context, runtime.value) : openPinned(context, runtime.value, version);
};
