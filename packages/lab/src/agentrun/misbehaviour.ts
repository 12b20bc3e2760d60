import { Share, type Faults } from '../faults.ts';

/** Fate is what happens to one answer. Milliseconds are at full speed, before any compression. */
export interface Fate {
  readonly throttled: boolean;
  readonly dropped: boolean;
  /** error is how the agent fails: inside HTTP 200, or as HTTP 500. */
  readonly error: 'inside' | 'status' | undefined;
  readonly wrong: boolean;
  readonly latency: number;
  readonly latencyMs: number;
  readonly firstTokenMs: number;
  readonly tokens: number;
}

/** Misbehaviour deals out the faults of one version, each share counted for itself. */
export class Misbehaviour {
  readonly #faults: Faults;
  readonly #errors: Share;
  readonly #insideErrors = new Share(0.5);
  readonly #wrong: Share;
  readonly #throttled: Share;
  readonly #dropped: Share;

  constructor(faults: Faults) {
    this.#faults = faults;
    this.#errors = new Share(faults.errors ?? 0);
    this.#wrong = new Share(faults.wrong ?? 0);
    this.#throttled = new Share(faults.throttled ?? 0);
    this.#dropped = new Share(faults.dropped ?? 0);
  }

  /** next is the fate of the next request. */
  next(): Fate {
    const fails = this.#errors.next();
    return {
      throttled: this.#throttled.next(),
      dropped: this.#dropped.next(),
      error: fails ? (this.#insideErrors.next() ? 'inside' : 'status') : undefined,
      wrong: this.#wrong.next(),
      latency: this.#faults.latency ?? 1,
      latencyMs: this.#faults.latencyMs ?? 0,
      firstTokenMs: this.#faults.firstTokenMs ?? 0,
      tokens: this.#faults.tokens ?? 1,
    };
  }
}
