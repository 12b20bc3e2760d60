import type { Opened, Question } from '@sluice/core';

/** Users are synthetic people who use the application while it is released. */
export interface Users {
  /** stop lets all users finish what they asked and says what they saw; the address stays open. */
  stop(): Promise<{ readonly answers: number; readonly failures: number }>;
}

/** UsersOptions say who asks what. */
export interface UsersOptions {
  readonly opened: Opened;
  readonly question: Omit<Question, 'user' | 'streaming'>;
  /** people is how many different users there are; each stays with one version where the gateway is sticky. */
  readonly people: number;
  /** atOnce is how many ask at the same time. */
  readonly atOnce: number;
  /** pauseMs is how long each waits between two questions. */
  readonly pauseMs: number;
  /** most ends the users by themselves. */
  readonly most: number;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** startUsers lets users ask, over and over, each under an id of their own, until they are stopped. */
export const startUsers = ({ opened, question, people, atOnce, pauseMs, most }: UsersOptions): Users => {
  const never = new AbortController().signal;
  let stopped = false;
  const seen = { answers: 0, failures: 0 };
  let asked = 0;
  const one = async (): Promise<void> => {
    while (!stopped && asked < most) {
      asked += 1;
      const user = `rehearsal-user-${asked % people}`;
      const reply = await opened.ask({ ...question, user, streaming: false }, never);
      seen.answers += 1;
      if (!reply.ok || reply.value.failed !== undefined) seen.failures += 1;
      await pause(pauseMs);
    }
  };
  const all = Promise.all(Array.from({ length: atOnce }, one));
  return {
    stop: async () => {
      stopped = true;
      await all;
      return seen;
    },
  };
};

/** countServed lets some more users ask once each and counts, by the lab's own counters, which version answered whom. */
export const countServed = async (
  { opened, question }: Pick<UsersOptions, 'opened' | 'question'>,
  users: number,
  served: () => Readonly<Record<string, number>>,
): Promise<Readonly<Record<string, number>>> => {
  const before = served();
  await Promise.all(
    Array.from({ length: users }, (_, index) => opened.ask({ ...question, user: `rehearsal-check-${index}`, streaming: false }, new AbortController().signal)),
  );
  return Object.fromEntries(
    Object.entries(served())
      .map(([version, count]) => [version, count - (before[version] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
};
