import * as z from 'zod/mini';
import { clause, defineStep, done, endedBy, sameSplit, type EnvironmentRecord, type Outcome, type StepContext, type StepDefinition, type StepEnding, type Target } from '@sluice/core';
import { beginAt, planOf, type RolloutPlan, type Versions } from '@sluice/rollout';
import { byHand, handFault, type Hand, type HandMode } from './canary-by-hand.ts';
import { deadlineMs } from './canary-config.ts';
import { advise, judge, recordedState, type Advised } from './canary-judge.ts';
import { canaryPlanOf, planConfig, planFor, policyOf } from './canary-plan.ts';
import { beforePromotion } from './canary-promote.ts';
import { canaryStart, stageOf } from './canary-start.ts';
import { canaryStatus } from './canary-status.ts';
import { candidateVersion, nothingToJudge, stableVersion, unknownVersion } from './canary-versions.ts';
import { another, inItsPlace, untilText, waitingIn, waitingText, type Waiting } from './canary-waiting.ts';
import { publishesFirst } from './exposure.ts';
import { choice, commonInputs, text } from './inputs.ts';
import { overUnattended, underItsLease, underLease, type Guard } from './lease.ts';
import { changeRecord, recordOf } from './record.ts';
import { permissionOf } from './sweep-find.ts';

const inputs = z.strictObject({
  ...commonInputs,
  stable: text('Id of the version to compare with. Default: the one that users get now.'),
  candidate: text('Id of the version to judge. Default: the one that publish-version made, or the deployed one.'),
  mode: choice(['auto', 'start', 'promote', 'abort', 'status', 'set'], 'What to do: `auto` judges and moves users by the plan in sluice.yml; `start` gives the candidate its first share, ends, and leaves it to sweep and to you; `promote` judges what was seen since and gives it everybody; `abort` gives it nobody; `status` tells how it stands and does nothing; `set` gives it a share that nothing judges. Default: `auto`.'),
  weight: text('Share of the users for the candidate with mode `set`, such as `10%`, or one of the plan with mode `start`.'),
});

type Inputs = z.output<typeof inputs>;

const dryRun = (plan: RolloutPlan, versions: Versions, splits: boolean): StepEnding => ({
  category: 'passed',
  reason:
    plan.kind === 'weighted'
      ? `would move ${plan.weights.map((weight) => `${weight} %`).join(', ')} and then all users from ${versions.stable} to the candidate`
      : `would put at most ${plan.pairs} questions to the candidate and to ${versions.stable}${splits ? ', and then move all users at once' : ''}`,
  outputs: { stable: versions.stable, candidate: versions.candidate },
});

/** promotedUnrecorded closes the recorded canary of a version that everybody has: a run that was killed after the promotion leaves it open. */
const promotedUnrecorded = async (context: StepContext, target: Target, served: string): Promise<void> => {
  const record = await recordOf(context, target);
  if (!record.ok || permissionOf(record.value.rollout)?.candidate !== served) return;
  // What an input says of who has what is no reading.
  const observed = await target.traffic?.read();
  if (observed?.ok !== true || !sameSplit(observed.value.split, { stable: served, weight: 0 })) return;
  const written = await changeRecord(context, target, ({ rollout: _ended, ...rest }) => rest);
  if (!written.ok) context.host.warn(`the end of the canary was not recorded: ${clause(written.problem.reason)}`);
};

/** letEverybodyIn gives all users a published version where a split would otherwise keep it from them: there is nothing to judge it by. */
const letEverybodyIn = async (context: StepContext, target: Target, versions: Versions, why: string): Promise<StepEnding> => {
  const outputs = { stable: versions.stable, candidate: versions.candidate };
  const { traffic } = target;
  if (!context.dryRun && versions.candidate === versions.stable) await promotedUnrecorded(context, target, versions.stable);
  if (traffic === undefined || !publishesFirst(target.exposure) || versions.candidate === '' || versions.candidate === versions.stable) return { category: 'skipped', reason: why, outputs };
  if (context.dryRun) return { category: 'skipped', reason: `${why}; would give everybody ${versions.candidate}`, outputs };
  const set = await traffic.set({ stable: versions.stable, weight: 0 }, { stable: versions.candidate, weight: 0 });
  if (!set.ok) return endedBy(set.problem, { outputs });
  return { category: 'skipped', reason: `${why}; everybody gets ${versions.candidate}, read back`, outputs: { ...outputs, observed: versions.candidate } };
};

/** Work is one run of this step on a target. */
interface Work {
  readonly context: StepContext;
  readonly target: Target;
  readonly values: Inputs;
  /** guard holds the lease where users are moved. */
  readonly guard: Guard;
  readonly record: EnvironmentRecord;
  /** waiting is a canary that was started or held, and that no run watches. */
  readonly waiting: Waiting | undefined;
}

const under = async ({ context, target, guard }: Work, work: () => Promise<StepEnding>): Promise<StepEnding> => {
  if (context.dryRun || target.traffic === undefined) return work();
  const moved = await guard(context, target, work);
  return moved.ok ? moved.value : endedBy(moved.problem);
};

/** handled does what a person decides; a canary that waits keeps its lease unless that has ended it. */
const handled = async ({ context, target, values, guard, waiting }: Work, mode: HandMode): Promise<StepEnding> => {
  const known = await unknownVersion(target, values);
  if (!known.ok) return endedBy(known.problem);
  const hand: Hand = {
    ...values,
    mode,
    candidateOf: () => candidateVersion(context, target, values),
    beforePromotion: (traffic, from) => beforePromotion(context, target, traffic, from, { plan: canaryPlanOf(context, target), policy: policyOf(context) }),
  };
  return byHand(context, target, hand, waiting === undefined ? guard : inItsPlace(waiting));
};

/** advised judges the share that a person has set, or the candidate beside the users, and moves nobody. */
const advised = async (work: Work, versions: Versions, plan: RolloutPlan): Promise<StepEnding> => {
  const { context, target, waiting, record } = work;
  if (plan.kind === 'paired' || target.traffic === undefined) return advise(context, target, versions, { plan, recorded: false });
  const read = await target.traffic.read();
  if (!read.ok) return endedBy(read.problem);
  const { split } = read.value;
  if (split.candidate !== versions.candidate || split.weight === 0) {
    return endedBy({ category: 'input', reason: `canary.decide is advise, which moves nobody, and no user gets ${versions.candidate}`, tried: 'judge a canary', hint: 'Give it a share first, with mode start or set; then this judges it.' });
  }
  const stage = plan.weights.indexOf(split.weight);
  const started = waiting !== undefined && stage >= 0;
  const config = planConfig(context);
  const own = started || config === undefined ? done(plan) : planOf({ ...config, steps: [split.weight] }, true, plan.deadlineMs);
  if (!own.ok) return endedBy(own.problem);
  const weighted = own.value;
  if (weighted.kind !== 'weighted') return endedBy({ category: 'input', reason: `a share of ${split.weight} % is not judged by weights` });
  const state: Advised['state'] = (sources) => (started ? recordedState(record.rollout, weighted, versions, sources) : undefined) ?? beginAt(weighted, versions, sources, Math.max(0, weighted.weights.indexOf(split.weight)), context.clock.now());
  const looking = (): Promise<StepEnding> => advise(context, target, versions, { plan: weighted, state, recorded: started });
  if (!started || waiting === undefined) return looking();
  const ended = await inItsPlace(waiting)(context, target, looking);
  return ended.ok ? ended.value : endedBy(ended.problem);
};

/** Judged is what there is to judge, and by which plan. */
interface Judged {
  readonly versions: Versions;
  readonly plan: RolloutPlan;
}

/** begun begins a canary that is judged: at once, by a person later, or in place of a person. */
const begun = async (work: Work, mode: 'auto' | 'start', { versions, plan }: Judged): Promise<StepEnding> => {
  const { context, target, values, waiting } = work;
  const policy = policyOf(context);
  const other = another(waiting, versions);
  if (other !== undefined) return endedBy(other);
  if (mode === 'start') {
    const first = stageOf(plan, values.weight, target);
    if ('category' in first) return endedBy(first);
    const weight = first.plan.weights[first.stage] ?? 0;
    if (waiting !== undefined) return { category: 'skipped', reason: `${waitingText(waiting)} already; nobody was moved`, outputs: { ...versions, weight: String(waiting.permission.weight), until: untilText(waiting.lease), next: 'promote, abort, status' } };
    const { traffic } = target;
    if (context.dryRun || traffic === undefined) return { category: 'passed', reason: `would give ${weight} % of the users ${versions.candidate} and leave it to a person`, outputs: { ...versions } };
    return under(work, () => canaryStart(context, target, traffic, { ...first, versions, policy }));
  }
  if (context.dryRun) return dryRun(plan, versions, target.traffic !== undefined);
  if (policy.decide === 'advise') return advised(work, versions, plan);
  return under(waiting === undefined ? work : { ...work, guard: overUnattended }, () => judge(context, target, versions, plan, policy));
};

const versionsOf = async ({ context, target, values, waiting }: Work): Promise<Outcome<Versions>> => {
  const known = await unknownVersion(target, values);
  if (!known.ok) return known;
  const stable = await stableVersion(context, target, values);
  if (!stable.ok) return stable;
  const candidate = await candidateVersion(context, target, values);
  if (!candidate.ok) return candidate;
  if (candidate.value !== '') return done({ stable: stable.value, candidate: candidate.value });
  // A later job may have no results folder of the one that began the canary; who advises judges whatever share is open.
  const read = policyOf(context).decide === 'advise' ? await target.traffic?.read() : undefined;
  if (read?.ok === false) return read;
  const open = (read?.value.split.weight ?? 0) > 0 ? read?.value.split.candidate : waiting?.permission.candidate;
  return done({ stable: stable.value, candidate: open ?? '' });
};

/** judged finds out what there is to judge, and then judges it. */
const judged = async (work: Work, mode: 'auto' | 'start'): Promise<StepEnding> => {
  const { context, target, values } = work;
  const plan = canaryPlanOf(context, target);
  if (plan?.ok === false) return endedBy(plan.problem);
  const found = await versionsOf(work);
  if (!found.ok) return endedBy(found.problem);
  const versions = found.value;
  const nothing = await nothingToJudge(context, target, versions, values);
  if (!nothing.ok) return endedBy(nothing.problem);
  const why = plan === undefined ? 'sluice.yml asks for no canary in this environment' : nothing.value;
  if (plan === undefined || why !== undefined) {
    if (mode === 'start' || policyOf(context).decide === 'advise') return { category: 'skipped', reason: `${why ?? ''}; nobody was moved`, outputs: { ...versions } };
    return under(work, () => letEverybodyIn(context, target, versions, why ?? ''));
  }
  if (versions.candidate === '' && !context.dryRun) {
    return endedBy({
      category: 'input',
      reason: 'it is not known which version to judge',
      hint: 'Run publish-version before, hand its results folder on, or give the input candidate.',
    });
  }
  return begun(work, mode, { versions, plan: plan.value });
};

/** run does what the mode says; `guard` holds the lease where users are moved. */
const run = async (context: StepContext, values: Inputs, guard: Guard): Promise<StepEnding> => {
  const { mode = 'auto' } = values;
  const fault = handFault(mode, values.weight);
  if (fault !== undefined) return endedBy(fault);
  const target = await context.target();
  if (!target.ok) return endedBy(target.problem);
  if (mode === 'status') {
    const config = planConfig(context);
    return canaryStatus(context, target.value, config === undefined ? undefined : planFor(context, target.value, config));
  }
  const record = await recordOf(context, target.value);
  if (!record.ok) return endedBy(record.problem);
  const work: Work = { context, target: target.value, values, guard, record: record.value, waiting: waitingIn(context, record.value) };
  return mode === 'auto' || mode === 'start' ? judged(work, mode) : handled(work, mode);
};

const definition: Omit<StepDefinition<typeof inputs>, 'run'> = {
  name: 'canary',
  summary: 'Let the new version in by degrees, compare it with the old one, go back by itself when it is worse, and verify that.',
  inputs,
  outputs: {
    verdict: { description: '`promote`, `abort`, `inconclusive` or `stopped`; with the modes start and status `hold` or `abort`, as the numbers stand.', initial: '' },
    stable: { description: 'Id of the version that was compared with.', initial: '' },
    candidate: { description: 'Id of the version that was judged.', initial: '' },
    weights: { description: 'The weights that were set, in per cent.', initial: '' },
    weight: { description: "The candidate's share now, in per cent, where a person is to decide.", initial: '' },
    observed: { description: 'The split of traffic as it was read back last.', initial: '' },
    until: { description: 'When a canary that waits for a person is ended by sweep, as UTC.', initial: '' },
    next: { description: 'The modes that may be run next, where a person is to decide: `promote, abort, status`.', initial: '' },
  },
  offline: false,
  deadlineMs,
};

/** canary lets the new version in by degrees, compares it with the old one, and closes by itself when it is worse. */
export const canary = defineStep({ ...definition, run: (context, values) => run(context, values, underLease) });

/** canaryOfRelease is the canary inside a release, which holds the lease. */
export const canaryOfRelease = defineStep({ ...definition, run: (context, values) => run(context, values, underItsLease) });
