/** RateWindow counts what arrived within the last `lengthMs`. */
export class RateWindow {
  readonly #limit: number;
  readonly #lengthMs: number;
  readonly #arrivals: number[] = [];

  constructor(limit: number, lengthMs: number) {
    this.#limit = limit;
    this.#lengthMs = lengthMs;
  }

  /** admit notes an arrival and tells whether it is within the limit. */
  admit(now: number): boolean {
    while (this.#arrivals[0] !== undefined && now - this.#arrivals[0] >= this.#lengthMs) this.#arrivals.shift();
    if (this.#arrivals.length >= this.#limit) return false;
    this.#arrivals.push(now);
    return true;
  }
}
