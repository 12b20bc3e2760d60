import { done, type Inspection, type Outcome, type Version } from '@sluice/core';
import { digestOf } from '../source/configuration.ts';
import { findRuntime, findUsersEndpoint, type AgentRunContext } from './context.ts';
import { splitOf, splitText } from './routing.ts';
import { contentDigest, draftOf, requireVersion } from './versions.ts';
import { isReady } from './wait.ts';
import { latest, type Endpoint, type Runtime } from './wire.ts';

const serverText = ({ source }: AgentRunContext): string => `AgentRun, API 2025-09-10, ${source.parts.region}`;

const servesLatest = ({ targetVersion, weights }: Endpoint): boolean =>
  targetVersion === latest || weights.some(({ version, weight }) => version === latest && weight > 0);

const notesOn = (context: AgentRunContext, runtime: Runtime, endpoints: readonly Endpoint[]): string[] => {
  const users = endpoints.find(({ name }) => name === context.endpoint);
  const others = endpoints.filter((endpoint) => endpoint !== users && !endpoint.name.startsWith('sluice-') && servesLatest(endpoint));
  const split = users === undefined ? undefined : splitOf(users, context.weights);
  return [
    ...(isReady(runtime) ? [] : [`runtime "${runtime.name}" is ${runtime.status === '' ? 'in no known state' : runtime.status}`]),
    ...(users === undefined ? [`endpoint "${context.endpoint}" does not exist yet; the first release makes it`] : []),
    ...(users !== undefined && servesLatest(users) ? [`endpoint "${users.name}" serves LATEST; before anything is deployed it is pinned to a published version of the same content`] : []),
    ...(split?.ok === true && split.value.weight > 0 ? [`endpoint "${context.endpoint}" has ${splitText(split.value)}`] : []),
    ...(split?.ok === false ? [split.problem.reason] : []),
    ...others.map(({ name }) => `endpoint "${name}" serves LATEST, so its callers get deployed code at once`),
  ];
};

interface Live {
  readonly version?: Version;
  /** content is the digest of what is live as the platform shows it. */
  readonly content?: string;
}

const liveOf = async (context: AgentRunContext, runtime: Runtime, users: Endpoint | undefined): Promise<Outcome<Live>> => {
  if (users === undefined || users.targetVersion === '') return done({});
  if (users.targetVersion === latest) {
    const version = draftOf(runtime);
    return done({ version, ...(version.digest === undefined ? {} : { content: version.digest }) });
  }
  const version = await requireVersion(context, runtime.id, users.targetVersion);
  if (!version.ok) return version;
  const content = await contentDigest(context, runtime.id, users.targetVersion);
  if (!content.ok) return content;
  return done({ version: version.value, ...(content.value === undefined ? {} : { content: content.value }) });
};

/** liveVersion is what users' endpoint targets; absent when there is no endpoint. */
export const liveVersion = async (context: AgentRunContext, runtime: Runtime): Promise<Outcome<Version | undefined>> => {
  const users = await findUsersEndpoint(context, runtime.id);
  if (!users.ok) return users;
  const live = await liveOf(context, runtime, users.value);
  return live.ok ? done(live.value.version) : live;
};

/** Inspected is an inspection, with the address of the users' endpoint as it was then; empty where there is none. */
export interface Inspected {
  readonly inspection: Inspection;
  readonly address: string;
}

/** inspect reads runtime, endpoints and versions and changes nothing. */
export const inspect = async (context: AgentRunContext): Promise<Outcome<Inspected>> => {
  const server = serverText(context);
  const listed = await findRuntime(context);
  if (!listed.ok) return listed;
  if (listed.value === undefined) {
    return done({ address: '', inspection: { exists: false, server, notes: [`there is no runtime named "${context.source.title}" in ${context.source.parts.region}`] } });
  }
  const runtime = await context.api.getRuntime(listed.value.id);
  if (!runtime.ok) return runtime;
  const endpoints = await context.api.listEndpoints(runtime.value.id);
  if (!endpoints.ok) return endpoints;
  const users = endpoints.value.find(({ name }) => name === context.endpoint);
  const live = await liveOf(context, runtime.value, users);
  if (!live.ok) return live;
  const deployed = digestOf(runtime.value.shown);
  // What cannot be compared counts as different.
  const same = deployed !== undefined && deployed === live.value.content;
  const { version } = live.value;
  return done({
    address: users?.url ?? '',
    inspection: {
      exists: true,
      server,
      notes: notesOn(context, runtime.value, endpoints.value),
      ...(version === undefined ? {} : { live: version }),
      ...(same || users?.targetVersion === latest ? {} : { candidate: draftOf(runtime.value) }),
    },
  });
};
