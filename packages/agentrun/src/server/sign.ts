import { createHash, createHmac } from 'node:crypto';

/** Credentials are a key pair of Alibaba Cloud; temporary ones carry a security token. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** SignRequest is what an ACS3 signature covers. */
export interface SignRequest {
  readonly method: string;
  /** url is the whole address; its query has been written by `queryText`. */
  readonly url: string;
  readonly action: string;
  readonly version: string;
  /** body is empty for requests without one. */
  readonly body: string;
  /** at is milliseconds since 1970. */
  readonly at: number;
  readonly nonce: string;
}

const algorithm = 'ACS3-HMAC-SHA256';

/** bodyType is the content type of every body that is signed. */
export const bodyType = 'application/json; charset=utf-8';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const byCode = ([one]: readonly [string, string], [other]: readonly [string, string]): number => (one < other ? -1 : one > other ? 1 : 0);

/** encode writes a text as RFC 3986 does; encodeURIComponent leaves five characters more as they are. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** queryText writes a query as it is signed: sorted by name, encoded by RFC 3986. */
export const queryText = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(byCode)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/**
 * signedHeaders are the headers of a request to an OpenAPI of Alibaba Cloud, signature included
 * (ACS3-HMAC-SHA256, "V3 request body and signature mechanism"). `host` is signed and left to the HTTP client.
 */
export const signedHeaders = (request: SignRequest, credentials: Credentials): Readonly<Record<string, string>> => {
  const url = new URL(request.url);
  const headers: Record<string, string> = {
    'x-acs-action': request.action,
    'x-acs-version': request.version,
    'x-acs-date': new Date(request.at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    'x-acs-signature-nonce': request.nonce,
    'x-acs-content-sha256': sha256(request.body),
    ...(credentials.securityToken === undefined
      ? {}
      : { 'x-acs-accesskey-id': credentials.accessKeyId, 'x-acs-security-token': credentials.securityToken }),
    ...(request.body === '' ? {} : { 'content-type': bodyType }),
  };
  const signed = Object.entries({ ...headers, host: url.host }).sort(byCode);
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    url.pathname,
    url.search.slice(1),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    headers['x-acs-content-sha256'],
  ].join('\n');
  const signature = createHmac('sha256', credentials.accessKeySecret).update(`${algorithm}\n${sha256(canonical)}`).digest('hex');
  return { ...headers, authorization: `${algorithm} Credential=${credentials.accessKeyId},SignedHeaders=${names},Signature=${signature}` };
};
