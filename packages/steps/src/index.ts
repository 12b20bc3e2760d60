import type { userQuestion as askedByUsers } from './questions.ts';
import type { attachmentsOf as attached, commentOf as commented, summaryOf as summarised } from './summary.ts';

export { isStepName, loadStep, loadSteps, stepNames, type StepName } from './registry.ts';

/** userQuestion is what a user of the application asks: the first question of its health check. */
export const userQuestion = async (...given: Parameters<typeof askedByUsers>) => (await import('./questions.ts')).userQuestion(...given);

/** summaryOf is the Markdown of a result for a CI system's summary page. */
export const summaryOf = async (...given: Parameters<typeof summarised>) => (await import('./summary.ts')).summaryOf(...given);

/** commentOf is a result's section of the comment on a pull request. */
export const commentOf = async (...given: Parameters<typeof commented>) => (await import('./summary.ts')).commentOf(...given);

/** attachmentsOf are the files for people beside a result document: a canary's picture, and a release's report. */
export const attachmentsOf = async (...given: Parameters<typeof attached>) => (await import('./summary.ts')).attachmentsOf(...given);
