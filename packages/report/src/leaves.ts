import type { StepResult } from '@sluice/core';

/** leavesOf are the results of the steps that did the work, in their order; a step that composed none stands for itself. */
export const leavesOf = (result: StepResult): readonly StepResult[] =>
  result.steps === undefined || result.steps.length === 0 ? [result] : result.steps.flatMap(leavesOf);

/** endedBadly says whether a result is neither passed nor skipped. */
export const endedBadly = ({ category }: StepResult): boolean => category !== 'passed' && category !== 'skipped';
