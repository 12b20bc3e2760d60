import { createHash, createHmac } from 'node:crypto';
import { sameText } from '../same-text.ts';
import type { KnownKey, SignedRequest } from './acs3.ts';
import { refuse, type Refused } from './reply.ts';

const authorization = /^SLS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/sls\/aliyun_v4_request,Signature=([0-9a-f]{64})$/;
const skewMs = 15 * 60_000;

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** isSigned tells the headers that Log Service signs: its own, those of Alibaba Cloud, and two of HTTP. */
const isSigned = (name: string): boolean => name.startsWith('x-log-') || name.startsWith('x-acs-') || name === 'host' || name === 'content-type';

const canonicalRequest = ({ method, target, query, headers }: SignedRequest): string => {
  const names = Object.keys(headers).filter(isSigned).sort();
  const parameters = [...query].map(([name, value]) => (value === '' ? name : `${name}=${encode(value)}`)).sort();
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim()}\n`).join('');
  return `${method}\n${target.split('?')[0] ?? '/'}\n${parameters.join('&')}\n${lines}\n${names.join(';')}\n${headers['x-log-content-sha256'] ?? ''}`;
};

const timeOf = (date: string): number => Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** slsSigner is the key pair that a request of Log Service is signed with (SLS4-HMAC-SHA256), or the refusal of the request. */
export const slsSigner = (request: SignedRequest, region: string, keyOf: (accessKeyId: string) => KnownKey | undefined, now: number): KnownKey | Refused => {
  const { headers, body } = request;
  const [, keyId = '', day = '', signedRegion = '', signature = ''] = authorization.exec(headers['authorization'] ?? '') ?? [];
  if (signature === '') return refuse(401, 'Unauthorized', 'no authority, denied by sts or ram, action: log:GetLogStoreLogs');
  const key = keyOf(keyId);
  if (key === undefined) return refuse(401, 'Unauthorized', `AccessKeyId not found: ${keyId}`);
  const date = headers['x-log-date'] ?? '';
  if (!(Math.abs(timeOf(date) - now) <= skewMs)) return refuse(400, 'RequestTimeExpired', `Request time exceeds server time more than 15 minutes`);
  if (headers['x-log-content-sha256'] !== sha256(body)) return refuse(400, 'SignatureNotMatch', 'the hash of the body is not that of x-log-content-sha256');
  const signing = [day, signedRegion, 'sls', 'aliyun_v4_request'].reduce<string | Buffer>((before, part) => hmac(before, part), `aliyun_v4${key.accessKeySecret}`);
  const toSign = `SLS4-HMAC-SHA256\n${date}\n${day}/${signedRegion}/sls/aliyun_v4_request\n${sha256(canonicalRequest(request))}`;
  const good = sameText(signature, hmac(signing, toSign).toString('hex')) && signedRegion === region && date.startsWith(day);
  if (!good) return refuse(401, 'SignatureNotMatch', `signature ${signature} not match`);
  if ((key.securityToken ?? '') !== (headers['x-acs-security-token'] ?? '')) return refuse(401, 'Unauthorized', 'The security token you provided is invalid.');
  if (key.expiresAt !== undefined && key.expiresAt <= now) return refuse(401, 'SecurityTokenExpired', 'The security token you provided has expired.');
  return key;
};
