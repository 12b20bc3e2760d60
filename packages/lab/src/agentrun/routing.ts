/** latest is the name of a runtime's unpublished version. */
export const latest = 'LATEST';

/** VersionWeight gives a version a share, on the dialect's scale. */
export interface VersionWeight {
  readonly version: string;
  readonly weight: number;
}

/**
 * Dialect is what weights mean, where the documents disagree: `scale` is what they are a part of, 1 or 100. In form `main`
 * the one extra version gets its weight and `targetVersion` the rest (as aliases of Function Compute, and the component
 * 1.0.12); in form `list` every version is listed, the weights make the whole, and `targetVersion` is not sent with them
 * (agentrun-cli). `unchecked` takes any number.
 */
export interface Dialect {
  readonly scale: 'ratio' | 'percent';
  readonly form: 'main' | 'list';
  readonly unchecked?: boolean;
}

/** usualDialect is that of the OpenAPI documentation and of the component. */
export const usualDialect: Dialect = { scale: 'ratio', form: 'main' };

const wholeOf = ({ scale }: Dialect): number => (scale === 'ratio' ? 1 : 100);

/** Routing says who gets what. */
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

const readWeight = (entry: unknown, dialect: Dialect): VersionWeight | string => {
  if (!isRecord(entry) || typeof entry['version'] !== 'string') return 'versionWeights[].version must be a string';
  const weight = entry['weight'];
  const whole = wholeOf(dialect);
  if (typeof weight !== 'number' || !(weight >= 0 && (weight <= whole || dialect.unchecked === true))) return `versionWeights[].weight must be a number from 0.0 to ${whole.toFixed(1)}`;
  return { version: entry['version'], weight };
};

const listFault = (target: string | undefined, weights: readonly VersionWeight[], dialect: Dialect): string | undefined => {
  if (weights.length === 0) return undefined;
  if (target !== undefined) return 'targetVersion must be absent when versionWeights are given';
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  return Math.abs(sum - wholeOf(dialect)) < 1e-6 ? undefined : `versionWeights must make ${wholeOf(dialect)}, and they make ${sum}`;
};

/** readRouting reads the routing of a request's body, or gives the sentence that refuses it. */
export const readRouting = (body: Readonly<Record<string, unknown>>, dialect: Dialect = usualDialect): RoutingRequest | string => {
  const target = body['targetVersion'] ?? undefined;
  if (target !== undefined && typeof target !== 'string') return 'targetVersion must be a string';
  const configuration = body['routingConfiguration'] ?? undefined;
  if (configuration === undefined) return { targetVersion: target, versionWeights: undefined };
  if (!isRecord(configuration)) return 'routingConfiguration must be an object';
  const list = configuration['versionWeights'] ?? undefined;
  if (list === undefined) return { targetVersion: target, versionWeights: undefined };
  if (!Array.isArray(list)) return 'routingConfiguration.versionWeights must be a list';
  if (dialect.form === 'main' && list.length > 1) return 'routingConfiguration.versionWeights may hold at most one additional version';
  const weights: VersionWeight[] = [];
  for (const entry of list) {
    const weight = readWeight(entry, dialect);
    if (typeof weight === 'string') return weight;
    weights.push(weight);
  }
  return (dialect.form === 'list' ? listFault(target, weights, dialect) : undefined) ?? { targetVersion: target, versionWeights: weights };
};

/** mergeRouting is what the platform stores after a PUT. */
export const mergeRouting = (stored: Routing, request: RoutingRequest, rule: MergeRule, { form }: Dialect = usualDialect): Routing => {
  const { versionWeights: sent } = request;
  const kept = (sent === undefined && rule.absent === 'keep') || (sent?.length === 0 && rule.empty === 'keep');
  return {
    // Where all versions are listed, there is no main one beside them.
    targetVersion: form === 'list' && sent !== undefined && sent.length > 0 ? '' : (request.targetVersion ?? stored.targetVersion),
    versionWeights: kept ? stored.versionWeights : (sent ?? []),
  };
};

/** chooseVersion gives the version for a point from 0 (included) to 1 (excluded). */
export const chooseVersion = ({ targetVersion, versionWeights }: Routing, point: number, dialect: Dialect = usualDialect): string => {
  let passed = 0;
  for (const { version, weight } of versionWeights) {
    passed += weight / wholeOf(dialect);
    if (point < passed) return version;
  }
  return targetVersion === '' ? (versionWeights.at(-1)?.version ?? '') : targetVersion;
};

/** evenPoint is the n-th of a sequence of points that fills 0 to 1 evenly without a short period (golden ratio). */
export const evenPoint = (n: number): number => (0.5 + n * 0.618033988749895) % 1;
