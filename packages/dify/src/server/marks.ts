import type { Marks } from '@sluice/core';

/** Limits of Dify's two texts beside a version, in characters (Dify 1.12.1, PublishWorkflowPayload). */
const nameLength = 20;
const commentLength = 100;

/** shortened cuts a text at a character, never inside one. */
const shortened = (text: string, length: number): string => [...text].slice(0, length).join('');

/** markedName shortens a version's name to what Dify takes. */
export const markedName = (name: string): string => shortened(name, nameLength);

/**
 * markedComment writes marks as `commit=… verdict=… run=…` in at most 100 characters. The commit is cut to 12 digits,
 * and a run URL that does not fit whole is left out, since half an address leads nowhere.
 */
export const markedComment = (marks: Marks): string => {
  const facts = [
    ...(marks.commit === undefined || marks.commit === '' ? [] : [`commit=${marks.commit.slice(0, 12)}`]),
    ...(marks.verdict === undefined ? [] : [`verdict=${marks.verdict}`]),
  ].join(' ');
  const run = marks.runUrl === undefined || marks.runUrl === '' ? '' : `${facts === '' ? '' : ' '}run=${marks.runUrl}`;
  return [...facts, ...run].length <= commentLength ? `${facts}${run}` : shortened(facts, commentLength);
};

/** commitIn is the commit in a comment that markedComment wrote; a comment is untrusted text. */
export const commitIn = (comment: string): string | undefined => /^commit=([0-9a-f]{7,12})(?: |$)/.exec(comment)?.[1];
