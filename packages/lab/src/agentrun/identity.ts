import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';

/** TokenClaims are what an identity token says. */
export interface TokenClaims {
  readonly subject?: string;
  readonly audience?: string;
  readonly issuer?: string;
  /** seconds is how long the token lives; negative ones have passed. */
  readonly seconds?: number;
}

/** ReadToken is a token that was read and not believed yet. */
export interface ReadToken {
  readonly subject: string;
  readonly audience: readonly string[];
  readonly issuer: string;
  readonly expiresAt: number;
  readonly genuine: boolean;
}

const issuerOfLab = 'https://ci.lab.example';

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Issuer stands for a CI that signs identity tokens. Its key is made when it is first needed: that takes a while. */
export class Issuer {
  readonly name = issuerOfLab;
  readonly #now: () => number;
  #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  #pair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
    this.#keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
    return this.#keys;
  }

  /** token is a signed token (JWT, RS256). */
  token({ subject = 'repo:acme/orders:environment:production', audience = 'sts.aliyuncs.com', issuer = this.name, seconds = 300 }: TokenClaims = {}): string {
    const at = Math.floor(this.#now() / 1000);
    const content = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded({ iss: issuer, sub: subject, aud: audience, iat: at, exp: at + seconds })}`;
    return `${content}.${sign('RSA-SHA256', Buffer.from(content), this.#pair().privateKey).toString('base64url')}`;
  }

  /** read reads a token; undefined when it is none. */
  read(token: string): ReadToken | undefined {
    const [header = '', payload = '', signature = '', ...more] = token.split('.');
    if (signature === '' || more.length > 0) return undefined;
    try {
      const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
      if (typeof value !== 'object' || value === null) return undefined;
      const claims: Readonly<Record<string, unknown>> = { ...value };
      const audience = claims['aud'];
      return {
        subject: textOf(claims['sub']),
        issuer: textOf(claims['iss']),
        audience: Array.isArray(audience) ? audience.map(textOf) : [textOf(audience)],
        expiresAt: Number(claims['exp']) * 1000,
        genuine: verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), this.#pair().publicKey, Buffer.from(signature, 'base64url')),
      };
    } catch {
      return undefined;
    }
  }
}
