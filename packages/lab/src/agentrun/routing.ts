/** latest is the name of a runtime's unpublished version. */
export const latest = 'LATEST';

/** VersionWeight gives a version a share, 0 to 1. */
export interface VersionWeight {
  readonly version: string;
  readonly weight: number;
}

/** Routing says who gets what: the extra versions get their weights, `targetVersion` the rest (as aliases of Function Compute). */
export interface Routing {
  readonly targetVersion: string;
  readonly versionWeights: readonly VersionWeight[];
}

/** MergeRule says what a PUT does to the stored weights when it sends none, or an empty list. The real rule is not documented. */
export interface MergeRule {
  readonly absent: 'keep' | 'clear';
  readonly empty: 'keep' | 'clear';
}

/** RoutingRequest is what a client sent; absent parts are undefined. */
export interface RoutingRequest {
  readonly targetVersion: string | undefined;
  readonly versionWeights: readonly VersionWeight[] | undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readWeight = (entry: unknown): VersionWeight | string => {
  if (!isRecord(entry) || typeof entry['version'] !== 'string') return 'versionWeights[].version must be a string';
  const weight = entry['weight'];
  if (typeof weight !== 'number' || !(weight >= 0 && weight <= 1)) return 'versionWeights[].weight must be a number from 0.0 to 1.0';
  return { version: entry['version'], weight };
};

/** readRouting reads the routing of a request's body, or gives the sentence that refuses it. */
export const readRouting = (body: Readonly<Record<string, unknown>>): RoutingRequest | string => {
  const target = body['targetVersion'] ?? undefined;
  if (target !== undefined && typeof target !== 'string') return 'targetVersion must be a string';
  const configuration = body['routingConfiguration'] ?? undefined;
  if (configuration === undefined) return { targetVersion: target, versionWeights: undefined };
  if (!isRecord(configuration)) return 'routingConfiguration must be an object';
  const list = configuration['versionWeights'] ?? undefined;
  if (list === undefined) return { targetVersion: target, versionWeights: undefined };
  if (!Array.isArray(list)) return 'routingConfiguration.versionWeights must be a list';
  if (list.length > 1) return 'routingConfiguration.versionWeights may hold at most one additional version';
  const weights: VersionWeight[] = [];
  for (const entry of list) {
    const weight = readWeight(entry);
    if (typeof weight === 'string') return weight;
    weights.push(weight);
  }
  return { targetVersion: target, versionWeights: weights };
};

/** mergeRouting is what the platform stores after a PUT. */
export const mergeRouting = (stored: Routing, request: RoutingRequest, rule: MergeRule): Routing => {
  const { versionWeights: sent } = request;
  const kept = (sent === undefined && rule.absent === 'keep') || (sent?.length === 0 && rule.empty === 'keep');
  return {
    targetVersion: request.targetVersion ?? stored.targetVersion,
    versionWeights: kept ? stored.versionWeights : (sent ?? []),
  };
};

/** chooseVersion gives the version for a point from 0 (included) to 1 (excluded). */
export const chooseVersion = (routing: Routing, point: number): string =>
  routing.versionWeights.find((extra) => point < extra.weight)?.version ?? routing.targetVersion;

/** evenPoint is the n-th of a sequence of points that fills 0 to 1 evenly without a short period (golden ratio). */
export const evenPoint = (n: number): number => (0.5 + n * 0.618033988749895) % 1;
