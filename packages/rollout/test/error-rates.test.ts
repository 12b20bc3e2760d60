import { describe, expect, test } from '@jest/globals';
import type { CanaryPlanConfig, Observation } from '@sluice/core';
import { decide, enterStage, startRollout, type Decision, type RolloutPlan } from '../src/index.ts';
import { logExcess, logStaked, ratios } from '../src/two-sample.ts';
import { binomial, planFor, random } from './support.ts';

const { floor, log, sqrt } = Math;

const minuteMs = 60_000;
const runs = 400;
const margins = (errors: number): CanaryPlanConfig['margins'] => ({ errors, latency: 20, tokens: 20 });
const errorsOnly = (config: Partial<CanaryPlanConfig> = {}): RolloutPlan => planFor({ watch: ['errors'], margins: margins(0), ...config }, true, 2_820_000);

interface World {
  readonly perMinute: number;
  readonly stable: number;
  readonly candidate: number;
  readonly unit?: Observation['unit'];
  /** clump is how many requests of a session fail or succeed together; the source counts requests. */
  readonly clump?: number;
  /** outage is the share that fails on both arms from minute 12 to 17. */
  readonly outage?: number;
}

const counts = (next: () => number, world: World, version: string, rate: number, share: number): Observation['stable'] => {
  const { clump = 1, perMinute } = world;
  const sessions = binomial(next, floor((perMinute * 2) / clump), share / 2);
  return { version, answers: sessions * clump, errors: binomial(next, sessions, rate) * clump, latenciesMs: [], tokens: [] };
};

interface End {
  readonly verdict: Decision['verdict'];
  readonly minute: number;
}

/** run takes one rollout to its end; `look` gives the next look's distance in minutes. */
const run = (plan: RolloutPlan, world: World, next: () => number, look: () => number = () => 1): End => {
  if (plan.kind !== 'weighted') throw new Error('a weighted plan is needed');
  const { unit = 'session', outage = 0 } = world;
  let state = enterStage(startRollout(plan, { stable: 'v1', candidate: 'v2' }, [{ name: 'logs', unit }], 0), 0, 0, 0);
  let minute = 0;
  for (;;) {
    const length = look();
    const share = (plan.weights[state.stage] ?? 0) / 100;
    const spoiled = (rate: number): number => (minute >= 12 && minute < 17 ? 1 - (1 - rate) * (1 - outage) : rate);
    const part = { ...world, perMinute: world.perMinute * length };
    const seen: Observation = {
      source: 'logs',
      unit,
      from: minute * minuteMs,
      to: (minute + length) * minuteMs,
      stable: counts(next, part, 'v1', spoiled(world.stable), 1 - share),
      candidate: counts(next, part, 'v2', spoiled(world.candidate), share),
    };
    minute += length;
    const decision = decide(plan, state, [seen], minute * minuteMs);
    state = decision.state;
    if (decision.verdict === 'raise') state = enterStage(state, state.stage + 1, minute * minuteMs, minute * minuteMs);
    else if (decision.verdict !== 'hold') return { verdict: decision.verdict, minute };
  }
};

const many = (count: number, seed: number, one: (next: () => number) => End): { aborted: number; promoted: number; early: number; median: number } => {
  const next = random(seed);
  const ends = Array.from({ length: count }, () => one(next));
  const promotions = ends.filter(({ verdict }) => verdict === 'promote');
  const minutes = promotions.map(({ minute }) => minute).sort((a, b) => a - b);
  return {
    aborted: ends.filter(({ verdict }) => verdict === 'abort').length / count,
    promoted: promotions.length / count,
    early: promotions.filter(({ minute }) => minute < 30).length / count,
    median: minutes[floor(minutes.length / 2)] ?? Number.NaN,
  };
};

/** within is a bound on a measured rate: the rate and three standard deviations of the measurement. */
const within = (rate: number, count: number): number => rate + 3 * sqrt((rate * (1 - rate)) / count);

describe('false aborts by errors', () => {
  test.each<[string, World, RolloutPlan]>([
    ['1 %, 20 answers a second', { perMinute: 1200, stable: 0.01, candidate: 0.01 }, errorsOnly()],
    ['6 %, 2 a second', { perMinute: 120, stable: 0.06, candidate: 0.06 }, errorsOnly()],
    ['an outage of both', { perMinute: 1200, stable: 0.01, candidate: 0.01, outage: 0.25 }, errorsOnly()],
    ['at the margin, 1 %', { perMinute: 1200, stable: 0.01, candidate: 0.01 + 0.99 * 0.005 }, errorsOnly({ margins: margins(0.5) })],
    ['at the margin, 6 %', { perMinute: 1200, stable: 0.06, candidate: 0.06 + 0.94 * 0.005 }, errorsOnly({ margins: margins(0.5) })],
    ['sessions of 5, by request, bounded', { perMinute: 1200, stable: 0.01, candidate: 0.01, clump: 5, unit: 'request' }, errorsOnly({ clump: 5 })],
    ['sessions of 20, by request, bounded', { perMinute: 1200, stable: 0.06, candidate: 0.06, clump: 20, unit: 'request' }, errorsOnly({ clump: 20 })],
  ])('%s: at most 5 %% of 400', (_, world, plan) => {
    const { aborted, promoted } = many(runs, 51, (next) => run(plan, world, next));
    expect(aborted).toBeLessThanOrEqual(within(0.05, runs));
    expect(promoted).toBeGreaterThanOrEqual(0.9);
  });

  test('the simulation sees a claim that does not hold: sessions of 20 by request, with too small a bound', () => {
    const world: World = { perMinute: 1200, stable: 0.06, candidate: 0.06, clump: 20, unit: 'request' };
    expect(many(300, 52, (next) => run(errorsOnly({ clump: 1 }), world, next)).aborted).toBeGreaterThan(0.15);
  });

  test('looks at any times', () => {
    const plan = errorsOnly();
    const { aborted } = many(runs, 53, (next) => {
      const look = (): number => [0.05, 0.5, 1, 7][floor(next() * 4)] ?? 1;
      return run(plan, { perMinute: 240, stable: 0.03, candidate: 0.03 }, next, look);
    });
    expect(aborted).toBeLessThanOrEqual(within(0.05, runs));
  });

  test('the evidence itself: any weights, any windows, three hundred looks, a margin; reaches 20 in at most 5 % of 1000', () => {
    const next = random(54);
    let reached = 0;
    for (let rollout = 0; rollout < 1000; rollout += 1) {
      const bets = ratios.map(() => 0);
      const margin = rollout % 2 === 0 ? 0 : 0.02;
      for (let window = 0; window < 300; window += 1) {
        const size = 1 + floor(next() * 60);
        const candidate = binomial(next, size, 0.01 + next() * 0.6);
        const rate = next() < 0.1 ? 0.5 : 0.03;
        const table = {
          stable: size - candidate,
          candidate,
          markedStable: binomial(next, size - candidate, rate),
          markedCandidate: binomial(next, candidate, rate + (1 - rate) * margin),
        };
        for (const [index, bet] of logExcess(table, ratios, margin).entries()) bets[index] = (bets[index] ?? 0) + bet;
        if (logStaked(bets) >= log(20)) {
          reached += 1;
          break;
        }
      }
    }
    expect(reached / 1000).toBeLessThanOrEqual(within(0.05, 1000));
    expect(reached).toBeGreaterThan(0);
  });
});

describe('regressions by errors', () => {
  test('1 to 3 % at 20 answers a second is always caught', () => {
    const bad: World = { perMinute: 1200, stable: 0.01, candidate: 0.03 };
    expect(many(150, 55, (next) => run(errorsOnly(), bad, next)).aborted).toBe(1);
    expect(many(150, 56, (next) => run(errorsOnly({ margins: margins(0.5) }), bad, next)).aborted).toBe(1);
  });
});

describe('early promotion', () => {
  const early = errorsOnly({ 'early-promotion': true, miss: 5, margins: margins(0.5) });

  test('promotes a good version in half the time, and leaves out no weight', () => {
    const good = many(150, 57, (next) => run(early, { perMinute: 1200, stable: 0.01, candidate: 0.01 }, next));
    expect(good.early).toBeGreaterThan(0.95);
    expect(good.median).toBeLessThanOrEqual(15);
    expect(good.median).toBeGreaterThanOrEqual(10);
  });

  test.each<[string, World]>([
    ['that loses exactly one answer in a hundred', { perMinute: 1200, stable: 0.01, candidate: 0.01 + 0.99 * 0.01 }],
    ['with an outage of both arms meanwhile', { perMinute: 1200, stable: 0.01, candidate: 0.01 + 0.99 * 0.01, outage: 0.25 }],
    ['by request in sessions of 5, bounded', { perMinute: 1200, stable: 0.01, candidate: 0.01 + 0.99 * 0.01, clump: 5, unit: 'request' }],
  ])('lets a version %s through early in at most 5 %% of 400', (_, world) => {
    const plan = errorsOnly({ 'early-promotion': true, miss: 5, margins: margins(0.5), clump: 5 });
    expect(many(runs, 58, (next) => run(plan, world, next)).early).toBeLessThanOrEqual(within(0.05, runs));
  });

  test('needs a source whose claim is kept: requests without a bound take the plan\'s full time', () => {
    const end = many(50, 59, (next) => run(early, { perMinute: 1200, stable: 0.01, candidate: 0.01, unit: 'request' }, next));
    expect(end.early).toBe(0);
    expect(end.promoted).toBeGreaterThan(0.9);
  });
});
