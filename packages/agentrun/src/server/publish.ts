import { done, failed, type Outcome, type Publication, type PublishRequest, type Version } from '@sluice/core';
import { compare, isSame } from '../source/compare.ts';
import { digestOf } from '../source/configuration.ts';
import { requireRuntime, runtimeReady, type AgentRunContext } from './context.ts';
import { describe, readDescription } from './marks.ts';
import { contentDigest, versionOf } from './versions.ts';
import type { PublishedVersion, Runtime } from './wire.ts';

const conflict = (reason: string, context: AgentRunContext, runtime: Runtime): Outcome<never> =>
  failed({
    category: 'conflict',
    reason,
    tried: `publish a version of runtime ${runtime.id}`,
    where: context.source.title,
    hint: 'Deploy again, so that what is published is what was checked.',
  });

/** holds says whether LATEST is the content with this digest: by the platform's own showing, or because it is the source's. */
const holds = ({ source, log }: AgentRunContext, runtime: Runtime, digest: string): boolean => {
  if (digestOf(runtime.shown) === digest) return true;
  if (digest !== source.digest) return false;
  const comparison = compare(source.configuration, runtime.shown);
  if (!comparison.codeUnseen) return isSame(comparison);
  log('the platform does not show which code LATEST holds; only its configuration was compared');
  return comparison.different.length === 0 && comparison.extra.length === 0;
};

/** sameContent gives the newest version when it has this content already, by its marks or by what the platform shows. */
const sameContent = async (context: AgentRunContext, runtimeId: string, newest: PublishedVersion | undefined, digest: string | undefined): Promise<Outcome<Version | undefined>> => {
  if (newest === undefined || digest === undefined) return done(undefined);
  if (readDescription(newest.description).digest === digest) return done(versionOf(newest));
  const content = await contentDigest(context, runtimeId, newest.version);
  if (!content.ok) return content;
  return done(content.value === digest ? versionOf(newest, content.value) : undefined);
};

/**
 * publishLatest freezes what is deployed as a new version and reads it back, or gives the newest version when that has
 * the same content, unless one is wanted all the same. The digest goes into the description, since AgentRun keeps no other text for a version.
 */
export const publishLatest = async (context: AgentRunContext, runtime: Runtime, request: PublishRequest): Promise<Outcome<Publication>> => {
  const { api } = context;
  const digest = digestOf(runtime.shown) ?? request.digest;
  const before = await api.listVersions(runtime.id);
  if (!before.ok) return before;
  const same = request.again === true ? done(undefined) : await sameContent(context, runtime.id, before.value[0], digest);
  if (!same.ok) return same;
  if (same.value !== undefined) return done({ ...same.value, existed: true });

  const description = describe({ name: request.name, marks: request.marks, ...(digest === undefined ? {} : { digest }) });
  const published = await api.publishVersion(runtime.id, description, before.value);
  if (!published.ok) return published;
  const after = await api.listVersions(runtime.id);
  if (!after.ok) return after;
  const found = after.value.find(({ version }) => version === published.value.version);
  if (found === undefined) {
    return failed({ category: 'platform', reason: `version ${published.value.version} was published and is not in the list of versions`, tried: `publish a version of runtime ${runtime.id}`, where: context.source.title });
  }
  const content = await contentDigest(context, runtime.id, found.version);
  if (!content.ok) return content;
  if (digest !== undefined && content.value !== undefined && content.value !== digest && digestOf(runtime.shown) !== undefined) {
    return conflict(`version ${found.version} holds something else than was deployed: someone changed the runtime meanwhile; it serves nobody`, context, runtime);
  }
  return done(versionOf(found, digest));
};

/** publish makes a version of what is deployed, provided that it still is what `request.digest` says. */
export const publish = async (context: AgentRunContext, request: PublishRequest): Promise<Outcome<Publication>> => {
  const found = await requireRuntime(context);
  if (!found.ok) return found;
  const runtime = await runtimeReady(context, found.value.id);
  if (!runtime.ok) return runtime;
  if (request.digest !== undefined && !holds(context, runtime.value, request.digest)) {
    return conflict('what is deployed is not what was checked: someone changed the runtime since', context, runtime.value);
  }
  return publishLatest(context, runtime.value, request);
};
