import { stopProblem } from './stopping.ts';
import { bake, look, planClock } from './watch.ts';
import type { WeightedPlan } from './plan.ts';
import type { RolloutPorts } from './ports.ts';
import { evidenceOf, type RolloutEnd, type RolloutPoint } from './rollout-end.ts';
import { enterStage, reserving, startRollout, type RolloutState, type Versions } from './rollout-state.ts';
import { soFar, type SoFar } from './so-far.ts';

/** beginAt is the state of a rollout that begins at one of its weights, with the permission to lower it. */
export const beginAt = (plan: WeightedPlan, versions: Versions, sources: Parameters<typeof startRollout>[2], stage: number, nowMs: number): RolloutState => ({
  ...enterStage(startRollout(plan, versions, sources, nowMs), stage, nowMs, nowMs),
  permission: { stable: versions.stable, candidate: versions.candidate, weight: plan.weights[stage] ?? 0 },
});

/** looksToPromote is how often a promotion looks for evidence that is missing, a tick apart. */
export const looksToPromote = 5;

/** Looked is what was found before a promotion by hand. */
export interface Looked {
  readonly soFar: SoFar;
  readonly state: RolloutState;
}

/**
 * lookToPromote adds what came in since the last look and reads the evidence; where some is missing that may still come
 * in, it looks again, five times in all. It moves nobody and decides nothing: how long a weight has been kept is left
 * to the person who promotes.
 */
export const lookToPromote = async (plan: WeightedPlan, start: RolloutState, ports: RolloutPorts): Promise<Looked> => {
  const now = planClock(ports);
  let state = start;
  for (let looks = 1; ; looks += 1) {
    state = (await look(plan, state, ports, now, [])).state;
    const found = soFar(plan, state);
    const over = found.verdict === 'abort' || found.lack === undefined || found.lack.final;
    if (over || looks === looksToPromote || ports.signal.aborted) return { soFar: found, state };
    await ports.clock.sleep(plan.tickMs, ports.signal);
  }
};

/** watchWeight judges the weight that is set until there is a verdict on it, and moves nobody: it advises. */
export const watchWeight = async (plan: WeightedPlan, start: RolloutState, ports: RolloutPorts): Promise<RolloutEnd> => {
  const history: RolloutPoint[] = [];
  await ports.save(reserving(plan, start));
  const { decision, state } = await bake(plan, start, ports, planClock(ports), history);
  // The last look is saved by nobody else, and a later promotion goes on from it.
  await ports.save(state);
  const evidence = evidenceOf(plan, state, [plan.weights[state.stage] ?? 0], history);
  const base = { weightsSeen: [], evidence, state };
  if (decision === undefined) {
    const stopped = stopProblem(ports);
    return stopped === undefined
      ? { ...base, verdict: 'inconclusive', reason: 'the deadline passed before there was a verdict' }
      : { ...base, verdict: 'stopped', reason: stopped.reason, problem: stopped };
  }
  const verdict = decision.verdict === 'raise' ? 'promote' : decision.verdict === 'hold' ? 'inconclusive' : decision.verdict;
  return { ...base, verdict, reason: decision.reason };
};
