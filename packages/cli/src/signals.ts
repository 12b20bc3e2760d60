/** Signals say when a run ends: `signal` at once, `connection` some seconds later, so that traffic can still be put back. */
export interface Signals {
  readonly signal: AbortSignal;
  readonly connection: AbortSignal;
}
