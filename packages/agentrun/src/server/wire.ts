import * as z from 'zod/mini';
import { draft, failed, done, type Outcome } from '@sluice/core';
import { toJson, isJsonRecord, type JsonRecord } from '../source/json.ts';

/** latest is AgentRun's name for what is deployed and not published; Sluice calls it `draft`. */
export const latest = 'LATEST';

/** versionId is Sluice's id of a version that AgentRun names. */
export const versionId = (version: string): string => (version === latest ? draft : version);

/** platformVersion is AgentRun's name of a version id. */
export const platformVersion = (id: string): string => (id === draft ? latest : id);

// The platform leaves out what is not set, or sends null.
const text = z.pipe(z.nullish(z.string()), z.transform((value) => value ?? ''));

const runtime = z.looseObject({
  agentRuntimeId: z.string().check(z.minLength(1)),
  agentRuntimeArn: text,
  agentRuntimeName: text,
  workspaceId: text,
  status: text,
  statusReason: text,
  sessionIdleTimeoutSeconds: z.nullish(z.number()),
  disableSessionAffinity: z.nullish(z.boolean()),
  sessionAffinityType: text,
  headerFieldName: text,
});

/** Runtime is an agent as AgentRun shows it, or the frozen state of one of its versions. */
export interface Runtime {
  readonly id: string;
  readonly arn: string;
  readonly name: string;
  readonly workspaceId: string;
  readonly status: string;
  readonly statusReason: string;
  /** sticky is false when sessions do not stick to an instance. */
  readonly sticky: boolean;
  readonly sessionIdleSeconds?: number;
  /** sessionHeader is the header that carries the session's id. */
  readonly sessionHeader: string;
  /** shown is the whole answer. It holds environment variables in clear and must never be printed. */
  readonly shown: JsonRecord;
}

const version = z.looseObject({ agentRuntimeVersion: z.string().check(z.minLength(1)), description: text, lastUpdatedAt: text });

/** PublishedVersion is one entry of a runtime's versions. */
export interface PublishedVersion {
  readonly version: string;
  readonly description: string;
  readonly lastUpdatedAt: string;
}

const endpoint = z.looseObject({
  agentRuntimeEndpointId: z.string().check(z.minLength(1)),
  agentRuntimeEndpointName: text,
  description: text,
  targetVersion: text,
  routingConfiguration: z.nullish(z
    .looseObject({ versionWeights: z.nullish(z.array(z.looseObject({ version: z.string(), weight: z.number() }))) })),
  endpointPublicUrl: text,
  status: text,
  statusReason: text,
});

/** VersionWeight gives a version a share, on the platform's scale. */
export interface VersionWeight {
  readonly version: string;
  readonly weight: number;
}

/** Routing is how an endpoint is configured: `weights` are extra versions, `targetVersion` gets the rest. */
export interface Routing {
  readonly targetVersion: string;
  readonly weights: readonly VersionWeight[];
}

/** Endpoint is an address of a runtime with a routing of its own. */
export interface Endpoint extends Routing {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly status: string;
  readonly statusReason: string;
}

const misshapen = (tried: string, error: z.core.$ZodError): Outcome<never> =>
  failed({
    category: 'platform',
    reason: `AgentRun answered in a form that Sluice does not know: ${error.issues.map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`).join('; ')}`,
    tried,
    hint: 'Check that agentrun.control is the address of AgentRun, or report this with the version of Sluice.',
  });

/** readRuntime checks the shape of a runtime. */
export const readRuntime = (value: unknown, tried: string): Outcome<Runtime> => {
  const parsed = runtime.safeParse(value);
  if (!parsed.success) return misshapen(tried, parsed.error);
  const { data } = parsed;
  const shown = toJson(value);
  return done({
    id: data.agentRuntimeId,
    arn: data.agentRuntimeArn,
    name: data.agentRuntimeName,
    workspaceId: data.workspaceId,
    status: data.status,
    statusReason: data.statusReason,
    sticky: data.disableSessionAffinity !== true && data.sessionAffinityType !== 'NONE',
    ...(typeof data.sessionIdleTimeoutSeconds === 'number' ? { sessionIdleSeconds: data.sessionIdleTimeoutSeconds } : {}),
    sessionHeader: /^[A-Za-z0-9-]{1,64}$/.test(data.headerFieldName) ? data.headerFieldName.toLowerCase() : 'x-agentrun-session-id',
    shown: isJsonRecord(shown) ? shown : {},
  });
};

/** readVersion checks the shape of a version. */
export const readVersion = (value: unknown, tried: string): Outcome<PublishedVersion> => {
  const parsed = version.safeParse(value);
  if (!parsed.success) return misshapen(tried, parsed.error);
  const { agentRuntimeVersion, description, lastUpdatedAt } = parsed.data;
  return done({ version: agentRuntimeVersion, description, lastUpdatedAt });
};

/** readEndpoint checks the shape of an endpoint. */
export const readEndpoint = (value: unknown, tried: string): Outcome<Endpoint> => {
  const parsed = endpoint.safeParse(value);
  if (!parsed.success) return misshapen(tried, parsed.error);
  const { data } = parsed;
  return done({
    id: data.agentRuntimeEndpointId,
    name: data.agentRuntimeEndpointName,
    description: data.description,
    url: data.endpointPublicUrl,
    status: data.status,
    statusReason: data.statusReason,
    targetVersion: data.targetVersion,
    weights: (data.routingConfiguration?.versionWeights ?? []).map((entry) => ({ version: entry.version, weight: entry.weight })),
  });
};

const page = z.looseObject({ items: z.nullish(z.array(z.unknown())), total: z.nullish(z.number()) });

/** readPage gives the items of one page and how many there are in all, as far as the server says. */
export const readPage = (value: unknown, tried: string): Outcome<{ readonly items: readonly unknown[]; readonly total?: number }> => {
  const parsed = page.safeParse(value);
  if (!parsed.success) return misshapen(tried, parsed.error);
  const { items, total } = parsed.data;
  return done({ items: items ?? [], ...(typeof total === 'number' ? { total } : {}) });
};
