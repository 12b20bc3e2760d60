import { randomUUID } from 'node:crypto';
import { done, failed, readJson, type Outcome } from '@sluice/core';
import type { AgentRunContext } from '../server/context.ts';
import { answerOf, refusal } from '../server/refusal.ts';
import { queryText, signedHeaders } from '../server/sign.ts';
import { isRecord } from '../source/json.ts';

const apiVersion = '2019-01-01';
const deadlineMs = 15_000;
const minuteMs = 60_000;
const mostPages = 10;

/** WholeFunction is what CloudMonitor knows of a function in a window, all versions together. */
export interface WholeFunction {
  readonly requests: number;
  readonly errors: number;
  /** slowestMinuteP90Ms is the largest of the minutes' 90th percentiles; absent without a value. */
  readonly slowestMinuteP90Ms?: number;
}

type Point = Readonly<Record<string, unknown>>;

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined);

const valueOf = (point: Point): number | undefined => numberOf(point['Sum']) ?? numberOf(point['Value']) ?? numberOf(point['Average']) ?? numberOf(point['Maximum']);

/** readPoints reads `Datapoints`, which is JSON inside a text; undefined when it is not. */
const readPoints = (body: unknown): readonly Point[] | undefined => {
  const text = isRecord(body) ? body['Datapoints'] : undefined;
  if (text === undefined || text === '') return [];
  if (typeof text !== 'string') return undefined;
  const json = readJson({ status: 200, headers: {}, text, durationMs: 0 }, 'read the metrics');
  return json.ok && Array.isArray(json.value) && json.value.every(isRecord) ? json.value : undefined;
};

interface Question {
  readonly origin: string;
  readonly metric: string;
  readonly functionName: string;
  readonly from: number;
  readonly to: number;
}

const page = async (context: AgentRunContext, question: Question, token: string): Promise<Outcome<{ readonly points: readonly Point[]; readonly next: string }>> => {
  const { http, clock, signal, credentials, source } = context;
  const { origin, metric, functionName, from, to } = question;
  const tried = `read ${metric} from CloudMonitor`;
  const signing = await credentials.current();
  if (!signing.ok) return signing;
  const query = queryText({
    Namespace: 'acs_fc',
    MetricName: metric,
    Dimensions: JSON.stringify([{ region: source.parts.region, functionName }]),
    Period: '60',
    StartTime: String(from),
    EndTime: String(to),
    Length: '1000',
    ...(token === '' ? {} : { NextToken: token }),
  });
  const url = `${origin}/?${query}`;
  const headers = signedHeaders({ method: 'POST', url, action: 'DescribeMetricList', version: apiVersion, body: '', at: clock.now(), nonce: randomUUID() }, signing.value);
  const sent = await http.send({ method: 'POST', url, headers: { ...headers, accept: 'application/json' }, tried, deadlineMs, repeatable: false, signal });
  if (!sent.ok) return sent;
  const json = readJson(sent.value, tried);
  const body = json.ok ? json.value : undefined;
  if (sent.value.status >= 400) return failed(refusal(answerOf(sent.value, body), tried, origin));
  if (!json.ok) return json;
  const points = readPoints(body);
  if (points === undefined) return failed({ category: 'platform', reason: 'CloudMonitor answered in a form that Sluice does not know', tried, where: origin });
  const next = isRecord(body) && typeof body['NextToken'] === 'string' ? body['NextToken'] : '';
  return done({ points, next });
};

const valuesOf = async (context: AgentRunContext, question: Question): Promise<Outcome<readonly number[]>> => {
  const values: number[] = [];
  let token = '';
  for (let pages = 0; pages < mostPages; pages += 1) {
    const given = await page(context, question, token);
    if (!given.ok) return given;
    values.push(...given.value.points.map(valueOf).filter((value) => value !== undefined));
    token = given.value.next;
    if (token === '') break;
  }
  return done(values);
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * wholeFunction reads the requests, errors and latency of a function in the whole minutes around a window
 * (DescribeMetricList, CloudMonitor 2019-01-01). In Function Compute 3.0 these metrics do not tell versions apart, so
 * they judge no canary. They lag one or two minutes.
 */
export const wholeFunction = async (context: AgentRunContext, functionName: string, fromMs: number, toMs: number): Promise<Outcome<WholeFunction>> => {
  const origin = (context.metrics ?? `https://metrics.${context.source.parts.region}.aliyuncs.com`).replace(/\/$/, '');
  // The start of a window is exclusive there, its end inclusive.
  const [from, to] = [Math.floor(fromMs / minuteMs) * minuteMs - 1, Math.ceil(toMs / minuteMs) * minuteMs];
  const read = (metric: string): Promise<Outcome<readonly number[]>> => valuesOf(context, { origin, metric, functionName, from, to });
  const requests = await read('FunctionTotalInvocations');
  if (!requests.ok) return requests;
  const server = await read('FunctionServerErrors');
  if (!server.ok) return server;
  const own = await read('FunctionFunctionErrors');
  if (!own.ok) return own;
  const slow = await read('FunctionP90Duration');
  if (!slow.ok) return slow;
  return done({
    requests: sum(requests.value),
    errors: sum(server.value) + sum(own.value),
    ...(slow.value.length === 0 ? {} : { slowestMinuteP90Ms: Math.max(...slow.value) }),
  });
};
