import type { Problem } from '@sluice/core';
import type { PairedPlan, RolloutPlan } from './plan.ts';
import type { RolloutPorts } from './ports.ts';
import { evidenceOf, type RolloutEnd, type RolloutPoint, type WhenInconclusive } from './rollout-end.ts';
import { continues, enterStage, startRollout, type RolloutState, type Versions } from './rollout-state.ts';
import { stopProblem } from './stopping.ts';
import { bake, planClock } from './watch.ts';
import { driveWeighted } from './weighted.ts';

const startProblem = (versions: Versions, ports: RolloutPorts): Problem | undefined => {
  const tried = `judge candidate ${versions.candidate} against ${versions.stable}`;
  if (versions.stable === versions.candidate) {
    return { category: 'input', reason: `stable and candidate are the same version, ${versions.stable}`, tried };
  }
  const names = ports.sources.map(({ name }) => name);
  if (names.length === 0 || new Set(names).size < names.length) {
    return { category: 'evidence', reason: 'there is no source of evidence, or two sources have the same name', tried };
  }
  return undefined;
};

const refused = (plan: RolloutPlan, state: RolloutState, problem: Problem): RolloutEnd => ({
  verdict: 'stopped',
  reason: problem.reason,
  weightsSeen: [],
  evidence: evidenceOf(plan, state, [], []),
  state,
  problem,
});

const drivePaired = async (plan: PairedPlan, before: RolloutState, ports: RolloutPorts): Promise<RolloutEnd> => {
  const now = planClock(ports);
  const history: RolloutPoint[] = [];
  const started = enterStage(before, 0, now(), ports.clock.now());
  const baked = await bake(plan, started, ports, now, history);
  const evidence = evidenceOf(plan, baked.state, [], history);
  const saved = await ports.save(baked.state);
  const base = { weightsSeen: [], evidence, state: baked.state };
  const { decision } = baked;
  if (decision === undefined) {
    const stopped = stopProblem(ports);
    if (stopped === undefined) {
      return { ...base, verdict: 'inconclusive', reason: 'the deadline passed before the pairs were used; no traffic was moved' };
    }
    const reason = `${stopped.reason}; no traffic was moved`;
    return { ...base, verdict: 'stopped', reason, problem: { ...stopped, reason } };
  }
  const verdict = decision.verdict === 'promote' || decision.verdict === 'abort' ? decision.verdict : 'inconclusive';
  return { ...base, verdict, reason: decision.reason, ...(saved.ok ? {} : { problem: saved.problem }) };
};

/**
 * drive carries a plan out to its verdict. `earlier` is the stored state of a run that died: when it belongs to this
 * rollout, its evidence counts on and its weight is begun anew. A weighted plan ends with the candidate as stable
 * (`promote`) or with all traffic back on stable, read back; where that could not be seen, `problem` says so. The
 * caller publishes and records; a paired plan moves no traffic at all. `asked` counts the paired probes of a run that
 * died and whose evidence could not be used. `when` is for weighted plans that end without
 * enough evidence.
 */
export const drive = async (
  plan: RolloutPlan,
  versions: Versions,
  ports: RolloutPorts,
  earlier?: RolloutState,
  when: WhenInconclusive = 'abort',
  asked = 0,
): Promise<RolloutEnd> => {
  const started = startRollout(plan, versions, ports.sources, ports.clock.now(), asked);
  const problem = startProblem(versions, ports);
  if (problem !== undefined) return refused(plan, started, problem);
  const state =
    earlier !== undefined && continues(earlier, plan, versions, ports.sources)
      ? { ...earlier, startedAt: started.startedAt }
      : started;
  if (plan.kind === 'paired') return drivePaired(plan, state, ports);
  if (ports.traffic === undefined) {
    return refused(plan, started, { category: 'input', reason: 'the plan has weights, and this target cannot split traffic' });
  }
  return driveWeighted(plan, versions, { ...ports, traffic: ports.traffic }, state, when);
};
