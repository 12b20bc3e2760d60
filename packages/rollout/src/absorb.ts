import type { Arm, Observation } from '@sluice/core';
import { tablesOf } from './marks.ts';
import type { Guard, RolloutPlan } from './plan.ts';
import type { ArmTally, RolloutState, SourceState } from './rollout-state.ts';
import { logEvidence, ratios } from './two-sample.ts';

/** isPaired says whether both arms answered the same questions, with the values of one pair at one index. */
const isPaired = (seen: Observation): boolean => 'paired' in seen && seen.paired === true;

const armFlaw = (name: string, arm: Arm): string | undefined => {
  const whole = [arm.answers, arm.errors].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!whole || arm.errors > arm.answers) return `its counts of ${name} are impossible`;
  const values = [...arm.latenciesMs, ...arm.tokens];
  return values.every((value) => value >= 0 && value <= Number.MAX_VALUE) ? undefined : `its values of ${name} are not numbers`;
};

/** flawOf says why an observation cannot be used; undefined when it can. */
const flawOf = (seen: Observation, source: SourceState): string | undefined => {
  if (seen.missing !== undefined) return seen.missing === '' ? 'it gave no reason' : seen.missing;
  if (seen.unit !== source.unit) return `it counts by ${seen.unit} and not by ${source.unit} as before`;
  if (seen.stable.version === seen.candidate.version) return 'both arms are the same version';
  const uneven =
    seen.stable.latenciesMs.length !== seen.candidate.latenciesMs.length ||
    seen.stable.tokens.length !== seen.candidate.tokens.length;
  if (isPaired(seen) && uneven) return 'its pairs are incomplete';
  return armFlaw('stable', seen.stable) ?? armFlaw('the candidate', seen.candidate);
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const addArm = (tally: ArmTally, arm: Arm): ArmTally => ({
  answers: tally.answers + arm.answers,
  errors: tally.errors + arm.errors,
  latencies: tally.latencies + arm.latenciesMs.length,
  latencyMs: tally.latencyMs + sum(arm.latenciesMs),
  tokenCounts: tally.tokenCounts + arm.tokens.length,
  tokens: tally.tokens + sum(arm.tokens),
});

const addExcess = (excess: SourceState['excess'], seen: Observation): SourceState['excess'] => {
  const { stable, candidate } = seen;
  const answers = stable.answers + candidate.answers;
  if (answers === 0) return excess;
  return {
    sum: excess.sum + (candidate.errors * stable.answers - stable.errors * candidate.answers) / answers,
    weight: excess.weight + (candidate.answers * stable.answers) / answers,
  };
};

const addBets = (plan: RolloutPlan, guard: Guard, before: readonly number[], seen: Observation): number[] => {
  const paired = isPaired(seen);
  // Requests of one session share their fate, so a window of requests holds less evidence than its count says.
  const divisor = seen.unit === 'request' && !paired ? plan.clump : 1;
  const window = tablesOf(guard, seen, paired, plan.margins).flatMap((marked) => {
    const evidence = marked.map(({ table, times }) => logEvidence(table).map((bet) => bet * times));
    return ratios.map((_, index) => sum(evidence.map((bets) => bets[index] ?? 0)) / divisor);
  });
  return window.map((bet, index) => (before[index] ?? 0) + bet);
};

const absorbOne = (plan: RolloutPlan, source: SourceState, seen: Observation): SourceState => {
  const flaw = flawOf(seen, source);
  if (flaw !== undefined) return { ...source, silence: flaw };
  return {
    unit: source.unit,
    until: seen.to,
    silence: '',
    total: { stable: addArm(source.total.stable, seen.stable), candidate: addArm(source.total.candidate, seen.candidate) },
    before: source.before,
    excess: addExcess(source.excess, seen),
    bets: {
      errors: addBets(plan, 'errors', source.bets.errors, seen),
      latency: addBets(plan, 'latency', source.bets.latency, seen),
      tokens: addBets(plan, 'tokens', source.bets.tokens, seen),
    },
  };
};

/**
 * absorb adds one round of observations to the state, at most one for each source. A source that gave none, or one
 * that cannot be used, is silent for this round; an observation of a source that the rollout did not start with is
 * not counted.
 */
export const absorb = (plan: RolloutPlan, state: RolloutState, observations: readonly Observation[]): RolloutState => {
  const bySource = new Map(observations.map((seen) => [seen.source, seen]));
  return {
    ...state,
    windows: state.windows + 1,
    sources: Object.fromEntries(
      Object.entries(state.sources).map(([name, source]) => {
        const seen = bySource.get(name);
        return [name, seen === undefined ? { ...source, silence: 'it was not asked' } : absorbOne(plan, source, seen)];
      }),
    ),
  };
};
