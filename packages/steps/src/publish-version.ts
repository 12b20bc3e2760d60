import * as z from 'zod/mini';
import { clause, defineStep, done, endedBy, type Inspection, type Outcome, type PublishRequest, type StepContext, type StepDefinition, type StepEnding, type Target, type Version } from '@sluice/core';
import { choice, commonInputs, text } from './inputs.ts';
import { publishesFirst, servedAfter } from './exposure.ts';
import { addressOutput } from './outputs.ts';
import { changeRecord } from './record.ts';
import { alreadyBehindPin, alreadyLive, brokenOff } from './standing.ts';
import { earlierOutput, releaseName, versionText } from './versions.ts';

const inputs = z.strictObject({
  ...commonInputs,
  name: text('Name of the version. Default: the commit. Platforms shorten it to what they keep.'),
  unchanged: choice(['skip', 'publish'], 'What to do when a version has this content already: `skip` publishes nothing, `publish` makes another version of it. Default: `skip`.'),
});

/** Ended is what the step ended with. */
interface Ended {
  readonly version: Version;
  readonly before: Pick<Version, 'id'> | undefined;
  /** published is false when an earlier publication had made the version. */
  readonly published: boolean;
  readonly served: string;
}

const ending = (target: Target, reason: string, { version, before, published, served }: Ended): StepEnding => ({
  category: 'passed',
  reason,
  outputs: {
    version: version.id,
    'version-name': version.name,
    'previous-version': before?.id ?? '',
    digest: version.digest ?? '',
    changed: String(version.id !== before?.id),
    published: String(published),
    served,
    address: target.address,
  },
  evidence: { version: version.id, digest: version.digest ?? null, previous: before?.id ?? null, published },
});

/** existedText says that nothing was published, which version has the content, and which one users get. */
const existedText = (version: Version, served: string, live: Pick<Version, 'id'> | undefined): string =>
  `nothing to publish: ${versionText(version)} has this content already; it is served to ${served}${live === undefined || live.id === version.id ? '' : `, and users get ${live.id}`}`;

/** behindPin ends the step where a run that was killed has published this, and its canary has not begun. */
const behindPin = async (context: StepContext, target: Target, inspected: Inspection): Promise<Outcome<StepEnding | undefined>> => {
  const published = await alreadyBehindPin(context, target, inspected);
  if (!published.ok || published.value === undefined) return published.ok ? done(undefined) : published;
  const served = servedAfter(target.exposure, 'publish-version');
  return done(ending(target, existedText(published.value, served, inspected.live), { version: published.value, before: inspected.live, published: false, served }));
};

/** Wish is how the step was called. */
interface Wish {
  readonly holdsLease: boolean;
  /** again publishes what is published already once more. */
  readonly again: boolean;
}

/** standing ends the step where what would be published is published already: it is live, or a run that was killed has published it. */
const standing = async (context: StepContext, target: Target, inspected: Inspection, { holdsLease, again }: Wish): Promise<Outcome<StepEnding | undefined>> => {
  const same = again ? done(undefined) : await alreadyLive(context, target, inspected);
  if (!same.ok) return same;
  if (same.value !== undefined) {
    const reason = `nothing to publish: ${versionText(same.value)} has this content already, and users get it`;
    return done(ending(target, reason, { version: same.value, before: same.value, published: false, served: 'everybody' }));
  }
  // Where the canary comes first, what it has left behind is its own to end; the target publishes nothing meanwhile.
  if (!publishesFirst(target.exposure)) return done(undefined);
  const left = await brokenOff(context, target, inspected, holdsLease);
  if (!left.ok) return left;
  if (left.value === undefined) return again ? done(undefined) : behindPin(context, target, inspected);
  const { candidate, stable, weight, continues } = left.value;
  if (continues) {
    const reason = `nothing to publish: ${versionText(candidate)} has this content; its canary was broken off at ${weight} % and can go on`;
    return done(ending(target, reason, { version: candidate, before: inspected.live, published: false, served: servedAfter(target.exposure, 'publish-version') }));
  }
  const what = `a canary of ${candidate.id} was broken off at ${weight} %, and something else is to be released`;
  if (context.dryRun) return done({ category: 'passed', reason: `${what}; would give everybody ${stable} and then publish`, outputs: { 'previous-version': inspected.live?.id ?? '' } });
  // The permission that was recorded before the weight was set covers this.
  const lowered = await target.traffic?.set({ stable, candidate: candidate.id, weight }, { stable, weight: 0 });
  if (lowered?.ok === false) return lowered;
  context.host.log(`${what}: everybody gets ${stable} again, read back`);
  return done(undefined);
};

/**
 * rememberBefore records what the platform has live before a publication. A run that is killed after it, or that never hears how it ended,
 * has then left enough for the next one to see that there is nothing more to publish.
 */
const rememberBefore = async (context: StepContext, target: Target, over: Version | undefined): Promise<void> => {
  const written = await changeRecord(context, target, (record) => (record.candidate === undefined ? record : { ...record, candidate: { ...record.candidate, over: over?.id ?? '' } }));
  if (!written.ok) context.host.warn(`what is live before the publication was not recorded: ${clause(written.problem.reason)}`);
};

/** remember records that what was deployed is published, and as which version. */
const remember = async (context: StepContext, target: Target, { id, digest }: Version): Promise<void> => {
  if (digest === undefined) return;
  const written = await changeRecord(context, target, (record) => ({ ...record, candidate: { version: id, digest } }));
  if (!written.ok) context.host.warn(`the publication was not recorded: ${clause(written.problem.reason)}`);
};

/** before is the version that is replaced: what users get, or what they got before a canary gave them all the candidate. */
const before = async (context: StepContext, { live, candidate }: Inspection): Promise<Pick<Version, 'id'> | undefined> => {
  if (live === undefined || live.id !== candidate?.id) return live;
  const id = await earlierOutput(context, 'canary', 'stable');
  return id === '' ? live : { id };
};

const requestOf = async (context: StepContext, name: string, judged: string, again: boolean): Promise<PublishRequest> => {
  const { commit, runUrl } = context.host.context;
  const passed = (await context.earlier('canary'))?.category === 'passed';
  return { name, marks: { commit, runUrl, ...(passed ? { verdict: 'passed' } : {}) }, ...(judged === '' ? {} : { digest: judged }), ...(again ? { again } : {}) };
};

const run = async (context: StepContext, values: z.output<typeof inputs>, holdsLease: boolean): Promise<StepEnding> => {
  const target = await context.target();
  if (!target.ok) return endedBy(target.problem);
  const inspected = await target.value.inspect();
  if (!inspected.ok) return endedBy(inspected.problem);
  const { candidate } = inspected.value;
  const again = values.unchanged === 'publish';
  const live = await before(context, inspected.value);
  const previous = { 'previous-version': live?.id ?? '' };
  const stands = await standing(context, target.value, inspected.value, { holdsLease, again });
  if (!stands.ok) return endedBy(stands.problem, { outputs: previous });
  if (stands.value !== undefined) return stands.value;
  const name = values.name ?? releaseName(context);
  const judged = await earlierOutput(context, 'deploy', 'digest');
  if (context.dryRun) {
    const what = judged === '' && candidate === undefined ? 'nothing is deployed' : `would publish ${judged === '' ? (candidate?.digest ?? 'the candidate') : judged} as ${name}`;
    return { category: 'passed', reason: what, outputs: previous };
  }
  await rememberBefore(context, target.value, inspected.value.live);
  const published = await target.value.publish(await requestOf(context, name, judged, again));
  if (!published.ok) return endedBy(published.problem, { outputs: previous });
  await remember(context, target.value, published.value);
  const served = servedAfter(target.value.exposure, 'publish-version');
  const { existed = false } = published.value;
  const reason = existed ? existedText(published.value, served, live) : `published ${versionText(published.value)}; it is served to ${served}`;
  return ending(target.value, reason, { version: published.value, before: live, published: !existed, served });
};

const definition: Omit<StepDefinition<typeof inputs>, 'run'> = {
  name: 'publish-version',
  summary: 'Make a version of what was deployed, read its id back, and say who is served by it.',
  inputs,
  outputs: {
    version: { description: 'Id of the new version, or of the one that has this content already.', initial: '' },
    'version-name': { description: 'Name of the new version, as the platform keeps it.', initial: '' },
    'previous-version': { description: 'Id of the version that was live before.', initial: '' },
    digest: { description: 'Digest of the new version.', initial: '' },
    changed: { description: '`false` when the live version had this content already.', initial: '' },
    published: { description: '`false` when a version had this content already, so that none was made.', initial: '' },
    served: { description: 'Who meets the new version now: `nobody`, `a share` or `everybody`.', initial: '' },
    address: addressOutput,
  },
  offline: false,
  deadlineMs: 120_000,
};

/** publishVersion makes a version of what was deployed and reads its id back. */
export const publishVersion = defineStep({ ...definition, run: (context, values) => run(context, values, false) });

/** publishVersionOfRelease is publish-version inside a release, which holds the lease. */
export const publishVersionOfRelease = defineStep({ ...definition, run: (context, values) => run(context, values, true) });
