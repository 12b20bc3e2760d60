import { clause, done, endedBy, type EvidenceSource, type Outcome, type StepContext, type StepEnding, type Target, type Traffic } from '@sluice/core';
import { backToStable, continues, drive, readRolloutState, smallestChangeSeen, soFar, watchWeight, type RolloutEnd, type RolloutPlan, type RolloutPorts, type RolloutProgress, type RolloutState, type Versions, type WeightedPlan } from '@sluice/rollout';
import { adviceOf, endingOf } from './canary-ending.ts';
import { spentText, tellingCost } from './canary-cost.ts';
import { askedBefore, openEvidence, type Policy } from './canary-plan.ts';
import { leaseFor, leaveWaiting, untilText } from './canary-waiting.ts';
import { earlierRollout } from './earlier-rollout.ts';
import { changeRecord, recordOf } from './record.ts';

const show = (context: StepContext, progress: RolloutProgress): void => {
  const { weight, seen, verdictSoFar, share } = progress;
  context.host.progress({ label: weight === 0 ? 'canary without traffic' : `canary at ${weight} %`, share, text: `${seen}; ${verdictSoFar}` });
};

/** saving records the rollout where traffic is moved; what could not be recorded is said, also where the rollout goes on without it. */
const saving = (context: StepContext, target: Target) => async (rollout: RolloutState): Promise<Outcome<void>> => {
  if (target.traffic === undefined) return done(undefined);
  const saved = await changeRecord(context, target, (record) => ({ ...record, rollout }));
  if (!saved.ok) context.host.warn(`the canary was not recorded: ${clause(saved.problem.reason)}`);
  return saved;
};

/** portsOf is what a rollout may touch. */
export const portsOf = (context: StepContext, target: Target, sources: readonly EvidenceSource[], save: RolloutPorts['save']): RolloutPorts => ({
  ...(target.traffic === undefined ? {} : { traffic: target.traffic }),
  sources,
  clock: context.clock,
  signal: context.signal,
  cancelled: () => context.cancelled(),
  save,
  report: (progress) => show(context, progress),
});

/** withEvidence opens the sources, says what they count by and cost, and closes them after the work. */
export const withEvidence = async <T>(
  context: StepContext,
  target: Target,
  versions: Versions,
  plan: RolloutPlan,
  work: (sources: readonly EvidenceSource[]) => Promise<T>,
  asked = 0,
): Promise<Outcome<T>> => {
  const sources = await openEvidence(context, target, versions, plan, asked);
  if (!sources.ok) return sources;
  try {
    return done(await work(sources.value.map((source) => tellingCost(context, plan, source))));
  } finally {
    for (const source of sources.value) {
      const closed = await source.close();
      if (!closed.ok) context.host.warn(`${source.name}: ${clause(closed.problem.reason)}`);
    }
  }
};

/** atOnce gives everybody a candidate that was judged beside the users, where the target splits traffic (blue-green). */
const atOnce = async (ending: StepEnding, traffic: Traffic, { stable, candidate }: Versions): Promise<StepEnding> => {
  const set = await traffic.set({ stable, weight: 0 }, { stable: candidate, weight: 0 });
  if (!set.ok) return endedBy(set.problem, { outputs: { ...ending.outputs, verdict: 'stopped' }, ...(ending.evidence === undefined ? {} : { evidence: ending.evidence }) });
  return { ...ending, reason: `${clause(ending.reason)}; everybody gets ${candidate} at once, read back`, outputs: { ...ending.outputs, weights: '100', observed: set.value.split.stable } };
};

/** held leaves a canary that has kept its share to a person and to sweep; where that cannot be recorded, it goes back. */
const held = async (context: StepContext, target: Target, traffic: Traffic, end: RolloutEnd, ending: StepEnding, policy: Policy): Promise<StepEnding> => {
  const { permission } = end.state;
  if (permission === undefined) return ending;
  const lease = leaseFor(context, permission, policy.promoteWithinMs);
  const left = await leaveWaiting(context, target, end.state, lease);
  if (left.ok) {
    const until = untilText(lease);
    return { ...ending, reason: `${clause(ending.reason)} until ${until}`, outputs: { ...ending.outputs, weight: String(permission.weight), until, next: 'promote, abort, status' } };
  }
  const back = await backToStable(traffic, permission, permission, permission.weight);
  if (!back.ok) return endedBy(back.problem, { outputs: ending.outputs ?? {} });
  return endedBy({ ...left.problem, reason: `the share could not be left to a person, because it was not recorded: ${clause(left.problem.reason)}; everybody gets ${permission.stable} again, read back` }, { outputs: { ...ending.outputs, observed: permission.stable } });
};

/** withSmallest adds the smallest change that the source with the most answers could have shown, and says it. */
const withSmallest = (context: StepContext, plan: RolloutPlan, end: RolloutEnd, ending: StepEnding): StepEnding => {
  const [source] = Object.values(end.state.sources).toSorted((one, other) => other.total.candidate.answers - one.total.candidate.answers);
  if (source === undefined || source.total.candidate.answers === 0) return ending;
  for (const one of Object.values(end.state.sources)) if (one.paired === true) context.host.log(spentText(end.state.asked, one));
  const { stable, candidate } = source.total;
  const sources = Object.keys(end.state.sources).length;
  const seen = smallestChangeSeen(plan, { stableErrors: stable.errors, stableAnswers: stable.answers, candidateAnswers: candidate.answers, paired: source.paired === true, unit: source.unit, sources });
  const of = `${candidate.answers} answers of the candidate and ${stable.answers} of stable`;
  context.host.log(seen === undefined ? `with ${of} no change of the errors could have been shown` : `the smallest change that ${of} could have shown: ${Number((seen * 100).toPrecision(3))} percentage points more errors, in 9 of 10 rollouts`);
  return { ...ending, evidence: { ...end.evidence, ...(seen === undefined ? {} : { smallestChange: seen }) } };
};

/** letThrough lets a candidate through that a paired judgement saw too little of, where sluice.yml says so and nothing speaks against it. */
const letThrough = (plan: RolloutPlan, end: RolloutEnd, policy: Policy): RolloutEnd => {
  if (plan.kind !== 'paired' || end.verdict !== 'inconclusive' || end.problem !== undefined || policy.onInconclusive !== 'promote') return end;
  const { against } = soFar(plan, end.state);
  if (against !== undefined) return { ...end, reason: `${clause(end.reason)}; ${against}` };
  return { ...end, users: 'everybody', reason: `${clause(end.reason)}; it goes on all the same, because canary.on-inconclusive is promote` };
};

/** judge lets the verdict move the users. */
export const judge = async (context: StepContext, target: Target, versions: Versions, plan: RolloutPlan, policy: Policy): Promise<StepEnding> => {
  const record = await recordOf(context, target);
  if (!record.ok) return endedBy(record.problem);
  const asked = askedBefore(record.value.rollout, plan, versions);
  const judged = await withEvidence(context, target, versions, plan, (sources) =>
    drive(plan, versions, portsOf(context, target, sources, saving(context, target)), earlierRollout(context, record.value, { plan, versions, sources }), policy.onInconclusive, asked),
    asked,
  );
  if (!judged.ok) return endedBy(judged.problem);
  const end = letThrough(plan, judged.value, policy);
  const ending = withSmallest(context, plan, end, endingOf(end, target, versions));
  if (end.users === 'everybody') context.host.warn(`promoted without enough evidence: ${clause(end.reason)}`);
  if (target.traffic === undefined) return ending;
  if (end.users === 'share') return held(context, target, target.traffic, end, ending, policy);
  return plan.kind === 'paired' && ending.category === 'passed' ? atOnce(ending, target.traffic, versions) : ending;
};

/** Advised is what a judgement that moves nobody looks at. */
export interface Advised {
  readonly plan: RolloutPlan;
  /** state is a rollout that was begun at its weight; absent where no traffic is moved. */
  readonly state?: (sources: readonly EvidenceSource[]) => RolloutState;
  /** recorded is whether that rollout is the one in the record, which later runs go on from. */
  readonly recorded: boolean;
}

/** advise judges what users get, moves nobody, and leaves the rest to a person: its exit code is the verdict. */
export const advise = async (context: StepContext, target: Target, versions: Versions, { plan, state, recorded }: Advised): Promise<StepEnding> => {
  const save = recorded ? saving(context, target) : () => Promise.resolve(done(undefined));
  const judged = await withEvidence(context, target, versions, plan, (sources) => {
    const ports = portsOf(context, target, sources, save);
    return plan.kind === 'weighted' && state !== undefined ? watchWeight(plan, state(sources), ports) : drive(plan, versions, ports);
  });
  return judged.ok ? withSmallest(context, plan, judged.value, adviceOf(judged.value, target, versions)) : endedBy(judged.problem);
};

/** recordedState is the rollout in the record where it is of this plan and these sources. */
export const recordedState = (rollout: unknown, plan: WeightedPlan, versions: Versions, sources: readonly EvidenceSource[]): RolloutState | undefined => {
  const state = readRolloutState(rollout);
  return state !== undefined && continues(state, plan, versions, sources) ? state : undefined;
};
