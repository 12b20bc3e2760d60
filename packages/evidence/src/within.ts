import type { Clock } from '@sluice/core';

/**
 * within gives what `work` gives, or undefined when the signal fires or the deadline passes first; work is then told by
 * its signal, and what it still gives because of that is not used.
 */
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
    const given = await Promise.race([work(AbortSignal.any([signal, late.signal])), deadline]);
    return late.signal.aborted ? undefined : given;
  } finally {
    finished.abort();
  }
};

/** untilLate does work whose signal fires, too, once `leftMs` have passed; undefined leaves it its time. Unlike `within`, it waits for what the work makes of that. */
export const untilLate = async <T>(clock: Clock, leftMs: number | undefined, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  if (leftMs === undefined) return work(signal);
  const finished = new AbortController();
  const late = new AbortController();
  if (leftMs <= 0) late.abort();
  void clock.sleep(leftMs, AbortSignal.any([signal, finished.signal, late.signal])).then(() => late.abort());
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    finished.abort();
  }
};
