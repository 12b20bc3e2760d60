import { logEven, logStaked, lowerRatios, ratios } from '../two-sample.ts';

const { log, log1p } = Math;

/** Rules are what a tally needs to know of a plan. */
export interface Rules {
  /** margin and effect are shares of stable's good answers; effect is null where nothing is promoted early. */
  readonly margin: number;
  readonly effect: number | null;
  /** clump is how many answers may share one fate, as the test takes it. */
  readonly clump: number;
  readonly minimum: number;
}

/** Tally is what `absorb` keeps of one source, in numbers only, so that many thousand rollouts take no time. */
export interface Tally {
  clear(): void;
  /** enter begins a weight. */
  enter(): void;
  add(stable: number, candidate: number, markedStable: number, markedCandidate: number): void;
  /** reaches tells whether the evidence for an abort is at least this, by its logarithm. */
  reaches(logNeeded: number): boolean;
  /** relieves tells the same of the evidence that the candidate is not worse by the effect. */
  relieves(logNeeded: number): boolean;
  /** suffices tells whether this weight has enough answers of both versions, half of them good. */
  suffices(): boolean;
}

/** addBets adds what one window makes of bets against a margin, as `logExcess` does. */
const addBets = (bets: Float64Array, against: readonly number[], margin: number, clump: number) => {
  const logs = against.map((ratio) => log(ratio));
  return (share: number, good: number, marked: number, markedCandidate: number): void => {
    for (let index = 0; index < bets.length; index += 1) {
      const spread = 1 + share * ((against[index] ?? 1) - 1);
      const lost = margin === 0 ? 0 : good * log1p(margin / spread - margin);
      const won = marked === 0 ? 0 : markedCandidate * (logs[index] ?? 0) - marked * log(spread);
      bets[index] = (bets[index] ?? 0) + (won + lost) / clump;
    }
  };
};

const largest = (bets: Float64Array): number => {
  let top = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < bets.length; index += 1) if ((bets[index] ?? 0) > top) top = bets[index] ?? 0;
  return top;
};

/** tallyOf makes the tally of one source. */
export const tallyOf = ({ margin, effect, clump, minimum }: Rules): Tally => {
  const bets = new Float64Array(ratios.length);
  const relief = new Float64Array(effect === null ? 0 : lowerRatios.length);
  const addExcess = addBets(bets, ratios, margin, clump);
  const addRelief = addBets(relief, lowerRatios, effect ?? 0, clump);
  let [stableAnswers, candidateAnswers, stableGood, candidateGood] = [0, 0, 0, 0];
  const enter = (): void => {
    [stableAnswers, candidateAnswers, stableGood, candidateGood] = [0, 0, 0, 0];
  };
  return {
    enter,
    clear: () => {
      enter();
      bets.fill(0);
      relief.fill(0);
    },
    add: (stable, candidate, markedStable, markedCandidate) => {
      stableAnswers += stable;
      candidateAnswers += candidate;
      stableGood += stable - markedStable;
      candidateGood += candidate - markedCandidate;
      if (stable === 0 || candidate === 0) return;
      const share = candidate / (candidate + stable);
      const marked = markedStable + markedCandidate;
      addExcess(share, stable - markedStable, marked, markedCandidate);
      if (relief.length > 0) addRelief(share, stable - markedStable, marked, markedCandidate);
    },
    // A weighted mean is at most its largest part, which is known at once.
    reaches: (logNeeded) => largest(bets) >= logNeeded && logStaked([...bets]) >= logNeeded,
    relieves: (logNeeded) => largest(relief) >= logNeeded && logEven([...relief]) >= logNeeded,
    suffices: () => stableAnswers >= minimum && candidateAnswers >= minimum && stableGood >= minimum / 2 && candidateGood >= minimum / 2,
  };
};
