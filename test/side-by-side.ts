import { beforeAll, test } from '@jest/globals';
import { inTurn } from './fault-verdicts.ts';

/**
 * sideBySide plays the cases of a block some at a time before its tests, and each test tells how its own case ended. What
 * Jest calls concurrent has moments between two tests in which nothing may be imported.
 */
export const sideBySide = <T extends { readonly name: string }>(cases: readonly T[], play: (one: T, index: number) => Promise<void>, atOnce = 6): void => {
  const endings = new Map<string, { readonly error?: unknown }>();
  beforeAll(async () => {
    await inTurn([...cases.entries()], atOnce, async ([index, one]) => {
      try {
        await play(one, index);
        endings.set(one.name, {});
      } catch (error) {
        endings.set(one.name, { error });
      }
    });
  }, 900_000);
  test.each(cases.map(({ name }) => [name]))('%s', (name) => {
    const ending = endings.get(name);
    if (ending === undefined) throw new Error(`${name} was not played`);
    if ('error' in ending) throw ending.error;
  });
};
