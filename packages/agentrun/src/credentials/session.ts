import { done, failed, type Clock, type Outcome, type Problem } from '@sluice/core';
import type { Credentials } from '../server/sign.ts';
import type { CredentialSource, Issued } from './source.ts';

/** Signing gives the credentials to sign a request with. */
export interface Signing {
  /** current are credentials that are good for a while yet. */
  current(): Promise<Outcome<Credentials>>;
  /** renewed are others in place of those that a server calls expired; a problem where there are none. */
  renewed(refused: Credentials): Promise<Outcome<Credentials>>;
}

/** fixed signs with credentials that last. */
export const fixed = (credentials: Credentials): Signing => ({
  current: () => Promise.resolve(done(credentials)),
  renewed: () => Promise.resolve(failed(ended('the given key'))),
});

/** marginMs is how long credentials must still last to be used; the pause keeps short-lived ones from being asked for at each request. */
const marginMs = 5 * 60_000;
const pauseMs = 60_000;

const ended = (kind: string): Problem => ({
  category: 'permission',
  reason: `the security token of ${kind} has expired`,
  tried: 'renew the credentials',
  hint: 'Temporary keys that were put into the CI end by themselves. Let the job take a role by its identity token instead: docs/ram-policies.md.',
});

/** CredentialSession holds what a source gave and asks it again before it expires. Several who ask at once share one answer. */
export class CredentialSession implements Signing {
  readonly source: CredentialSource;
  readonly #clock: Clock;
  #held: (Issued & { readonly since: number }) | undefined;
  #asking: Promise<Outcome<Issued>> | undefined;

  constructor(source: CredentialSource, clock: Clock) {
    this.source = source;
    this.#clock = clock;
  }

  /** issued are the current credentials with their end. */
  async issued(): Promise<Outcome<Issued>> {
    const held = this.#held;
    if (held === undefined) return this.#obtain();
    const now = this.#clock.now();
    const lasts = held.expiresAt === undefined || !this.source.renews || held.expiresAt - now >= marginMs;
    if (lasts || now - held.since < pauseMs) return done(held);
    const fresh = await this.#obtain();
    // What still lasts for some minutes is better than nothing.
    return fresh.ok || (held.expiresAt ?? 0) <= this.#clock.now() ? fresh : done(held);
  }

  async current(): Promise<Outcome<Credentials>> {
    const issued = await this.issued();
    return issued.ok ? done(issued.value.credentials) : issued;
  }

  async renewed(refused: Credentials): Promise<Outcome<Credentials>> {
    if (!this.source.renews) return failed(ended(this.source.kind));
    const held = this.#held;
    if (held !== undefined && held.credentials.securityToken !== refused.securityToken) return done(held.credentials);
    const fresh = await this.#obtain();
    return fresh.ok ? done(fresh.value.credentials) : fresh;
  }

  #obtain(): Promise<Outcome<Issued>> {
    this.#asking ??= this.source.obtain().then((issued) => {
      this.#asking = undefined;
      if (issued.ok) this.#held = { ...issued.value, since: this.#clock.now() };
      return issued;
    });
    return this.#asking;
  }
}
