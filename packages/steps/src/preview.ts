import * as z from 'zod/mini';
import { clause, defineStep, done, endedBy, failed, live, type Deployment, type OpenedPreview, type Outcome, type Previews, type Source, type StepContext, type StepEnding, type Target, type Version } from '@sluice/core';
import { askOpened } from './health-check.ts';
import { commonInputs, duration, flag, text } from './inputs.ts';
import { previewName } from './preview-name.ts';
import { removeNamed, removeOld, unnamed } from './preview-removal.ts';
import { releaseName } from './versions.ts';

const inputs = z.strictObject({
  ...commonInputs,
  environment: text('Environment of sluice.yml that is for previews. Default: the only one with the key `preview`.'),
  remove: flag('Remove the preview instead; one that is gone is fine. Default: `false`.'),
  name: text('Name of the preview. Default: `pr-<number>` of the pull request.'),
  'older-than': duration('With `remove`, only what has not changed for so long, such as `14d`; without a name every such preview.'),
});

/** Put is a preview as it stands after a deployment. */
interface Put {
  readonly opened: OpenedPreview;
  readonly deployment: Deployment;
}

const deployTo = async ({ dryRun }: StepContext, opened: OpenedPreview): Promise<Outcome<Put>> => {
  // What lies in a preview is nobody's unpublished work.
  const deployment = await opened.target.deploy(opened.source, { create: true, overwrite: true, dryRun, ours: [], writing: () => Promise.resolve(done(undefined)) });
  return deployment.ok ? done({ opened, deployment: deployment.value }) : deployment;
};

/** deployedLate deploys to a preview that was made by another run while this one could not make it; else the failure stands. */
const deployedLate = async (context: StepContext, previews: Previews, name: string, source: Source, failure: Outcome<Put>): Promise<Outcome<Put>> => {
  if (context.signal.aborted || context.dryRun) return failure;
  const late = await previews.open(name, source);
  return late.ok && late.value.target.application !== '' ? deployTo(context, late.value) : failure;
};

/**
 * deployed deploys to the preview of this name. Where another run has made one at the same moment, the older of the two
 * stays, which both runs see alike, and the one that this run made is removed again.
 */
const deployed = async (context: StepContext, previews: Previews, name: string, source: Source): Promise<Outcome<Put>> => {
  const opened = await previews.open(name, source);
  if (!opened.ok) return opened;
  const isNew = opened.value.target.application === '';
  const first = await deployTo(context, opened.value);
  if (!first.ok) return isNew ? deployedLate(context, previews, name, source, first) : first;
  if (first.value.deployment.created === undefined || previews.twinsMs === undefined) return first;
  await context.clock.sleep(previews.twinsMs, context.signal);
  const made = first.value.deployment.created.application;
  const again = await previews.open(name, source);
  if (!again.ok) return again;
  if (again.value.target.application === made || again.value.target.application === '') return first;
  context.host.log(`another run has made preview ${name} at the same moment: ${again.value.target.application} stays`);
  const gone = await previews.remove({ name, application: made });
  if (!gone.ok) context.host.warn(`the second app of preview ${name} stays until the preview is removed: ${clause(gone.problem.reason)}`);
  return deployTo(context, again.value);
};

/** published gives the version that has what was deployed, and publishes it where none has. A new secret changes no digest. */
const published = async (context: StepContext, { opened: { target }, deployment }: Put): Promise<Outcome<Version>> => {
  const seen = deployment.changed ? done(undefined) : await target.inspect();
  if (!seen.ok) return seen;
  const there = seen.value?.live;
  if (there !== undefined && there.digest === deployment.version.digest) return done(there);
  const { commit, runUrl } = context.host.context;
  const { digest } = deployment.version;
  return target.publish({ name: releaseName(context), marks: { ...(commit === '' ? {} : { commit }), ...(runUrl === '' ? {} : { runUrl }) }, ...(digest === undefined ? {} : { digest }) });
};

/** asked asks the health check's questions once, of what people will open. */
const asked = async (context: StepContext, target: Target, version: Version): Promise<StepEnding> => {
  const opened = await target.open(live);
  if (!opened.ok) return endedBy(opened.problem);
  const ending = await askOpened(context, target, { opened: opened.value, meant: version.id, candidate: false });
  const closed = await opened.value.close();
  if (!closed.ok) context.host.warn(`${opened.value.how} was not closed: ${clause(closed.problem.reason)}`);
  return ending;
};

const put = async (context: StepContext, previews: Previews, name: string): Promise<StepEnding> => {
  const source = await context.overlaid();
  if (!source.ok) return endedBy(source.problem, { outputs: { name } });
  const standing = await deployed(context, previews, name, source.value);
  if (!standing.ok) return endedBy(standing.problem, { outputs: { name } });
  const { opened: { target, show }, deployment } = standing.value;
  for (const note of deployment.notes) context.host.log(note);
  const application = deployment.created?.application ?? target.application;
  if (context.dryRun) {
    const what = application === '' ? 'would be made' : deployment.changed ? 'would be updated' : 'is up to date';
    return { category: 'passed', reason: `dry run: preview ${name} ${what}`, outputs: { name, application } };
  }
  const version = await published(context, standing.value);
  if (!version.ok) return endedBy(version.problem, { outputs: { name, application } });
  const url = await show(version.value.id);
  if (!url.ok) return endedBy(url.problem, { outputs: { name, application, version: version.value.id } });
  const outputs = { name, application, version: version.value.id, url: url.value };
  const { category, reason, hint, problem, evidence } = await asked(context, target, version.value);
  const rest = { outputs, ...(evidence === undefined ? {} : { evidence }) };
  if (category !== 'passed') {
    const said = `preview ${name} is there and does not answer as it should: ${clause(reason)}`;
    return { category, reason: said, ...(hint === undefined ? {} : { hint }), ...(problem === undefined ? {} : { problem: { ...problem, reason: said } }), ...rest };
  }
  return { category, reason: `preview ${name} answers: ${url.value}`, ...rest };
};

const misused = (reason: string, hint: string): Outcome<never> => failed({ category: 'input', reason, tried: 'read the inputs', hint });

/** Wish is what a run is to do with which preview. */
type Wish = { readonly kind: 'put' | 'remove'; readonly name: string; readonly ageMs?: number } | { readonly kind: 'sweep'; readonly ageMs: number };

const wishOf = (context: StepContext, values: z.output<typeof inputs>): Outcome<Wish> => {
  const { remove = false, name: given, 'older-than': ageMs } = values;
  const onRequest = context.host.context.pullRequest !== undefined;
  if (ageMs !== undefined && !remove) return misused('older-than says what to remove, and remove is not set', 'Set remove, or take older-than out.');
  if (ageMs !== undefined && given === undefined) {
    return onRequest ? misused('a pull request removes its own preview alone, however old others are', 'Take older-than out, or run this on a schedule.') : done({ kind: 'sweep', ageMs });
  }
  const name = previewName(context, given);
  if (!name.ok) return name;
  if (name.value === undefined) return unnamed();
  return done({ kind: remove ? 'remove' : 'put', name: name.value, ...(ageMs === undefined ? {} : { ageMs }) });
};

/** preview deploys an application of its own for a pull request, asks it, and gives its address; or removes it. */
export const preview = defineStep({
  name: 'preview',
  summary: "Deploy a pull request to an application of its own, named after it, and give its address; remove it with the pull request.",
  inputs,
  outputs: {
    url: { description: 'Address that people open: the web app on Dify, the endpoint on AgentRun.', initial: '' },
    name: { description: 'Name of the preview.', initial: '' },
    application: { description: 'Id of its app or runtime.', initial: '' },
    version: { description: 'Id of the version that it serves.', initial: '' },
    removed: { description: 'Names of the previews that were removed, commas between.', initial: '' },
  },
  offline: false,
  previews: 'only',
  deadlineMs: 1_200_000,
  run: async (context, values) => {
    const wish = wishOf(context, values);
    if (!wish.ok) return endedBy(wish.problem);
    const previews = await context.previews();
    if (!previews.ok) return endedBy(previews.problem);
    switch (wish.value.kind) {
      case 'put':
        return put(context, previews.value, wish.value.name);
      case 'remove':
        return removeNamed(context, previews.value, wish.value.name, wish.value.ageMs);
      case 'sweep':
        return removeOld(context, previews.value, wish.value.ageMs);
    }
  },
});
