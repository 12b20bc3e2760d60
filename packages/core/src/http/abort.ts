import type { Clock } from '../clock.ts';
import { errorField } from '../error-fields.ts';

/** Ending says what ended a call before its time. */
export type Ending = 'deadline' | 'timeout' | 'cancelled';

/** Abort ends one call by a deadline of its own or by the signals of others. */
export interface Abort {
  readonly signal: AbortSignal;
  /** ended is why the signal fired; undefined while it has not. */
  ended(): Ending | undefined;
  /** arm sets the deadline anew, in milliseconds from now. */
  arm(milliseconds: number): void;
  /** disarm takes the deadline away. */
  disarm(): void;
  /** release lets go of timers and signals; call it when the call is over. */
  release(): void;
}

const endingOf = (signal: AbortSignal): Ending =>
  errorField(signal.reason, 'name') === 'TimeoutError' ? 'timeout' : 'cancelled';

/**
 * createAbort joins signals and a deadline. A signal whose reason is a TimeoutError counts as a timeout, as with
 * AbortSignal.timeout. Deadlines are real time also where the clock compresses waits, because servers are not faster there.
 */
export const createAbort = (clock: Clock, signals: readonly (AbortSignal | undefined)[]): Abort => {
  const controller = new AbortController();
  let ended: Ending | undefined;
  let timer = new AbortController();
  const end = (ending: Ending): void => {
    ended ??= ending;
    controller.abort();
  };
  const listeners = signals
    .filter((signal) => signal !== undefined)
    .map((signal) => {
      const listener = (): void => end(endingOf(signal));
      if (signal.aborted) listener();
      else signal.addEventListener('abort', listener, { once: true });
      return () => signal.removeEventListener('abort', listener);
    });
  return {
    signal: controller.signal,
    ended: () => ended,
    arm: (milliseconds) => {
      timer.abort();
      const own = new AbortController();
      timer = own;
      void clock.sleep(milliseconds * clock.factor, own.signal).then(() => {
        if (!own.signal.aborted) end('deadline');
      });
    },
    disarm: () => timer.abort(),
    release: () => {
      timer.abort();
      for (const remove of listeners) remove();
    },
  };
};
