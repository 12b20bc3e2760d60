import type { Connection, Outcome } from '@sluice/core';
import type { Credentials } from '../server/sign.ts';

/** Issued are credentials as their source gave them. */
export interface Issued {
  readonly credentials: Credentials;
  /** expiresAt is milliseconds since 1970; absent for keys that last. */
  readonly expiresAt?: number;
}

/** CredentialSource is where credentials come from. */
export interface CredentialSource {
  /** kind names it in a few words, for people. */
  readonly kind: string;
  /** account is the id of the account that they belong to, where that is known before anything is asked. */
  readonly account?: string;
  /** renews says that asking again gives fresh credentials. */
  readonly renews: boolean;
  obtain(): Promise<Outcome<Issued>>;
}

/** Surroundings are what finding credentials needs of a connection. */
export type Surroundings = Pick<Connection, 'name' | 'deadlineMs' | 'http' | 'clock' | 'signal' | 'secrets' | 'setting' | 'mask' | 'credentialFile' | 'identityToken'> & {
  /** sts is the origin of STS. */
  readonly sts: string;
  /** policy is the session policy that a role is taken with, for the role's account. */
  policy(account: string): Promise<string>;
};
