import type { StepResult } from '../result.ts';

/**
 * sameJob are the results that belong to the job of `last`. A folder may also hold those that an earlier job handed on. Where
 * the host tells of no run, as on a terminal, whose folder is never emptied, it is the newest of each step and environment.
 */
export const sameJob = (results: readonly StepResult[], last: StepResult): readonly StepResult[] => {
  if (last.run !== undefined) return results.filter(({ run, job }) => run === last.run && job === last.job);
  const newest = new Map<string, StepResult>();
  for (const result of results) {
    if (result.run !== undefined) continue;
    const key = JSON.stringify([result.step, result.project, result.environment]);
    // Taken out first, so that the order is that of the newest.
    newest.delete(key);
    newest.set(key, result);
  }
  return [...newest.values()];
};
