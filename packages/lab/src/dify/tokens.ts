import { createHmac, timingSafeEqual } from 'node:crypto';
import { fields, type Fields } from './reading.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const signature = (body: string, secret: string): Buffer => createHmac('sha256', secret).update(body).digest();

/** issue makes a JSON Web Token (HS256), as Dify's sessions are. */
export const issue = (claims: Fields, secret: string): string => {
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${body}.${signature(body, secret).toString('base64url')}`;
};

/** verify reads a token's claims; a string is Dify's complaint (1.12.1, libs/passport.py). */
export const verify = (token: string, secret: string): Fields | string => {
  const [head, claims, signed] = token.split('.');
  if (head === undefined || claims === undefined || signed === undefined) return 'Invalid token.';
  const expected = signature(`${head}.${claims}`, secret);
  const given = Buffer.from(signed, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'Invalid token signature.';
  const read = fields(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')));
  return typeof read['exp'] === 'number' && read['exp'] * 1000 < Date.now() ? 'Token has expired.' : read;
};
