import type { StepResult } from '@sluice/core';
import * as report from '@sluice/report';

/** summaryOf is the Markdown of a result for a CI system's summary page. */
export const summaryOf = (result: StepResult, around: report.Around = {}): string => report.releaseSummary(result, around);

/** commentOf is a result's section of the comment on a pull request. */
export const commentOf = (result: StepResult, judged: report.Judged): string => report.commentSection(result, judged);

/** attachmentsOf are the files for people and their tools beside a result document that is called `base`, by name; `job` are all results of its job. */
export const attachmentsOf = (result: StepResult, base: string, job: readonly StepResult[]): Readonly<Record<string, string>> => report.attachmentsOf(result, base, job);
