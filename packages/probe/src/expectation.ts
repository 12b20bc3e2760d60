import { done, failed, type Outcome, type QuestionConfig } from '@sluice/core';

/** Expectation is what a reply must be like, from `expect` of a question in sluice.yml. */
export type Expectation = NonNullable<QuestionConfig['expect']>;

const longestPattern = 500;

/** checkExpectation finds a pattern that is too long or no regular expression before anything is asked. */
export const checkExpectation = (expectation: Expectation, where: string): Outcome<Expectation> => {
  const pattern = expectation.matches;
  if (pattern === undefined) return done(expectation);
  if (pattern.length > longestPattern) {
    return failed({
      category: 'input',
      reason: `the pattern in expect.matches has ${pattern.length} characters, and at most ${longestPattern} are allowed`,
      where,
    });
  }
  try {
    new RegExp(pattern, 'u');
    return done(expectation);
  } catch (error) {
    return failed({
      category: 'input',
      reason: `the pattern in expect.matches is no regular expression: ${error instanceof Error ? error.message : 'unreadable'}`,
      where,
      hint: 'The pattern is read as JavaScript reads it with the flag u.',
    });
  }
};
