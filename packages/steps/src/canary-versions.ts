import { done, draft, failed, type Outcome, type StepContext, type Target } from '@sluice/core';
import type { Versions } from '@sluice/rollout';
import { publishesFirst } from './exposure.ts';
import { alreadyLive } from './standing.ts';
import { earlierOutput, versionText } from './versions.ts';

/** Named are the versions that the inputs name. */
export interface Named {
  readonly stable?: string | undefined;
  readonly candidate?: string | undefined;
}

/** stableVersion is what users get now: what the traffic is pinned to, else what the platform serves by default. */
export const stableVersion = async (context: StepContext, target: Target, values: Named): Promise<Outcome<string>> => {
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
export const candidateVersion = async (context: StepContext, target: Target, values: Named): Promise<Outcome<string>> => {
  if (values.candidate !== undefined) return done(values.candidate);
  if (publishesFirst(target.exposure)) return done(await earlierOutput(context, 'publish-version', 'version'));
  if (target.traffic === undefined) return done(draft);
  const inspected = await target.inspect();
  return inspected.ok ? done(inspected.value.candidate?.id ?? draft) : inspected;
};

/** nothingToJudge says why there is no canary to run; undefined when there is one. */
export const nothingToJudge = async (context: StepContext, target: Target, versions: Versions, values: Named): Promise<Outcome<string | undefined>> => {
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
export const unknownVersion = async (target: Target, values: Named): Promise<Outcome<void>> => {
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
