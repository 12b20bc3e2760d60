import { createHash, createHmac } from 'node:crypto';
import { sameText } from '../same-text.ts';
import type { LabRequest } from '../server.ts';
import { refuse, type Refused } from './reply.ts';

/** AccessKey is a key pair that the lab accepts; temporary ones carry a security token. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** SignedRequest is what a signature covers. */
export type SignedRequest = Pick<LabRequest, 'method' | 'target' | 'query' | 'headers' | 'body'>;

const algorithm = 'ACS3-HMAC-SHA256';
const skewMs = 15 * 60_000;
const required = ['host', 'x-acs-action', 'x-acs-version', 'x-acs-date', 'x-acs-signature-nonce', 'x-acs-content-sha256'];
const authorization = /^ACS3-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

// encodeURIComponent leaves !'()* alone; RFC 3986 does not.
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const byCode = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort(byCode)
    .join('&');

/** canonicalRequest is the text whose hash is signed (ACS3, "V3 request body and signature mechanism"). */
export const canonicalRequest = (request: SignedRequest, signedNames: readonly string[]): string =>
  [
    request.method,
    request.target.split('?')[0] ?? '/',
    canonicalQuery(request.query),
    ...signedNames.map((name) => `${name}:${(request.headers[name] ?? '').trim()}`),
    '',
    signedNames.join(';'),
    request.headers['x-acs-content-sha256'] ?? '',
  ].join('\n');

/** acs3Signature is the hexadecimal ACS3-HMAC-SHA256 signature of a request. */
export const acs3Signature = (request: SignedRequest, signedNames: readonly string[], secret: string): string =>
  createHmac('sha256', secret)
    .update(`${algorithm}\n${sha256(canonicalRequest(request, signedNames))}`)
    .digest('hex');

const refusal = (code: string, message: string, status = 400): Refused => refuse(status, code, message);

/** checkDate refuses a time that is no time, or more than a quarter of an hour away. */
export const checkDate = (text: string, now: number): Refused | undefined => {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) {
    return refusal('InvalidTimeStamp.Format', 'Specified time stamp or date value is not well formatted.');
  }
  return Math.abs(Date.parse(text) - now) <= skewMs
    ? undefined
    : refusal('InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.');
};

/** KnownKey is a key pair that the gateway knows, with its end when it has one. */
export interface KnownKey extends AccessKey {
  /** expiresAt is milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** checkToken refuses a security token that is missing, of another key, or over. */
export const checkToken = (sent: string | undefined, key: KnownKey, now: number): Refused | undefined => {
  if (sent === undefined && key.securityToken !== undefined) {
    return refusal('MissingSecurityToken', 'SecurityToken is mandatory for this action.');
  }
  if (sent !== undefined && !sameText(sent, key.securityToken ?? '')) {
    return refusal('InvalidSecurityToken.MismatchWithAccessKey', 'Specified SecurityToken mismatch with the AccessKey.');
  }
  return key.expiresAt !== undefined && key.expiresAt <= now ? refusal('InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.') : undefined;
};

const unsignedHeader = (request: SignedRequest, signedNames: readonly string[]): string | undefined =>
  [...required, ...Object.keys(request.headers).filter((name) => name.startsWith('x-acs-') || name === 'content-type')].find(
    (name) => request.headers[name] === undefined || !signedNames.includes(name),
  );

/** SignatureCheck accepts each correctly signed request once, as the OpenAPI gateway does. */
export class SignatureCheck {
  readonly #keyOf: (accessKeyId: string) => KnownKey | undefined;
  readonly #now: () => number;
  readonly #nonces = new Map<string, number>();

  constructor(keyOf: (accessKeyId: string) => KnownKey | undefined, now: () => number) {
    this.#keyOf = keyOf;
    this.#now = now;
  }

  /** refuse gives the reason why a request is not accepted, undefined when it is. */
  refuse(request: SignedRequest): Refused | undefined {
    const [, keyId = '', names = '', signature = ''] = authorization.exec(request.headers['authorization'] ?? '') ?? [];
    if (signature === '') {
      return refusal('IncompleteSignature', `The request needs an Authorization header of ${algorithm}.`);
    }
    const key = this.#keyOf(keyId);
    if (key === undefined) {
      return refusal('InvalidAccessKeyId.NotFound', 'Specified access key is not found.', 404);
    }
    const signedNames = names.split(';');
    const missing = unsignedHeader(request, signedNames);
    if (missing !== undefined) return refusal('IncompleteSignature', `The header ${missing} must be sent and signed.`);
    if ([...signedNames].sort(byCode).join(';') !== names) {
      return refusal('IncompleteSignature', 'SignedHeaders must be in alphabetical order.');
    }
    if (!sameText(signature, acs3Signature(request, signedNames, key.accessKeySecret))) {
      const toSign = `${algorithm}\n${sha256(canonicalRequest(request, signedNames))}`;
      return refusal(
        'SignatureDoesNotMatch',
        `Specified signature is not matched with our calculation. server StringToSign is: [${toSign}]`,
      );
    }
    if (request.headers['x-acs-content-sha256'] !== sha256(request.body)) {
      return refusal('InvalidContentSha256', 'The x-acs-content-sha256 header is not the hash of the body.');
    }
    return (
      checkDate(request.headers['x-acs-date'] ?? '', this.#now()) ??
      checkToken(request.headers['x-acs-security-token'], key, this.#now()) ??
      this.#refuseReplay(request.headers['x-acs-signature-nonce'] ?? '')
    );
  }

  #refuseReplay(nonce: string): Refused | undefined {
    const now = this.#now();
    for (const [old, seenAt] of this.#nonces) {
      if (now - seenAt <= 2 * skewMs) break;
      this.#nonces.delete(old);
    }
    if (this.#nonces.has(nonce)) return refusal('SignatureNonceUsed', 'Specified signature nonce was used already.');
    this.#nonces.set(nonce, now);
    return undefined;
  }
}
