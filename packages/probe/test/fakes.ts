import { done, type Clock, type Opened, type Outcome, type Question, type Reply, type Source, type SourceInput } from '@sluice/core';

export const reply = (rest: Partial<Reply> = {}): Reply => ({ text: 'pong', outputs: {}, latencyMs: 120, status: 200, ...rest });

export const refused = (status: number, failed = `The server answered ${status}.`): Reply => reply({ text: '', status, failed });

/** FakeOpened answers from a list, the last answer for ever, and remembers who asked what. */
export const openedWith = (version: string, ...answers: (Outcome<Reply> | Reply)[]): Opened & { readonly asked: Question[] } => {
  const asked: Question[] = [];
  return {
    version,
    how: 'a side endpoint pinned to it',
    asked,
    ask: async (question) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? reply();
      asked.push(question);
      return 'ok' in answer ? answer : done(answer);
    },
    close: async () => done(undefined),
  };
};

/** fakeClock moves only when somebody sleeps. */
export const fakeClock = (): Clock & { readonly waits: number[] } => {
  let now = 0;
  const waits: number[] = [];
  return {
    factor: 1,
    waits,
    now: () => now,
    elapsed: () => now,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
};

export const input = (rest: Partial<SourceInput> & { name: string }): SourceInput => ({ type: 'text', required: true, ...rest });

export const source = (kind: Source['kind'], inputs: readonly SourceInput[] = []): Source => ({
  platform: 'dify',
  path: 'app/bot.yml',
  title: 'Support bot',
  kind,
  digest: 'sha256:0',
  inputs,
});

export const users = (): (() => string) => {
  let count = 0;
  return () => `sluice-probe-${(count += 1)}`;
};
