import { problemLines, type StepResult } from '@sluice/core';
import { cell } from './markdown-table.ts';

const linesOf = (result: StepResult): readonly string[] => {
  if (result.problem !== undefined) return problemLines({ ...result.problem, reason: result.reason }).slice(1);
  return result.hint === '' ? [] : [`next: ${result.hint}`];
};

/** failuresSection says for each step that did not pass what is known, and what to do. */
export const failuresSection = (results: readonly StepResult[]): string =>
  results
    .map((result) =>
      [`- **${cell(result.step)}**: ${cell(result.reason)}`, ...linesOf(result).map((line) => `  - ${cell(line)}`)].join('\n'),
    )
    .join('\n');
