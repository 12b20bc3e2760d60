// The quick judge: what decide says of errors alone, on bare numbers, without states and sentences. It is never trusted
// by itself: of every cell, some rollouts are judged by decide as well, and must end the same (cell.js).

const { exp, log, log1p, min, max, sqrt, abs, ceil } = Math;

const cap = 1_000_000;

/** evidenceOf is the mean of what the stakes have become. */
const evidenceOf = (bets, weights) => {
  let largest = -Infinity;
  for (let index = 0; index < bets.length; index += 1) largest = max(largest, bets[index]);
  let sum = 0;
  for (let index = 0; index < bets.length; index += 1) sum += weights[index % weights.length] * exp(bets[index] - largest);
  return min(cap, exp(largest + log((sum * weights.length) / bets.length)));
};

/** add bets on one window. */
const add = (bets, ratios, logRatios, stable, candidate, margin, clump) => {
  if (stable.n === 0 || candidate.n === 0) return;
  const share = candidate.n / (candidate.n + stable.n);
  const marks = candidate.x + stable.x;
  for (let index = 0; index < ratios.length; index += 1) {
    const spread = 1 + share * (ratios[index] - 1);
    const good = margin === 0 ? 0 : (stable.n - stable.x) * log1p(margin / spread - margin);
    bets[index] += (candidate.x * logRatios[index] - marks * log(spread) + good) / clump;
  }
};

/** isSkewed says that the candidate's share is not its weight, as splitFlaw does. */
const isSkewed = (plan, weight, { stable, candidate }, since) => {
  const inWindow = stable.n + candidate.n;
  const answers = inWindow >= 100 ? inWindow : inWindow + since.stable.n + since.candidate.n;
  if (inWindow < 100 && answers < 500) return false;
  const share = (candidate.n + (inWindow >= 100 ? 0 : since.candidate.n)) / answers;
  const expected = weight / 100;
  if (share <= expected * 1.5 && share >= expected / 1.5) return false;
  return abs(share - expected) > 5 * sqrt((expected * (1 - expected) * max(10, plan.clump ?? 1)) / answers);
};

const none = () => ({ stable: { n: 0, x: 0 }, candidate: { n: 0, x: 0 } });

const isSufficient = (plan, { silent, since: { stable, candidate } }) =>
  !silent &&
  candidate.n >= plan.minimumAnswers &&
  stable.n >= plan.minimumAnswers &&
  min(candidate.n - candidate.x, stable.n - stable.x) >= plan.minimumAnswers / 2;

/** quick makes a judge like byDecide's, of the numbers of two-sample.ts and the clump that plan.ts assumes. */
export const quick = ({ ratios, stakes, lowerRatios }, clumpOf) => {
  const [logRatios, logLower] = [ratios, lowerRatios].map((list) => list.map((ratio) => log(ratio)));
  const even = [1];
  return (plan, sources) => {
    const weighted = plan.kind === 'weighted';
    const needed = min(cap, (plan.watch.length * sources.length) / plan.falseAbort);
    const early = weighted && plan.earlyBakeMs !== null;
    const seen = sources.map(({ unit, paired }) => ({
      paired,
      clump: unit === 'request' && !paired ? clumpOf(plan) : 1,
      claimed: unit !== 'request' || plan.clump !== null,
      bets: new Float64Array(ratios.length),
      relief: new Float64Array(lowerRatios.length),
      silent: true,
      since: none(),
    }));
    let [stage, stageSince, windows] = [0, 0, 0];
    const count = (source, counts) => {
      source.silent = source.paired ? counts.stable.n === 0 : weighted && isSkewed(plan, plan.weights[stage], counts, source.since);
      if (source.silent) return;
      add(source.bets, ratios, logRatios, counts.stable, counts.candidate, plan.margins.errors, source.clump);
      if (early) add(source.relief, lowerRatios, logLower, counts.stable, counts.candidate, plan.effect, source.clump);
      for (const arm of ['stable', 'candidate']) {
        source.since[arm].n += counts[arm].n;
        source.since[arm].x += counts[arm].x;
      }
    };
    return (counts, nowMs) => {
      windows += 1;
      let most = 0;
      for (let index = 0; index < seen.length; index += 1) {
        count(seen[index], counts[index]);
        most = max(most, evidenceOf(seen[index].bets, stakes));
      }
      if (most >= needed) return 'abort';
      const relieved = early && seen.some((source) => !source.paired && !source.silent && source.claimed && evidenceOf(source.relief, even) >= sources.length / plan.miss);
      const bakeMs = relieved ? plan.earlyBakeMs : plan.bakeMs;
      const ready = weighted ? nowMs - stageSince >= bakeMs : windows >= ceil(plan.pairs / plan.pairsPerWindow);
      const late = nowMs >= plan.deadlineMs;
      if (!ready && !late) return 'hold';
      const lacks = !seen.some((source) => isSufficient(plan, source)) || most * most >= needed;
      if (!weighted) return lacks ? 'inconclusive' : 'promote';
      if (!ready || lacks) return late ? 'inconclusive' : 'hold';
      const left = plan.weights.length - 1 - stage;
      if (left === 0) return 'promote';
      if (left * bakeMs > plan.deadlineMs - nowMs) return 'inconclusive';
      stage += 1;
      stageSince = nowMs;
      for (const source of seen) source.since = none();
      return 'raise';
    };
  };
};
