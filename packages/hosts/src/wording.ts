import { durationText, placeText, problemLines, type Finding, type StepResult } from '@sluice/core';

/** findingText writes a finding in one line: `error app/bot.yml:3:1 no edge leads to "Answer" (dify/edge-endpoint-missing)`. */
export const findingText = ({ severity, place, message, rule, hint }: Finding): string =>
  `${severity} ${placeText(place)} ${message} (${rule})${hint === undefined ? '' : ` ${hint}`}`;

/** endingText is a step's last line. */
export const endingText = (result: StepResult): string =>
  `${result.step} ${result.status} in ${durationText(result.durationMs)}${result.reason === '' ? '' : `: ${result.reason}`}`;

/** isSaidInside tells that a step which a step is composed of has said the same already. */
const isSaidInside = (result: StepResult, says: (inner: StepResult) => boolean): boolean => result.steps?.some(says) ?? false;

/** endingDetails are the lines below it; empty for what went well. The reason stands in the line above. */
export const endingDetails = (result: StepResult): readonly string[] => {
  const { problem, hint } = result;
  if (problem !== undefined && !isSaidInside(result, (inner) => inner.problem?.reason === problem.reason)) {
    return problemLines({ ...problem, reason: result.reason, ...(hint === '' ? {} : { hint }) }).slice(1);
  }
  return hint === '' || isSaidInside(result, (inner) => inner.hint === hint) ? [] : [`  next: ${hint}`];
};
