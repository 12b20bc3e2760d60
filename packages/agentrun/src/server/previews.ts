import { clause, done, durationText, failed, oneLine, previewDescription, readPreviewMark, type Connection, type OpenedPreview, type Outcome, type Preview, type Previews, type PreviewScope, type Source } from '@sluice/core';
import { throughCli } from '../source/review.ts';
import { AgentRunSource } from '../source/source.ts';
import { endpointAddress } from './address.ts';
import { isMissing } from './client.ts';
import { guardAccount, openingOf, targetOf, workspaceOf } from './connect.ts';
import { contextOf, findRuntime, requireRuntimeId, requireUsersEndpoint, type AgentRunContext } from './context.ts';
import { setSplit } from './traffic.ts';
import type { Runtime } from './wire.ts';

const longestName = 128;
const goneMs = 5 * 60_000;
const pauseMs = 3000;

const problem = (category: 'conflict' | 'input' | 'platform' | 'timeout', reason: string, tried: string, where: string, hint: string): Outcome<never> => failed({ category, reason, tried, where, hint });

/** runtimeName is what the runtime of a preview is called. */
const runtimeName = (agent: string, name: string): string => `${agent}-${name}`;

const descriptionOf = ({ shown }: Runtime): string => (typeof shown['description'] === 'string' ? shown['description'] : '');

/** previewIn is the name of the preview that a runtime is: by the name that Sluice gave it, and by the mark that it alone writes. */
const previewIn = (agent: string, project: string, runtime: Runtime): string | undefined => {
  const mark = readPreviewMark(descriptionOf(runtime));
  return mark?.project === project && runtime.name === runtimeName(agent, mark.name) ? mark.name : undefined;
};

const changedAt = ({ shown }: Runtime): number | undefined => {
  const at = typeof shown['lastUpdatedAt'] === 'string' ? Date.parse(shown['lastUpdatedAt']) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
};

/** Opened is a connection for the previews of one project: `base` is that of s.yaml's own runtime, which nothing here touches. */
interface Opened {
  readonly base: AgentRunContext;
  readonly expected: string | undefined;
  readonly project: string;
}

/** whole is a runtime with its description, which a list may leave out. */
const whole = async ({ base }: Opened, runtime: Runtime): Promise<Outcome<Runtime | undefined>> => {
  if (descriptionOf(runtime) !== '') return done(runtime);
  const read = await base.api.getRuntime(runtime.id);
  return !read.ok && isMissing(read.problem) ? done(undefined) : read;
};

const list = async (opened: Opened): Promise<Outcome<readonly Preview[]>> => {
  const { base, project } = opened;
  const agent = base.source.title;
  const listed = await base.api.runtimesBeginning(`${agent}-`, base.workspaceId);
  if (!listed.ok) return listed;
  const found: Preview[] = [];
  for (const runtime of listed.value) {
    if (runtime.status === 'DELETING') continue;
    const read = await whole(opened, runtime);
    if (!read.ok) return read;
    const name = read.value === undefined ? undefined : previewIn(agent, project, read.value);
    if (name === undefined || read.value === undefined) continue;
    const at = changedAt(read.value);
    found.push({ name, application: read.value.id, ...(at === undefined ? {} : { changedAt: at }) });
  }
  return done(found);
};

/** standing finds the runtime of a preview; one that is being deleted is waited for until it is gone. */
const standing = async (context: AgentRunContext): Promise<Outcome<Runtime | undefined>> => {
  const { clock, signal, source: { title } } = context;
  for (let waited = 0; ; waited += pauseMs) {
    const found = await findRuntime(context);
    if (!found.ok || found.value?.status !== 'DELETING') return found;
    const tried = `wait until the old runtime "${title}" is gone`;
    if (signal.aborted) return failed({ category: 'cancelled', reason: `runtime "${title}" of a closed request is still being deleted`, tried });
    if (waited >= goneMs) return problem('timeout', `runtime "${title}" of a closed request is still being deleted after ${durationText(goneMs)}`, tried, found.value.id, 'Look at it in the AgentRun console, then run this again.');
    await clock.sleep(pauseMs, signal);
  }
};

const show = async (context: AgentRunContext, version: string): Promise<Outcome<string>> => {
  const set = await setSplit(context, undefined, { stable: version, weight: 0 });
  if (!set.ok) return set;
  const runtime = await requireRuntimeId(context);
  if (!runtime.ok) return runtime;
  const endpoint = await requireUsersEndpoint(context, runtime.value);
  return endpoint.ok ? endpointAddress(context, endpoint.value) : endpoint;
};

const open = async ({ base, expected, project }: Opened, name: string, source: Source): Promise<Outcome<OpenedPreview>> => {
  if (!(source instanceof AgentRunSource)) return failed({ category: 'defect', reason: 'a source of another platform was given to AgentRun' });
  const { parts } = source;
  const title = runtimeName(parts.agent.name, name);
  if (title.length > longestName) return problem('input', `the runtime of the preview would be called "${oneLine(title, longestName)}", and AgentRun takes ${longestName} characters`, 'name the runtime', source.path, 'Give the agent a shorter name in s.yaml.');
  const marked = new AgentRunSource({ ...parts, agent: { ...parts.agent, name: title, description: previewDescription({ name, project }) } });
  base.variables?.learn(marked.configuration);
  const context = contextOf({ ...base, remembered: {}, source: marked, endpoint: name });
  const runtime = await standing(context);
  if (!runtime.ok) return runtime;
  const read = runtime.value === undefined ? done(undefined) : await context.api.getRuntime(runtime.value.id);
  if (!read.ok) return read;
  if (read.value !== undefined && previewIn(parts.agent.name, project, read.value) !== name) {
    return problem('conflict', `there is a runtime "${title}" (${read.value.id}) that Sluice did not make for a preview`, 'find the preview', base.control, 'Give the preview another name with the input `name`. Sluice neither changes nor deletes what others made.');
  }
  const target = await targetOf(context, expected, read.value);
  return target.ok ? done({ target: target.value, source: marked, show: (version) => show(context, version) }) : target;
};

/** withoutEndpoints deletes the endpoints of a runtime and waits until they are gone: before, the platform does not delete the runtime. */
const withoutEndpoints = async ({ base: { api, clock, signal } }: Opened, runtime: Runtime): Promise<Outcome<void>> => {
  for (let waited = 0; ; waited += pauseMs) {
    const left = await api.listEndpoints(runtime.id);
    if (!left.ok) return isMissing(left.problem) ? done(undefined) : left;
    if (left.value.length === 0) return done(undefined);
    for (const endpoint of left.value.filter(({ status }) => status !== 'DELETING')) {
      const gone = await api.deleteEndpoint(runtime.id, endpoint.id);
      if (!gone.ok) return gone;
    }
    const tried = `delete the endpoints of runtime "${runtime.name}"`;
    if (signal.aborted) return failed({ category: 'cancelled', reason: 'the endpoints are still being deleted', tried });
    if (waited >= goneMs) return problem('timeout', `the endpoints of runtime "${runtime.name}" are still there after ${durationText(goneMs)}`, tried, runtime.id, 'Run this again later, or delete the runtime in the AgentRun console.');
    await clock.sleep(pauseMs, signal);
  }
};

const remove = async (opened: Opened, { name, application: id }: Preview): Promise<Outcome<void>> => {
  const { base: { api, source, control }, project } = opened;
  const runtime = await api.getRuntime(id);
  if (!runtime.ok) return isMissing(runtime.problem) ? done(undefined) : runtime;
  if (runtime.value.status === 'DELETING') return done(undefined);
  if (previewIn(source.title, project, runtime.value) !== name) {
    return problem('conflict', `runtime ${id} is not the preview ${name} any more: its description was changed`, 'delete the preview', control, 'Nothing was deleted. Delete it in the AgentRun console if nobody needs it.');
  }
  const emptied = await withoutEndpoints(opened, runtime.value);
  if (!emptied.ok) return emptied;
  const deleted = await api.deleteRuntime(id);
  const after = await api.getRuntime(id);
  // The platform ends a deletion by itself once it has taken it.
  if (after.ok ? after.value.status === 'DELETING' : isMissing(after.problem)) return done(undefined);
  if (!deleted.ok) return deleted;
  return after.ok ? problem('platform', `AgentRun took the deletion of runtime ${id}, and shows it as ${clause(oneLine(after.value.status, 40))}`, 'delete the preview', control, 'Run this again, or delete the runtime in the AgentRun console.') : after;
};

/**
 * openPreviews gives the previews of a project: each is a runtime of its own, `<agent>-<name>`, with one endpoint of that
 * name. A runtime has one LATEST and no version can be deleted, so that two requests at one runtime would publish each
 * other's code, and leave their versions behind.
 */
export const openPreviews = async (connection: Connection, { project }: PreviewScope): Promise<Outcome<Previews>> => {
  const { environment, source } = connection;
  if (environment.agentrun?.deploy === 's') return failed({ category: 'input', reason: clause(throughCli), tried: 'connect to the previews', hint: 'Take deploy out of the environment: the API sends the code, object or image of s.yaml.' });
  const opening = openingOf({ ...connection, step: 'preview' }, `${source.title}-*`);
  if (!opening.ok) return opening;
  const guarded = await guardAccount(opening.value);
  if (!guarded.ok) return guarded;
  const { options, expected } = opening.value;
  const workspace = await workspaceOf(contextOf(options));
  if (!workspace.ok) return workspace;
  const base = contextOf({ ...options, ...(workspace.value === undefined ? {} : { workspaceId: workspace.value }) });
  const opened: Opened = { base, expected, project };
  return done({
    list: () => list(opened),
    open: (name, given) => open(opened, name, given),
    remove: (preview) => remove(opened, preview),
  });
};
