/** Sessions remembers which version a session sticks to until it has been idle for too long. */
export class Sessions {
  readonly #elapsed: () => number;
  readonly #versions = new Map<string, { version: string; usedAt: number }>();

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** version gives a session's version, chosen by `choose` when it is new or was idle for `idleMs`. */
  version(session: string, idleMs: number, choose: () => string): string {
    const now = this.#elapsed();
    this.#forget(now - idleMs);
    const version = this.#versions.get(session)?.version ?? choose();
    // Deleted first so that the map stays in the order of use and forgetting stops at the first fresh one.
    this.#versions.delete(session);
    this.#versions.set(session, { version, usedAt: now });
    return version;
  }

  #forget(before: number): void {
    for (const [session, { usedAt }] of this.#versions) {
      if (usedAt > before) return;
      this.#versions.delete(session);
    }
  }
}
