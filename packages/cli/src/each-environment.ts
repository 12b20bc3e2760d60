import { clause, originOf, safeOutputs, statusOf, type AnyStep, type Category, type HostContext, type StepResult } from '@sluice/core';

/** gravest are categories from the one that a person must look at first. */
const gravest: readonly Category[] = ['defect', 'cancelled', 'conflict', 'platform', 'timeout', 'permission', 'input', 'gate', 'evidence', 'passed', 'skipped'];

/** eachEnvironment is the result of a step that worked on one environment after the other: it ends as the gravest of them did, and says how each ended. */
export const eachEnvironment = (step: AnyStep, names: readonly string[], results: readonly StepResult[], context: HostContext): StepResult => {
  const category = gravest.find((one) => results.some((result) => result.category === one)) ?? 'skipped';
  const worst = results.find((result) => result.category === category);
  return {
    step: step.name,
    status: statusOf(category),
    category,
    reason: results.map(({ reason }, index) => `${names[index] ?? ''}: ${clause(reason)}`).join('; '),
    hint: worst?.hint ?? '',
    outputs: { ...safeOutputs(step), ...worst?.outputs },
    evidence: null,
    startedAt: results[0]?.startedAt ?? '',
    durationMs: results.reduce((sum, { durationMs }) => sum + durationMs, 0),
    ...(worst?.problem === undefined ? {} : { problem: worst.problem }),
    steps: results,
    ...originOf(context, worst?.project),
  };
};
