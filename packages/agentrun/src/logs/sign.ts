import { createHash, createHmac } from 'node:crypto';
import { queryText, type Credentials } from '../server/sign.ts';

/** LogRequest is what a signature of Log Service covers. */
export interface LogRequest {
  readonly method: 'GET' | 'POST';
  /** url is the whole address; its query has been written by `queryText`. */
  readonly url: string;
  readonly region: string;
  /** body is JSON, or empty. */
  readonly body: string;
  /** at is milliseconds since 1970. */
  readonly at: number;
}

const algorithm = 'SLS4-HMAC-SHA256';
const apiVersion = '0.6.0';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** basicTime writes a time as `20260102T030405Z`. */
const basicTime = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z').replaceAll(/[-:]/g, '');

/**
 * signedLogHeaders are the headers of a request to Log Service, signature included (SLS4-HMAC-SHA256, "Request
 * signatures V4"; the official client's is the same, @alicloud/gateway-sls 0.4). `host` is signed and left to the HTTP
 * client.
 */
export const signedLogHeaders = ({ method, url, region, body, at }: LogRequest, credentials: Credentials): Readonly<Record<string, string>> => {
  const { host, pathname, searchParams } = new URL(url);
  const date = basicTime(at);
  const scope = `${date.slice(0, 8)}/${region}/sls/aliyun_v4_request`;
  const headers: Record<string, string> = {
    ...(body === '' ? {} : { 'content-type': 'application/json' }),
    ...(credentials.securityToken === undefined ? {} : { 'x-acs-security-token': credentials.securityToken }),
    'x-log-apiversion': apiVersion,
    'x-log-bodyrawsize': String(Buffer.byteLength(body)),
    'x-log-content-sha256': sha256(body),
    'x-log-date': date,
  };
  const signed = Object.entries({ ...headers, host }).sort(([one], [other]) => (one < other ? -1 : 1));
  const canonical = [
    method,
    pathname,
    queryText(Object.fromEntries(searchParams)),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    signed.map(([name]) => name).join(';'),
    headers['x-log-content-sha256'],
  ].join('\n');
  const key = [date.slice(0, 8), region, 'sls', 'aliyun_v4_request'].reduce<string | Buffer>((before, part) => hmac(before, part), `aliyun_v4${credentials.accessKeySecret}`);
  const signature = hmac(key, `${algorithm}\n${date}\n${scope}\n${sha256(canonical)}`).toString('hex');
  return { ...headers, authorization: `${algorithm} Credential=${credentials.accessKeyId}/${scope},Signature=${signature}` };
};
