import { clause, done, failed, sameSplit, type Observed, type Outcome, type Problem, type Split, type Traffic } from '@sluice/core';
import type { Versions } from './rollout-state.ts';

/** splitText writes a split for people. */
export const splitText = (split: Split): string =>
  split.candidate === undefined || split.weight === 0
    ? `everybody on ${split.stable === '' ? 'what the platform has published' : split.stable}`
    : `${split.weight} % on ${split.candidate}, the others on ${split.stable}`;

/** isOurs says whether a split is one of this rollout: its stable version, and nobody else's candidate. */
export const isOurs = (split: Split, versions: Versions): boolean =>
  split.stable === versions.stable && (split.weight === 0 || split.candidate === versions.candidate);

/**
 * setSplit sets a split and believes only a reading: when the setting failed, one more reading decides whether it
 * took effect all the same, as after a lost answer.
 */
export const setSplit = async (traffic: Traffic, expected: Split, wanted: Split): Promise<Outcome<Observed>> => {
  const set = await traffic.set(expected, wanted);
  if (set.ok && sameSplit(set.value.split, wanted)) return set;
  const read = await traffic.read();
  if (read.ok && sameSplit(read.value.split, wanted)) return read;
  if (!set.ok) return set;
  return failed({
    category: 'platform',
    reason: `the traffic split was set to ${splitText(wanted)}, and ${splitText(set.value.split)} was read back`,
    tried: 'set the traffic split',
  });
};

const foreign = (split: Split, versions: Versions): Problem => ({
  category: 'conflict',
  reason: `somebody else changed the traffic split during this canary: it is now ${splitText(split)}`,
  tried: `give all traffic back to ${versions.stable}`,
  hint: `The split was left as it is. If it is not meant, set stable to ${versions.stable} and the weight of ${versions.candidate} to 0.`,
});

/** stranded is the problem that users may be left on the candidate, with the exact way back. */
export const stranded = (problem: Problem, versions: Versions, highest: number): Problem => ({
  category: problem.category === 'permission' ? 'permission' : 'platform',
  reason:
    `traffic may still be on the candidate ${versions.candidate}, with up to ${highest} %: ` +
    `it was not seen to be back on ${versions.stable}: ${clause(problem.reason)}`,
  tried: `give all traffic back to ${versions.stable}`,
  ...(problem.where === undefined ? {} : { where: problem.where }),
  ...(problem.answer === undefined ? {} : { answer: problem.answer }),
  hint: `Run the rollback step for this environment now, or set by hand: stable ${versions.stable}, weight of ${versions.candidate} 0.`,
});

/**
 * backToStable gives all traffic back to stable and reads it back. It looks again and tries once more when the first
 * attempt fails, because the split may have moved on; a split that is no longer this rollout's is left alone and is a
 * `conflict`. `highest` is the largest weight that users may be left with; 100 when the promotion was tried.
 */
export const backToStable = async (
  traffic: Traffic,
  versions: Versions,
  expected: Split,
  highest: number,
): Promise<Outcome<Observed>> => {
  const wanted: Split = { stable: versions.stable, weight: 0 };
  const first = await setSplit(traffic, expected, wanted);
  if (first.ok) return first;
  const read = await traffic.read();
  const promoted: Split = { stable: versions.candidate, weight: 0 };
  const byUs = (split: Split): boolean => isOurs(split, versions) || (highest === 100 && sameSplit(split, promoted));
  if (read.ok && !byUs(read.value.split)) return failed(foreign(read.value.split, versions));
  const second = await setSplit(traffic, read.ok ? read.value.split : expected, wanted);
  return second.ok ? done(second.value) : failed(stranded(second.problem, versions, highest));
};
