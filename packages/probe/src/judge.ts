import { runInNewContext } from 'node:vm';
import { durationText, type Reply } from '@sluice/core';
import type { Expectation } from './expectation.ts';

const longestSearched = 100_000;
const matchDeadlineMs = 1000;

const outputText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const isBlank = (text: string): boolean => text.trim() === '' || /^(?:null|\[\]|\{\})$/.test(text);

/** saidText is all that a reply says: its text, or a workflow's outputs one a line. */
export const saidText = (reply: Reply): string =>
  reply.text.trim() === '' ? Object.values(reply.outputs).map(outputText).filter((text) => !isBlank(text)).join('\n') : reply.text;

const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/**
 * matches runs a user's pattern on text from a model. Some patterns take exponential time on some texts, so it runs in a
 * context of its own that is stopped at a deadline.
 */
const matches = (pattern: string, text: string): 'yes' | 'no' | 'too slow' => {
  try {
    const found: unknown = runInNewContext('new RegExp(pattern, "u").test(text)', { pattern, text }, { timeout: matchDeadlineMs });
    return found === true ? 'yes' : 'no';
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'too slow';
    throw error;
  }
};

const patternComplaint = (pattern: string, text: string): string | undefined => {
  if (text.length > longestSearched) return `the answer has ${text.length} characters, too many to search for /${pattern}/`;
  switch (matches(pattern, text)) {
    case 'yes':
      return undefined;
    case 'no':
      return `the answer does not match /${pattern}/`;
    case 'too slow':
      return `searching the answer for /${pattern}/ took longer than ${durationText(matchDeadlineMs)}`;
  }
};

const isEmptyAnswer = (reply: Reply, asked: 'query' | 'inputs', text: string): boolean =>
  text.trim() === '' && (asked === 'query' || Object.keys(reply.outputs).length > 0);

/**
 * judge gives the reply with `failed` set when it is not as expected. An empty answer to a query is never as expected;
 * a workflow may have no outputs at all, but not only empty ones. A reply that failed already stays as it is.
 */
export const judge = (reply: Reply, expectation: Expectation = {}, asked: 'query' | 'inputs' = 'query'): Reply => {
  if (reply.failed !== undefined) return reply;
  const text = saidText(reply);
  const complaint = isEmptyAnswer(reply, asked, text) ? 'the answer is empty' : complaintAbout(reply, text, expectation);
  return complaint === undefined ? reply : { ...reply, failed: complaint };
};

const complaintAbout = (reply: Reply, text: string, expectation: Expectation): string | undefined => {
  const lacking = listed(expectation.contains).find((part) => !text.includes(part));
  if (lacking !== undefined) return `the answer does not contain ${JSON.stringify(lacking)}`;
  const unwanted = listed(expectation['not-contains']).find((part) => text.includes(part));
  if (unwanted !== undefined) return `the answer contains ${JSON.stringify(unwanted)}`;
  const { within, matches: pattern } = expectation;
  if (within !== undefined && reply.latencyMs > within) {
    return `the answer took ${durationText(reply.latencyMs)}, and at most ${durationText(within)} is allowed`;
  }
  return pattern === undefined ? undefined : patternComplaint(pattern, text);
};
