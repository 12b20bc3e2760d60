import { problemLines, type StepResult } from '@sluice/core';
import { endedBadly, leavesOf } from './leaves.ts';
import { cell, longCell } from './markdown-table.ts';

/** isNews tells that a result which is composed of others knows more than they do, such as that the way back failed. */
const isNews = (result: StepResult, blamed: readonly StepResult[]): boolean =>
  endedBadly(result) &&
  (blamed.length === 0 ||
    (result.hint !== '' && blamed.every(({ hint }) => hint !== result.hint)) ||
    (result.problem !== undefined && blamed.every(({ problem }) => problem?.reason !== result.problem?.reason)));

/** blamedIn are the results that say what went wrong: the composed one first, if it knows more than its steps. */
export const blamedIn = (result: StepResult): readonly StepResult[] => {
  const blamed = leavesOf(result).filter((leaf) => leaf !== result && endedBadly(leaf));
  return isNews(result, blamed) ? [result, ...blamed] : blamed;
};

/** knownLines are what is known of a failure beside its reason, one line each: what was tried, where, the answer, what to do next. */
export const knownLines = ({ problem, reason, hint }: StepResult): readonly string[] => {
  if (problem === undefined) return hint === '' ? [] : [`next: ${hint}`];
  return problemLines({ ...problem, reason, ...(hint === '' ? {} : { hint }) })
    .slice(1)
    .map((line) => line.trim());
};

/** knownSection is what is known of one failure beside its reason, as a list. */
export const knownSection = (result: StepResult): string => knownLines(result).map((line) => `- ${longCell(line)}`).join('\n');

/** failuresSection says for each result that did not pass what is known, and what to do. */
export const failuresSection = (results: readonly StepResult[]): string =>
  results
    .map((result) => [`- **${cell(result.step)}**: ${cell(result.reason)}`, ...knownLines(result).map((line) => `  - ${longCell(line)}`)].join('\n'))
    .join('\n');
