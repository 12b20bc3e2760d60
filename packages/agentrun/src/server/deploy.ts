import { done, draft, failed, sameSplit, type DeployOptions, type Deployment, type Outcome, type Problem, type Split } from '@sluice/core';
import { inlineFault } from '../source/code.ts';
import { compare, isSame } from '../source/compare.ts';
import { digestOf } from '../source/configuration.ts';
import { isJsonRecord } from '../source/json.ts';
import type { AgentRunSource } from '../source/source.ts';
import type { Carrier } from '../cli/carrier.ts';
import { endpointReady, findRuntime, findUsersEndpoint, requireRuntime, runtimeReady, type AgentRunContext } from './context.ts';
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

/** splitToPin is the routing of an endpoint that serves LATEST, so that a deployment would reach its users; undefined when it does not. */
const splitToPin = (context: AgentRunContext, users: Endpoint | undefined): Outcome<Split | undefined> => {
  if (users === undefined) return done(undefined);
  const share = users.weights.some(({ version, weight }) => version === latest && weight > 0 && users.targetVersion !== latest);
  if (share) return problem('conflict', `endpoint "${users.name}" gives LATEST a share of the users, so that they would get the new code at once`, context, 'End that split in the AgentRun console, then deploy.');
  if (users.targetVersion !== latest) return done(undefined);
  const split = splitOf(users, context.weights);
  if (!split.ok || split.value.weight === 0) return split;
  return problem('conflict', `endpoint "${users.name}" splits its users between LATEST and version ${split.value.candidate ?? ''}`, context, 'End that split in the AgentRun console, then deploy.');
};

/** pinUsers puts an endpoint that serves LATEST on a published version of the same content, which is published when there is none. */
const pinUsers = async (context: AgentRunContext, runtime: Runtime, split: Split): Promise<Outcome<Pinned>> => {
  const published = await publishLatest(context, runtime, { name: 'what users had', marks: {} });
  if (!published.ok) return published;
  const pinned = await setSplit(context, split, { stable: published.value.id, weight: 0 });
  return pinned.ok ? done({ version: published.value.id }) : pinned;
};

/** lost says why replacing LATEST would lose somebody's work; undefined when it would not, or when the platform shows nothing to tell by. */
const lost = async (context: AgentRunContext, runtime: Runtime, users: Endpoint | undefined, options: DeployOptions): Promise<Outcome<string | undefined>> => {
  const deployed = digestOf(runtime.shown);
  if (options.overwrite || deployed === undefined || options.ours.includes(deployed)) return done(undefined);
  const versions = await context.api.listVersions(runtime.id);
  if (!versions.ok) return versions;
  const kept = new Set([versions.value[0]?.version ?? latest, users?.targetVersion ?? latest]);
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

/** made makes the runtime and gives it. */
const made = async (context: AgentRunContext, source: AgentRunSource, carrier: Carrier | undefined): Promise<Outcome<Runtime>> => {
  if (carrier === undefined) return context.api.createRuntime(source.title, bodyOf(source), context.workspaceId);
  const sent = await carrier.send(source);
  return sent.ok ? requireRuntime(context) : sent;
};

const create = async (context: AgentRunContext, source: AgentRunSource, carrier: Carrier | undefined): Promise<Outcome<Deployment>> => {
  const created = await made(context, source, carrier);
  if (!created.ok) return created;
  const deployed = await readBack(context, source, created.value.id, ['the runtime is new; nobody can call it until the first version is routed']);
  if (!deployed.ok) return deployed;
  return done({ ...deployed.value, created: { application: created.value.id, lines: [`# s.yaml names the runtime "${source.title}" (${created.value.id}); sluice.yml needs no id`] } });
};

const usersSplit = ({ weights }: AgentRunContext, users: Endpoint | undefined): Outcome<Split | undefined> => (users === undefined ? done(undefined) : splitOf(users, weights));

/** untouched checks that the deployment left the users' routing as it was. */
const untouched = async (context: AgentRunContext, runtimeId: string, before: Split | undefined): Promise<Outcome<void>> => {
  const users = await findUsersEndpoint(context, runtimeId);
  if (!users.ok) return users;
  const after = usersSplit(context, users.value);
  if (!after.ok) return after;
  const same = before === undefined ? after.value === undefined : after.value !== undefined && sameSplit(before, after.value);
  return same ? done(undefined) : problem('conflict', `the routing of endpoint "${context.endpoint}" changed during the deployment`, context, 'Someone else routes this endpoint. Look at it in the AgentRun console.');
};

/** endpointsReady waits for every endpoint of the runtime: the Serverless Devs CLI says that all went well while they are still being made, or could not be. */
const endpointsReady = async (context: AgentRunContext, runtimeId: string): Promise<Outcome<void>> => {
  const endpoints = await context.api.listEndpoints(runtimeId);
  if (!endpoints.ok) return endpoints;
  for (const endpoint of endpoints.value) {
    const settled = endpoint.status === 'DELETING' ? done(endpoint) : await endpointReady(context, runtimeId, endpoint);
    if (!settled.ok) return settled;
  }
  return done(undefined);
};

/** Plan is what a deployment to a runtime would do. */
interface Plan {
  readonly runtime: Runtime;
  /** pin is the routing of the users' endpoint when it serves LATEST and must be pinned first. */
  readonly pin: Split | undefined;
  /** before is the routing that the users have. */
  readonly before: Split | undefined;
  /** changes is false when the runtime holds the source already. */
  readonly changes: boolean;
}

/** planOf decides what a deployment would do, or why it may not. It reads only. */
const planOf = async (context: AgentRunContext, source: AgentRunSource, runtime: Runtime, options: DeployOptions): Promise<Outcome<Plan>> => {
  const users = await findUsersEndpoint(context, runtime.id);
  if (!users.ok) return users;
  const pin = splitToPin(context, users.value);
  if (!pin.ok) return pin;
  const before = usersSplit(context, users.value);
  if (!before.ok) return before;
  const changes = !isSame(compare(source.configuration, runtime.shown)) || hasFailed(runtime);
  // Pinning publishes what LATEST holds, so that nothing of it is lost.
  const reason = changes && pin.value === undefined ? await lost(context, runtime, users.value, options) : done(undefined);
  if (!reason.ok) return reason;
  if (reason.value !== undefined) return problem('conflict', reason.value, context, 'Publish it in the AgentRun console if it is wanted, or deploy with --overwrite.');
  return done({ runtime, pin: pin.value, before: before.value, changes });
};

/** foretold is the deployment that a dry run tells of. */
const foretold = (source: AgentRunSource, notes: readonly string[]): Deployment => ({
  changed: true,
  version: { id: draft, name: latest, digest: source.digest, comment: '', publishedAt: '' },
  notes,
});

/** Deployed is a deployment with the version that an endpoint on LATEST was pinned to on the way. */
interface Deployed {
  readonly deployment: Deployment;
  readonly pinned?: Pinned;
}

/** Load is what a deployment brings, and how. */
interface Load {
  readonly source: AgentRunSource;
  /** carrier brings it; the API does when absent. */
  readonly carrier: Carrier | undefined;
}

/** sendTo changes the runtime's LATEST. */
const sendTo = (context: AgentRunContext, runtime: Runtime, source: AgentRunSource, carrier: Carrier | undefined): Promise<Outcome<unknown>> =>
  carrier === undefined ? context.api.updateRuntime(runtime.id, bodyOf(source)) : carrier.send(source);

const carryOut = async (context: AgentRunContext, { source, carrier }: Load, { runtime, pin, before, changes }: Plan): Promise<Outcome<Deployed>> => {
  const pinned = pin === undefined ? done(undefined) : await pinUsers(context, runtime, pin);
  if (!pinned.ok) return pinned;
  const sent = changes ? await sendTo(context, runtime, source, carrier) : done(undefined);
  if (!sent.ok) return sent;
  const deployed = changes ? await readBack(context, source, runtime.id, []) : done<Deployment>({ changed: false, version: draftOf(runtime), notes: [] });
  if (!deployed.ok) return deployed;
  const settled = changes && carrier !== undefined ? await endpointsReady(context, runtime.id) : done(undefined);
  if (!settled.ok) return settled;
  const kept = await untouched(context, runtime.id, pinned.value === undefined ? before : { stable: pinned.value.version, weight: 0 });
  if (!kept.ok) return kept;
  if (pinned.value === undefined) return done({ deployment: deployed.value });
  const note = `endpoint "${context.endpoint}" served LATEST and is now on version ${pinned.value.version}, which has the same content`;
  return done({ deployment: { ...deployed.value, notes: [note, ...deployed.value.notes] }, pinned: pinned.value });
};

const deployNew = async (context: AgentRunContext, { source, carrier }: Load, options: DeployOptions): Promise<Outcome<Deployed>> => {
  if (options.dryRun) return done({ deployment: foretold(source, []) });
  const said = await options.writing(source.digest);
  if (!said.ok) return said;
  const created = await create(context, source, carrier);
  return created.ok ? done({ deployment: created.value }) : created;
};

const deployTo = async (context: AgentRunContext, load: Load, found: Runtime, options: DeployOptions): Promise<Outcome<Deployed>> => {
  const { source } = load;
  // A runtime whose last update failed is repaired by the next one, so only a running change is waited for.
  const runtime = hasFailed(found) ? await context.api.getRuntime(found.id) : await runtimeReady(context, found.id);
  if (!runtime.ok) return runtime;
  const plan = await planOf(context, source, runtime.value, options);
  if (!plan.ok) return plan;
  const { pin, changes } = plan.value;
  if (options.dryRun) {
    const notes = pin === undefined ? [] : [`endpoint "${context.endpoint}" serves LATEST and would be put on a published version of the same content`];
    return done({ deployment: changes ? foretold(source, notes) : { changed: false, version: draftOf(runtime.value), notes } });
  }
  const said = changes || pin !== undefined ? await options.writing(source.digest) : done(undefined);
  return said.ok ? carryOut(context, load, plan.value) : said;
};

const deployLoad = (context: AgentRunContext, load: Load, found: Runtime | undefined, options: DeployOptions): Promise<Outcome<Deployed>> =>
  found === undefined ? deployNew(context, load, options) : deployTo(context, load, found, options);

/** deployCarried deploys with a carrier, which builds first: what is compared and written is what was built. */
const deployCarried = async (context: AgentRunContext, given: AgentRunSource, carrier: Carrier, found: Runtime | undefined, options: DeployOptions): Promise<Outcome<Deployed>> => {
  const prepared = await carrier.prepare(given, options.dryRun);
  if (!prepared.ok) return prepared;
  const { source, notes } = prepared.value;
  const deployed = await deployLoad(context, { source, carrier }, found, options);
  if (!deployed.ok) return deployed;
  const { deployment } = deployed.value;
  return done({ ...deployed.value, deployment: { ...deployment, notes: [...notes, ...deployment.notes] } });
};

/**
 * deploy decides what is to be written, says so, puts the source into LATEST, where nobody gets it, and reads it back.
 * An endpoint that serves LATEST is pinned to a version of the same content first. A dry run ends with the decision.
 */
export const deploy = async (context: AgentRunContext, source: AgentRunSource, options: DeployOptions): Promise<Outcome<Deployed>> => {
  const found = await findRuntime(context);
  if (!found.ok) return found;
  if (found.value === undefined && !options.create) {
    return problem('input', `there is no runtime named "${context.source.title}"`, context, 'Check the name and the region in s.yaml, or deploy with --create.');
  }
  if (context.carrier === undefined) {
    const fault = inlineFault(source.parts.archive, source.parts.agent.code?.src ?? '');
    if (fault !== undefined) return failed(fault);
    return deployLoad(context, { source, carrier: undefined }, found.value, options);
  }
  const carrier = await context.carrier();
  if (!carrier.ok) return carrier;
  try {
    return await deployCarried(context, source, carrier.value, found.value, options);
  } finally {
    await carrier.value.close();
  }
};
