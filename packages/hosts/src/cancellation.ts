/** SignalSource is the part of `process` that cancellation needs. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** Cancellation fires `signal` at the first SIGINT or SIGTERM. */
export interface Cancellation {
  readonly signal: AbortSignal;
  /** cancel fires it without a signal from outside. */
  cancel(): void;
  /** uninstall gives the signals their usual effect back. */
  uninstall(): void;
}

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * installCancellation turns SIGINT and SIGTERM into one AbortSignal and tells `onCancel` every time which signal came and
 * how often any came. What a second one means is the caller's decision: a GitHub runner sends SIGINT, 7.5 s later SIGTERM
 * and 2.5 s later kills (actions/runner, ProcessInvoker.cs), a person presses Ctrl-C twice.
 */
export const installCancellation = (source: SignalSource, onCancel: (signal: 'SIGINT' | 'SIGTERM', times: number) => void): Cancellation => {
  const controller = new AbortController();
  let times = 0;
  const listeners = signals.map((signal) => ({
    signal,
    listener: () => {
      times += 1;
      controller.abort();
      onCancel(signal, times);
    },
  }));
  for (const { signal, listener } of listeners) source.on(signal, listener);
  return {
    signal: controller.signal,
    cancel: () => controller.abort(),
    uninstall: () => {
      for (const { signal, listener } of listeners) source.off(signal, listener);
    },
  };
};
