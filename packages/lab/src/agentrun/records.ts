import { randomUUID } from 'node:crypto';
import type { LogRecord } from './sls-search.ts';

/** Invoked is one chat request as the platform saw it end. */
export interface Invoked {
  readonly runtimeId: string;
  readonly endpoint: string;
  readonly version: string;
  readonly status: number;
  /** broke is true when the function itself failed, as when it drops a connection. */
  readonly broke: boolean;
  readonly durationMs: number;
  /** at is when it ended, milliseconds since 1970. */
  readonly at: number;
}

/** LogRules say what the platform writes down of invocations, where documents leave it open or a user can turn it off. */
export interface LogRules {
  /** requestMetrics is whether the function writes a record for each request. */
  readonly requestMetrics: boolean;
  /** versionIds is whether the records name the version. */
  readonly versionIds: boolean;
  /** qualifier is what stands in that field: the name of the endpoint, or the version again. */
  readonly qualifier: 'endpoint' | 'version';
  /** lagMs is how long a record takes to be found. */
  readonly lagMs: number;
  /** indexed are the fields with statistics; none when the log store has no index. */
  readonly indexed: readonly string[];
  /** incomplete is how many answers come before all records were gone through. */
  readonly incomplete: number;
  /** measured is whether CloudMonitor has the function's metrics. */
  readonly measured: boolean;
}

/** usualRules are those of a function whose logs are set up. */
export const usualRules: LogRules = {
  requestMetrics: true,
  versionIds: true,
  qualifier: 'endpoint',
  lagMs: 0,
  indexed: ['__topic__', 'functionName', 'message', 'versionId', 'qualifier', 'statusCode', 'hasFunctionError', 'durationMs', 'requestId', 'errorType'],
  incomplete: 0,
  measured: true,
};

const mostKept = 100_000;

const functionName = ({ runtimeId }: Pick<Invoked, 'runtimeId'>): string => `agentrun-${runtimeId}`;

/** Records are what the account's functions have written down. */
export class Records {
  rules: LogRules = usualRules;
  readonly #invoked: (Invoked & { readonly requestId: string })[] = [];
  readonly #lines: { readonly runtimeId: string; readonly version: string; readonly message: string; readonly at: number }[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(invoked: Omit<Invoked, 'at'>): void {
    this.#invoked.push({ ...invoked, at: this.#now(), requestId: `1-${randomUUID()}` });
    if (this.#invoked.length > mostKept) this.#invoked.shift();
  }

  /** line is one that an agent itself has written. */
  line(runtimeId: string, version: string, message: string): void {
    this.#lines.push({ runtimeId, version, message, at: this.#now() });
  }

  /** invoked are the invocations of a function that ended from `from` (included) to `to` (excluded), and can be found by now. */
  invoked(name: string, from: number, to: number): readonly Invoked[] {
    return this.#invoked.filter((one) => functionName(one) === name && one.at >= from && one.at < to);
  }

  /** found are the records of a window that can be found by now, oldest first, in the form of Log Service. */
  found(from: number, to: number): readonly LogRecord[] {
    const { requestMetrics, versionIds, qualifier, lagMs } = this.rules;
    const inTime = ({ at }: { readonly at: number }): boolean => at >= from && at < to && at <= this.#now() - lagMs;
    const requests = (requestMetrics ? this.#invoked : []).filter(inTime).map((one) => ({
      __topic__: `FCRequestMetrics:/${functionName(one)}`,
      __time__: String(Math.floor(one.at / 1000)),
      functionName: functionName(one),
      requestId: one.requestId,
      ...(versionIds ? { versionId: one.version } : {}),
      qualifier: qualifier === 'endpoint' ? one.endpoint : one.version,
      statusCode: String(one.status),
      hasFunctionError: String(one.broke),
      ...(one.broke ? { errorType: 'UnhandledInvocationError' } : {}),
      durationMs: one.durationMs.toFixed(3),
    }));
    const lines = this.#lines.filter(inTime).map((one) => ({
      __topic__: `FCLogs:${functionName(one)}`,
      __time__: String(Math.floor(one.at / 1000)),
      functionName: functionName(one),
      versionId: one.version,
      message: one.message,
    }));
    return [...requests, ...lines].sort((one, other) => Number(one.__time__) - Number(other.__time__));
  }
}
