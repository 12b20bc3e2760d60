import { done, failed, oneLine, type Entries, type EntriesRequest, type LogEntry, type Outcome } from '@sluice/core';
import { requireRuntime, type AgentRunContext } from '../server/context.ts';
import { evidencePlace } from './evidence.ts';
import { searchLogs, type LogQuery, type LogRow } from './log-service.ts';
import { hiderOf } from './masked.ts';
import type { LogPlace } from './place.ts';

const pageSize = 100;
/** longest is how many characters of a line are kept. */
const longest = 2000;

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '')}"`;

/** queryOf finds log lines, or the request metrics of requests that failed. */
const queryOf = ({ functionName }: LogPlace, { failed: failing, version }: EntriesRequest): string =>
  [
    failing ? `__topic__: "FCRequestMetrics:/${functionName}" and (hasFunctionError: true or statusCode >= 500)` : `__topic__: "FCLogs:${functionName}"`,
    ...(version === undefined ? [] : [`versionId: ${quoted(version)}`]),
  ].join(' and ');

const failureText = ({ statusCode = '', errorType = '', durationMs = '', requestId = '' }: LogRow): string =>
  [
    statusCode === '' ? 'failed' : `HTTP ${statusCode}`,
    ...(errorType === '' ? [] : [errorType]),
    ...(Number(durationMs) > 0 ? [`after ${Math.round(Number(durationMs))} ms`] : []),
    ...(requestId === '' ? [] : [`request ${requestId}`]),
  ].join(', ');

const entryOf = (row: LogRow, failing: boolean, hidden: (text: string) => string): LogEntry => ({
  at: Number(row['__time__'] ?? 0) * 1000,
  version: row['versionId'] ?? '',
  failed: failing,
  text: oneLine(hidden(failing ? failureText(row) : (row['message'] ?? '')), longest),
});

/** pages reads the newest records, one more than wanted, so that it is known whether there are others. */
const pages = async (context: AgentRunContext, place: LogPlace, query: Omit<LogQuery, 'line' | 'offset' | 'reverse'>, most: number): Promise<Outcome<readonly LogRow[]>> => {
  const rows: LogRow[] = [];
  while (rows.length <= most) {
    const line = Math.min(pageSize, most + 1 - rows.length);
    const found = await searchLogs(context, place, { ...query, line, offset: rows.length, reverse: true });
    if (!found.ok) return found;
    rows.push(...found.value);
    if (found.value.length < line) break;
  }
  return done(rows);
};

/** readEntries reads the newest lines of an agent, or its failed requests, from Log Service. Values of its environment variables are taken out. */
export const readEntries = async (context: AgentRunContext, request: EntriesRequest): Promise<Outcome<Entries>> => {
  const tried = request.failed ? 'read the failed requests' : 'read the last lines';
  const runtime = await requireRuntime(context);
  if (!runtime.ok) return runtime;
  const place = evidencePlace(context, runtime.value);
  if (!place.ok) return place;
  const [from, to] = [Math.floor(request.from / 1000), Math.ceil(request.to / 1000)];
  if (to <= from) return failed({ category: 'input', reason: 'the window is shorter than a second', tried });
  const rows = await pages(context, place.value, { query: queryOf(place.value, request), from, to, tried }, request.most);
  if (!rows.ok) return rows;
  const hidden = hiderOf(runtime.value.shown);
  return done({
    source: `log store ${place.value.project}/${place.value.logstore}`,
    entries: rows.value.slice(0, request.most).map((row) => entryOf(row, request.failed, hidden)).reverse(),
    more: rows.value.length > request.most,
  });
};

/** lastLines are the newest lines of the last quarter of an hour, for the problem of a runtime that did not start; none where they cannot be read. */
export const lastLines = async (context: AgentRunContext, most: number): Promise<readonly string[]> => {
  const to = context.clock.now();
  const found = await readEntries(context, { from: to - 15 * 60_000, to, failed: false, most });
  return found.ok ? found.value.entries.map(({ text }) => text) : [];
};
