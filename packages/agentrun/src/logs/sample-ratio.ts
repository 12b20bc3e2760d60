import { percentText, type Arm } from '@sluice/core';

/** clump is how much wider counts scatter than single requests would: requests of one session go to one version. */
const clump = 10;
const fewest = 100;
/** far is in standard deviations: chance alone gets there less than once in a million windows. */
const far = 5;

/**
 * sampleRatioFault compares the candidate's share of the requests with its weight (0 to 100); a text says that they
 * cannot belong together: then the split is another than the one that is set, or the rows count something else.
 * `probed` says that questions of Sluice may be among the requests: as many to either version, they draw the share
 * towards a half, so such a deviation says nothing.
 */
export const sampleRatioFault = (weight: number, stable: Arm, candidate: Arm, probed: boolean): string | undefined => {
  const requests = stable.answers + candidate.answers;
  const expected = weight / 100;
  if (requests < fewest || expected <= 0 || expected >= 1) return undefined;
  const seen = candidate.answers / requests;
  const spread = Math.sqrt((expected * (1 - expected) * clump) / requests);
  if (Math.abs(seen - expected) <= far * spread) return undefined;
  const drawn = expected < 0.5 ? seen > expected && seen <= 0.5 : seen < expected && seen >= 0.5;
  if (probed && drawn) return undefined;
  return `${percentText(seen)} of ${requests} requests went to version ${candidate.version}, whose weight is ${weight} %`;
};
