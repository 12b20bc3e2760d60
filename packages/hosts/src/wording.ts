import { durationText, placeText, problemLines, type Finding, type StepResult } from '@sluice/core';

/** findingText writes a finding in one line: `error app/bot.yml:3:1 no edge leads to "Answer" (dify/edge-endpoint-missing)`. */
export const findingText = ({ severity, place, message, rule, hint }: Finding): string =>
  `${severity} ${placeText(place)} ${message} (${rule})${hint === undefined ? '' : ` ${hint}`}`;

/** endingText is a step's last line. */
export const endingText = (result: StepResult): string =>
  `${result.step} ${result.status} in ${durationText(result.durationMs)}${result.reason === '' ? '' : `: ${result.reason}`}`;

/** endingDetails are the lines below it; empty for what went well. The reason stands in the line above. */
export const endingDetails = (result: StepResult): readonly string[] => {
  // The steps that a step is composed of have said this already.
  if (result.steps !== undefined && result.steps.length > 0) return [];
  if (result.problem !== undefined) return problemLines({ ...result.problem, reason: result.reason }).slice(1);
  return result.hint === '' ? [] : [`  next: ${result.hint}`];
};
