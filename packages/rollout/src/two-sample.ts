/** Table counts both arms' answers of one window and how many of them are marked (failed, or among the largest values). */
export interface Table {
  readonly stable: number;
  readonly candidate: number;
  readonly markedStable: number;
  readonly markedCandidate: number;
}

/** ratios are the odds ratios that the test bets on; the evidence is the mean of the six bets. */
export const ratios: readonly number[] = [1.5, 2, 3, 5, 10, 20];

const { exp, log } = Math;

/** logSum is the logarithm of the sum of e^(term + index * tilt), without overflow. */
const logSum = (terms: readonly number[], tilt = 0): number => {
  let largest = terms[0] ?? 0;
  for (let index = 1; index < terms.length; index += 1) {
    const term = (terms[index] ?? 0) + index * tilt;
    if (term > largest) largest = term;
  }
  let sum = 0;
  for (let index = 0; index < terms.length; index += 1) sum += exp((terms[index] ?? 0) + index * tilt - largest);
  return largest + log(sum);
};

/** logMean is the logarithm of the mean of numbers that are given by their logarithms. */
export const logMean = (logarithms: readonly number[]): number => logSum(logarithms) - log(logarithms.length);

/**
 * logEvidence gives, for each ratio r, the logarithm of r^x / E[r^x], where x is the number of marked answers that
 * are the candidate's. When both versions are alike, the marks fall on the arms by chance and x is hypergeometric
 * given the totals, so the mean of r^x / E[r^x] is exactly 1 in every window, whatever the arms' shares are and
 * whatever spoils both arms at once; when the candidate is better, it is less. Products over windows are then
 * e-processes: the chance that one ever reaches 1/alpha is at most alpha, however often one looks.
 * The sequential test of conditional binomials has (1 - w + w r)^k for E[r^x], w the candidate's share of answers and
 * k the number of marks; by Hoeffding (1963, theorem 4) that is never less, so this form sees at least as much.
 */
export const logEvidence = (table: Table): number[] => {
  const { stable, candidate } = table;
  const marked = table.markedStable + table.markedCandidate;
  const lowest = Math.max(0, marked - stable);
  const highest = Math.min(marked, candidate);
  const chances = [0];
  for (let x = lowest; x < highest; x += 1) {
    const step = ((candidate - x) * (marked - x)) / ((x + 1) * (stable - marked + x + 1));
    chances.push((chances.at(-1) ?? 0) + log(step));
  }
  const total = logSum(chances);
  return ratios.map((ratio) => {
    const bet = log(ratio);
    const expected = lowest * bet + logSum(chances, bet) - total;
    return table.markedCandidate * bet - expected;
  });
};
