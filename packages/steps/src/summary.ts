import type { StepResult } from '@sluice/core';
import { releaseSummary } from '@sluice/report';

/** summaryOf is the Markdown of a result for a CI system's summary page. */
export const summaryOf = (result: StepResult): string => releaseSummary(result);
