import type { StepResult } from '@sluice/core';

/** tellable are the steps that a message can be about; of two that ended at the same moment the first is told. */
export const tellable = ['release', 'rollback', 'sweep', 'canary', 'health-check', 'publish-version', 'deploy', 'snapshot', 'validate'] as const;

/** Subject is the result that a message is about. */
export interface Subject {
  readonly result: StepResult;
  /** beside are the results of the same run, oldest first; empty when there is one alone. */
  readonly beside: readonly StepResult[];
  /** ageMs is how long ago it ended, where nothing but its time ties it to this run; else 0. */
  readonly ageMs: number;
}

const endedAt = (result: StepResult): number => Date.parse(result.startedAt) + result.durationMs;

const isBad = ({ status }: StepResult): boolean => status !== 'passed' && status !== 'skipped';

/**
 * subjectOf chooses what to tell from the newest results of each step: a release with all that belongs to it, unless
 * something ended after it. Of several steps the newest that did not pass is told, else the newest. Results of another
 * run of the CI are left out; those that name no run count, with their age.
 */
export const subjectOf = (results: readonly StepResult[], runId: string, nowMs: number): Subject | undefined => {
  const ours = results
    .filter(({ run = '' }) => run === '' || runId === '' || run === runId)
    .toSorted((one, other) => endedAt(other) - endedAt(one));
  const newest = ours[0];
  if (newest === undefined) return undefined;
  const release = ours.find(({ step }) => step === 'release');
  const since = release === undefined ? ours : ours.slice(0, ours.indexOf(release));
  const result = since.find(isBad) ?? (since.length === 0 ? (release ?? newest) : newest);
  const tied = runId !== '' && result.run === runId;
  return {
    result,
    beside: tied ? since.filter(({ run }) => run === runId).toReversed() : [],
    ageMs: tied ? 0 : Math.max(0, nowMs - endedAt(result)),
  };
};
