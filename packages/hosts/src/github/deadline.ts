import { done, durationText, failed, type Clock, type Outcome } from '@sluice/core';

/** withDeadline runs a call with a signal that fires after the given milliseconds; a call that then throws has timed out. */
export const withDeadline = async <T>(
  clock: Clock,
  milliseconds: number,
  tried: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<Outcome<T>> => {
  const expired = new AbortController();
  const over = new AbortController();
  void clock.sleep(milliseconds, over.signal).then(() => {
    if (!over.signal.aborted) expired.abort();
  });
  try {
    return done(await call(expired.signal));
  } catch (error) {
    if (!expired.signal.aborted) throw error;
    return failed({ category: 'timeout', reason: `GitHub did not answer within ${durationText(milliseconds)}.`, tried });
  } finally {
    over.abort();
  }
};
