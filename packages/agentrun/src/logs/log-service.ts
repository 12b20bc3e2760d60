import { randomInt } from 'node:crypto';
import * as z from 'zod/mini';
import { clause, done, failed, oneLine, readJson, type Answer, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
import type { Credentials } from '../server/sign.ts';
import { isExpired } from '../server/refusal.ts';
import type { AgentRunContext } from '../server/context.ts';
import { isRecord } from '../source/json.ts';
import type { LogPlace } from './place.ts';
import { signedLogHeaders } from './sign.ts';

/** LogRow is one record, or one row of a query's answer; all values are text. */
export type LogRow = Readonly<Record<string, string>>;

/** LogQuery asks for the records of a window. */
export interface LogQuery {
  readonly query: string;
  /** from (included) and to (excluded) are seconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** line and offset choose a page of records, 100 at most; a query with SQL says it itself. */
  readonly line?: number;
  readonly offset?: number;
  /** reverse gives the newest first. */
  readonly reverse?: boolean;
  readonly tried: string;
}

const tries = 8;
const deadlineMs = 30_000;

// Values of SQL may be null, and some servers write numbers as numbers.
const value = z.pipe(z.nullish(z.union([z.string(), z.number(), z.boolean()])), z.transform((given) => (given === null || given === undefined ? '' : String(given))));
const logsShape = z.looseObject({ meta: z.looseObject({ progress: z.string() }), data: z.nullish(z.array(z.record(z.string(), value))) });

const answerOf = (response: HttpResponse): Answer => {
  const json = readJson(response, 'read the logs');
  const body = json.ok && isRecord(json.value) ? json.value : {};
  const text = (key: string): string => (typeof body[key] === 'string' ? oneLine(body[key], 300) : '');
  const requestId = oneLine(response.headers['x-log-requestid'] ?? '', 80);
  return {
    status: response.status,
    ...(text('errorCode') === '' ? {} : { code: text('errorCode') }),
    ...(text('errorMessage') === '' ? {} : { message: text('errorMessage') }),
    ...(requestId === '' ? {} : { requestId }),
  };
};

const indexed = 'Give the log store an index with statistics on versionId, qualifier, statusCode, hasFunctionError and durationMs, in the console of Log Service.';

interface Meaning {
  readonly category: Problem['category'];
  readonly reason: string;
  readonly hint: string;
}

const meaningOf = ({ status = 0, code = '', message = '' }: Answer, { project, logstore }: LogPlace): Meaning => {
  const said = message === '' ? '' : `: ${clause(oneLine(message, 160))}`;
  if (code === 'ProjectNotExist') return { category: 'evidence', reason: `Log Service has no project "${project}"`, hint: 'Correct logConfig in s.yaml, or create the project.' };
  if (code === 'LogStoreNotExist') return { category: 'evidence', reason: `project "${project}" has no log store "${logstore}"`, hint: 'Correct logConfig in s.yaml, or create the log store.' };
  if (code === 'IndexConfigNotExist') return { category: 'evidence', reason: `log store "${logstore}" has no index, so nothing in it can be counted`, hint: indexed };
  if (code === 'ParameterInvalid') return { category: 'evidence', reason: `log store "${logstore}" cannot answer the query, as when a field has no index${said}`, hint: indexed };
  if (status === 401 || status === 403 || /Signature|AccessKey|SecurityToken/.test(code)) {
    return { category: 'permission', reason: `the credentials may not read log store "${logstore}"${said}`, hint: 'Give the RAM user or role log:GetLogStoreLogs on it: docs/ram-policies.md. A role that was taken by an identity token has it where s.yaml names the store.' };
  }
  if (code === 'RequestTimeExpired') return { category: 'input', reason: 'the clock of this machine differs from that of Alibaba Cloud', hint: 'Set the clock of the runner.' };
  return { category: 'platform', reason: `Log Service answered with HTTP ${status}${said}`, hint: 'Run the step again in a few minutes.' };
};

const busy = ({ status = 0, code = '' }: Answer): boolean => status >= 500 || status === 429 || /QuotaExceed|ServerBusy/.test(code);

const send = async ({ http, clock, signal }: AgentRunContext, place: LogPlace, query: LogQuery, credentials: Credentials): Promise<Outcome<HttpResponse>> => {
  const { tried, ...asked } = query;
  const url = `${place.origin}/logstores/${place.logstore}/logs`;
  const body = JSON.stringify(asked);
  const headers = signedLogHeaders({ method: 'POST', url, region: place.region, body, at: clock.now() }, credentials);
  return http.send({ method: 'POST', url, headers: { ...headers, accept: 'application/json' }, body, tried, deadlineMs, repeatable: false, signal });
};

/** readRows gives an answer's rows; undefined when the service has not gone through all records yet. */
const readRows = (response: HttpResponse, place: LogPlace, tried: string): Outcome<readonly LogRow[] | undefined> => {
  const json = readJson(response, tried);
  if (!json.ok) return json;
  const parsed = logsShape.safeParse(json.value);
  if (!parsed.success) return failed({ category: 'platform', reason: 'Log Service answered in a form that Sluice does not know', tried, where: place.origin, hint: 'Check agentrun.logs in sluice.yml.' });
  return done(parsed.data.meta.progress === 'Complete' ? (parsed.data.data ?? []) : undefined);
};

/**
 * searchLogs asks Log Service (GetLogsV2, API 2020-12-30) until its answer is complete, a few times at most: what is
 * incomplete would be counts that are too small. Reading is tried again while the service is busy.
 */
export const searchLogs = async (context: AgentRunContext, place: LogPlace, query: LogQuery): Promise<Outcome<readonly LogRow[]>> => {
  const { credentials, clock, signal } = context;
  let signing = await credentials.current();
  let renewed = false;
  let last: Problem = { category: 'evidence', reason: `Log Service did not complete its answer in ${tries} tries`, tried: query.tried, where: place.origin, hint: 'Run the step again; a shorter window is counted faster.' };
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    if (!signing.ok) return signing;
    if (signal.aborted) return failed({ category: 'cancelled', reason: 'reading the logs was cut off', tried: query.tried });
    const sent = await send(context, place, query, signing.value);
    if (!sent.ok) return sent;
    if (sent.value.status < 300) {
      const rows = readRows(sent.value, place, query.tried);
      if (!rows.ok) return rows;
      if (rows.value !== undefined) return done(rows.value);
    } else {
      const answer = answerOf(sent.value);
      last = { ...meaningOf(answer, place), tried: query.tried, where: `${place.project}/${place.logstore}`, answer };
      if (isExpired(answer) && !renewed) {
        renewed = true;
        signing = await credentials.renewed(signing.value);
        continue;
      }
      if (!busy(answer)) return failed(last);
    }
    if (attempt < tries) await clock.sleep(200 + randomInt(400) * attempt, signal);
  }
  return failed(last);
};
