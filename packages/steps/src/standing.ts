import { done, draft, type EnvironmentRecord, type Inspection, type Outcome, type StepContext, type Target, type Version } from '@sluice/core';
import { heldByOther } from './lease.ts';
import { recordOf } from './record.ts';
import { earlierOutput } from './versions.ts';

/** Deployed is what lies beside what runs. */
interface Deployed {
  /** digest is empty when the platform does not show the content, so that it equals nothing. */
  readonly digest: string;
  /** pending is true when a deployment has changed something that was not published since, such as a secret, which no digest shows. */
  readonly pending: boolean;
}

/**
 * publishedUnrecorded says whether the live version is the recorded candidate, published by a run that came to no end:
 * it had recorded what was live before, and that has changed since, to the candidate's content.
 */
export const publishedUnrecorded = ({ candidate }: EnvironmentRecord, live: Version | undefined): boolean =>
  candidate?.over !== undefined && candidate.version === draft && live !== undefined && live.id !== candidate.over && live.digest === candidate.digest;

/**
 * publishedBehindPin is the version that the platform has published while users are still pinned to the one before, when
 * it is the recorded candidate: a run that was killed between the publication and the first weight leaves that.
 */
export const publishedBehindPin = ({ candidate }: EnvironmentRecord, { live, ungoverned }: Pick<Inspection, 'live' | 'ungoverned'>): Version | undefined => {
  if (candidate === undefined || live === undefined || ungoverned === undefined || ungoverned.digest !== candidate.digest) return undefined;
  const recorded = candidate.version === ungoverned.id;
  const unrecorded = candidate.version === draft && candidate.over === live.id && candidate.over !== ungoverned.id;
  return recorded || unrecorded ? ungoverned : undefined;
};

const deployedNow = async (context: StepContext, target: Target, { candidate, live }: Inspection): Promise<Outcome<Deployed>> => {
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const judged = await earlierOutput(context, 'deploy', 'digest');
  const left = record.value.candidate;
  const pending = left === undefined ? (await earlierOutput(context, 'deploy', 'changed')) === 'true' : left.version === draft && !publishedUnrecorded(record.value, live);
  return done({ digest: judged === '' ? (candidate?.digest ?? '') : judged, pending });
};

/** alreadyLive is the live version when it is what was deployed, so that there is nothing to publish and nothing to judge; else undefined. */
export const alreadyLive = async (context: StepContext, target: Target, inspected: Inspection): Promise<Outcome<Version | undefined>> => {
  const { live, candidate, ungoverned } = inspected;
  // Users may have the candidate before it is published; doors outside a split that serve another version would keep it.
  if (live === undefined || live.id === draft || live.id === candidate?.id || ungoverned !== undefined) return done(undefined);
  const deployed = await deployedNow(context, target, inspected);
  if (!deployed.ok) return deployed;
  return done(!deployed.value.pending && deployed.value.digest !== '' && live.digest === deployed.value.digest ? live : undefined);
};

/** alreadyBehindPin is the published version that no user behind the gateway has met yet, when it is what was deployed; else undefined. */
export const alreadyBehindPin = async (context: StepContext, target: Target, inspected: Inspection): Promise<Outcome<Version | undefined>> => {
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const published = publishedBehindPin(record.value, inspected);
  if (published === undefined) return done(undefined);
  const judged = await earlierOutput(context, 'deploy', 'digest');
  return done(judged === '' || judged === published.digest ? published : undefined);
};

/** BrokenOff is a canary that a killed run left behind: users are still split. */
export interface BrokenOff {
  readonly stable: string;
  readonly candidate: Version;
  readonly weight: number;
  /** continues is true when its candidate is what is to be published now. */
  readonly continues: boolean;
}

const permitted = (rollout: unknown): { readonly stable: unknown; readonly candidate: unknown } | undefined => {
  if (typeof rollout !== 'object' || rollout === null || !('permission' in rollout)) return undefined;
  const { permission } = rollout;
  return typeof permission === 'object' && permission !== null && 'stable' in permission && 'candidate' in permission ? permission : undefined;
};

/**
 * brokenOff finds a canary that a run of Sluice has left behind, by the permission that it recorded before it moved
 * anybody; undefined when nobody is on a candidate, when the split is somebody else's, or when another run still holds
 * the lease. `holdsLease` is true for a caller under whose lease this is asked.
 */
export const brokenOff = async (context: StepContext, target: Target, inspected: Inspection, holdsLease: boolean): Promise<Outcome<BrokenOff | undefined>> => {
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const permission = permitted(record.value.rollout);
  if (permission === undefined) return done(undefined);
  const observed = await target.traffic?.read();
  if (observed === undefined) return done(undefined);
  if (!observed.ok) return observed;
  const { stable, candidate, weight } = observed.value.split;
  const ours = permission.stable === stable && permission.candidate === candidate;
  const another = !holdsLease && heldByOther(context, record.value.lease) !== undefined;
  if (candidate === undefined || weight === 0 || !ours || another) return done(undefined);
  const versions = await target.versions?.();
  if (versions?.ok === false) return versions;
  const version = versions?.value.find(({ id }) => id === candidate) ?? { id: candidate, name: candidate, comment: '', publishedAt: '' };
  const deployed = await deployedNow(context, target, inspected);
  if (!deployed.ok) return deployed;
  const same = deployed.value.digest !== '' && version.digest === deployed.value.digest;
  return done({ stable, candidate: version, weight, continues: same && !deployed.value.pending });
};
