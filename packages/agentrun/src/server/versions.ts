import { done, draft, failed, type Outcome, type Version } from '@sluice/core';
import { digestOf } from '../source/configuration.ts';
import type { AgentRunContext } from './context.ts';
import { readDescription } from './marks.ts';
import { latest, type PublishedVersion, type Runtime } from './wire.ts';

const isoTime = (text: string): string => {
  const at = Date.parse(text);
  return Number.isNaN(at) ? '' : new Date(at).toISOString();
};

/** versionOf is a published version for the outside; its digest is the one in its marks, or the one that is given. */
export const versionOf = (published: PublishedVersion, content?: string): Version => {
  const digest = readDescription(published.description).digest ?? content;
  return {
    id: published.version,
    name: published.version,
    comment: published.description,
    publishedAt: isoTime(published.lastUpdatedAt),
    ...(digest === undefined ? {} : { digest }),
  };
};

/** draftOf is what is deployed and not published. */
export const draftOf = (runtime: Runtime): Version => {
  const digest = digestOf(runtime.shown);
  return { id: draft, name: latest, comment: '', publishedAt: '', ...(digest === undefined ? {} : { digest }) };
};

/** contentDigest is the digest of a published version's frozen content, as the platform shows it; undefined when it does not show its code. */
export const contentDigest = async ({ api }: AgentRunContext, runtimeId: string, version: string): Promise<Outcome<string | undefined>> => {
  const frozen = await api.getRuntime(runtimeId, version);
  return frozen.ok ? done(digestOf(frozen.value.shown)) : frozen;
};

/** requireVersion gives a published version with its digest; one that does not exist is `input`, with those that do. */
export const requireVersion = async (context: AgentRunContext, runtimeId: string, id: string): Promise<Outcome<Version>> => {
  const all = await context.api.listVersions(runtimeId);
  if (!all.ok) return all;
  const published = all.value.find(({ version }) => version === id);
  if (published === undefined) {
    return failed({
      category: 'input',
      reason: `there is no published version "${id}"`,
      tried: `find version ${id} of runtime ${runtimeId}`,
      where: context.source.title,
      hint: all.value.length === 0 ? 'Nothing is published yet.' : `Published are ${all.value.slice(0, 20).map(({ version }) => version).join(', ')}.`,
    });
  }
  if (readDescription(published.description).digest !== undefined) return done(versionOf(published));
  const digest = await contentDigest(context, runtimeId, id);
  return digest.ok ? done(versionOf(published, digest.value)) : digest;
};
