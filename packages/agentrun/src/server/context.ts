import { done, failed, oneLine, type Clock, type HttpClient, type Outcome, type Problem } from '@sluice/core';
import type { AgentRunSource } from '../source/source.ts';
import type { Carrier } from '../cli/carrier.ts';
import type { Variables } from '../logs/masked.ts';
import type { Signing } from '../credentials/session.ts';
import { AgentRunApi } from './api.ts';
import { AgentRunClient, isMissing } from './client.ts';
import type { Scale } from './routing.ts';
import { waitReady } from './wait.ts';
import type { Endpoint, Runtime } from './wire.ts';

/** ContextOptions are what a connection to one runtime and one endpoint is made of. */
export interface ContextOptions {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly credentials: Signing;
  /** auth is how calls to the agent are proved: by nothing, by `apiKey`, or by a signature of the credentials. */
  readonly auth: 'none' | 'key' | 'ram';
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
  /** endsAt is when the step is over, on the clock's steady reading; never when absent. */
  readonly endsAt?: number;
  /** weights is the scale on which the platform keeps weights: 0 to 1, or 0 to 100. */
  readonly weights: Scale;
  /** cleared is how weights are taken away; as an empty list and, where they stay, each as zero when absent. */
  readonly cleared?: 'empty' | 'zero';
  /** evict ends the sessions that stay on a version that lost its users. */
  readonly evict: boolean;
  /** variables hides the values of the runtime's environment variables; nothing is hidden when absent. */
  readonly variables?: Variables;
  /** carrier opens what builds and deploys instead of the API, with `deploy: s`. */
  readonly carrier?: () => Promise<Outcome<Carrier>>;
  log(line: string): void;
}

/** Remembered are the ids that a connection has found by their names, so that it looks for each name once. What is read by an id is read anew each time. */
export interface Remembered {
  runtimeId?: string;
  endpointId?: string;
}

/** AgentRunContext is what the parts of a target share. */
export interface AgentRunContext extends ContextOptions {
  readonly api: AgentRunApi;
  readonly remembered: Remembered;
}

const runtimeReadyMs = 15 * 60_000;
const endpointReadyMs = 5 * 60_000;

/** contextOf makes a context, which shares what another remembers when it is made from that. */
export const contextOf = (options: ContextOptions & Partial<Pick<AgentRunContext, 'remembered'>>): AgentRunContext => ({ remembered: {}, ...options, api: new AgentRunApi(new AgentRunClient(options), options.variables) });

/**
 * uninterrupted is the same context without the signal and the step's end: what sets users' routing or tidies up is carried through, also
 * when the run is being cancelled. Each of its calls and waits still has a deadline.
 */
export const uninterrupted = ({ endsAt: _endsAt, ...context }: AgentRunContext): AgentRunContext => contextOf({ ...context, signal: new AbortController().signal });

/** byId reads what is remembered by its id; undefined when nothing is, or when what has the id now is gone or has another name. */
const byId = async <T extends { readonly name: string }>(id: string | undefined, name: string, read: (id: string) => Promise<Outcome<T>>): Promise<Outcome<T | undefined>> => {
  const found = id === undefined ? done(undefined) : await read(id);
  if (!found.ok) return isMissing(found.problem) ? done(undefined) : found;
  return done(found.value?.name === name ? found.value : undefined);
};

const lookForRuntime = async ({ api, source, workspaceId, remembered }: AgentRunContext): Promise<Outcome<Runtime | undefined>> => {
  const found = await api.findRuntime(source.title, workspaceId);
  if (found.ok && found.value !== undefined) remembered.runtimeId = found.value.id;
  return found;
};

/** findRuntime finds the source's runtime by its exact name. */
export const findRuntime = async (context: AgentRunContext): Promise<Outcome<Runtime | undefined>> => {
  const { api, source, remembered } = context;
  const known = await byId(remembered.runtimeId, source.title, (id) => api.getRuntime(id));
  return !known.ok || known.value !== undefined ? known : lookForRuntime(context);
};

const noRuntime = ({ source, control }: AgentRunContext): Outcome<never> =>
  failed({
    category: 'input',
    reason: `there is no runtime named "${source.title}"`,
    tried: `find the runtime "${source.title}"`,
    where: control,
    hint: 'Check the name and the region in s.yaml, or let deploy make it with --create.',
  });

/** requireRuntimeId gives the runtime's id without reading the runtime; one that does not exist is `input`. */
export const requireRuntimeId = async (context: AgentRunContext): Promise<Outcome<string>> => {
  if (context.remembered.runtimeId !== undefined) return done(context.remembered.runtimeId);
  const found = await lookForRuntime(context);
  if (!found.ok) return found;
  return found.value === undefined ? noRuntime(context) : done(found.value.id);
};

/** requireRuntime gives the runtime as a single read shows it; one that does not exist is `input`. */
export const requireRuntime = async (context: AgentRunContext): Promise<Outcome<Runtime>> => {
  const { api, source, remembered } = context;
  const known = await byId(remembered.runtimeId, source.title, (id) => api.getRuntime(id));
  if (!known.ok) return known;
  if (known.value !== undefined) return done(known.value);
  const found = await lookForRuntime(context);
  if (!found.ok) return found;
  return found.value === undefined ? noRuntime(context) : api.getRuntime(found.value.id);
};

/** findUsersEndpoint finds the endpoint that users call, as a single read shows it. */
export const findUsersEndpoint = async ({ api, endpoint, remembered }: AgentRunContext, runtimeId: string): Promise<Outcome<Endpoint | undefined>> => {
  const known = await byId(remembered.endpointId, endpoint, (id) => api.getEndpoint(runtimeId, id));
  if (!known.ok || known.value !== undefined) return known;
  const found = await api.findEndpoint(runtimeId, endpoint);
  if (found.ok && found.value !== undefined) remembered.endpointId = found.value.id;
  return found;
};

/** listedUsersEndpoint finds the endpoint that users call, as the list shows it. */
export const listedUsersEndpoint = async ({ api, endpoint, remembered }: AgentRunContext, runtimeId: string): Promise<Outcome<Endpoint | undefined>> => {
  const found = await api.listedEndpoint(runtimeId, endpoint);
  if (found.ok && found.value !== undefined) remembered.endpointId = found.value.id;
  return found;
};

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

const lastLineCount = 5;

/** withLastLines adds to the problem of a runtime that failed what its agent logged last, where that can be read. */
const withLastLines = async (context: AgentRunContext, problem: Problem): Promise<Outcome<never>> => {
  const { lastLines } = await import('../logs/entries.ts');
  const lines = await lastLines(context, lastLineCount);
  return failed(lines.length === 0 ? problem : { ...problem, others: [{ category: problem.category, reason: `its log ends with: ${lines.map((line) => oneLine(line, 300)).join(' | ')}` }] });
};

/** runtimeReady waits until the runtime is ready. */
export const runtimeReady = async (context: AgentRunContext, id: string): Promise<Outcome<Runtime>> => {
  const { api } = context;
  const ready = await waitReady({ ...context, what: `runtime ${id}`, deadlineMs: runtimeReadyMs, read: () => api.getRuntime(id) });
  return ready.ok || ready.problem.category !== 'platform' || ready.problem.answer !== undefined ? ready : withLastLines(context, ready.problem);
};

/** endpointReady waits until an endpoint is ready. */
export const endpointReady = (context: AgentRunContext, runtimeId: string, endpoint: Endpoint): Promise<Outcome<Endpoint>> =>
  waitReady({ ...context, what: `endpoint "${endpoint.name}"`, deadlineMs: endpointReadyMs, read: () => context.api.getEndpoint(runtimeId, endpoint.id) });
