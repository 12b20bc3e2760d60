import type { World } from './world.ts';

/** Expectation is one request to a server; what it gives is compared with the answer of the server's release. */
export interface Expectation {
  readonly name: string;
  /** ask sends the request and gives what is compared. */
  readonly ask: (world: World) => Promise<unknown>;
  /** needs is what a server may lack, so that the request cannot be sent: a credential, a model, members below the owner. */
  readonly needs?: 'adminKey' | 'model' | 'members';
}

/**
 * Answers are the answers to one expectation, keyed by the first release that gives them; `always` is for all.
 * The newest key that is not above a server's release holds.
 */
export type Answers = Readonly<Record<string, unknown>>;

const numbers = (release: string): readonly number[] => release.split('.').map(Number);

/** atLeast compares two releases by their numbers. */
export const atLeast = (release: string, wanted: string): boolean => {
  const [one, other] = [numbers(release), numbers(wanted)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
};

/** answerFor picks the answer of a release. */
export const answerFor = (answers: Answers, release: string): unknown => {
  const known = Object.keys(answers)
    .filter((since) => since === 'always' || atLeast(release, since))
    .sort((one, other) => (atLeast(one, other) ? 1 : -1));
  return answers[known.at(-1) ?? ''];
};
