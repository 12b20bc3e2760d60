import { plainLine, type Host, type StepResult } from '@sluice/core';

const withTexts = (result: StepResult, text: (value: string) => string): StepResult =>
  JSON.parse(JSON.stringify(result), (_key, value: unknown) => (typeof value === 'string' ? text(value) : value));

/** quotable is a result whose texts are redacted before a format escapes them: no redaction finds a secret behind Markdown's backslashes. */
export const quotable = (host: Host, result: StepResult): StepResult => withTexts(result, (value) => host.redact(value));

/** showable is a quotable result for pages: what they leave out, such as control characters, can have kept a secret apart. */
export const showable = (host: Host, result: StepResult): StepResult => withTexts(result, (value) => host.redact(plainLine(host.redact(value))));
