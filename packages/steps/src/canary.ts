import * as z from 'zod/mini';
import {
  clause,
  defaultCanaryPlan,
  defineStep,
  done,
  draft,
  endedBy,
  failed,
  type CanaryPlanConfig,
  type EvidenceSource,
  type Outcome,
  type StepContext,
  type StepDefinition,
  type StepEnding,
  type Target,
  type Traffic,
} from '@sluice/core';
import { pairedAsk } from '@sluice/probe';
import { drive, planOf, type RolloutEnd, type RolloutPlan, type RolloutProgress, type RolloutState, type Versions } from '@sluice/rollout';
import { earlierRollout } from './earlier-rollout.ts';
import { publishesFirst } from './exposure.ts';
import { canaryStatus } from './canary-status.ts';
import { byHand, handFault } from './canary-by-hand.ts';
import { choice, commonInputs, text } from './inputs.ts';
import { underItsLease, underLease, type Guard } from './lease.ts';
import { newUsers, probesOf } from './questions.ts';
import { changeRecord, recordOf } from './record.ts';
import { alreadyLive } from './standing.ts';
import { earlierOutput, versionText } from './versions.ts';

const inputs = z.strictObject({
  ...commonInputs,
  stable: text('Id of the version to compare with. Default: the one that users get now.'),
  candidate: text('Id of the version to judge. Default: the one that publish-version made, or the deployed one.'),
  mode: choice(['auto', 'set', 'promote', 'abort', 'status'], 'What to do: `auto` judges and moves users by the plan in sluice.yml, `set` gives the candidate a share, `promote` gives it everybody, `abort` nobody, `status` tells how it stands and does nothing. Default: `auto`.'),
  weight: text('Share of the users for the candidate with mode `set`, such as `10%`.'),
});

type Inputs = z.output<typeof inputs>;

const deadlineMs = 3_000_000;
/** wayBackMs is kept free before the step's deadline, so that the verdict comes before the step is stopped. */
const wayBackMs = 180_000;
/** rehearsalSlack is by how much a plan may be longer in a rehearsal, whose waits are compressed but whose answers take real time. */
const rehearsalSlack = 3;

const planConfig = (context: StepContext): CanaryPlanConfig | undefined => {
  const canary = context.selected.ok ? context.selected.value.config.canary : undefined;
  if (canary === undefined || canary === false) return undefined;
  return canary === true ? defaultCanaryPlan : canary;
};

const planFor = ({ rehearsal }: StepContext, target: Target, config: CanaryPlanConfig): Outcome<RolloutPlan> => {
  const plan = planOf(config, target.traffic !== undefined, (deadlineMs - wayBackMs) * (rehearsal ? rehearsalSlack : 1));
  if (plan.ok || target.lacking.traffic === undefined) return plan;
  return failed({ ...plan.problem, where: target.address, hint: `${plan.problem.hint ?? ''} ${target.lacking.traffic}`.trim() });
};

/** canaryPlanOf is the plan of the selected environment; undefined when sluice.yml asks for no canary there. */
export const canaryPlanOf = (context: StepContext, target: Target): Outcome<RolloutPlan> | undefined => {
  const config = planConfig(context);
  return config === undefined ? undefined : planFor(context, target, config);
};

/** stableVersion is what users get now: what the traffic is pinned to, else what the platform serves by default. */
const stableVersion = async (context: StepContext, target: Target, values: Inputs): Promise<Outcome<string>> => {
  if (values.stable !== undefined) return done(values.stable);
  const observed = await target.traffic?.read();
  if (observed !== undefined && !observed.ok) return observed;
  const pinned = observed?.value.split.stable ?? '';
  if (pinned !== '') return done(pinned);
  const published = publishesFirst(target.exposure) ? await context.earlier('publish-version') : undefined;
  // Where nothing is pinned, the platform's live version is the new one already; before the first version there was none.
  if (published?.status === 'passed') return done(published.outputs['previous-version'] ?? '');
  const inspected = await target.inspect();
  return inspected.ok ? done(inspected.value.live?.id ?? '') : inspected;
};

/** candidateVersion is what publish-version made where that comes first, else what was deployed; a target that splits traffic may have an id of its own for that. */
const candidateVersion = async (context: StepContext, target: Target, values: Inputs): Promise<Outcome<string>> => {
  if (values.candidate !== undefined) return done(values.candidate);
  if (publishesFirst(target.exposure)) return done(await earlierOutput(context, 'publish-version', 'version'));
  if (target.traffic === undefined) return done(draft);
  const inspected = await target.inspect();
  return inspected.ok ? done(inspected.value.candidate?.id ?? draft) : inspected;
};

/** nothingToJudge says why there is no canary to run; undefined when there is one. */
const nothingToJudge = async (context: StepContext, target: Target, versions: Versions, values: Inputs): Promise<Outcome<string | undefined>> => {
  if (versions.stable === '') return done('nothing to compare with: this is the first version');
  if (versions.candidate === '') return done(undefined);
  if (versions.stable === versions.candidate) return done(`users get ${versions.stable} already, nothing is different`);
  if (publishesFirst(target.exposure) || values.stable !== undefined || values.candidate !== undefined) return done(undefined);
  const inspected = await target.inspect();
  if (!inspected.ok) return inspected;
  const same = await alreadyLive(context, target, inspected.value);
  if (!same.ok) return same;
  return done(same.value === undefined ? undefined : `users get this content already as ${versionText(same.value)}, nothing is different`);
};

/** unknownVersion is the problem of an input that names a version which the platform does not list; undefined when all is well. */
const unknownVersion = async (target: Target, values: Inputs): Promise<Outcome<void>> => {
  const named = (['stable', 'candidate'] as const).filter((input) => values[input] !== undefined && values[input] !== draft);
  if (named.length === 0 || target.versions === undefined) return done(undefined);
  const versions = await target.versions();
  if (!versions.ok) return versions;
  const input = named.find((name) => !versions.value.some(({ id }) => id === values[name]));
  if (input === undefined) return done(undefined);
  const newest = versions.value.slice(0, 10).map(versionText).join(', ');
  return failed({
    category: 'input',
    reason: `the input ${input} is "${values[input] ?? ''}", and ${target.application} has no such version`,
    tried: 'find the versions to compare',
    where: target.address,
    hint: newest === '' ? 'Nothing has been published yet.' : `The newest are ${newest}.`,
  });
};

/** openEvidence opens what sees both versions; each source has to be closed. */
export const openEvidence = async (
  context: StepContext,
  target: Target,
  versions: Versions,
  plan: RolloutPlan,
): Promise<Outcome<readonly EvidenceSource[]>> => {
  const source = await context.overlaid();
  if (!source.ok) return source;
  const probes = probesOf(context, source.value);
  if (!probes.ok) return probes;
  return context.evidence({
    target,
    ...versions,
    ask: pairedAsk(probes.value, newUsers()),
    pairs: plan.pairs,
    pairsPerWindow: plan.pairsPerWindow,
  });
};

const show = (context: StepContext, progress: RolloutProgress): void => {
  const { weight, seen, verdictSoFar, share } = progress;
  context.host.progress({ label: weight === 0 ? 'canary without traffic' : `canary at ${weight} %`, share, text: `${seen}; ${verdictSoFar}` });
};

const categoryOf = (end: RolloutEnd): StepEnding['category'] => {
  if (end.verdict === 'promote' && end.problem === undefined) return 'passed';
  // A problem after a verdict means that the way back was not seen to work, which is graver than the verdict.
  if (end.problem !== undefined) return end.problem.category;
  if (end.verdict === 'abort') return 'gate';
  return end.verdict === 'inconclusive' ? 'evidence' : 'defect';
};

const splitText = (end: RolloutEnd): string => {
  const split = end.observed?.split;
  return split === undefined ? '' : `${split.stable}${split.candidate === undefined ? '' : `,${split.candidate}=${split.weight}%`}`;
};

/** hintOf says what to do after a verdict that is none for the candidate. */
const hintOf = (end: RolloutEnd, target: Target, { stable, candidate }: Versions): string | undefined => {
  if (end.problem?.hint !== undefined || end.verdict === 'promote' || end.verdict === 'stopped') return end.problem?.hint;
  const now = end.weightsSeen.length > 0 ? `Users get ${stable} again.` : `Users get ${stable}, as before.`;
  const look = `The numbers of each guard are in the evidence of this step's result document; look at ${candidate} at ${target.address}.`;
  return end.verdict === 'abort'
    ? `${now} ${look} Correct the application and run release again. If the difference is meant, take that guard out of canary.watch.`
    : `${now} ${look} For more answers make canary.every longer, start at a larger share, or ask for fewer with canary.minimum; then run release again.`;
};

const withHint = (hint: string | undefined): { readonly hint?: string } => (hint === undefined ? {} : { hint });

const endingOf = (end: RolloutEnd, target: Target, versions: Versions): StepEnding => ({
  category: categoryOf(end),
  reason: end.reason,
  ...withHint(hintOf(end, target, versions)),
  outputs: {
    verdict: end.verdict,
    stable: versions.stable,
    candidate: versions.candidate,
    weights: end.weightsSeen.join(','),
    observed: splitText(end),
  },
  evidence: end.evidence,
  ...(end.problem === undefined ? {} : { problem: end.problem }),
});

/** saving records the rollout where traffic is moved; what could not be recorded is said, also where the rollout goes on without it. */
const saving = (context: StepContext, target: Target) => async (rollout: RolloutState): Promise<Outcome<void>> => {
  if (target.traffic === undefined) return done(undefined);
  const saved = await changeRecord(context, target, (record) => ({ ...record, rollout }));
  if (!saved.ok) context.host.warn(`the canary was not recorded: ${clause(saved.problem.reason)}`);
  return saved;
};

const judge = async (context: StepContext, target: Target, versions: Versions, plan: RolloutPlan): Promise<StepEnding> => {
  const record = await recordOf(context, target);
  if (!record.ok) return endedBy(record.problem);
  const sources = await openEvidence(context, target, versions, plan);
  if (!sources.ok) return endedBy(sources.problem);
  for (const { name, unit, cost } of sources.value) context.host.log(`evidence: ${name}, counted by ${unit}${cost === '' ? '' : `, ${cost}`}`);
  const ports = {
    ...(target.traffic === undefined ? {} : { traffic: target.traffic }),
    sources: sources.value,
    clock: context.clock,
    signal: context.signal,
    cancelled: () => context.cancelled(),
    save: saving(context, target),
    report: (progress: RolloutProgress) => show(context, progress),
  };
  const end = await drive(plan, versions, ports, earlierRollout(context, record.value, { plan, versions, sources: sources.value }));
  for (const source of sources.value) {
    const closed = await source.close();
    if (!closed.ok) context.host.warn(`${source.name}: ${clause(closed.problem.reason)}`);
  }
  return plan.kind === 'paired' && target.traffic !== undefined && end.verdict === 'promote' && end.problem === undefined
    ? atOnce(endingOf(end, target, versions), target.traffic, versions)
    : endingOf(end, target, versions);
};

/** atOnce gives everybody a candidate that was judged beside the users, where the target splits traffic (blue-green). */
const atOnce = async (ending: StepEnding, traffic: Traffic, { stable, candidate }: Versions): Promise<StepEnding> => {
  const set = await traffic.set({ stable, weight: 0 }, { stable: candidate, weight: 0 });
  if (!set.ok) return endedBy(set.problem, { outputs: { ...ending.outputs, verdict: 'stopped' }, ...(ending.evidence === undefined ? {} : { evidence: ending.evidence }) });
  return { ...ending, reason: `${clause(ending.reason)}; everybody gets ${candidate} at once, read back`, outputs: { ...ending.outputs, weights: '100', observed: set.value.split.stable } };
};

const dryRun = (plan: RolloutPlan, versions: Versions, splits: boolean): StepEnding => ({
  category: 'passed',
  reason:
    plan.kind === 'weighted'
      ? `would move ${plan.weights.map((weight) => `${weight} %`).join(', ')} and then all users from ${versions.stable} to the candidate`
      : `would put at most ${plan.pairs} questions to the candidate and to ${versions.stable}${splits ? ', and then move all users at once' : ''}`,
  outputs: { stable: versions.stable, candidate: versions.candidate },
});

/** letEverybodyIn gives all users a published version where a split would otherwise keep it from them: there is nothing to judge it by. */
const letEverybodyIn = async (context: StepContext, target: Target, versions: Versions, why: string): Promise<StepEnding> => {
  const outputs = { stable: versions.stable, candidate: versions.candidate };
  const { traffic } = target;
  if (traffic === undefined || !publishesFirst(target.exposure) || versions.candidate === '' || versions.candidate === versions.stable) return { category: 'skipped', reason: why, outputs };
  if (context.dryRun) return { category: 'skipped', reason: `${why}; would give everybody ${versions.candidate}`, outputs };
  const set = await traffic.set({ stable: versions.stable, weight: 0 }, { stable: versions.candidate, weight: 0 });
  if (!set.ok) return endedBy(set.problem, { outputs });
  return { category: 'skipped', reason: `${why}; everybody gets ${versions.candidate}, read back`, outputs: { ...outputs, observed: versions.candidate } };
};

/** run judges the candidate; `guard` holds the lease where users are moved. */
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
  if (mode !== 'auto') {
    const known = await unknownVersion(target.value, values);
    if (!known.ok) return endedBy(known.problem);
    return byHand(context, target.value, { ...values, mode, candidateOf: () => candidateVersion(context, target.value, values) }, guard);
  }
  const plan = canaryPlanOf(context, target.value);
  if (plan?.ok === false) return endedBy(plan.problem);
  const known = await unknownVersion(target.value, values);
  if (!known.ok) return endedBy(known.problem);
  const stable = await stableVersion(context, target.value, values);
  if (!stable.ok) return endedBy(stable.problem);
  const candidate = await candidateVersion(context, target.value, values);
  if (!candidate.ok) return endedBy(candidate.problem);
  const versions = { stable: stable.value, candidate: candidate.value };
  const nothing = await nothingToJudge(context, target.value, versions, values);
  if (!nothing.ok) return endedBy(nothing.problem);
  const why = plan === undefined ? 'sluice.yml asks for no canary in this environment' : nothing.value;
  const move = async (work: () => Promise<StepEnding>): Promise<StepEnding> => {
    if (context.dryRun || target.value.traffic === undefined) return work();
    const moved = await guard(context, target.value, work);
    return moved.ok ? moved.value : endedBy(moved.problem);
  };
  if (plan === undefined || why !== undefined) return move(() => letEverybodyIn(context, target.value, versions, why ?? ''));
  if (context.dryRun) return dryRun(plan.value, versions, target.value.traffic !== undefined);
  if (versions.candidate === '') {
    return endedBy({
      category: 'input',
      reason: 'it is not known which version to judge',
      hint: 'Run publish-version before, hand its results folder on, or give the input candidate.',
    });
  }
  return move(() => judge(context, target.value, versions, plan.value));
};

const definition: Omit<StepDefinition<typeof inputs>, 'run'> = {
  name: 'canary',
  summary: 'Let the new version in by degrees, compare it with the old one, go back by itself when it is worse, and verify that.',
  inputs,
  outputs: {
    verdict: { description: '`promote`, `abort`, `inconclusive` or `stopped`; with mode status `hold` or `abort`, as the numbers stand.', initial: '' },
    stable: { description: 'Id of the version that was compared with.', initial: '' },
    candidate: { description: 'Id of the version that was judged.', initial: '' },
    weights: { description: 'The weights that were set, in per cent.', initial: '' },
    observed: { description: 'The split of traffic as it was read back last.', initial: '' },
  },
  offline: false,
  deadlineMs,
};

/** canary lets the new version in by degrees, compares it with the old one, and closes by itself when it is worse. */
export const canary = defineStep({ ...definition, run: (context, values) => run(context, values, underLease) });

/** canaryOfRelease is the canary inside a release, which holds the lease. */
export const canaryOfRelease = defineStep({ ...definition, run: (context, values) => run(context, values, underItsLease) });
