import { clause, done, durationText, failed, oneLine, type Clock, type Outcome } from '@sluice/core';

/** Settling is anything that takes AgentRun a while to make. */
export interface Settling {
  readonly status: string;
  readonly statusReason: string;
}

/** Waiting is what waitReady needs. */
export interface Waiting<T> {
  /** what names the thing, as in `runtime ar-1`. */
  readonly what: string;
  readonly deadlineMs: number;
  /** endsAt is when the step is over, on the clock's steady reading; never when absent. */
  readonly endsAt?: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  read(): Promise<Outcome<T>>;
  log(line: string): void;
}

const firstPauseMs = 3000;
const longestPauseMs = 10_000;

/** isReady knows both words: the API says READY, official examples of endpoints say ACTIVE. */
export const isReady = ({ status }: Settling): boolean => status === 'READY' || status === 'ACTIVE';

/** hasFailed says that the platform has given up: `FAILED` or `*_FAILED`. */
export const hasFailed = ({ status }: Settling): boolean => status.endsWith('FAILED');

/** notReady is the reason for a state that did not become ready. */
const notReady = (what: string, { status, statusReason }: Settling): string =>
  `${what} is ${status === '' ? 'in no known state' : oneLine(status, 40)}${statusReason === '' ? '' : `: ${clause(oneLine(statusReason, 300))}`}`;

/** waitReady asks until the thing is ready: after 3 s, then 1.5 times longer each time up to 10 s. A failed state ends it at once, and so does the end of the step. */
export const waitReady = async <T extends Settling>({ what, deadlineMs, endsAt, clock, signal, read, log }: Waiting<T>): Promise<Outcome<T>> => {
  const began = clock.elapsed();
  let pause = firstPauseMs;
  let waited = 0;
  let said = '';
  for (;;) {
    const seen = await read();
    if (!seen.ok || isReady(seen.value)) return seen;
    const tried = `wait until ${what} is ready`;
    if (hasFailed(seen.value)) {
      return failed({ category: 'platform', reason: notReady(what, seen.value), tried, hint: 'Correct what the platform names, and deploy again. Users keep what they had.' });
    }
    if (signal.aborted) return failed({ category: 'cancelled', reason: `the wait was ended; ${notReady(what, seen.value)}`, tried });
    // Pauses count in full, so that a rehearsal with a faster clock gives up after as many questions as a real run.
    if (waited >= deadlineMs || clock.elapsed() - began >= deadlineMs) {
      return failed({ category: 'timeout', reason: `${notReady(what, seen.value)}, and not ready after ${durationText(deadlineMs)}`, tried, hint: 'Look at it in the AgentRun console.' });
    }
    if (endsAt !== undefined && clock.elapsed() >= endsAt) {
      return failed({ category: 'timeout', reason: `${notReady(what, seen.value)}, and the time of the step is over`, tried, hint: 'Look at it in the AgentRun console, or give the step longer with the input deadline.' });
    }
    if (said !== seen.value.status) log(`waiting for ${what}: ${oneLine(seen.value.status, 40)}`);
    said = seen.value.status;
    await clock.sleep(endsAt === undefined ? pause : Math.min(pause, (endsAt - clock.elapsed()) * clock.factor), signal);
    waited += pause;
    pause = Math.min(longestPauseMs, pause * 1.5);
  }
};

/** ready checks without waiting. */
export const ready = (what: string, seen: Settling): Outcome<string> =>
  isReady(seen)
    ? done(`${what} is ${seen.status}`)
    : failed({ category: 'gate', reason: notReady(what, seen), tried: `check the state of ${what}` });
