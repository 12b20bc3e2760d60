import type { FailureCategory } from './category.ts';

/** Place is a position in a file that a person can open; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** Answer is what a server said about a refused request; the message is untrusted text. */
export interface Answer {
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  readonly requestId?: string;
}

/**
 * Problem is an error as a value: what was tried, where, what the server answered and what to do next.
 * `reason` is one sentence that stands without the other fields. It never holds a secret.
 */
export interface Problem {
  readonly category: FailureCategory;
  readonly reason: string;
  /** tried names the action, as in "publish a version of app 5f6c". */
  readonly tried?: string;
  /** where is a URL without credentials, an app or runtime id, or `file:line:column`. */
  readonly where?: string;
  /** place is where in a file, for editors and reports; `where` says the same to people. */
  readonly place?: Place;
  readonly answer?: Answer;
  readonly hint?: string;
  /** others are further problems found in the same pass. */
  readonly others?: readonly Problem[];
}

/** placeText writes a place as `file:line:column`, as far as it is known. */
export const placeText = (place: Place): string =>
  [place.file, place.line, place.line === undefined ? undefined : place.column]
    .filter((part) => part !== undefined)
    .join(':');

const answerText = (answer: Answer): string | undefined => {
  const parts = [
    answer.status === undefined ? undefined : `HTTP ${answer.status}`,
    answer.code,
    answer.message,
    answer.requestId === undefined ? undefined : `(request id ${answer.requestId})`,
  ].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? undefined : parts.join(' ');
};

/** problemLines writes a problem for a person: the reason, then one line for each thing that is known about it. */
export const problemLines = (problem: Problem): string[] => {
  const answer = problem.answer === undefined ? undefined : answerText(problem.answer);
  return [
    problem.reason,
    ...(problem.tried === undefined ? [] : [`  tried: ${problem.tried}`]),
    ...((problem.where ?? '') === '' ? [] : [`  where: ${problem.where}`]),
    ...(answer === undefined ? [] : [`  answer: ${answer}`]),
    ...(problem.hint === undefined ? [] : [`  next: ${problem.hint}`]),
    ...(problem.others ?? []).flatMap(problemLines),
  ];
};
