import { clause, endedBy, perCent, type Problem, type Split, type StepContext, type StepEnding, type Target, type Traffic } from '@sluice/core';
import { backToStable, beginAt, setSplit, splitText, type RolloutPlan, type Versions, type WeightedPlan } from '@sluice/rollout';
import { withEvidence } from './canary-judge.ts';
import type { Policy } from './canary-plan.ts';
import { leaseFor, leaveWaiting, untilText } from './canary-waiting.ts';
import { changeRecord } from './record.ts';

const tried = 'begin a canary that waits for a person';

/** Start is a canary that is begun at one weight and left to a person and to sweep. */
export interface Start {
  readonly plan: WeightedPlan;
  readonly versions: Versions;
  readonly stage: number;
  readonly policy: Policy;
}

/** stageOf is the place of the wanted weight in the plan, the first when none is named. */
export const stageOf = (plan: RolloutPlan, weight: string | undefined, target: Target): { readonly plan: WeightedPlan; readonly stage: number } | Problem => {
  if (plan.kind !== 'weighted') {
    return {
      category: 'input',
      reason: 'mode start needs a share of the users to begin with, and this canary is judged beside them',
      tried,
      hint: target.lacking.traffic ?? 'Write shares, as in canary: { steps: [5%, 25%, 50%] }, or use mode auto.',
    };
  }
  const stage = weight === undefined ? 0 : plan.weights.indexOf(perCent(weight) ?? -1);
  if (stage >= 0) return { plan, stage };
  const planned = plan.weights.map((one) => `${one}%`).join(', ');
  return { category: 'input', reason: `the input weight is ${weight ?? ''}, and the plan has ${planned}`, tried, hint: 'Name one of them, or add it to canary.steps. Mode set takes any share, and judges nothing.' };
};

const outputsOf = ({ versions: { stable, candidate } }: Start): Readonly<Record<string, string>> => ({ stable, candidate });

/** takeBack ends what could not be begun whole; what is not seen to be back stays in the record for sweep. */
const takeBack = async (context: StepContext, target: Target, traffic: Traffic, start: Start, wanted: Split, problem: Problem): Promise<StepEnding> => {
  const { versions } = start;
  const outputs = outputsOf(start);
  const back = await backToStable(traffic, versions, wanted, wanted.weight);
  if (!back.ok) return endedBy(back.problem, { outputs });
  const written = await changeRecord(context, target, ({ rollout: _left, ...record }) => record);
  if (!written.ok) context.host.warn(`that this canary is over was not recorded: ${clause(written.problem.reason)}`);
  return endedBy({ ...problem, reason: `${clause(problem.reason)}; everybody gets ${versions.stable}, read back` }, { outputs: { ...outputs, observed: versions.stable } });
};

const stopped = (context: StepContext): Problem => (context.cancelled() ? { category: 'cancelled', reason: 'starting the canary was cancelled', tried } : { category: 'timeout', reason: 'the deadline passed while the canary was started', tried });

const move = async (context: StepContext, target: Target, traffic: Traffic, start: Start, from: Split): Promise<StepEnding> => {
  const { plan, versions, stage, policy } = start;
  const weight = plan.weights[stage] ?? 0;
  const wanted: Split = { ...versions, weight };
  const units = await withEvidence(context, target, versions, plan, (sources) => Promise.resolve(sources.map(({ name, unit }) => ({ name, unit }))));
  if (!units.ok) return endedBy(units.problem, { outputs: outputsOf(start) });
  const rollout = (): ReturnType<typeof beginAt> => beginAt(plan, versions, units.value, stage, context.clock.now());
  const saved = await changeRecord(context, target, (record) => ({ ...record, rollout: rollout() }));
  if (!saved.ok) return endedBy(saved.problem, { outputs: outputsOf(start) });
  const set = context.signal.aborted ? undefined : await setSplit(traffic, from, wanted);
  if (set === undefined || !set.ok || context.signal.aborted) return takeBack(context, target, traffic, start, wanted, set?.ok === false ? set.problem : stopped(context));
  const lease = leaseFor(context, { ...versions, weight }, policy.promoteWithinMs);
  const left = await leaveWaiting(context, target, rollout(), lease);
  if (!left.ok) return takeBack(context, target, traffic, start, wanted, left.problem);
  const until = untilText(lease);
  return {
    category: 'passed',
    reason: `${weight} % of the users get ${versions.candidate}, the others ${versions.stable}, read back from ${set.value.reach === 'serving' ? 'what answers users' : 'where it is configured'}; it waits until ${until} for a person, and nothing is judged yet`,
    hint: `Run sweep on a schedule: it judges the canary while nobody watches, and gives everybody ${versions.stable} when a guard aborts or the time is over. Then run canary with mode promote or abort; mode status tells how it stands.`,
    outputs: { ...outputsOf(start), verdict: 'hold', weights: String(weight), weight: String(weight), observed: `${versions.stable},${versions.candidate}=${weight}%`, until, next: 'promote, abort, status' },
  };
};

/** canaryStart gives a candidate its first share and ends at once: the record lets sweep guard it, and a later promote judge it. */
export const canaryStart = async (context: StepContext, target: Target, traffic: Traffic, start: Start): Promise<StepEnding> => {
  const read = await traffic.read();
  if (!read.ok) return endedBy(read.problem);
  const { split } = read.value;
  const { stable, candidate } = start.versions;
  if (split.weight > 0 || split.stable !== stable) {
    const reason = `a canary of ${candidate} begins from everybody on ${stable}, and it is ${splitText(split)}`;
    return endedBy({ category: 'conflict', reason, tried, hint: 'End the canary that is open, with mode abort or promote, and begin again.' }, { outputs: outputsOf(start) });
  }
  return move(context, target, traffic, start, split);
};
