import { done, failed, type Marks, type Outcome, type StepContext, type StepResult, type Target, type Version } from '@sluice/core';
import { versionText } from './versions.ts';

/** PutBack is what users get after a failed release, as read back. */
export interface PutBack {
  /** restored is false when users had the good version already. */
  readonly restored: boolean;
  readonly version: Version;
  readonly said: string;
}

const alreadyServed = async (target: Target, good: Version): Promise<Outcome<Version | undefined>> => {
  const inspected = await target.inspect();
  if (!inspected.ok) return inspected;
  const { live, ungoverned } = inspected.value;
  if (live?.id !== good.id) return done(undefined);
  // Doors outside the split, such as a web app, still serve what was published.
  if (ungoverned !== undefined && ungoverned.digest !== good.digest) return done(undefined);
  if (target.traffic === undefined) return done(live);
  const observed = await target.traffic.read();
  if (!observed.ok) return observed;
  const { split } = observed.value;
  return done(split.weight === 0 && (split.stable === good.id || split.stable === '') ? live : undefined);
};

/** whyBack is the mark beside a version that is put back: how the release after it ended. */
export const whyBack = (failing: StepResult | undefined): Marks['verdict'] => {
  if (failing?.category === 'cancelled' || failing?.outputs['verdict'] === 'abort') return 'aborted';
  return failing?.category === 'evidence' ? 'inconclusive' : 'failed';
};

/** putBack makes sure that everybody gets `good` again: it looks first, restores when needed, marks it with why, and verifies by digest. */
export const putBack = async (context: StepContext, target: Target, good: Version, verdict: Marks['verdict']): Promise<Outcome<PutBack>> => {
  const served = await alreadyServed(target, good);
  if (served.ok && served.value !== undefined) {
    return done({ restored: false, version: served.value, said: `users get ${versionText(served.value)}, read back` });
  }
  const { commit, runUrl } = context.host.context;
  const restored = await target.restore(good.id, { commit, runUrl, ...(verdict === undefined ? {} : { verdict }) });
  if (!restored.ok) return restored;
  if (good.digest !== undefined && restored.value.digest !== undefined && restored.value.digest !== good.digest) {
    return failed({
      category: 'platform',
      reason: `what was put back differs from the last good version: ${restored.value.digest} instead of ${good.digest}`,
      tried: `put ${versionText(good)} back`,
      where: target.address,
      hint: 'Compare the live version with the snapshot of this release and correct it by hand.',
    });
  }
  return done({
    restored: true,
    version: restored.value,
    said: `the last good version ${versionText(good)} is live again as ${versionText(restored.value)}, read back`,
  });
};
