import type { StepResult } from '@sluice/core';
import * as report from '@sluice/report';

/** summaryOf is the Markdown of a result for a CI system's summary page. */
export const summaryOf = (result: StepResult): string => report.releaseSummary(result);

/** attachmentsOf are the files for people beside a result document that is called `base`, by name. */
export const attachmentsOf = (result: StepResult, base: string): Readonly<Record<string, string>> => report.attachmentsOf(result, base);
