import { done, failed, type Outcome, type Split } from '@sluice/core';

/** Sides are the two sides of a gateway with a twin: the apps that it knows, and the versions that steps know. */
export interface Sides {
  readonly mainApp: string;
  readonly twinApp: string;
  /** stable is the app's live version; empty before the first publication. */
  readonly stable: string;
  /** candidate is the version in the twin; empty while there is none. */
  readonly candidate: string;
}

/** stepsSplit says a gateway's split in versions. All users in the twin means that the candidate is everybody's. */
export const stepsSplit = ({ stable, candidate, weight }: Split, sides: Sides): Outcome<Split> => {
  // With no users in a second app the gateway swaps no key, whatever names it knows.
  if (weight === 0) return done({ stable: sides.stable, weight: 0 });
  if (stable !== sides.mainApp || candidate !== sides.twinApp) {
    return failed({
      category: 'conflict',
      reason: `the gateway gives ${weight} % of users to app ${candidate ?? 'of no name'} in place of ${stable}, which are not the app and the twin of this environment`,
      hint: 'Look at dify and gateway.twin in sluice.yml, and at the include file of nginx: another environment may write it.',
    });
  }
  return done(weight === 100 ? { stable: sides.candidate, weight: 0 } : { stable: sides.stable, candidate: sides.candidate, weight });
};

/** gatewaySplit says a split of versions in apps; a version that is on neither side is an `input` problem. */
export const gatewaySplit = ({ stable, candidate, weight }: Split, sides: Sides): Outcome<Split> => {
  const { mainApp, twinApp } = sides;
  if (weight === 0 && stable === sides.stable) return done({ stable: mainApp, weight: 0 });
  if (weight === 0 && stable === sides.candidate && stable !== '') return done({ stable: mainApp, candidate: twinApp, weight: 100 });
  // All users in the twin reads as a promotion, so no split of two versions may look like it.
  if (weight > 0 && weight < 100 && stable === sides.stable && candidate === sides.candidate && candidate !== '') return done({ stable: mainApp, candidate: twinApp, weight });
  const wanted = weight === 0 ? `everybody on ${stable === '' ? 'nothing' : stable}` : `${weight} % on ${candidate ?? 'nothing'}, the others on ${stable === '' ? 'nothing' : stable}`;
  return failed({
    category: 'input',
    reason: `the gateway cannot give ${wanted}: the app has ${sides.stable === '' ? 'nothing' : sides.stable} live, and its twin has ${sides.candidate === '' ? 'nothing' : sides.candidate}`,
    hint: 'Only the live version of the app and the version in its twin can share the users.',
  });
};
