import { nearest, type Finding, type Outcome, type Place, type Problem, type Severity } from '@sluice/core';
import type { EnvironmentRuleName } from '../../source/environment-rules.ts';
import type { Needs, Use } from '../../source/needs.ts';
import type { Application } from '../application.ts';

/** Asking is what every question about an environment needs. */
export interface Asking {
  readonly application: Application;
  readonly needs: Needs;
  /** release is the server's, as in `1.12.1`. */
  readonly release: string;
  placeOf(path: readonly (string | number)[]): Place;
}

/** Answer is what one question showed. */
export interface Answer {
  readonly seen?: string;
  readonly skipped?: string;
  readonly findings: readonly Finding[];
}

const mostNamed = 3;

/** usersOf names the nodes that need something, as in `node "Think" and 2 more`. */
export const usersOf = <T>(uses: readonly Use<T>[]): string => {
  const titles = [...new Set(uses.map(({ node }) => node))];
  const named = titles.slice(0, mostNamed).map((title) => (title === '' ? 'the app' : `node "${title}"`));
  return `${named.join(', ')}${titles.length > mostNamed ? ` and ${titles.length - mostNamed} more` : ''}`;
};

/** grouped puts the uses of each thing together, those that run first. */
export const grouped = <T>(uses: readonly Use<T>[], key: (what: T) => string): readonly (readonly [what: T, uses: readonly Use<T>[]])[] => {
  const groups = new Map<string, Use<T>[]>();
  for (const use of [...uses].sort((one, other) => Number(other.reached) - Number(one.reached))) {
    const name = key(use.what);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [use]);
    else group.push(use);
  }
  return [...groups.values()].flatMap((group) => (group[0] === undefined ? [] : [[group[0].what, group] as const]));
};

/** lacking is a finding at the first use of what is not as it should be; it is a warning where no use ever runs. */
export const lacking = <T>(asking: Asking, rule: EnvironmentRuleName, uses: readonly Use<T>[], message: string, hint: string, severity: Severity = 'error'): Finding => ({
  rule: `environment/${rule}`,
  severity: uses.some(({ reached }) => reached) ? severity : 'warning',
  message,
  place: asking.placeOf(uses[0]?.path ?? []),
  hint,
});

const mostShown = 5;

/** instead names what is there in place of a missing name: the nearest, else some of all. */
export const instead = (word: string, known: readonly string[]): string => {
  const names = [...new Set(known)];
  const near = nearest(word, names);
  if (near !== undefined) return `${near} is there; did you mean it?`;
  if (names.length === 0) return 'It has none of this kind.';
  return `There ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, mostShown).join(', ')}${names.length > mostShown ? ` and ${names.length - mostShown} more` : ''}.`;
};

/** refused says why a list could not be read, which is no evidence that something is missing, nor that it is there. */
export const refused = ({ release }: Asking, what: string, problem: Problem): string => {
  const status = problem.answer?.status;
  if (status === 403) return `the account may not list the ${what} (HTTP 403)`;
  if (status === 404) return `Dify ${release} has no list of the ${what} (HTTP 404)`;
  return `the ${what} could not be listed: ${problem.reason}`;
};

/** joinedAnswers puts the answers on one kind of things together: what was not asked is said beside what was. */
export const joinedAnswers = (answers: readonly Answer[]): Answer => {
  const text = (read: (answer: Answer) => string | undefined): string => [...new Set(answers.map(read).filter((one) => one !== undefined))].join('; ');
  const [seen, skipped] = [text((one) => one.seen), text((one) => one.skipped)];
  return { ...(seen === '' ? {} : { seen }), ...(skipped === '' ? {} : { skipped }), findings: answers.flatMap(({ findings }) => findings) };
};

/** listed reads a list and judges by it; a list that cannot be read is skipped. */
export const listed = async <T>(asking: Asking, what: string, list: Promise<Outcome<T>>, judge: (there: T) => Answer | Promise<Answer>): Promise<Answer> => {
  const there = await list;
  return there.ok ? judge(there.value) : { skipped: refused(asking, what, there.problem), findings: [] };
};
