/** Phase is work that takes the platform a while. */
export type Phase = 'CREATING' | 'UPDATING' | 'DELETING';

/** Pace says how long a phase takes: until it was asked about `polls` times, or for `settleMs`. */
export interface Pace {
  readonly polls: number;
  readonly settleMs: number;
  /** ready is the word for a finished resource; official examples disagree for endpoints. */
  readonly ready: 'READY' | 'ACTIVE';
}

/** Lifecycle is the asynchronous status of a runtime or an endpoint. */
export class Lifecycle {
  readonly #pace: Pace;
  readonly #elapsed: () => number;
  #running: { phase: Phase; pollsLeft: number; since: number; failure: string | undefined; finish: () => void } | undefined;
  #settled: string;
  #reason = '';

  constructor(pace: Pace, elapsed: () => number) {
    this.#pace = pace;
    this.#elapsed = elapsed;
    this.#settled = pace.ready;
  }

  /** begin starts a phase; it ends with `finish`, or with the failed status and `failure` as its reason. */
  begin(phase: Phase, failure: string | undefined, finish: () => void): void {
    this.#reason = '';
    this.#running = { phase, pollsLeft: this.#pace.polls, since: this.#elapsed(), failure, finish };
    this.settle();
  }

  /** poll is one question about the status by a client. */
  poll(): void {
    if (this.#running !== undefined) this.#running.pollsLeft -= 1;
    this.settle();
  }

  /** status is one of the words of AgentRun's API. */
  get status(): string {
    this.settle();
    return this.#running?.phase ?? this.#settled;
  }

  /** reason says why a phase failed; empty otherwise. */
  get reason(): string {
    this.settle();
    return this.#reason;
  }

  /** settle ends a phase whose time has come. */
  settle(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (running.pollsLeft > 0 && this.#elapsed() - running.since < this.#pace.settleMs) return;
    this.#running = undefined;
    if (running.failure !== undefined) {
      this.#settled = `${running.phase.replace(/ING$/, 'E')}_FAILED`;
      this.#reason = running.failure;
      return;
    }
    this.#settled = this.#pace.ready;
    running.finish();
  }
}
