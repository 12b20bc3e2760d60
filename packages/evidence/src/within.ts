import type { Clock } from '@sluice/core';

/** within gives what `work` gives, or undefined when the signal fires or the deadline passes first; work is then told by its signal. */
export const within = async <T>(
  clock: Clock,
  deadlineMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> => {
  const finished = new AbortController();
  const late = new AbortController();
  const deadline = clock.sleep(deadlineMs, AbortSignal.any([signal, finished.signal])).then(() => {
    late.abort();
    return undefined;
  });
  try {
    return await Promise.race([work(AbortSignal.any([signal, late.signal])), deadline]);
  } finally {
    finished.abort();
  }
};
