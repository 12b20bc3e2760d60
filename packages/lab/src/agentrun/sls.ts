import { randomUUID } from 'node:crypto';
import { answerJson, type LabHandler, type LabRequest } from '../server.ts';
import type { LabKey } from './keys.ts';
import { allows } from './ram.ts';
import { refuse, type Refused } from './reply.ts';
import type { Records } from './records.ts';
import { readSearch, readSql, type LogRecord } from './sls-search.ts';
import { slsSigner } from './sls-signature.ts';

/** LogService is everything that the server of Log Service works on. */
export interface LogService {
  readonly records: Records;
  readonly region: string;
  readonly accountId: string;
  keyOf(accessKeyId: string): LabKey | undefined;
  now(): number;
  /** projectOf is the project that a log store of this name belongs to; undefined when no runtime writes to one. */
  projectOf(logstore: string): string | undefined;
}

interface Answered {
  readonly progress: 'Complete' | 'Incomplete';
  readonly rows: readonly LogRecord[];
}

const mostLines = 100;

const bodyOf = (request: LabRequest): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};

const invalid = (message: string): Refused => refuse(400, 'ParameterInvalid', message);

const wholeAt = (body: Readonly<Record<string, unknown>>, key: string, usual?: number): number | undefined => {
  const value = body[key] ?? usual;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
};

const search = ({ records }: LogService, body: Readonly<Record<string, unknown>>): Answered | Refused => {
  const [from, to, line, offset] = [wholeAt(body, 'from'), wholeAt(body, 'to'), wholeAt(body, 'line', mostLines), wholeAt(body, 'offset', 0)];
  if (from === undefined || to === undefined || to <= from) return invalid('from and to must be seconds, to after from');
  if (line === undefined || offset === undefined || line > mostLines) return invalid('line must be at most 100');
  const { indexed, incomplete } = records.rules;
  if (indexed.length === 0) return refuse(400, 'IndexConfigNotExist', 'logstore without index config');
  const [searched = '', sql] = (typeof body['query'] === 'string' ? body['query'] : '').split('|');
  const asked = readSearch(searched);
  if ('message' in asked) return invalid(asked.message);
  const selected = sql === undefined ? undefined : readSql(sql);
  if (selected !== undefined && 'message' in selected) return invalid(selected.message);
  const unknown = [...asked.fields, ...(selected?.fields ?? [])].find((field) => !indexed.includes(field));
  if (unknown !== undefined) return invalid(`line 1:8: Column '${unknown}' cannot be resolved;please add the column in the index attribute`);
  if (incomplete > 0) {
    records.rules = { ...records.rules, incomplete: incomplete - 1 };
    return { progress: 'Incomplete', rows: [] };
  }
  const found = records.found(from * 1000, to * 1000).filter(asked.matches);
  if (selected !== undefined) return { progress: 'Complete', rows: selected.run(found) };
  const ordered = body['reverse'] === true ? found.toReversed() : found;
  return { progress: 'Complete', rows: ordered.slice(offset, offset + line) };
};

const answer = (service: LogService, request: LabRequest): Answered | Refused => {
  const key = slsSigner(request, service.region, (id) => service.keyOf(id), service.now());
  if ('code' in key) return key;
  const [, logstore = ''] = /^\/logstores\/([^/]+)\/logs$/.exec(request.path) ?? [];
  if (logstore === '' || request.method !== 'POST') return refuse(404, 'InvalidAction', 'the lab knows GetLogsV2 alone');
  const project = service.projectOf(logstore);
  if (project === undefined) return refuse(404, 'LogStoreNotExist', `logstore ${logstore} does not exist`);
  const policy = service.keyOf(key.accessKeyId)?.policy;
  const resource = `acs:log:${service.region}:${service.accountId}:project/${project}/logstore/${logstore}`;
  if (policy !== undefined && !allows(policy, 'log:GetLogStoreLogs', resource)) {
    return refuse(401, 'Unauthorized', `denied by sts or ram, action: log:GetLogStoreLogs, resource: ${resource}`);
  }
  const body = bodyOf(request);
  return body === undefined ? invalid('the body is not a JSON object') : search(service, body);
};

/** slsHandler answers GetLogsV2 of Log Service, API 2020-12-30, for one project. */
export const slsHandler =
  (service: LogService): LabHandler =>
  (request, response) => {
    const headers = { 'x-log-requestid': randomUUID().replaceAll('-', '').slice(0, 24).toUpperCase() };
    const answered = answer(service, request);
    if ('code' in answered) answerJson(response, answered.status, { errorCode: answered.code, errorMessage: answered.message }, headers);
    else answerJson(response, 200, { meta: { progress: answered.progress, count: answered.rows.length, processedRows: answered.rows.length, hasSQL: true, isAccurate: true }, data: answered.rows }, headers);
  };
