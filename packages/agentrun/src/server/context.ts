import { done, failed, type Clock, type HttpClient, type Outcome } from '@sluice/core';
import type { AgentRunSource } from '../source/source.ts';
import type { Carrier } from '../cli/carrier.ts';
import type { Signing } from '../credentials/session.ts';
import { AgentRunApi } from './api.ts';
import { AgentRunClient } from './client.ts';
import { waitReady } from './wait.ts';
import type { Endpoint, Runtime } from './wire.ts';

/** ContextOptions are what a connection to one runtime and one endpoint is made of. */
export interface ContextOptions {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly credentials: Signing;
  readonly apiKey?: string;
  /** control is the origin of the control plane; data that of the data plane, when sluice.yml names one. */
  readonly control: string;
  readonly data?: string;
  /** logs and metrics are the addresses of Log Service and CloudMonitor, when sluice.yml names them. */
  readonly logs?: string;
  readonly metrics?: string;
  readonly source: AgentRunSource;
  readonly workspaceId?: string;
  /** endpoint is the name of the endpoint that users call. */
  readonly endpoint: string;
  readonly readOnly: boolean;
  /** carrier opens what builds and deploys instead of the API, with `deploy: s`. */
  readonly carrier?: () => Promise<Outcome<Carrier>>;
  log(line: string): void;
}

/** AgentRunContext is what the parts of a target share. */
export interface AgentRunContext extends ContextOptions {
  readonly api: AgentRunApi;
}

const runtimeReadyMs = 15 * 60_000;
const endpointReadyMs = 5 * 60_000;

/** contextOf makes a context. */
export const contextOf = (options: ContextOptions): AgentRunContext => ({ ...options, api: new AgentRunApi(new AgentRunClient(options)) });

/**
 * uninterrupted is the same context without the signal: what sets users' routing or tidies up is carried through, also
 * when the run is being cancelled. Each of its calls and waits still has a deadline.
 */
export const uninterrupted = (context: AgentRunContext): AgentRunContext => contextOf({ ...context, signal: new AbortController().signal });

/** findRuntime finds the source's runtime by its exact name. */
export const findRuntime = ({ api, source, workspaceId }: AgentRunContext): Promise<Outcome<Runtime | undefined>> => api.findRuntime(source.title, workspaceId);

/** requireRuntime gives the runtime as a single read shows it; one that does not exist is `input`. */
export const requireRuntime = async (context: AgentRunContext): Promise<Outcome<Runtime>> => {
  const found = await findRuntime(context);
  if (!found.ok) return found;
  if (found.value !== undefined) return context.api.getRuntime(found.value.id);
  return failed({
    category: 'input',
    reason: `there is no runtime named "${context.source.title}"`,
    tried: `find the runtime "${context.source.title}"`,
    where: context.control,
    hint: 'Check the name and the region in s.yaml, or let deploy make it with --create.',
  });
};

/** findUsersEndpoint finds the endpoint that users call. */
export const findUsersEndpoint = ({ api, endpoint }: AgentRunContext, runtimeId: string): Promise<Outcome<Endpoint | undefined>> => api.findEndpoint(runtimeId, endpoint);

/** requireUsersEndpoint gives the endpoint that users call; one that does not exist is `input`. */
export const requireUsersEndpoint = async (context: AgentRunContext, runtimeId: string): Promise<Outcome<Endpoint>> => {
  const found = await findUsersEndpoint(context, runtimeId);
  if (!found.ok) return found;
  if (found.value !== undefined) return done(found.value);
  return failed({
    category: 'input',
    reason: `runtime "${context.source.title}" has no endpoint named "${context.endpoint}"`,
    where: runtimeId,
    hint: 'The first release makes it. When users call another endpoint, name that in sluice.yml: agentrun.endpoint.',
  });
};

/** runtimeReady waits until the runtime is ready. */
export const runtimeReady = ({ api, clock, signal, log }: AgentRunContext, id: string): Promise<Outcome<Runtime>> =>
  waitReady({ what: `runtime ${id}`, deadlineMs: runtimeReadyMs, clock, signal, log, read: () => api.getRuntime(id) });

/** endpointReady waits until an endpoint is ready. */
export const endpointReady = ({ api, clock, signal, log }: AgentRunContext, runtimeId: string, endpoint: Endpoint): Promise<Outcome<Endpoint>> =>
  waitReady({ what: `endpoint "${endpoint.name}"`, deadlineMs: endpointReadyMs, clock, signal, log, read: () => api.getEndpoint(runtimeId, endpoint.id) });
