import { clause, done, failed, sameSplit, type Observed, type Outcome, type Problem, type Split, type Traffic } from '@sluice/core';
import type { Decision } from './decide.ts';
import type { WeightedPlan } from './plan.ts';
import type { RolloutPorts } from './ports.ts';
import { readings, speakingAgainst } from './reading.ts';
import { evidenceOf, type RolloutEnd, type RolloutPoint, type WhenInconclusive } from './rollout-end.ts';
import { enterStage, reserving, type RolloutState, type Versions } from './rollout-state.ts';
import { savedUnlessStopped, savingInOrder } from './saving.ts';
import { defectProblem, stopProblem } from './stopping.ts';
import { leansText } from './wording.ts';
import { backToStable, isOurs, setSplit, splitText, stranded } from './way-back.ts';
import { bake, planClock } from './watch.ts';

type WeightedPorts = RolloutPorts & { readonly traffic: Traffic };

/** Journey is where a weighted rollout is; it is written as it goes on, so that the way back knows it after an exception, too. */
interface Journey {
  state: RolloutState;
  split: Split;
  observed: Observed;
  /** highest is the largest share of users that may be on the candidate; 0 while none was set. */
  highest: number;
  readonly weights: number[];
  readonly history: RolloutPoint[];
}

/** Ending is why the climb stopped: a decision, a problem, or neither when the signal fired. */
interface Ending {
  readonly decision?: Decision;
  readonly problem?: Problem;
  /** users is where they are left; on stable when absent. */
  readonly users?: 'everybody' | 'share';
}

const begin = async (versions: Versions, ports: WeightedPorts, state: RolloutState): Promise<Outcome<Journey>> => {
  const read = await ports.traffic.read();
  if (!read.ok) return read;
  const { split, ready } = read.value;
  if (isOurs(split, versions)) {
    // What a killed run has written and not loaded must not wait for somebody's reload: this rollout has not come that far.
    const observed = ready === undefined ? read : await setSplit(ports.traffic, split, split);
    return observed.ok ? done({ state, split, observed: observed.value, highest: split.weight, weights: [], history: [] }) : observed;
  }
  return failed({
    category: 'conflict',
    reason: `the canary was to start from everybody on ${versions.stable}, and the split is ${splitText(split)}`,
    tried: 'read the traffic split',
    hint: 'Another release may be under way. Wait for it or roll it back, and run this release again.',
  });
};

const move = async (journey: Journey, wanted: Split, ports: WeightedPorts): Promise<Problem | undefined> => {
  journey.highest = Math.max(journey.highest, wanted.candidate === undefined ? 100 : wanted.weight);
  if (sameSplit(journey.split, wanted)) return undefined;
  const set = await setSplit(ports.traffic, journey.split, wanted);
  if (!set.ok) return set.problem;
  journey.split = set.value.split;
  journey.observed = set.value;
  return undefined;
};

/** take records the permission to abort a weight and then sets it. */
const take = async (plan: WeightedPlan, journey: Journey, stage: number, weight: number, ports: WeightedPorts): Promise<Problem | undefined> => {
  const { stable, candidate } = journey.state;
  const state = { ...journey.state, stage, permission: { stable, candidate, weight } };
  const saved = await savedUnlessStopped(ports, reserving(plan, state));
  if (saved?.ok === false) return saved.problem;
  // One that was left to itself may have been recorded all the same, and has to be taken back.
  journey.state = state;
  if (ports.signal.aborted) return undefined;
  const problem = await move(journey, { stable, candidate, weight }, ports);
  if (problem === undefined) journey.weights.push(weight);
  return problem;
};

/** endingOf says where a verdict leaves the users, on stable when nowhere else. What speaks against the candidate never lets it through. */
const endingOf = (plan: WeightedPlan, decision: Decision, when: WhenInconclusive): Ending => {
  const { verdict, state, reason } = decision;
  if (verdict === 'promote') return { decision, users: 'everybody' };
  if (verdict !== 'inconclusive' || when === 'abort') return { decision };
  if (when === 'hold') return { decision, users: 'share' };
  const against = speakingAgainst(readings(plan, state));
  return against === undefined ? { decision, users: 'everybody' } : { decision: { ...decision, reason: `${clause(reason)}; ${leansText(against)}` } };
};

const climb = async (plan: WeightedPlan, ports: WeightedPorts, journey: Journey, when: WhenInconclusive): Promise<Ending> => {
  const now = planClock(ports);
  for (const [stage, weight] of [...plan.weights.entries()].slice(journey.state.stage)) {
    const problem = await take(plan, journey, stage, weight, ports);
    if (problem !== undefined) return { problem };
    journey.state = enterStage(journey.state, stage, now(), ports.clock.now());
    const { decision, state } = await bake(plan, journey.state, ports, now, journey.history);
    journey.state = state;
    if (decision?.verdict === 'raise') continue;
    if (decision === undefined) return {};
    const ending = endingOf(plan, decision, when);
    const stuck = ending.users === 'everybody' ? await move(journey, { stable: state.candidate, weight: 0 }, ports) : undefined;
    return stuck === undefined ? ending : { problem: stuck };
  }
  return { problem: defectProblem(new Error('the plan ended without a verdict')) };
};

const whereNow = (versions: Versions, back: Outcome<Observed> | undefined): string => {
  if (back === undefined) return 'no traffic was moved';
  if (!back.ok) return back.problem.reason;
  const { reach, linger } = back.value;
  const from = reach === 'serving' ? 'from what answers users' : 'from where it is configured';
  return `all traffic is back on ${versions.stable}, read back ${from}${linger === undefined ? '' : `; ${clause(linger)}`}`;
};

const goBack = async (versions: Versions, ports: WeightedPorts, journey: Journey): Promise<Outcome<Observed> | undefined> => {
  if (journey.highest === 0) return undefined;
  return backToStable(ports.traffic, versions, journey.split, journey.highest).catch((error: unknown) =>
    failed(stranded(defectProblem(error), versions, journey.highest)),
  );
};

/** worst is the problem to end with: a way back that failed before what made it necessary, and that before a failed save. */
const worst = (
  reason: string,
  cause: Problem | undefined,
  back: Outcome<Observed> | undefined,
  saved: Outcome<void> | undefined,
): Problem | undefined => {
  if (back?.ok === false) return { ...back.problem, reason, ...(cause === undefined ? {} : { others: [cause] }) };
  if (cause !== undefined) return { ...cause, reason };
  return saved?.ok === false ? saved.problem : undefined;
};

/** leave gives the traffic back first and writes afterwards. */
const leave = async (plan: WeightedPlan, versions: Versions, ports: WeightedPorts, journey: Journey, ending: Ending): Promise<RolloutEnd> => {
  const back = await goBack(versions, ports, journey);
  const stuck = back?.ok === false;
  const { permission, ...free } = journey.state;
  const state = stuck ? journey.state : free;
  const saved = permission === undefined ? undefined : await ports.save(state);
  const cause = ending.problem ?? (ending.decision === undefined ? stopProblem(ports) : undefined);
  const said = cause?.reason ?? ending.decision?.reason ?? 'the deadline passed before the canary had a verdict';
  const reason = `${clause(said)}; ${whereNow(versions, back)}`;
  const problem = worst(reason, cause, back, saved);
  const observed = back === undefined ? journey.observed : back.ok ? back.value : undefined;
  return {
    verdict: cause !== undefined ? 'stopped' : ending.decision?.verdict === 'abort' ? 'abort' : 'inconclusive',
    reason,
    weightsSeen: journey.weights,
    ...(observed === undefined ? {} : { observed }),
    evidence: evidenceOf(plan, state, journey.weights, journey.history),
    state,
    ...(problem === undefined ? {} : { problem }),
  };
};

/** stay ends a rollout without a way back: everybody has the candidate, or it keeps its share with the permission to lower it. */
const stay = async (plan: WeightedPlan, ports: WeightedPorts, journey: Journey, { verdict, reason }: Decision, users: 'everybody' | 'share'): Promise<RolloutEnd> => {
  const { permission: _permission, ...free } = journey.state;
  // Where everybody has the candidate already, a record that still says otherwise is of no use to a later canary.
  const state = users === 'share' ? journey.state : free;
  await ports.save(state);
  const end = { weightsSeen: journey.weights, observed: journey.observed, evidence: evidenceOf(plan, state, journey.weights, journey.history), state };
  if (verdict === 'promote') return { ...end, verdict, reason };
  const left = users === 'share' ? `the candidate keeps ${journey.split.weight} %, read back` : 'everybody gets the candidate all the same, read back, because canary.on-inconclusive is promote';
  return { ...end, verdict: 'inconclusive', reason: `${clause(reason)}; ${left}`, users };
};

/**
 * driveWeighted takes the plan's weights one after the other. Before each it records the permission to abort. It ends
 * with the candidate as stable, or with all traffic back on stable: after an abort, an inconclusive verdict, a
 * cancellation, a deadline, a failed step and an exception alike. `when` may leave users on the candidate where too
 * little was seen by the end of the plan.
 */
export const driveWeighted = async (
  plan: WeightedPlan,
  versions: Versions,
  given: WeightedPorts,
  start: RolloutState,
  when: WhenInconclusive = 'abort',
): Promise<RolloutEnd> => {
  const ports = savingInOrder(given);
  const begun = await begin(versions, ports, start);
  if (!begun.ok) {
    const evidence = evidenceOf(plan, start, [], []);
    return { verdict: 'stopped', reason: begun.problem.reason, weightsSeen: [], evidence, state: start, problem: begun.problem };
  }
  const journey = begun.value;
  const ending = await climb(plan, ports, journey, when).catch((error: unknown): Ending => ({ problem: defectProblem(error) }));
  const { decision, users } = ending;
  return decision === undefined || users === undefined ? leave(plan, versions, ports, journey, ending) : stay(plan, ports, journey, decision, users);
};
