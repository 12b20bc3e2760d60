import { describe, expect, test } from '@jest/globals';
import type { CanaryPlanConfig, Observation } from '@sluice/core';
import * as fc from 'fast-check';
import { decide, enterStage, fateOf, startRollout, type Circumstances, type RolloutPlan } from '../src/index.ts';
import { binomial as drawBinomial, poisson, seeded } from '../src/forecast/chance.ts';
import { tallyOf } from '../src/forecast/tally.ts';
import { logExcess, logStaked, ratios } from '../src/two-sample.ts';
import { binomial, planFor, random } from './support.ts';

const { abs, exp, log, max, min, sqrt } = Math;

const world = (more: Partial<Circumstances>): Circumstances => ({ traffic: 2, session: 1, stable: 0.01, candidate: 0.03, units: ['session'], probes: true, answerMs: 2000, ...more });

/** happen counts independent events, `mean` of them on average, by the times between them. */
const happen = (next: () => number, mean: number): number => {
  let count = 0;
  for (let rest = mean; rest > 0; rest -= 20) {
    const limit = exp(-min(20, rest));
    for (let product = next(); product > limit; product *= next()) count += 1;
  }
  return count;
};

const arm = (version: string, answers: number, errors: number): Observation['stable'] => {
  const values = Array.from({ length: min(40, answers - errors) }, () => 1000);
  return { version, answers, errors, latenciesMs: values, tokens: values };
};

/** ended is one rollout, look by look, judged by the product itself. */
const ended = (plan: RolloutPlan, { traffic, session, stable, candidate, units, probes, answerMs }: Circumstances, next: () => number): { readonly verdict: string; readonly exposed: number } => {
  const users = units.map((unit, index) => ({ name: `users ${index}`, unit }));
  let state = enterStage(startRollout(plan, { stable: 'v1', candidate: 'v2' }, [...users, ...(probes ? [{ name: 'probes', unit: 'request' as const }] : [])], 0), 0, 0, 0);
  let [now, until, asked, exposed] = [0, 0, 0, 0];
  for (;;) {
    const weight = plan.kind === 'weighted' ? (plan.weights[state.stage] ?? 0) / 100 : 0;
    const began = now;
    const left = plan.kind === 'weighted' ? state.stageSince + plan.bakeMs - now : 0;
    if (plan.kind === 'weighted') now += left > 0 ? min(plan.tickMs, left) : plan.tickMs;
    const to = now;
    const sessions = ((traffic / session) * (to - until)) / 1000;
    const [ofStable, ofCandidate] = [happen(next, sessions * (1 - weight)), happen(next, sessions * weight)];
    const [badOfStable, badOfCandidate] = [binomial(next, ofStable, stable), binomial(next, ofCandidate, candidate)];
    const from = (source: string): number => state.sources[source]?.until ?? 0;
    const seen: Observation[] = users.map(({ name, unit }) => {
      const each = unit === 'request' ? session : 1;
      return { source: name, unit, from: from(name), to, stable: arm('v1', ofStable * each, badOfStable * each), candidate: arm('v2', ofCandidate * each, badOfCandidate * each) };
    });
    if (probes) {
      const pairs = min(plan.pairsPerWindow, plan.pairs - asked);
      asked += pairs;
      const rounds = Math.ceil(pairs / plan.pairsAtOnce);
      const inTime = plan.kind === 'paired' ? min(rounds, Math.floor((plan.deadlineMs - now) / answerMs)) : rounds;
      now = inTime < rounds ? plan.deadlineMs : now + rounds * answerMs;
      const complete = min(pairs, inTime * plan.pairsAtOnce);
      const errors = [binomial(next, complete, stable), binomial(next, complete, candidate)] as const;
      const values = Array.from({ length: max(0, complete - errors[0] - errors[1]) }, () => 1000);
      const of = (version: string, count: number): Observation['stable'] => ({ version, answers: complete, errors: count, latenciesMs: values, tokens: values });
      seen.push({ source: 'probes', unit: 'request', paired: true, from: from('probes'), to, stable: of('v1', errors[0]), candidate: of('v2', errors[1]), asked });
    }
    until = to;
    exposed += traffic * weight * ((now - began) / 1000);
    const decision = decide(plan, state, seen, now);
    state = decision.state;
    if (decision.verdict === 'raise') {
      state = enterStage(state, state.stage + 1, now, now);
      until = now;
    } else if (decision.verdict !== 'hold') return { verdict: decision.verdict, exposed };
  }
};

const runs = 150;

/** tolerance is three and a half standard deviations of the measurement, and one point of the forecast's own. */
const tolerance = (share: number): number => 3.5 * sqrt(max(share * (1 - share), 0.002) / runs) + 0.01;

const errors: Partial<CanaryPlanConfig> = { watch: ['errors'] };
const strict: Partial<CanaryPlanConfig> = { ...errors, margins: { errors: 0, latency: 20, tokens: 20 } };

const table: readonly [string, RolloutPlan, Circumstances][] = [
  ['paired, the default without a split', planFor({}, false), world({ traffic: 0.02, units: [], stable: 0.06, candidate: 0.12 })],
  ['paired, 60 pairs, inconclusive now and then', planFor({ pairs: 60 }, false), world({ units: [], stable: 0.06, candidate: 0.25 })],
  ['paired, answers of 40 s: the time is over before the pairs are used', planFor({}, false), world({ units: [], answerMs: 40_000, stable: 0.06, candidate: 0.2 })],
  ['paired, answers of 3 m: hardly a pair in time', planFor({ pairs: 60 }, false), world({ units: [], answerMs: 180_000, stable: 0.01, candidate: 0.6 })],
  ['the default weights, 0.02 a second', planFor({}, true, 2_820_000), world({ traffic: 0.02, stable: 0.06, candidate: 0.2 })],
  ['the default weights without probes, 0.02 a second', planFor({ pairs: 0 }, true, 2_820_000), world({ traffic: 0.02, probes: false })],
  ['no margin, 2 a second', planFor(strict, true, 2_820_000), world({})],
  ['no margin, 2 a second, healthy', planFor(strict, true, 2_820_000), world({ stable: 0.06, candidate: 0.06 })],
  ['sessions of five by request', planFor({ ...strict, clump: 5, pairs: 0 }, true, 2_820_000), world({ traffic: 10, session: 5, units: ['request'], probes: false })],
  ['by request without a bound', planFor(strict, true, 2_820_000), world({ traffic: 20, candidate: 0.02, units: ['request'] })],
  ['early promotion', planFor({ ...errors, steps: [20, 50], every: 720_000, 'early-promotion': true, miss: 5 }, true, 2_820_000), world({ traffic: 20, candidate: 0.012, probes: false })],
];

describe('fateOf', () => {
  test.each(table)('%s: what is told is what happens', (_, plan, circumstances) => {
    const told = fateOf(plan, circumstances, { runs: 3000 });
    const next = random(77);
    const ends = Array.from({ length: runs }, () => ended(plan, circumstances, next));
    const share = (verdict: string): number => ends.filter((end) => end.verdict === verdict).length / runs;
    for (const verdict of ['abort', 'promote', 'inconclusive'] as const) {
      expect({ verdict, off: abs(told[verdict] - share(verdict)) <= tolerance(told[verdict]), told: told[verdict], seen: share(verdict) }).toMatchObject({ off: true });
    }
    const exposed = ends.reduce((sum, end) => sum + end.exposed, 0) / runs;
    expect(abs(told.exposed - exposed)).toBeLessThanOrEqual(0.2 * max(exposed, 1));
  });

  test('gives the same numbers for the same plan, and every rollout ends in one way', () => {
    const plan = planFor(strict, true, 2_820_000);
    const told = fateOf(plan, world({}), { runs: 500, withinMs: 900_000 });
    expect(fateOf(plan, world({}), { runs: 500, withinMs: 900_000 })).toEqual(told);
    expect(told.abort + told.promote + told.inconclusive).toBeCloseTo(1, 9);
    expect(told.abortedBy.at(-1)?.share).toBe(told.abort);
    expect(told.abortWithin).toBeLessThan(told.abort);
    expect(told.abortWithin).toBeGreaterThan(0);
    expect(told.abortedBy.every(({ share }, index) => share >= (told.abortedBy[index - 1]?.share ?? 0))).toBe(true);
  });

  test('a healthy version is aborted at most as often as claimed, for any plan', () => {
    const plans = fc.record({
      steps: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 4 }).map((steps) => steps.toSorted((one, other) => one - other)),
      pairs: fc.constantFrom(0, 50, 200),
      rate: fc.constantFrom(0.001, 0.01, 0.06, 0.3),
      traffic: fc.constantFrom(0.02, 2, 20),
      unit: fc.constantFrom('request' as const, 'session' as const),
      size: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(plans, ({ steps, pairs, rate, traffic, unit, size }) => {
        const plan = planFor({ ...strict, steps, pairs, clump: size }, true, 2_820_000);
        const told = fateOf(plan, world({ traffic, session: size, stable: rate, candidate: rate, units: [unit], probes: pairs > 0 }), { runs: 200 });
        expect(told.abort).toBeLessThanOrEqual(0.05 + 3 * sqrt((0.05 * 0.95) / 200));
      }),
      { seed: 5, numRuns: 12 },
    );
  });

  test('errors that are not watched abort nothing', () => {
    expect(fateOf(planFor({ watch: ['latency'] }, true), world({ candidate: 0.2 }), { runs: 50 })).toMatchObject({ abort: 0, promote: 1 });
  });
});

describe('the parts of a simulation', () => {
  test('a tally keeps what the rollout keeps, to rounding', () => {
    const windows = fc.array(fc.record({ stable: fc.nat(300), candidate: fc.nat(300), markedStable: fc.nat(20), markedCandidate: fc.nat(20) }), { maxLength: 8 });
    fc.assert(
      fc.property(windows, fc.constantFrom(0, 0.005, 0.2), fc.integer({ min: 1, max: 9 }), (given, margin, clump) => {
        const tally = tallyOf({ margin, effect: null, clump, minimum: 30 });
        const bets = ratios.map(() => 0);
        for (const { stable, candidate, ...marks } of given) {
          const seen = { stable: max(stable, marks.markedStable), candidate: max(candidate, marks.markedCandidate), ...marks };
          tally.add(seen.stable, seen.candidate, seen.markedStable, seen.markedCandidate);
          for (const [index, bet] of logExcess(seen, ratios, margin, clump).entries()) bets[index] = (bets[index] ?? 0) + bet;
        }
        expect(tally.reaches(logStaked(bets) - 1e-9)).toBe(true);
        expect(tally.reaches(logStaked(bets) + 1e-9)).toBe(false);
      }),
      { seed: 6 },
    );
  });

  test.each([
    ['Poisson, 0.3', poisson(0.3), 0.3, 0.3],
    ['Poisson, 70', poisson(70), 70, 70],
    ['Poisson, 12000', poisson(12_000), 12_000, 12_000],
    ['binomial, 10 at 3 %', drawBinomial(10, 0.03), 0.3, 0.291],
    ['binomial, 5000 at 60 %', drawBinomial(5000, 0.6), 3000, 1200],
  ])('%s has its mean and its variance', (_, draw, mean, variance) => {
    const next = seeded(3);
    const values = Array.from({ length: 20_000 }, () => draw(next));
    const measured = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(abs(measured - mean)).toBeLessThan(4 * sqrt(variance / values.length));
    const spread = values.reduce((sum, value) => sum + (value - measured) ** 2, 0) / values.length;
    expect(abs(log(spread / variance))).toBeLessThan(0.08);
  });

  test('certainties are certain', () => {
    const next = seeded(4);
    expect([poisson(0)(next), drawBinomial(0, 0.5)(next), drawBinomial(7, 0)(next), drawBinomial(7, 1)(next)]).toEqual([0, 0, 0, 7]);
  });
});
