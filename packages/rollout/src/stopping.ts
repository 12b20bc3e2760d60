import type { Problem } from '@sluice/core';
import type { RolloutPorts } from './ports.ts';

/** stopProblem is why a fired signal stopped the rollout; undefined for a deadline, which is inconclusive and no problem. */
export const stopProblem = (ports: RolloutPorts): Problem | undefined =>
  ports.cancelled() ? { category: 'cancelled', reason: 'the canary was cancelled before it had a verdict', tried: 'judge the candidate' } : undefined;

/** defectProblem turns an exception into a problem, so that the way back is taken before it is told. */
export const defectProblem = (error: unknown): Problem => ({
  category: 'defect',
  reason: `the canary stopped on a defect of Sluice: ${error instanceof Error ? error.message : 'an unknown error'}`,
  tried: 'judge the candidate',
  hint: 'Please report this with the result document.',
});
