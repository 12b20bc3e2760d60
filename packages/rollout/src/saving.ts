import type { Outcome } from '@sluice/core';
import type { RolloutPorts } from './ports.ts';
import type { RolloutState } from './rollout-state.ts';

/** savingInOrder gives ports whose saves follow one another, so that one which was not waited for cannot undo a later one. */
export const savingInOrder = <Ports extends RolloutPorts>(ports: Ports): Ports => {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...ports,
    save: (state) => {
      const next = last.then(() => ports.save(state));
      last = next.catch(() => undefined);
      return next;
    },
  };
};

/** savedUnlessStopped waits for a save, but not once the signal has fired: traffic comes first then, and a store may be slow. Undefined says that it was left to itself. */
export const savedUnlessStopped = async (ports: RolloutPorts, state: RolloutState): Promise<Outcome<void> | undefined> => {
  const over = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    ports.signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: over.signal });
  });
  const saved = ports.save(state);
  try {
    return ports.signal.aborted ? undefined : await Promise.race([saved, stopped]);
  } finally {
    over.abort();
  }
};
