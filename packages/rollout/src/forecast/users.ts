import { clumpOf, type WeightedPlan } from '../plan.ts';
import { poisson, type Draw, type Random } from './chance.ts';
import type { Circumstances } from './circumstances.ts';
import { tallyOf, type Tally } from './tally.ts';

/** Users are what the sources of users' answers count in a simulated rollout. */
export interface Users {
  clear(): void;
  enter(): void;
  /** count adds what users did for a time, in milliseconds, at the weight with this index. */
  count(stage: number, forMs: number, random: Random): void;
  reaches(logNeeded: number): boolean;
  relieves(logNeeded: number): boolean;
  suffices(): boolean;
}

interface Arrivals {
  readonly stableGood: Draw;
  readonly stableBad: Draw;
  readonly candidateGood: Draw;
  readonly candidateBad: Draw;
}

const arrivals = (sessions: number, share: number, { stable, candidate }: Circumstances): Arrivals => ({
  stableGood: poisson(sessions * (1 - share) * (1 - stable)),
  stableBad: poisson(sessions * (1 - share) * stable),
  candidateGood: poisson(sessions * share * (1 - candidate)),
  candidateBad: poisson(sessions * share * candidate),
});

interface Counted {
  readonly tally: Tally;
  /** each is how many of what is counted one session is. */
  readonly each: number;
  /** claimed tells whether the source's claim is kept, without which nothing is promoted early. */
  readonly claimed: boolean;
}

/** countedBy makes one tally for each way of counting: two sources that count the same see the same. */
const countedBy = (plan: WeightedPlan, { units, session }: Circumstances): readonly Counted[] => {
  const effect = plan.earlyBakeMs === null ? null : plan.effect;
  const rules = { margin: plan.margins.errors, effect, minimum: plan.minimumAnswers };
  const byRequest = { tally: tallyOf({ ...rules, clump: clumpOf(plan) }), each: session, claimed: plan.clump !== null };
  const bySession = { tally: tallyOf({ ...rules, clump: 1 }), each: 1, claimed: true };
  return [...(units.includes('request') ? [byRequest] : []), ...(units.some((unit) => unit !== 'request') ? [bySession] : [])];
};

/** usersOf makes the users of a plan. Sessions come independently of each other, at an even rate. */
export const usersOf = (plan: WeightedPlan, circumstances: Circumstances): Users => {
  const counted = countedBy(plan, circumstances);
  const known = new Map<number, Arrivals>();
  const arrivalsOf = (stage: number, forMs: number): Arrivals => {
    const key = stage * 1e9 + forMs;
    const kept = known.get(key);
    if (kept !== undefined) return kept;
    const made = arrivals((circumstances.traffic / circumstances.session) * (forMs / 1000), (plan.weights[stage] ?? 0) / 100, circumstances);
    known.set(key, made);
    return made;
  };
  return {
    clear: () => {
      for (const { tally } of counted) tally.clear();
    },
    enter: () => {
      for (const { tally } of counted) tally.enter();
    },
    count: (stage, forMs, random) => {
      const { stableGood, stableBad, candidateGood, candidateBad } = arrivalsOf(stage, forMs);
      const [goodOfStable, badOfStable, goodOfCandidate, badOfCandidate] = [stableGood(random), stableBad(random), candidateGood(random), candidateBad(random)];
      for (const { tally, each } of counted) {
        tally.add((goodOfStable + badOfStable) * each, (goodOfCandidate + badOfCandidate) * each, badOfStable * each, badOfCandidate * each);
      }
    },
    reaches: (logNeeded) => counted.some(({ tally }) => tally.reaches(logNeeded)),
    relieves: (logNeeded) => counted.some(({ tally, claimed }) => claimed && tally.relieves(logNeeded)),
    suffices: () => counted.some(({ tally }) => tally.suffices()),
  };
};
