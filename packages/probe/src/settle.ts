import { done, durationText, failed, type Clock, type Opened, type Outcome, type Problem, type Reply } from '@sluice/core';
import { askOnce, type FreshUser } from './ask.ts';
import type { Probe } from './questions.ts';

/** Settled is how long an application took until it answered steadily. */
export interface Settled {
  readonly waitedMs: number;
  readonly asked: number;
}

/** SettleOptions bound the wait; `settleMs` is until the first success. */
export interface SettleOptions {
  readonly clock: Clock;
  readonly settleMs: number;
  readonly freshUser: FreshUser;
  readonly signal: AbortSignal;
  /** log tells a person what is being waited for. */
  log(line: string): void;
}

const inARow = 3;
const firstWaitMs = 1000;
const longestWaitMs = 10_000;

/** lastingStatuses are refusals that waiting does not heal: an application that starts up gives none of these. */
const lastingStatuses: readonly number[] = [400, 401, 403, 422];
const passingCategories: readonly Problem['category'][] = ['platform', 'timeout'];

/** complaintOf is why a reply was no success; `lasting` when asking again cannot help. */
const complaintOf = (reply: Outcome<Reply>): { readonly problem: Problem; readonly lasting: boolean } | undefined => {
  if (!reply.ok) return { problem: reply.problem, lasting: !passingCategories.includes(reply.problem.category) };
  const { failed: reason, status } = reply.value;
  return reason === undefined
    ? undefined
    : { problem: { category: 'gate', reason, answer: { status } }, lasting: lastingStatuses.includes(status) };
};

const neverSteady = (problem: Problem, opened: Opened, settleMs: number, sawSuccess: boolean): Problem => ({
  ...problem,
  reason: sawSuccess
    ? `the application answered, but not ${inARow} times in a row within ${durationText(settleMs)}: ${problem.reason}`
    : `the application did not answer within ${durationText(settleMs)}: ${problem.reason}`,
  tried: `ask version ${opened.version} (${opened.how})`,
  hint: problem.hint ?? 'If it starts more slowly than that, raise health.settle.',
});

const interrupted = (opened: Opened): Problem => ({
  category: 'cancelled',
  reason: `the run ended before version ${opened.version} answered steadily`,
  tried: `ask version ${opened.version} (${opened.how})`,
});

/**
 * settle asks until the application answered three times in a row, what it says left aside: cold starts fail first calls.
 * It waits up to `settleMs` for the first success; after that time one more failure ends it, with category `gate` when
 * the application answered with an error and with the connection's own category when it did not answer.
 * Refusals that waiting does not heal end it at once.
 */
export const settle = async (opened: Opened, probe: Probe, options: SettleOptions): Promise<Outcome<Settled>> => {
  const { clock, signal, settleMs } = options;
  let successes = 0;
  let sawSuccess = false;
  let wait = firstWaitMs;
  // Waits count in full also when a rehearsal shortens them, and asking counts as it is.
  let waitedMs = 0;
  for (let asked = 1; ; asked += 1) {
    if (signal.aborted) return failed(interrupted(opened));
    const began = clock.elapsed();
    const reply = await askOnce(opened, { ...probe, expectation: {} }, options.freshUser(), signal);
    waitedMs += clock.elapsed() - began;
    if (signal.aborted) return failed(interrupted(opened));
    const complaint = complaintOf(reply);
    if (complaint === undefined) {
      sawSuccess = true;
      successes += 1;
      if (successes === inARow) return done({ waitedMs, asked });
      continue;
    }
    successes = 0;
    if (complaint.lasting) return failed(complaint.problem);
    if (waitedMs + wait > settleMs) return failed(neverSteady(complaint.problem, opened, settleMs, sawSuccess));
    options.log(`not answering yet, asking again in ${durationText(wait)}: ${complaint.problem.reason}`);
    await clock.sleep(wait, signal);
    waitedMs += wait;
    wait = Math.min(wait * 2, longestWaitMs);
  }
};
