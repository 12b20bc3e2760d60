import { createHash, createHmac } from 'node:crypto';
import type { Credentials } from './sign.ts';

/** SignedCall is what the signature of a call to an agent covers; its body is not part of it. */
export interface SignedCall {
  readonly method: string;
  readonly url: string;
  readonly region: string;
  /** contentType is absent for calls without a body. */
  readonly contentType?: string;
  /** at is milliseconds since 1970. */
  readonly at: number;
}

const algorithm = 'AGENTRUN4-HMAC-SHA256';
const ending = 'aliyun_v4_request';

const keyed = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * callHeaders prove a caller of an agent by RAM (AGENTRUN4-HMAC-SHA256, agentrun-sdk-python 0.0.51, utils/ram_signature).
 * The path stands in the canonical request as it is sent; the agents are called without a query.
 */
export const callHeaders = ({ method, url, region, contentType, at }: SignedCall, credentials: Credentials): Readonly<Record<string, string>> => {
  const { host, pathname, search } = new URL(url);
  const time = new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
  const headers: Record<string, string> = {
    'x-acs-date': time,
    'x-acs-content-sha256': 'UNSIGNED-PAYLOAD',
    ...(credentials.securityToken === undefined ? {} : { 'x-acs-security-token': credentials.securityToken }),
  };
  const signed: Record<string, string> = { ...headers, host, ...(contentType === undefined ? {} : { 'content-type': contentType }) };
  const names = Object.keys(signed).sort();
  const canonical = [method, pathname, search.slice(1), ...names.map((name) => `${name}:${signed[name] ?? ''}`), '', names.join(';'), headers['x-acs-content-sha256']].join('\n');
  const day = time.slice(0, 10).replaceAll('-', '');
  const key = [day, region, 'agentrun', ending].reduce<string | Buffer>(keyed, `aliyun_v4${credentials.accessKeySecret}`);
  const signature = keyed(key, `${algorithm}\n${createHash('sha256').update(canonical).digest('hex')}`).toString('hex');
  const scope = `${credentials.accessKeyId}/${day}/${region}/agentrun/${ending}`;
  return { ...headers, 'agentrun-authorization': `${algorithm} Credential=${scope},SignedHeaders=${names.join(';')},Signature=${signature}` };
};
