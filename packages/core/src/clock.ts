/** Clock is the only source of time and waiting inside Sluice, so that a rehearsal can compress all waits by one factor. */
export interface Clock {
  /** now is the time of day in milliseconds since 1970. */
  now(): number;
  /** elapsed is a steady reading in milliseconds that clock changes do not move. */
  elapsed(): number;
  /** sleep waits for the given milliseconds; it ends early, without an error, when the signal fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** factor is by how much waits are compressed; 1 is real time. */
  readonly factor: number;
}

/** systemClock makes the real clock, or one whose waits are shorter by `factor`. */
export const systemClock = (factor = 1): Clock => ({
  factor,
  now: () => Date.now(),
  // performance.now() would load a module of its own at every start.
  elapsed: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, milliseconds / factor);
      signal?.addEventListener('abort', finish, { once: true });
    }),
});
