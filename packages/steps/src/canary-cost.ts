import { type EvidenceSource, type Observation, type StepContext } from '@sluice/core';
import type { RolloutPlan, SourceState } from '@sluice/rollout';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** expectedText says what all pairs would cost by the tokens of the first that were counted; undefined where none were. */
const expectedText = ({ stable, candidate }: Observation, { pairs }: RolloutPlan): string | undefined => {
  const counted = Math.min(stable.tokens.length, candidate.tokens.length);
  const used = sum(stable.tokens) + sum(candidate.tokens);
  if (counted === 0 || used === 0) return undefined;
  return `the first ${counted} pairs used ${Math.round(used)} tokens, so that ${pairs} pairs would use about ${Math.round((used / counted) * pairs)}`;
};

/** tellingCost logs what a source costs before it is asked, and what its pairs will cost in tokens once the first ones are counted. */
export const tellingCost = ({ host }: StepContext, plan: RolloutPlan, source: EvidenceSource): EvidenceSource => {
  host.log(`evidence: ${source.name}, counted by ${source.unit}${source.cost === '' ? '' : `, ${source.cost}`}`);
  let told = false;
  return {
    ...source,
    observe: async (from, to, signal) => {
      const seen = await source.observe(from, to, signal);
      const text = told || seen.paired !== true || seen.missing !== undefined ? undefined : expectedText(seen, plan);
      if (text !== undefined) {
        told = true;
        host.log(text);
      }
      return seen;
    },
  };
};

/** spentText says what the paired probes have cost: pairs that were asked, those that count, and tokens where they are counted. */
export const spentText = (asked: number, { total: { stable, candidate } }: SourceState): string => {
  const tokens = Math.round(stable.tokens + candidate.tokens);
  return `the paired probes have asked ${asked} questions of each version, of which ${candidate.answers} count${tokens === 0 ? '' : `, for ${tokens} tokens in all`}`;
};
