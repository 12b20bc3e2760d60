import { done, failed, oneLine, type Entries, type EntriesRequest, type LogEntry, type Outcome } from '@sluice/core';
import { requireRuntime, type AgentRunContext } from '../server/context.ts';
import { evidencePlace } from './evidence.ts';
import { searchLogs, type LogQuery, type LogRow } from './log-service.ts';
import { latest, type Runtime } from '../server/wire.ts';
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

const versionOf = (row: LogRow): string => row['versionId'] ?? '';

/** Hidden takes values out of a line of a version; undefined when that version's values are not known. */
type Hidden = (version: string, text: string) => string | undefined;

/**
 * hiddenFor reads what the versions of some lines have for environment variables: an older one still serves, or did in
 * the window, with values that the runtime itself holds no more.
 */
const hiddenFor = async ({ api }: AgentRunContext, runtime: Runtime, rows: readonly LogRow[]): Promise<Hidden> => {
  const shown = [runtime.shown];
  const known = new Set(['', latest]);
  for (const version of new Set(rows.map(versionOf))) {
    const frozen = known.has(version) ? undefined : await api.getRuntime(runtime.id, version);
    if (frozen?.ok !== true) continue;
    known.add(version);
    shown.push(frozen.value.shown);
  }
  const hide = hiderOf(...shown);
  return (version, text) => (known.has(version) ? hide(text) : undefined);
};

const notShown = '(not shown: the values of this version, which would have to be hidden, could not be read)';

const entryOf = (row: LogRow, failing: boolean, hidden: Hidden): LogEntry => ({
  at: Number(row['__time__'] ?? 0) * 1000,
  version: versionOf(row),
  failed: failing,
  text: oneLine(hidden(versionOf(row), failing ? failureText(row) : (row['message'] ?? '')) ?? notShown, longest),
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
  const shown = rows.value.slice(0, request.most);
  const hidden = await hiddenFor(context, runtime.value, shown);
  return done({
    source: `log store ${place.value.project}/${place.value.logstore}`,
    entries: shown.map((row) => entryOf(row, request.failed, hidden)).reverse(),
    more: rows.value.length > request.most,
  });
};

/** lastLines are the newest lines of the last quarter of an hour, for the problem of a runtime that did not start; none where they cannot be read. */
export const lastLines = async (context: AgentRunContext, most: number): Promise<readonly string[]> => {
  const to = context.clock.now();
  const found = await readEntries(context, { from: to - 15 * 60_000, to, failed: false, most });
  return found.ok ? found.value.entries.map(({ text }) => text) : [];
};
