const { floor, imul, min } = Math;

/** Random gives numbers from 0 (included) to 1 (excluded). */
export type Random = () => number;

/** seeded is a small generator of random numbers that gives the same ones for the same seed (mulberry32). */
export const seeded = (seed: number): Random => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** Draw draws one count. */
export type Draw = (random: Random) => number;

const guideSize = 256;

/** tooRare is a chance, beside that of the most frequent count, which no simulation meets. */
const tooRare = 1e-15;

/** Law is a distribution of counts: its most frequent one, its bounds, and how much more frequent a count's successor is. */
interface Law {
  readonly mode: number;
  readonly most: number;
  rise(count: number): number;
}

/** drawing draws from a law by a table of its cumulative chances, one random number a draw; a guide says where to begin to look. */
const drawing = ({ mode, most, rise }: Law): Draw => {
  const below: number[] = [];
  for (let count = mode, chance = 1; count > 0 && chance > tooRare; count -= 1) below.push((chance /= rise(count - 1)));
  const above: number[] = [];
  for (let count = mode, chance = 1; count < most && chance > tooRare; count += 1) above.push((chance *= rise(count)));
  const chances = [...below.toReversed(), 1, ...above];
  const least = mode - below.length;
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  let sum = 0;
  const cumulative = Float64Array.from(chances, (chance) => (sum += chance) / total);
  const last = cumulative.length - 1;
  const guide = new Int32Array(guideSize);
  for (let slot = 0, index = 0; slot < guideSize; slot += 1) {
    while (index < last && (cumulative[index] ?? 1) * guideSize < slot) index += 1;
    guide[slot] = index;
  }
  return (random) => {
    const chance = random();
    let index = guide[floor(chance * guideSize)] ?? 0;
    while (index < last && (cumulative[index] ?? 1) <= chance) index += 1;
    return least + index;
  };
};

/** poisson draws how many independent events happen where `mean` are expected. */
export const poisson = (mean: number): Draw =>
  mean <= 0 ? () => 0 : drawing({ mode: floor(mean), most: Number.POSITIVE_INFINITY, rise: (count) => mean / (count + 1) });

/** binomial draws how many of `trials` fail where each fails by itself with this chance. The same random number never gives fewer at a larger chance. */
export const binomial = (trials: number, chance: number): Draw => {
  if (trials <= 0 || chance <= 0) return () => 0;
  if (chance >= 1) return () => trials;
  const odds = chance / (1 - chance);
  return drawing({ mode: min(trials, floor((trials + 1) * chance)), most: trials, rise: (count) => (odds * (trials - count)) / (count + 1) });
};
