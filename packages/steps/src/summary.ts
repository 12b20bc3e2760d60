import type { StepResult } from '@sluice/core';

/** summaryOf is the Markdown of a result for a CI system's summary page. */
export const summaryOf = (result: StepResult): string => `### ${result.step}: ${result.status}\n\n${result.reason}\n`;
