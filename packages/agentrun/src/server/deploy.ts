import { done, failed, sameSplit, type DeployOptions, type Deployment, type Outcome, type Problem, type Split } from '@sluice/core';
import { compare, isSame } from '../source/compare.ts';
import { digestOf } from '../source/configuration.ts';
import { isJsonRecord } from '../source/json.ts';
import type { AgentRunSource } from '../source/source.ts';
import { findRuntime, findUsersEndpoint, runtimeReady, type AgentRunContext } from './context.ts';
import { publishLatest } from './publish.ts';
import { splitOf } from './routing.ts';
import { setSplit } from './traffic.ts';
import { contentDigest, draftOf } from './versions.ts';
import { hasFailed } from './wait.ts';
import { latest, type Endpoint, type Runtime } from './wire.ts';

const problem = (category: Problem['category'], reason: string, context: AgentRunContext, hint?: string): Outcome<never> =>
  failed({ category, reason, tried: `deploy runtime "${context.source.title}"`, where: context.control, ...(hint === undefined ? {} : { hint }) });

/** bodyOf is the configuration as it is sent, with the code when it comes from a folder. */
const bodyOf = ({ configuration, parts }: AgentRunSource): object => {
  const { codeConfiguration: code } = configuration;
  if (parts.archive === undefined || !isJsonRecord(code)) return configuration;
  return { ...configuration, codeConfiguration: { ...code, zipFile: parts.archive.bytes.toString('base64') } };
};

/** Pinned says what happened to an endpoint that served LATEST. */
export interface Pinned {
  /** version now serves what LATEST served. */
  readonly version: string;
}

/**
 * pinUsers makes sure that a deployment reaches nobody: an endpoint that serves LATEST is first put on a published
 * version of the same content, which is published when there is none.
 */
export const pinUsers = async (context: AgentRunContext, runtime: Runtime, users: Endpoint): Promise<Outcome<Pinned | undefined>> => {
  const share = users.weights.some(({ version, weight }) => version === latest && weight > 0 && users.targetVersion !== latest);
  if (share) return problem('conflict', `endpoint "${users.name}" gives LATEST a share of the users, so that they would get the new code at once`, context, 'End that split in the AgentRun console, then deploy.');
  if (users.targetVersion !== latest) return done(undefined);
  const split = splitOf(users);
  if (!split.ok) return split;
  if (split.value.weight > 0) return problem('conflict', `endpoint "${users.name}" splits its users between LATEST and version ${split.value.candidate ?? ''}`, context, 'End that split in the AgentRun console, then deploy');
  const published = await publishLatest(context, runtime, { name: 'what users had', marks: {} });
  if (!published.ok) return published;
  const pinned = await setSplit(context, split.value, { stable: published.value.id, weight: 0 });
  return pinned.ok ? done({ version: published.value.id }) : pinned;
};

/** lost says why replacing LATEST would lose somebody's work; undefined when it would not, or when the platform shows nothing to tell by. */
const lost = async (context: AgentRunContext, runtime: Runtime, options: DeployOptions): Promise<Outcome<string | undefined>> => {
  const deployed = digestOf(runtime.shown);
  if (options.overwrite || deployed === undefined || deployed === options.lastDigest) return done(undefined);
  const versions = await context.api.listVersions(runtime.id);
  if (!versions.ok) return versions;
  const users = await findUsersEndpoint(context, runtime.id);
  if (!users.ok) return users;
  const kept = new Set([versions.value[0]?.version ?? latest, users.value?.targetVersion ?? latest]);
  for (const version of kept) {
    if (version === latest) continue;
    const content = await contentDigest(context, runtime.id, version);
    if (!content.ok) return content;
    if (content.value === deployed) return done(undefined);
  }
  return done('LATEST was changed since the last release, and no published version has its content');
};

const readBack = async (context: AgentRunContext, source: AgentRunSource, id: string, notes: readonly string[]): Promise<Outcome<Deployment>> => {
  const runtime = await runtimeReady(context, id);
  if (!runtime.ok) return runtime;
  const { different, extra, codeUnseen } = compare(source.configuration, runtime.value.shown);
  if (different.length > 0) {
    return problem('platform', `AgentRun took the deployment and shows something else: ${different.join(', ')}`, context, 'Someone may have changed the runtime meanwhile, or the platform corrects these values. Look at it in the AgentRun console');
  }
  return done({
    changed: true,
    version: draftOf(runtime.value),
    notes: [
      ...notes,
      ...(codeUnseen ? ['the platform does not show which code it holds, so only the configuration was read back'] : []),
      ...(extra.length === 0 ? [] : [`the runtime has environment variables that s.yaml does not name: ${extra.join(', ')}`]),
    ],
  });
};

const create = async (context: AgentRunContext, source: AgentRunSource): Promise<Outcome<Deployment>> => {
  const created = await context.api.createRuntime(source.title, bodyOf(source), context.workspaceId);
  if (!created.ok) return created;
  const deployed = await readBack(context, source, created.value.id, ['the runtime is new; nobody can call it until the first version is routed']);
  if (!deployed.ok) return deployed;
  return done({ ...deployed.value, created: { application: created.value.id, lines: [`# s.yaml names the runtime "${source.title}" (${created.value.id}); sluice.yml needs no id`] } });
};

const usersSplit = (users: Endpoint | undefined): Outcome<Split | undefined> => (users === undefined ? done(undefined) : splitOf(users));

/** untouched checks that the deployment left the users' routing as it was. */
const untouched = async (context: AgentRunContext, runtimeId: string, before: Split | undefined): Promise<Outcome<void>> => {
  const users = await findUsersEndpoint(context, runtimeId);
  if (!users.ok) return users;
  const after = usersSplit(users.value);
  if (!after.ok) return after;
  const same = before === undefined ? after.value === undefined : after.value !== undefined && sameSplit(before, after.value);
  return same ? done(undefined) : problem('conflict', `the routing of endpoint "${context.endpoint}" changed during the deployment`, context, 'Someone else routes this endpoint. Look at it in the AgentRun console.');
};

const update = async (context: AgentRunContext, source: AgentRunSource, runtime: Runtime, options: DeployOptions): Promise<Outcome<Deployment>> => {
  if (isSame(compare(source.configuration, runtime.shown)) && !hasFailed(runtime)) {
    return done({ changed: false, version: draftOf(runtime), notes: [] });
  }
  const reason = await lost(context, runtime, options);
  if (!reason.ok) return reason;
  if (reason.value !== undefined) return problem('conflict', reason.value, context, 'Publish it in the AgentRun console if it is wanted, or deploy with --overwrite.');
  const sent = await context.api.updateRuntime(runtime.id, bodyOf(source));
  return sent.ok ? readBack(context, source, runtime.id, []) : sent;
};

/**
 * deploy puts the source into LATEST, where nobody gets it, and reads it back. The second value is the version that an
 * endpoint on LATEST was pinned to on the way.
 */
export const deploy = async (context: AgentRunContext, source: AgentRunSource, options: DeployOptions): Promise<Outcome<{ deployment: Deployment; pinned?: Pinned }>> => {
  const found = await findRuntime(context);
  if (!found.ok) return found;
  if (found.value === undefined) {
    if (!options.create) return problem('input', `there is no runtime named "${source.title}"`, context, 'Check the name and the region in s.yaml, or deploy with --create.');
    const created = await create(context, source);
    return created.ok ? done({ deployment: created.value }) : created;
  }
  // A runtime whose last update failed is repaired by the next one, so only a running change is waited for.
  const runtime = hasFailed(found.value) ? await context.api.getRuntime(found.value.id) : await runtimeReady(context, found.value.id);
  if (!runtime.ok) return runtime;
  const users = await findUsersEndpoint(context, runtime.value.id);
  if (!users.ok) return users;
  const pinned = users.value === undefined ? done(undefined) : await pinUsers(context, runtime.value, users.value);
  if (!pinned.ok) return pinned;
  const before: Outcome<Split | undefined> = pinned.value === undefined ? usersSplit(users.value) : done({ stable: pinned.value.version, weight: 0 });
  if (!before.ok) return before;
  const deployed = await update(context, source, runtime.value, options);
  if (!deployed.ok) return deployed;
  const kept = await untouched(context, runtime.value.id, before.value);
  if (!kept.ok) return kept;
  const note = pinned.value === undefined ? [] : [`endpoint "${context.endpoint}" served LATEST and is now on version ${pinned.value.version}, which has the same content`];
  return done({ deployment: { ...deployed.value, notes: [...note, ...deployed.value.notes] }, ...(pinned.value === undefined ? {} : { pinned: pinned.value }) });
};
