import { createHash, createHmac } from 'node:crypto';
import { sameText } from '../same-text.ts';
import { canonicalRequest, checkDate, checkToken, type SignedRequest } from './acs3.ts';
import type { LabKey } from './keys.ts';
import { allows } from './ram.ts';
import { refuse, type Refused } from './reply.ts';

/** Callers is who may call agents by a signature. */
export interface Callers {
  readonly region: string;
  /** signed is true when calls without a signature are refused, as at the hosts whose first label ends in `-ram`. */
  readonly signed: boolean;
  keyOf(accessKeyId: string): LabKey | undefined;
  now(): number;
}

const algorithm = 'AGENTRUN4-HMAC-SHA256';
const authorization = /^AGENTRUN4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/agentrun\/aliyun_v4_request,SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})$/;

const keyed = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** callSignature is the hexadecimal AGENTRUN4-HMAC-SHA256 signature of a call (agentrun-sdk-python 0.0.51, utils/ram_signature). */
export const callSignature = (request: SignedRequest, names: readonly string[], scope: { readonly day: string; readonly region: string }, secret: string): string => {
  const key = keyed(keyed(keyed(keyed(`aliyun_v4${secret}`, scope.day), scope.region), 'agentrun'), 'aliyun_v4_request');
  return keyed(key, `${algorithm}\n${createHash('sha256').update(canonicalRequest(request, names)).digest('hex')}`).toString('hex');
};

const denied = (code: string, message: string): Refused => refuse(403, code, message);

/** refuseCaller gives the reason why a call is not accepted, undefined when it is; calls without a signature pass unless signatures are wanted. */
export const refuseCaller = (request: SignedRequest, { region, signed, keyOf, now }: Callers): Refused | undefined => {
  const { headers } = request;
  const sent = headers['agentrun-authorization'];
  if (sent === undefined) return signed ? denied('AccessDenied', 'The request needs the header Agentrun-Authorization.') : undefined;
  const [, keyId = '', day = '', sentRegion = '', names = '', signature = ''] = authorization.exec(sent) ?? [];
  const key = keyOf(keyId);
  if (key === undefined) return denied('InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
  const list = names.split(';');
  const missing = ['host', 'x-acs-date', 'x-acs-content-sha256', ...Object.keys(headers).filter((name) => name === 'content-type' || name.startsWith('x-acs-'))].find((name) => headers[name] === undefined || !list.includes(name));
  if (missing !== undefined) return denied('IncompleteSignature', `The header ${missing} must be sent and signed.`);
  const date = headers['x-acs-date'] ?? '';
  if (sentRegion !== region || day !== date.slice(0, 10).replaceAll('-', '') || headers['x-acs-content-sha256'] !== 'UNSIGNED-PAYLOAD') return denied('InvalidCredentialScope', 'The scope of the credential is wrong.');
  if (!sameText(signature, callSignature(request, list, { day, region }, key.accessKeySecret))) return denied('SignatureDoesNotMatch', 'Specified signature is not matched with our calculation.');
  const late = checkDate(date, now()) ?? checkToken(headers['x-acs-security-token'], key, now());
  if (late !== undefined) return denied(late.code, late.message);
  return key.policy === undefined || allows(key.policy, 'agentrun:InvokeRuntime', '*') ? undefined : denied('NoPermission', 'You are not authorized to do this action. Action: agentrun:InvokeRuntime');
};
