/** Table counts both arms' answers of one window and how many of them are marked (failed, or among the largest values). */
export interface Table {
  readonly stable: number;
  readonly candidate: number;
  readonly markedStable: number;
  readonly markedCandidate: number;
}

/** ratios are how many times more often than stable's answers the candidate's may be marked: what the tests bet on. */
export const ratios: readonly number[] = [1.5, 2, 3, 5, 10, 20];

/** stakes are how much of the stake lies on each ratio. */
export const stakes: readonly number[] = [0.15, 0.25, 0.3, 0.15, 0.1, 0.05];

/** lowerRatios are bet on against a candidate that is too bad, to show that it is not. */
export const lowerRatios: readonly number[] = [0.1, 0.35, 0.5, 0.65, 0.85];

const { exp, floor, log, max, min, PI, sqrt } = Math;

/** logMixed is the logarithm of a weighted mean; the weights are repeated as often as needed. */
const logMixed = (logarithms: readonly number[], weights: readonly number[]): number => {
  let largest = Number.NEGATIVE_INFINITY;
  for (const bet of logarithms) largest = max(largest, bet);
  let sum = 0;
  for (const [index, bet] of logarithms.entries()) sum += (weights[index % weights.length] ?? 0) * exp(bet - largest);
  return largest + log((sum * weights.length) / logarithms.length);
};

/** logEven is the logarithm of the mean of numbers that are given by their logarithms. */
export const logEven = (logarithms: readonly number[]): number => logMixed(logarithms, [1]);

/** logStaked is the logarithm of what the stakes on the ratios have become; every way of marking has the same share. */
export const logStaked = (bets: readonly number[]): number => logMixed(bets, stakes);

const smallFactorials: readonly number[] = Array.from({ length: 16 }, (_, n) =>
  Array.from({ length: n }, (__, index) => log(index + 1)).reduce((sum, term) => sum + term, 0),
);

/** logFactorial is exact to rounding: a table, then Stirling's series, whose next term is below 1e-13. */
const logFactorial = (n: number): number => {
  const small = smallFactorials[n];
  if (small !== undefined) return small;
  const square = n * n;
  return (n + 0.5) * log(n) - n + 0.5 * log(2 * PI) + (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / n;
};

/** tooSmall is what no longer changes a sum of doubles; the terms left out fall off faster than geometrically. */
const tooSmall = 1e-17;

/** logMoment is the logarithm of the sum of ratio^x / (x! (m-x)! (c-x)! (s-m+x)!), summed outwards from its largest term. */
const logMoment = ({ stable, candidate, markedStable, markedCandidate }: Table, ratio: number): number => {
  const marked = markedStable + markedCandidate;
  const rest = stable - marked;
  const lowest = max(0, -rest);
  const highest = min(marked, candidate);
  const linear = ratio * (candidate + marked) + rest;
  const product = ratio * candidate * marked;
  const vertex = product === 0 ? 0 : (2 * product) / (linear + sqrt(max(0, linear * linear - 4 * (ratio - 1) * product)));
  const top = min(highest, max(lowest, floor(vertex)));
  const step = (x: number): number => (ratio * (candidate - x) * (marked - x)) / ((x + 1) * (rest + x + 1));
  let sum = 1;
  for (let x = top, term = 1; x < highest && term > tooSmall; x += 1) sum += term *= step(x);
  for (let x = top, term = 1; x > lowest && term > tooSmall; x -= 1) sum += term /= step(x - 1);
  return log(sum) + top * log(ratio) - logFactorial(top) - logFactorial(marked - top) - logFactorial(candidate - top) - logFactorial(rest + top);
};

/**
 * logEvidence gives, for each ratio r, the logarithm of r^x / E[r^x], where x is the number of marked answers that
 * are the candidate's. When both versions are alike, the marks fall on the arms by chance and x is hypergeometric
 * given the totals, so the mean of r^x / E[r^x] is exactly 1 in every window, whatever the arms' shares are and
 * whatever spoils both arms at once; when the candidate is better, it is less. Products over windows are then
 * e-processes: the chance that one ever reaches 1/alpha is at most alpha, however often one looks (Ville 1939).
 */
export const logEvidence = (table: Table): number[] => {
  const total = logMoment(table, 1);
  return ratios.map((ratio) => table.markedCandidate * log(ratio) - logMoment(table, ratio) + total);
};

/**
 * logExcess bets against "of the answers that stable gets right, the candidate loses at most the share `margin`" with
 * ratios above 1, and against "at least that share" with ratios below 1. With w the candidate's share of the answers
 * and D = 1 - w + w r, a mark of the candidate's counts r/D, one of stable's 1/D, and a good answer of stable's
 * 1 - margin + margin/D: as if a coin spoiled stable's good answers at the margin, averaged over the coin. At the
 * margin both arms are then alike, and the mean is at most 1, because the hypergeometric is below the binomial in
 * convex order (Hoeffding 1963, theorem 4). Divided by `clump` the mean is at most 1 too where up to that many answers
 * share one fate: the mean of a group's factor to the power t is convex in t, 1 at t = 0 and at most 1 at t = 1.
 */
export const logExcess = (table: Table, against: readonly number[], margin: number, clump = 1): number[] => {
  const { stable, candidate, markedStable, markedCandidate } = table;
  if (stable === 0 || candidate === 0) return against.map(() => 0);
  const share = candidate / (candidate + stable);
  return against.map((ratio) => {
    const spread = 1 + share * (ratio - 1);
    const good = (stable - markedStable) * Math.log1p(margin / spread - margin);
    return (markedCandidate * log(ratio) - (markedCandidate + markedStable) * log(spread) + good) / clump;
  });
};
