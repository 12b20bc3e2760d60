import * as z from 'zod/mini';
import {
  clause,
  defineStep,
  done,
  draft,
  endedBy,
  failed,
  resultOf,
  runStep,
  type AnyStep,
  type Category,
  type Inspection,
  type Outcome,
  type StepContext,
  type StepEnding,
  type StepResult,
  type Target,
  type Version,
} from '@sluice/core';
import { canaryOfRelease } from './canary.ts';
import { policyOf } from './canary-plan.ts';
import { deployOfRelease } from './deploy.ts';
import { reportDeployment } from './deployment.ts';
import { exposureLines, servedAfter, widerThan } from './exposure.ts';
import { healthCheck } from './health-check.ts';
import { commonInputs, flag, text } from './inputs.ts';
import { holdLease, type HeldLease } from './lease.ts';
import { notify, untellable } from './notify.ts';
import { addressOutput } from './outputs.ts';
import { publishVersionOfRelease } from './publish-version.ts';
import { putBack, whyBack } from './put-back.ts';
import { changeRecord, historyEntry, recordOf, withHistory } from './record.ts';
import { snapshot } from './snapshot.ts';
import { brokenOff } from './standing.ts';
import { publishedUnrecorded } from './standing.ts';
import { validate } from './validate.ts';
import { releaseName } from './versions.ts';
import { briefly } from './wording.ts';

const inputs = z.strictObject({
  ...commonInputs,
  create: flag('Make the application when it does not exist. Default: `false`.'),
  overwrite: flag('Replace a candidate that somebody else edited since the last release. Default: `false`.'),
  name: text('Name of the version. Default: the commit.'),
});

type Inputs = z.output<typeof inputs>;

/** stepsByRow says which step, with which inputs, stands behind a row of a target's exposure table. */
const stepsByRow = (values: Inputs): Readonly<Record<string, { step: AnyStep; inputs: Record<string, unknown> }>> => ({
  snapshot: { step: snapshot, inputs: {} },
  deploy: { step: deployOfRelease, inputs: { create: values.create, overwrite: values.overwrite } },
  'health-check candidate': { step: healthCheck, inputs: { version: 'candidate' } },
  'publish-version': { step: publishVersionOfRelease, inputs: { name: values.name } },
  canary: { step: canaryOfRelease, inputs: {} },
  'health-check live': { step: healthCheck, inputs: { version: 'live' } },
});

const good = (category: Category): boolean => category === 'passed' || category === 'skipped';

/** Run carries what a release in progress knows. */
interface Run {
  readonly context: StepContext;
  readonly values: Inputs;
  readonly results: StepResult[];
}

const take = async (run: Run, step: AnyStep, stepInputs: Readonly<Record<string, unknown>>): Promise<StepResult> => {
  const result = await runStep(step, run.context, stepInputs);
  run.results.push(result);
  const recorded = await run.context.record(result);
  if (!recorded.ok) run.context.host.warn(`the result document was not written: ${recorded.problem.reason}`);
  return result;
};

/** walk takes the rows in order and stops at the first step that did not pass; it gives that step, and the row reached. */
const walk = async (run: Run, target: Target): Promise<StepResult | undefined> => {
  const byRow = stepsByRow(run.values);
  for (const row of target.exposure.rows) {
    const entry = byRow[row.step];
    if (entry === undefined) continue;
    const result = await take(run, entry.step, entry.inputs);
    if (!good(result.category)) return result;
  }
  return undefined;
};

/** metCandidate says whether users could have met the candidate by now: the step that failed counts as taken. */
const metCandidate = (run: Run, target: Target): boolean => {
  const taken = run.results.map((result) => result.step);
  // Doors that a split does not govern serve what is published, whoever the table says is served.
  if (taken.includes(publishVersionOfRelease.name)) return true;
  return target.exposure.rows.some((row) => taken.includes(row.step) && widerThan(servedAfter(target.exposure, row.step), 'nobody'));
};

/** prepare finds out what would go wrong after something has been changed, and takes the lease; an application that is still to be made has none. */
const prepare = async (context: StepContext, target: Target): Promise<Outcome<HeldLease | undefined>> => {
  const untold = untellable(context);
  if (untold !== undefined) return failed(untold);
  if (context.dryRun) return done(undefined);
  const proved = await context.state.prove();
  if (!proved.ok) return proved;
  return target.application === '' ? done(undefined) : holdLease(context, target);
};

/**
 * goodBefore is the version to put back after a failure: what users get now, unless a run that was killed had given it to
 * them, published or as a candidate, and never came to its end; then it is the version that was recorded as stable.
 */
const goodBefore = async (context: StepContext, target: Target, { live, candidate: deployed }: Inspection): Promise<Outcome<Version | undefined>> => {
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const { stable, candidate } = record.value;
  if (live === undefined || stable === undefined || stable.version === live.id) return done(live);
  const unjudged = candidate?.version === live.id || deployed?.id === live.id || publishedUnrecorded(record.value, live);
  if (!unjudged) return done(live);
  const versions = await target.versions?.();
  if (versions?.ok === false) return versions;
  return done(versions?.value.find(({ id }) => id === stable.version) ?? live);
};

const remember = async (run: Run, target: Target, failing: StepResult | undefined, live: Version | undefined): Promise<void> => {
  if (run.context.dryRun || live === undefined || target.application === '') return;
  const unsure = run.results.some(({ step, outputs }) => step === canaryOfRelease.name && outputs['verdict'] === 'inconclusive');
  const verdict = failing === undefined ? (unsure ? 'inconclusive' : 'passed') : failing.category === 'evidence' ? 'inconclusive' : 'failed';
  const published = run.results.find((result) => result.step === publishVersionOfRelease.name)?.outputs;
  const subject = failing === undefined ? live : { id: published?.['version'] ?? '', name: published?.['version-name'] ?? '', digest: published?.['digest'] ?? '' };
  const digest = live.digest ?? '';
  const recorded = await changeRecord(run.context, target, ({ candidate, rollout, ...record }) => {
    // What a failed release has deployed still lies there, and is known to the next one by this.
    const deployed = failing === undefined || candidate === undefined ? {} : { candidate };
    // A canary that waits for a person needs its evidence, and sweep its permission.
    const open = rollout === undefined || heldBy(run) === undefined ? {} : { rollout };
    const next = { ...record, ...deployed, ...open, stable: { version: live.id, digest } };
    const [newest] = record.history;
    // Releases of what is live already would push out the versions that one can go back to.
    const again = failing === undefined && newest?.version === live.id && newest.verdict === 'passed';
    return subject.id === '' || again ? next : withHistory(next, historyEntry(run.context, subject, verdict, failing?.reason ?? 'released'));
  });
  if (!recorded.ok) run.context.host.warn(`the release was not recorded: ${recorded.problem.reason}`);
};

/** rememberGood records what was good before the first release that is known: a run that is killed leaves this much behind. */
const rememberGood = async (context: StepContext, target: Target, good: Version | undefined): Promise<void> => {
  if (context.dryRun || good === undefined || target.application === '') return;
  const recorded = await changeRecord(context, target, (record) => (record.stable === undefined ? { ...record, stable: { version: good.id, digest: good.digest ?? '' } } : record));
  if (!recorded.ok) context.host.warn(`the version to go back to was not recorded: ${clause(recorded.problem.reason)}`);
};

/** Before is how things stood before this release: what was seen, and the version to go back to. */
interface Before {
  readonly inspected: Inspection;
  readonly good: Version | undefined;
}

/** heldBy is the canary of this release that keeps its share until a person decides; undefined when none does. */
const heldBy = ({ results }: Run): StepResult | undefined => results.find(({ step, outputs }) => step === canaryOfRelease.name && (outputs['until'] ?? '') !== '');

/** leftBehind says whether a run that was killed has left users on a candidate, as it was before this release. */
const leftBehind = async (context: StepContext, target: Target, before: Inspection): Promise<Outcome<boolean>> => {
  const { live, candidate } = before;
  if (live !== undefined && live.id !== draft && live.id === candidate?.id) return done(true);
  const left = await brokenOff(context, target, before, true);
  return left.ok ? done(left.value !== undefined) : left;
};

/** recover puts the last good version back after a failure, under a signal of its own so that a cancelled run can still do it. */
const recover = async (run: Run, target: Target, before: Before, lease: HeldLease | undefined): Promise<Outcome<string>> => {
  if (run.context.dryRun) return done('nothing was changed');
  const kept = heldBy(run)?.outputs;
  if (kept !== undefined) return done(`the candidate keeps ${kept['weight'] ?? ''} % until a person decides`);
  const other = lease?.lostTo();
  if (other !== undefined) return done(`this run put nothing back: the environment is changed by ${other}`);
  const met = metCandidate(run, target) ? done(true) : await leftBehind(run.context, target, before.inspected);
  if (!met.ok) return met;
  if (!met.value) return done('no user has met the new version');
  if (before.good === undefined) return done('this was the first release: there is no earlier version to put back');
  const back = await putBack(run.context, target, before.good, whyBack(run.results.at(-1)));
  return back.ok ? done(back.value.said) : back;
};

/** change takes the steps that change something, the way back included. */
const change = async (run: Run, target: Target, lease: HeldLease | undefined): Promise<StepEnding> => {
  const { context } = run;
  const before = await target.inspect();
  if (!before.ok) return endedBy(before.problem, { steps: run.results });
  const goodOne = await goodBefore(context, target, before.value);
  if (!goodOne.ok) return endedBy(goodOne.problem, { steps: run.results });
  await rememberGood(context, target, goodOne.value);
  for (const note of before.value.notes) context.host.log(note);
  for (const line of exposureLines(target.exposure)) context.host.log(line);
  await reportDeployment(context, target, 'in_progress', `release ${releaseName(context)}`);
  const failing = await walk(run, target);
  const recovered = failing === undefined ? done('') : await recover(run, target, { inspected: before.value, good: goodOne.value }, lease);
  const after = await target.inspect();
  await remember(run, target, failing, after.ok ? after.value.live : undefined);
  const told = ending(run, failing, recovered);
  const ended = { ...told, outputs: { ...told.outputs, address: target.address } };
  await reportDeployment(context, target, failing === undefined ? 'success' : 'failure', ended.reason);
  return ended;
};

/** carryOut takes the release from validation to its end. */
const carryOut = async (run: Run): Promise<StepEnding> => {
  const { context } = run;
  if (!context.offline && policyOf(context).decide === 'advise') {
    return endedBy({
      category: 'input',
      reason: 'release takes every step by itself, and canary.decide is advise, which leaves the last one to a person',
      tried: 'begin a release',
      hint: 'Run the steps one at a time, with canary in the modes start and promote around the approval; or take out canary.decide.',
    });
  }
  const validated = await take(run, validate, {});
  if (!good(validated.category)) return ending(run, validated, done('nothing has been sent to any server'));
  const target = await context.target();
  if (!target.ok) return endedBy(target.problem, { steps: run.results });
  const prepared = await prepare(context, target.value);
  if (!prepared.ok) return endedBy(prepared.problem, { steps: run.results });
  try {
    return await change(run, target.value, prepared.value);
  } finally {
    await prepared.value?.giveBack();
  }
};

const outputsOf = (results: readonly StepResult[]) => {
  const output = (step: string, name: string): string => results.find((result) => result.step === step)?.outputs[name] ?? '';
  return {
    version: output('publish-version', 'version'),
    published: output('publish-version', 'published'),
    'previous-version': output('publish-version', 'previous-version'),
    verdict: output('canary', 'verdict'),
    snapshot: output('snapshot', 'folder'),
  };
};

const passedReason = ({ context, results }: Run, version: string): string => {
  if (context.dryRun) return 'dry run: nothing was changed';
  const published = version === '' ? 'the new version' : `version ${version}`;
  const changed = results.find(({ step }) => step === publishVersionOfRelease.name)?.outputs['changed'];
  return changed === 'false' ? `nothing was different: everybody gets ${published} already` : `released: everybody gets ${published}`;
};

const ending = (run: Run, failing: StepResult | undefined, recovered: Outcome<string>): StepEnding => {
  const { results } = run;
  const outputs = { ...outputsOf(results), 'failed-step': failing?.step ?? '', recovered: recovered.ok ? recovered.value : 'no' };
  if (failing === undefined) {
    return { category: 'passed', reason: passedReason(run, outputs.version), outputs, steps: results };
  }
  // Cut when it is redacted: half a secret is recognised by nothing.
  const said = `${failing.step}: ${clause(briefly(run.context.host.redact(failing.reason)))}`;
  if (recovered.ok) {
    const reason = `${said}; ${recovered.value}`;
    return { category: failing.category, reason, hint: failing.hint, outputs, steps: results };
  }
  return {
    category: failing.category,
    reason: `${said}; and the last good version could not be put back: ${clause(recovered.problem.reason)}`,
    hint: `Users may still meet the new version. ${recovered.problem.hint ?? 'Run rollback now.'}`,
    outputs,
    problem: recovered.problem.category === failing.category ? recovered.problem : { ...recovered.problem, category: failing.category === 'passed' || failing.category === 'skipped' ? 'defect' : failing.category },
    steps: results,
  };
};

/** release takes all steps in the order in which the fewest users meet an unjudged version, and goes back when one fails. */
export const release = defineStep({
  name: 'release',
  summary: 'Take all steps in the order in which the fewest users meet an unjudged version; go back when one fails.',
  inputs,
  outputs: {
    version: { description: 'Id of the new version.', initial: '' },
    published: { description: '`false` when a version had this content already, so that none was made.', initial: '' },
    address: addressOutput,
    'previous-version': { description: 'Id of the version that was live before.', initial: '' },
    verdict: { description: "The canary's verdict.", initial: '' },
    snapshot: { description: 'Folder of the copy taken before.', initial: '' },
    'failed-step': { description: 'The step that did not pass.', initial: '' },
    recovered: { description: 'After a failure: what users get, as read back; `no` when that is not certain.', initial: '' },
  },
  offline: false,
  deadlineMs: 5_400_000,
  run: async (context, values) => {
    const started = new Date(context.clock.now());
    const startedMs = context.clock.elapsed();
    const run: Run = { context, values, results: [] };
    const ended = await carryOut(run);
    if (context.offline || !context.selected.ok) return ended;
    // The release's own document is written once, when notify has ended, too; until then notify is handed what it tells.
    const soFar = resultOf('release', ended, {}, started, context.clock.elapsed() - startedMs);
    const telling: StepContext = { ...context, earlier: (step) => Promise.resolve(step === soFar.step ? soFar : undefined) };
    const told = await take({ ...run, context: telling }, notify, {});
    return good(told.category) || !good(ended.category) ? { ...ended, steps: run.results } : endedBy(told.problem ?? { category: 'gate', reason: told.reason }, { steps: run.results, ...(ended.outputs === undefined ? {} : { outputs: ended.outputs }) });
  },
});
