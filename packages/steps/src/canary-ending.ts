import { clause, type StepEnding, type Target } from '@sluice/core';
import type { RolloutEnd, Versions } from '@sluice/rollout';

const categoryOf = (end: RolloutEnd): StepEnding['category'] => {
  if (end.verdict === 'promote' && end.problem === undefined) return 'passed';
  // A problem after a verdict means that the way back was not seen to work, which is graver than the verdict.
  if (end.problem !== undefined) return end.problem.category;
  if (end.verdict === 'abort') return 'gate';
  if (end.users === 'everybody') return 'passed';
  return end.verdict === 'inconclusive' ? 'evidence' : 'defect';
};

const splitText = (end: RolloutEnd): string => {
  const split = end.observed?.split;
  return split === undefined ? '' : `${split.stable}${split.candidate === undefined ? '' : `,${split.candidate}=${split.weight}%`}`;
};

/** lookAt says where the numbers are. */
const lookAt = (target: Target, { candidate }: Versions): string => `The numbers of each guard are in the evidence of this step's result document; look at ${candidate} at ${target.address}.`;

/** hintOf says what to do after a verdict that is none for the candidate. */
const hintOf = (end: RolloutEnd, target: Target, versions: Versions): string | undefined => {
  if (end.problem?.hint !== undefined || end.verdict === 'promote' || end.verdict === 'stopped') return end.problem?.hint;
  const { stable, candidate } = versions;
  const look = lookAt(target, versions);
  if (end.users === 'everybody') return `Too little was seen of ${candidate} to call it good. ${look} Run rollback if it is not.`;
  if (end.users === 'share') return `${look} Decide with canary and mode promote or abort; sweep on a schedule guards it meanwhile, and gives everybody ${stable} when the time is over.`;
  const now = end.weightsSeen.length > 0 ? `Users get ${stable} again.` : `Users get ${stable}, as before.`;
  return end.verdict === 'abort'
    ? `${now} ${look} Correct the application and run release again. If the difference is meant, take that guard out of canary.watch.`
    : `${now} ${look} For more answers make canary.every longer, start at a larger share, or ask for fewer with canary.minimum; then run release again.`;
};

const withHint = (hint: string | undefined): { readonly hint?: string } => (hint === undefined ? {} : { hint });

/** endingOf is how a canary ended that moves users by its verdict. */
export const endingOf = (end: RolloutEnd, target: Target, versions: Versions): StepEnding => ({
  category: categoryOf(end),
  reason: end.reason,
  ...withHint(hintOf(end, target, versions)),
  outputs: {
    verdict: end.verdict,
    stable: versions.stable,
    candidate: versions.candidate,
    weights: end.weightsSeen.join(','),
    observed: splitText(end),
  },
  evidence: end.evidence,
  ...(end.problem === undefined ? {} : { problem: end.problem }),
});

const next = {
  promote: 'Canary with mode promote gives everybody the candidate.',
  abort: 'Canary with mode abort gives everybody stable.',
  inconclusive: 'Wait for more answers and judge again, or decide with canary and mode promote or abort.',
} as const;

/** adviceOf is the verdict of a canary that moves nobody. */
export const adviceOf = (end: RolloutEnd, target: Target, versions: Versions): StepEnding => {
  const ending = endingOf(end, target, versions);
  if (end.verdict === 'stopped' || end.problem !== undefined) return ending;
  return {
    ...ending,
    reason: `advice: ${end.verdict}; ${clause(end.reason)}; nobody was moved`,
    hint: `${next[end.verdict]} ${lookAt(target, versions)}`,
    outputs: { ...ending.outputs, next: end.verdict === 'inconclusive' ? 'promote, abort, status' : end.verdict },
  };
};
