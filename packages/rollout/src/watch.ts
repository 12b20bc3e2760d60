import type { Observation } from '@sluice/core';
import { decide, type Decision } from './decide.ts';
import type { RolloutPlan } from './plan.ts';
import type { RolloutPorts } from './ports.ts';
import { reserving, type RolloutState } from './rollout-state.ts';
import { readings } from './reading.ts';
import { answersSeen, nearest, type RolloutPoint } from './rollout-end.ts';
import { savedUnlessStopped } from './saving.ts';
import { countedText } from './wording.ts';

/** PlanClock reads the time on the plan's scale, on which waits take as long as the plan says also when they are compressed. */
export type PlanClock = () => number;

/** planClock starts at the time of day and runs faster by the clock's factor. */
export const planClock = ({ clock }: RolloutPorts): PlanClock => {
  const start = clock.now();
  const steady = clock.elapsed();
  return () => start + (clock.elapsed() - steady) * clock.factor;
};

const shareDone = (plan: RolloutPlan, state: RolloutState, nowMs: number): number => {
  if (plan.kind === 'paired') return Math.min(1, Math.max(state.asked / plan.pairs, (nowMs - state.startedAt) / plan.deadlineMs));
  return (state.stage + Math.min(1, (nowMs - state.stageSince) / plan.bakeMs)) / plan.weights.length;
};

const observe = async (ports: RolloutPorts, state: RolloutState): Promise<readonly Observation[]> => {
  const to = ports.clock.now();
  return Promise.all(ports.sources.map((source) => source.observe(state.sources[source.name]?.until ?? to, to, ports.signal)));
};

/** look takes one round of observations, judges it, reports, and notes a point of the history. */
export const look = async (
  plan: RolloutPlan,
  state: RolloutState,
  ports: RolloutPorts,
  now: PlanClock,
  history: RolloutPoint[],
): Promise<Decision> => {
  const decision = decide(plan, state, await observe(ports, state), now());
  const weight = plan.kind === 'weighted' ? (plan.weights[state.stage] ?? 0) : 0;
  const seen = answersSeen(decision.state);
  history.push({ atMs: Math.round(now() - decision.state.startedAt), weight, stable: seen.stable, candidate: seen.candidate, ...nearest(readings(plan, decision.state)) });
  ports.report({
    weight,
    seen: countedText(seen),
    verdictSoFar: decision.reason,
    share: shareDone(plan, decision.state, now()),
  });
  return decision;
};

/** bake looks at the evidence every tick until there is a verdict; undefined when the signal fired first. */
export const bake = async (
  plan: RolloutPlan,
  before: RolloutState,
  ports: RolloutPorts,
  now: PlanClock,
  history: RolloutPoint[],
): Promise<{ readonly decision?: Decision; readonly state: RolloutState }> => {
  let state = before;
  for (;;) {
    if (plan.kind === 'weighted') {
      const left = state.stageSince + plan.bakeMs - now();
      await ports.clock.sleep(left > 0 ? Math.min(plan.tickMs, left) : plan.tickMs, ports.signal);
    }
    if (ports.signal.aborted) return { state };
    const decision = await look(plan, state, ports, now, history);
    if (ports.signal.aborted) return { state };
    if (decision.verdict !== 'hold') return { decision, state: decision.state };
    state = decision.state;
    // So that a killed run loses at most one tick of evidence. Only the save before the next weight must succeed.
    if (plan.kind === 'weighted') await savedUnlessStopped(ports, reserving(plan, state));
  }
};
