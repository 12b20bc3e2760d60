import type { HttpRequest } from './client.ts';

/** mostTries is how often one call is sent at most. */
export const mostTries = 3;

const firstWaitMs = 500;
const longestWaitMs = 10_000;

/** isRepeatable tells whether a request may be sent again at all. */
export const isRepeatable = (request: HttpRequest): boolean => request.repeatable ?? request.method === 'GET';

/** isPassing tells whether a status may be another one soon: 408, 429 and 5xx but 501, which says "never". */
export const isPassing = (status: number): boolean => status === 408 || status === 429 || (status >= 500 && status !== 501);

/** retryAfterMs reads a `retry-after` header, in seconds or as a date; undefined when it is neither. */
export const retryAfterMs = (header: string | undefined, nowMs: number): number | undefined => {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
};

/**
 * waitBeforeRetry is how long to wait after the given try (from 1): a random share (`chance`, 0 to 1) of a limit that
 * doubles from 0.5 s to 10 s, and never less than the server asked for.
 */
export const waitBeforeRetry = (tried: number, chance: number, askedMs = 0): number =>
  Math.max(askedMs, chance * Math.min(longestWaitMs, firstWaitMs * 2 ** tried));
