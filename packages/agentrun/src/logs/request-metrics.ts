import type { Arm } from '@sluice/core';
import type { LogPlace } from './place.ts';
import type { LogRow } from './log-service.ts';

/** sidePrefix begins the name of every endpoint that Sluice makes for its own questions. */
const sidePrefix = 'sluice-';

/** mostRows bounds one answer. Rows are groups: a version has a few statuses, and some hundred steps of latency. */
export const mostRows = 20_000;

/** stepsPerE is how many steps latencies have within a factor of e: each step is one per cent. */
const stepsPerE = 100;

/**
 * requestQuery counts the requests of a function by version, door, status and latency. Latencies are rounded to steps
 * of one per cent, so that any number of requests fits into one answer and none is left out. Topic and fields are those
 * of Function Compute's request metrics (help.aliyun.com, "request-level metric logs").
 */
export const requestQuery = ({ functionName }: LogPlace): string =>
  [
    `__topic__: "FCRequestMetrics:/${functionName}" |`,
    'SELECT versionId, qualifier, statusCode, hasFunctionError,',
    `floor(ln(greatest(try_cast(durationMs AS double), 1)) * ${stepsPerE}) AS step, count(1) AS requests`,
    `GROUP BY versionId, qualifier, statusCode, hasFunctionError, step LIMIT ${mostRows}`,
  ].join(' ');

/** Counted is what the rows of a window say about users' requests. */
export interface Counted {
  readonly arms: readonly Arm[];
  /** requests is how many users' requests there are in all, of any version. */
  readonly requests: number;
  /** seen are the versions that the rows name. */
  readonly seen: readonly string[];
  /** told is true when the rows tell the users' endpoint from those that Sluice made for its own questions. */
  readonly told: boolean;
}

interface Group {
  readonly version: string;
  readonly side: boolean;
  /** told is true when the row names a door, and not just its version again. */
  readonly told: boolean;
  readonly failed: boolean;
  readonly requests: number;
  readonly latencyMs?: number;
}

const wholeNumber = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined);
const isNamed = (text: string): boolean => text !== '' && text !== 'null' && text !== 'LATEST';

/** groupOf reads one row; a text says why it cannot be used. */
const groupOf = (row: LogRow): Group | string => {
  const { versionId = '', qualifier = '', statusCode = '', hasFunctionError = '', step = '', requests = '' } = row;
  const [count, status] = [wholeNumber(requests), wholeNumber(statusCode)];
  if (count === undefined || count === 0) return 'a row of the logs has no count';
  const refused = hasFunctionError === 'true' || hasFunctionError === '1';
  if (status === undefined && !refused) return `${count} requests have no readable statusCode; is that field in the index of the log store?`;
  const exponent = step.trim() === '' ? Number.NaN : Number(step);
  const latencyMs = Math.exp((exponent + 0.5) / stepsPerE);
  return {
    version: isNamed(versionId) ? versionId : '',
    side: qualifier.startsWith(sidePrefix),
    told: isNamed(qualifier) && qualifier !== versionId,
    failed: refused || (status ?? 0) >= 500,
    requests: count,
    ...(Number.isFinite(latencyMs) ? { latencyMs } : {}),
  };
};

const requestsOf = (groups: readonly Group[]): number => groups.reduce((sum, { requests }) => sum + requests, 0);

const armOf = (version: string, groups: readonly Group[]): Arm => {
  const own = groups.filter((group) => group.version === version);
  return {
    version,
    answers: requestsOf(own),
    errors: requestsOf(own.filter(({ failed }) => failed)),
    // A failed request may end at once, which would make its version look fast.
    latenciesMs: own.flatMap(({ failed, latencyMs, requests }) => (failed || latencyMs === undefined ? [] : Array<number>(requests).fill(latencyMs))),
    tokens: [],
  };
};

/** mostNameless is the share of requests without a version that does not matter: those that were refused before one was chosen. */
const mostNameless = 0.01;

/** countRequests makes arms of the rows of requestQuery; a text says why they are no evidence. */
export const countRequests = (rows: readonly LogRow[], versions: readonly string[]): Counted | string => {
  if (rows.length >= mostRows) return `there are more than ${mostRows} groups of requests, so the counts would be incomplete`;
  const groups: Group[] = [];
  for (const row of rows) {
    const group = groupOf(row);
    if (typeof group === 'string') return group;
    groups.push(group);
  }
  const users = groups.filter(({ side }) => !side);
  const requests = requestsOf(users);
  const nameless = requestsOf(users.filter(({ version }) => version === ''));
  if (nameless > requests * mostNameless) return `${nameless} of ${requests} requests do not say which version answered (field versionId)`;
  const seen = [...new Set(users.map(({ version }) => version).filter((version) => version !== ''))].sort();
  if (requests > 0 && !seen.some((version) => versions.includes(version))) {
    return `the requests name the versions ${seen.slice(0, 5).join(', ')} in versionId, and none of ${versions.join(' and ')}`;
  }
  return { arms: versions.map((version) => armOf(version, users)), requests, seen, told: users.some(({ told }) => told) };
};
