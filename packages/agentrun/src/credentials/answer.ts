import * as z from 'zod/mini';
import { done, failed, type Connection, type Outcome } from '@sluice/core';
import type { Issued } from './source.ts';

const handed = z.looseObject({
  AccessKeyId: z.string().check(z.minLength(1)),
  AccessKeySecret: z.string().check(z.minLength(1)),
  SecurityToken: z.string().check(z.minLength(1)),
  Expiration: z.optional(z.string()),
});

/**
 * readIssued reads temporary credentials in the form that STS, the instance's metadata and credential addresses share,
 * and masks them before anything else is done. The answer itself is never quoted: it may hold half of them.
 */
export const readIssued = (value: unknown, tried: string, where: string, mask: Connection['mask']): Outcome<Issued> => {
  const parsed = handed.safeParse(value);
  if (!parsed.success) {
    return failed({ category: 'platform', reason: 'the answer holds no AccessKeyId, AccessKeySecret and SecurityToken', tried, where, hint: 'Check what gives the credentials out.' });
  }
  const { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken, Expiration: expiration = '' } = parsed.data;
  for (const secret of [accessKeyId, accessKeySecret, securityToken]) mask(secret);
  const expiresAt = Date.parse(expiration);
  return done({ credentials: { accessKeyId, accessKeySecret, securityToken }, ...(Number.isNaN(expiresAt) ? {} : { expiresAt }) });
};
