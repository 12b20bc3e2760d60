import { done, failed, oneLine, type HttpResponse, type Outcome, type Rung } from '@sluice/core';
import { isJsonRecord, isRecord } from '../source/json.ts';
import { calling } from './caller.ts';
import { requireRuntime, requireUsersEndpoint, type AgentRunContext } from './context.ts';
import { ready } from './wait.ts';
import type { Endpoint, Runtime } from './wire.ts';

const well = new Set(['ok', 'up', 'healthy', 'pass', 'ready', 'success']);

/** healthPath is where the platform itself asks; `/health` when nothing is configured. */
export const healthPath = ({ shown }: Runtime): string => {
  const { healthCheckConfiguration: check } = shown;
  const path = isJsonRecord(check) ? check['httpGetUrl'] : undefined;
  return typeof path === 'string' && path.startsWith('/') ? path : '/health';
};

const statusOf = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && typeof value['status'] === 'string' ? value['status'] : undefined;
  } catch {
    // A health page need not be JSON.
    return undefined;
  }
};

const strangerHint = 'The agent does not take this caller. With `auth: ram` the credentials need the right agentrun:InvokeRuntime (docs/ram-policies.md); with `auth: key` AGENTRUN_API_KEY must be the key that the runtime wants.';

/** readHealth says whether an answer to the health path is a good one. */
export const readHealth = (response: HttpResponse, path: string): Outcome<string> => {
  const said = statusOf(response.text);
  const bad = (reason: string): Outcome<string> =>
    failed({ category: 'gate', reason, tried: `GET ${path} through the users' endpoint`, answer: { status: response.status }, ...(response.status === 401 || response.status === 403 ? { hint: strangerHint } : {}) });
  if (response.status !== 200) return bad(`${path} answers HTTP ${response.status}`);
  if (/text\/html/i.test(response.headers['content-type'] ?? '')) return bad(`${path} answers a web page, which says nothing about the agent`);
  if (said !== undefined && !well.has(said.toLowerCase())) return bad(`${path} says "${oneLine(said, 80)}"`);
  return done(`${path} answers 200${said === undefined ? '' : ` and says "${oneLine(said, 80)}"`}`);
};

const both = async (context: AgentRunContext): Promise<Outcome<{ runtime: Runtime; endpoint: Endpoint }>> => {
  const runtime = await requireRuntime(context);
  if (!runtime.ok) return runtime;
  const endpoint = await requireUsersEndpoint(context, runtime.value.id);
  return endpoint.ok ? done({ runtime: runtime.value, endpoint: endpoint.value }) : endpoint;
};

/** checks are the rungs that cost no tokens: the state of the runtime, that of the users' endpoint, and its health path. */
export const checks = (context: AgentRunContext): readonly Rung[] => [
  {
    name: 'runtime is ready',
    run: async () => {
      const runtime = await requireRuntime(context);
      return runtime.ok ? ready(`runtime "${runtime.value.name}"`, runtime.value) : runtime;
    },
  },
  {
    name: 'endpoint is ready',
    run: async () => {
      const found = await both(context);
      return found.ok ? ready(`endpoint "${found.value.endpoint.name}"`, found.value.endpoint) : found;
    },
  },
  {
    name: 'health path answers',
    run: async (signal) => {
      const found = await both(context);
      if (!found.ok) return found;
      const { runtime, endpoint } = found.value;
      const path = healthPath(runtime);
      const call = await calling(context, endpoint, { method: 'GET', route: path });
      if (!call.ok) return call;
      const sent = await context.http.send({
        method: 'GET',
        ...call.value,
        tried: `GET ${path} through endpoint "${endpoint.name}"`,
        signal,
      });
      return sent.ok ? readHealth(sent.value, path) : sent;
    },
  },
];
