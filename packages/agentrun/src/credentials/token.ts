import { isRecord } from '../source/json.ts';
import { oneLine } from '@sluice/core';

/** audience is who the identity token is for: what Alibaba Cloud's own action asks for, and what RAM's guides name. */
export const audience = 'sts.aliyuncs.com';

/** Claims are what an identity token says of the job; empty where it says nothing. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

const payloadOf = (token: string): unknown => {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    // What cannot be read says nothing, which is what the claims then show.
    return undefined;
  }
};

const shown = (value: unknown): string => (typeof value === 'string' ? oneLine(value, 300) : Array.isArray(value) ? value.map(shown).join(', ') : '');

/** claimsOf reads a token's claims without trusting them. Of the token nothing else is ever shown. */
export const claimsOf = (token: string): Claims => {
  const payload = payloadOf(token);
  if (!isRecord(payload)) return { issuer: '', subject: '', audience: '' };
  return { issuer: shown(payload['iss']), subject: shown(payload['sub']), audience: shown(payload['aud']) };
};

/** tokenParts are what of a token must not be seen: it whole, and each part, since a part is often cut out of it. */
export const tokenParts = (token: string): readonly string[] => [token, ...token.split('.').filter((part) => part.length >= 16)];

/** trustPolicy is what a role's trust policy must say for a job to take the role (RAM, "Trust policy of a role for OIDC"). */
export const trustPolicy = (provider: string, { issuer, subject }: Pick<Claims, 'issuer' | 'subject'>): object => ({
  Version: '1',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Federated: [provider] },
      Condition: { StringEquals: { 'oidc:iss': issuer, 'oidc:aud': audience, 'oidc:sub': subject } },
    },
  ],
});
