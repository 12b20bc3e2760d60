import type { Clock } from './clock.ts';
import { errorField } from './error-fields.ts';

/** Ending says what ended a piece of work before its time: its own deadline, a deadline around it, or a cancellation. */
export type Ending = 'deadline' | 'timeout' | 'cancelled';

/** Abort ends one piece of work by a deadline of its own or by the signals of others. */
export interface Abort {
  readonly signal: AbortSignal;
  /** ended is why the signal fired; undefined while it has not. */
  ended(): Ending | undefined;
  /** arm sets the deadline anew, in milliseconds from now. */
  arm(milliseconds: number): void;
  /** disarm takes the deadline away. */
  disarm(): void;
  /** release lets go of timers and signals; call it when the work is over. */
  release(): void;
}

const endingOf = (signal: AbortSignal): Ending =>
  errorField(signal.reason, 'name') === 'TimeoutError' ? 'timeout' : 'cancelled';

/** over is the reason of a deadline that is taken away; without one, an exception with its stack would be made each time. */
const over = 'over';

/** onAbort calls the listener once the signal has fired, at once where it has already, and gives what takes it away again. */
export const onAbort = (signal: AbortSignal, listener: () => void): (() => void) => {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
};

/**
 * createAbort joins signals and a deadline into one signal with the reason of whichever came first. A reason named
 * TimeoutError counts as a timeout, as with AbortSignal.timeout. Deadlines are real time also where the clock
 * compresses waits, because machines are not faster there.
 */
export const createAbort = (clock: Clock, signals: readonly (AbortSignal | undefined)[]): Abort => {
  const controller = new AbortController();
  let ended: Ending | undefined;
  let timer = new AbortController();
  const end = (ending: Ending, reason: unknown): void => {
    ended ??= ending;
    controller.abort(reason);
  };
  const removals = signals
    .filter((signal) => signal !== undefined)
    .map((signal) => onAbort(signal, () => end(endingOf(signal), signal.reason)));
  return {
    signal: controller.signal,
    ended: () => ended,
    arm: (milliseconds) => {
      timer.abort(over);
      const own = new AbortController();
      timer = own;
      void clock.sleep(milliseconds * clock.factor, own.signal).then(() => {
        if (!own.signal.aborted) end('deadline', new DOMException('the deadline passed', 'TimeoutError'));
      });
    },
    disarm: () => timer.abort(over),
    release: () => {
      timer.abort(over);
      for (const remove of removals) remove();
    },
  };
};
