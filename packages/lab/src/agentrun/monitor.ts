import { randomUUID } from 'node:crypto';
import { answerJson, type LabHandler, type LabRequest } from '../server.ts';
import type { SignatureCheck } from './acs3.ts';
import type { LabKey } from './keys.ts';
import { allows } from './ram.ts';
import { refuse, type Refused } from './reply.ts';
import type { Invoked, Records } from './records.ts';

/** Monitor is everything that CloudMonitor works on. */
export interface Monitor {
  readonly records: Records;
  readonly check: SignatureCheck;
  keyOf(accessKeyId: string): LabKey | undefined;
}

const minuteMs = 60_000;
/** longestMs is how long data points are kept. */
const longestMs = 31 * 24 * 60 * minuteMs;

const p90 = (invoked: readonly Invoked[]): number => {
  const sorted = invoked.map(({ durationMs }) => durationMs).sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.9))] ?? 0;
};

/** metrics are those of Function Compute 3.0 that Sluice asks for, with the word each value stands under. */
const metrics: Readonly<Record<string, { readonly word: 'Sum' | 'Average'; of(invoked: readonly Invoked[]): number }>> = {
  FunctionTotalInvocations: { word: 'Sum', of: (invoked) => invoked.length },
  FunctionServerErrors: { word: 'Sum', of: (invoked) => invoked.filter(({ status, broke }) => status >= 500 && !broke).length },
  FunctionFunctionErrors: { word: 'Sum', of: (invoked) => invoked.filter(({ broke }) => broke).length },
  FunctionP90Duration: { word: 'Average', of: p90 },
};

const functionIn = (dimensions: string): string | undefined => {
  const [, name] = /"functionName":"([\w-]+)"/.exec(dimensions) ?? [];
  return dimensions.startsWith('[{') ? name : undefined;
};

const list = ({ records }: Monitor, query: URLSearchParams): object | Refused => {
  const metric = metrics[query.get('MetricName') ?? ''];
  const name = functionIn(query.get('Dimensions') ?? '');
  if (query.get('Namespace') !== 'acs_fc' || metric === undefined) return refuse(404, 'ResourceNotFound', 'The specified metric is not found.');
  if (name === undefined || query.get('Period') !== '60') return refuse(400, 'ParameterInvalid', 'Dimensions or Period is invalid.');
  const [from, to] = [Number(query.get('StartTime')), Number(query.get('EndTime'))];
  if (!(to - from <= longestMs)) return refuse(400, 'ParameterInvalid', 'StartTime and EndTime are invalid.');
  const points: object[] = [];
  const length = Math.min(Number(query.get('Length') ?? '1000'), 1440);
  // The start is exclusive, the end inclusive; a point stands at the beginning of its minute.
  let minute = Math.max(Math.floor(from / minuteMs) * minuteMs + minuteMs, Number(query.get('NextToken') ?? '0'));
  for (; minute <= to && points.length < length; minute += minuteMs) {
    const invoked = records.rules.measured ? records.invoked(name, minute, minute + minuteMs) : [];
    if (invoked.length > 0) points.push({ timestamp: minute, userId: '0', functionName: name, [metric.word]: metric.of(invoked) });
  }
  return { Code: '200', Success: true, Period: '60', Datapoints: JSON.stringify(points), ...(minute <= to ? { NextToken: String(minute) } : {}) };
};

const answer = (monitor: Monitor, request: LabRequest): object | Refused => {
  const refused = monitor.check.refuse(request);
  if (refused !== undefined) return refused;
  const { 'x-acs-action': action, 'x-acs-version': version } = request.headers;
  if (action !== 'DescribeMetricList' || version !== '2019-01-01') return refuse(404, 'InvalidAction.NotFound', 'Specified api is not found, please check your url and method.');
  const [, keyId = ''] = /Credential=([^,]+)/.exec(request.headers['authorization'] ?? '') ?? [];
  const policy = monitor.keyOf(keyId)?.policy;
  if (policy !== undefined && !allows(policy, 'cms:DescribeMetricList', '*')) return refuse(403, 'NoPermission', 'You are not authorized to do this action. Action: cms:DescribeMetricList');
  return list(monitor, request.query);
};

/** monitorHandler answers DescribeMetricList of CloudMonitor, version 2019-01-01. */
export const monitorHandler =
  (monitor: Monitor): LabHandler =>
  (request, response) => {
    const requestId = randomUUID().toUpperCase();
    const answered = answer(monitor, request);
    if ('status' in answered && 'message' in answered && 'code' in answered) answerJson(response, Number(answered.status), { RequestId: requestId, HostId: 'metrics.lab', Code: answered.code, Message: answered.message });
    else answerJson(response, 200, { RequestId: requestId, ...answered });
  };
