import type { Outputs, StepResult } from './result.ts';

/** endingOutputs describe the outputs that every step has beside its own: how it ended. */
export const endingOutputs = {
  status: 'How the step ended: `passed`, `failed`, `inconclusive`, `skipped`, `error` or `cancelled`.',
  category: 'Why it ended so, in one word; the exit code follows from it.',
  reason: 'Why it ended so, in one sentence.',
} as const;

/** outputsOf are a result's outputs as CI systems get them: the step's own, and how it ended. */
export const outputsOf = ({ outputs, status, category, reason }: StepResult): Outputs => ({
  ...outputs,
  ...({ status, category, reason } satisfies Record<keyof typeof endingOutputs, string>),
});
