import { randomBytes } from 'node:crypto';
import type { AccessKey } from './acs3.ts';
import type { Policy } from './ram.ts';

/** LabKey is a key pair that the lab gave out. */
export interface LabKey extends AccessKey {
  /** arn names who signs with it. */
  readonly arn: string;
  /** policy bounds what it may do; absent for keys that may do everything. */
  readonly policy?: Policy;
  /** expiresAt is milliseconds since 1970; absent for keys that last. */
  readonly expiresAt?: number;
}

/** IssueOptions are what a session is made of. */
export interface IssueOptions {
  readonly arn: string;
  readonly seconds: number;
  readonly policy?: Policy;
}

/** randomText is a random text of letters and digits. */
export const randomText = (length: number): string => randomBytes(length).toString('base64url').replace(/[-_]/g, 'x').slice(0, length);

/** Keys are all key pairs of the lab's account. */
export class Keys {
  readonly #keys = new Map<string, LabKey>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(key: LabKey): void {
    this.#keys.set(key.accessKeyId, key);
  }

  find(accessKeyId: string): LabKey | undefined {
    return this.#keys.get(accessKeyId);
  }

  /** issue gives temporary keys, in the form in which every service of Alibaba Cloud hands them out. */
  issue({ arn, seconds, policy }: IssueOptions): { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string; Expiration: string } {
    const expiresAt = this.#now() + seconds * 1000;
    const [accessKeyId, accessKeySecret, securityToken] = [`STS.${randomText(24)}`, randomText(44), randomText(120)];
    this.add({ accessKeyId, accessKeySecret, securityToken, arn, expiresAt, ...(policy === undefined ? {} : { policy }) });
    return { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken, Expiration: new Date(expiresAt).toISOString().replace(/\.\d{3}Z$/, 'Z') };
  }

  /** expire ends all temporary keys. */
  expire(): void {
    for (const key of this.#keys.values()) if (key.expiresAt !== undefined) this.add({ ...key, expiresAt: 0 });
  }
}
