/** Faults make one version of a lab application misbehave. All are off when absent. */
export interface Faults {
  /** errors is the share of runs that fail inside the application, 0 to 1. */
  readonly errors?: number;
  /** latency is a factor on the version's usual latency (2 is twice as slow). */
  readonly latency?: number;
  /** latencyMs is added to every answer. */
  readonly latencyMs?: number;
  /** firstTokenMs is added before the first content of a stream. */
  readonly firstTokenMs?: number;
  /** tokens is a factor on the usual token count. */
  readonly tokens?: number;
  /** wrong is the share of answers whose text is something else, 0 to 1. */
  readonly wrong?: number;
  /** throttled is the share of requests that are refused with 429, 0 to 1. */
  readonly throttled?: number;
  /** dropped is the share of requests whose connection is cut, 0 to 1. */
  readonly dropped?: number;
}

/** Share hits a stated share of calls evenly and deterministically: the n-th call is hit when n × share passes a whole number. */
export class Share {
  #calls = 0;
  readonly #share: number;

  constructor(share: number) {
    this.#share = share;
  }

  next(): boolean {
    const before = Math.floor(this.#calls * this.#share);
    this.#calls += 1;
    return Math.floor(this.#calls * this.#share) > before;
  }
}
