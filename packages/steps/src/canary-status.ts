import { durationText, endedBy, type Json, type Outcome, type Split, type StepContext, type StepEnding, type Target } from '@sluice/core';
import { isOfPlan, readRolloutState, soFar, type RolloutPlan, type RolloutState } from '@sluice/rollout';
import { heldByOther } from './lease.ts';
import { untilText, waitingIn } from './canary-waiting.ts';
import { recordOf } from './record.ts';

/** Standing is what status tells of a recorded canary. */
interface Standing {
  readonly verdict: string;
  readonly reason: string;
  readonly evidence?: Json;
}

const usersText = ({ stable, candidate, weight }: Split): string => {
  if (stable === '') return 'users get what the platform has published';
  return candidate === undefined || weight === 0 ? `everybody gets ${stable}` : `${weight} % of the users get ${candidate}, the others ${stable}`;
};

const observedText = ({ stable, candidate, weight }: Split): string => (candidate === undefined || weight === 0 ? stable : `${stable},${candidate}=${weight}%`);

const whoText = (context: StepContext, holder: string | undefined, waits: string): string =>
  waits !== '' ? `nobody watches, and sweep gives everybody stable after ${waits}` : holder === undefined ? 'no other run is at work' : `${context.host.redact(holder)} is at work`;

const standingOf = (context: StepContext, state: RolloutState, plan: Outcome<RolloutPlan> | undefined): Standing => {
  const which = `the recorded canary of ${state.candidate} against ${state.stable}`;
  const ended = state.permission === undefined ? ' has ended' : '';
  if (plan?.ok !== true || !isOfPlan(plan.value, state)) return { verdict: '', reason: `${which}${ended}; it had another plan than sluice.yml has now, so its numbers are not judged` };
  const { verdict, reason, evidence, until } = soFar(plan.value, state);
  const age = until === 0 ? 'nothing was counted yet' : `counted last ${durationText(Math.max(0, context.clock.now() - until))} ago`;
  return { verdict, reason: `${which}${ended}, ${age}: ${reason}`, evidence };
};

/**
 * canaryStatus tells who gets which version, whether a run is at work, and what the recorded canary has shown so far. It
 * moves nobody, writes nothing, asks the application no question, and is no gate: it passes whatever the numbers say.
 */
export const canaryStatus = async (context: StepContext, target: Target, plan: Outcome<RolloutPlan> | undefined): Promise<StepEnding> => {
  const record = await recordOf(context, target);
  if (!record.ok) return endedBy(record.problem);
  const read = await target.traffic?.read();
  if (read?.ok === false) return endedBy(read.problem);
  const state = record.value.rollout === undefined ? undefined : readRolloutState(record.value.rollout);
  const standing: Standing = state === undefined ? { verdict: '', reason: record.value.rollout === undefined ? 'no canary is recorded' : 'the recorded canary cannot be read' } : standingOf(context, state, plan);
  const waiting = waitingIn(context, record.value);
  const until = waiting === undefined ? '' : untilText(waiting.lease);
  const users = read === undefined ? 'this target splits no traffic' : usersText(read.value.split);
  return {
    category: 'passed',
    reason: `${users}; ${whoText(context, heldByOther(context, record.value.lease), until)}; ${standing.reason}`,
    outputs: {
      verdict: standing.verdict,
      stable: state?.stable ?? read?.value.split.stable ?? '',
      candidate: state?.candidate ?? read?.value.split.candidate ?? '',
      weights: read === undefined ? '' : String(read.value.split.weight),
      weight: read === undefined ? '' : String(read.value.split.weight),
      observed: read === undefined ? '' : observedText(read.value.split),
      until,
      next: waiting === undefined ? '' : 'promote, abort, status',
    },
    ...(standing.evidence === undefined ? {} : { evidence: standing.evidence }),
  };
};
