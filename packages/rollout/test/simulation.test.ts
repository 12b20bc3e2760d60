import { describe, expect, test } from '@jest/globals';
import type { Observation } from '@sluice/core';
import { decide, enterStage, type RolloutPlan, type RolloutState } from '../src/index.ts';
import { normal, planFor, random, started, type PairedObservation } from './support.ts';

const { exp, floor, max, min, round, sqrt } = Math;

const ids = { stable: 'v1', candidate: 'v2' };

interface World {
  readonly perMinute: number;
  readonly unit: Observation['unit'];
  readonly errors: { readonly stable: number; readonly candidate: number };
  readonly latency: number;
  readonly tokens: number;
  /** spread is the standard deviation of the logarithm of latencies and tokens. */
  readonly spread: number;
  /** clump is the most requests of one session, which fail or succeed together. */
  readonly clump: number;
  /** outage is the share of both arms' answers that fails in minutes 12 to 17. */
  readonly outage: number;
}

const healthy: World = {
  perMinute: 40,
  unit: 'session',
  errors: { stable: 0.02, candidate: 0.02 },
  latency: 1,
  tokens: 1,
  spread: 0.5,
  clump: 1,
  outage: 0,
};

const answers = (next: () => number, world: World, version: 'stable' | 'candidate', expected: number, minute: number): Observation['stable'] => {
  const factor = version === 'candidate' ? { latency: world.latency, tokens: world.tokens } : { latency: 1, tokens: 1 };
  const count = max(0, round(expected + sqrt(expected) * normal(next)));
  let errors = 0;
  let seen = 0;
  const latenciesMs: number[] = [];
  const tokens: number[] = [];
  while (seen < count) {
    const size = min(count - seen, 1 + floor(next() * world.clump));
    const rate = minute >= 12 && minute <= 17 ? max(world.outage, world.errors[version]) : world.errors[version];
    const fails = next() < rate;
    seen += size;
    if (fails) errors += size;
    for (let index = 0; index < (fails ? 0 : size); index += 1) {
      latenciesMs.push(1000 * factor.latency * exp(world.spread * normal(next)));
      tokens.push(400 * factor.tokens * exp(world.spread * normal(next)));
    }
  }
  return { version: ids[version], answers: count, errors, latenciesMs, tokens };
};

interface Run {
  readonly verdict: string;
  readonly candidateAnswers: number;
}

const total = (state: RolloutState, source: string): number => state.sources[source]?.total.candidate.answers ?? 0;

const weightedRun = (plan: RolloutPlan, world: World, next: () => number): Run => {
  if (plan.kind !== 'weighted') throw new Error('a weighted plan is needed');
  let state = started([{ name: 'logs', unit: world.unit }]);
  for (let minute = 1; minute <= 50; minute += 1) {
    const share = (plan.weights[state.stage] ?? 0) / 100;
    const seen: Observation = {
      source: 'logs',
      unit: world.unit,
      from: (minute - 1) * 60_000,
      to: minute * 60_000,
      stable: answers(next, world, 'stable', world.perMinute * (1 - share), minute),
      candidate: answers(next, world, 'candidate', world.perMinute * share, minute),
    };
    const decision = decide(plan, state, [seen], minute * 60_000);
    state = decision.state;
    if (decision.verdict === 'raise') state = enterStage(state, state.stage + 1, minute * 60_000, minute * 60_000);
    else if (decision.verdict !== 'hold') return { verdict: decision.verdict, candidateAnswers: total(state, 'logs') };
  }
  return { verdict: 'hold', candidateAnswers: total(state, 'logs') };
};

const pairedRun = (plan: RolloutPlan, world: World, next: () => number): Run => {
  let state = started([{ name: 'paired probes', unit: 'request' }]);
  for (let window = 1; ; window += 1) {
    const arms = { stable: [0, 0, 0].map(() => [] as number[]), candidate: [0, 0, 0].map(() => [] as number[]) };
    const errors = { stable: 0, candidate: 0 };
    for (let pair = 0; pair < plan.pairsPerWindow; pair += 1) {
      const hardness = exp(0.8 * normal(next));
      const fails = { stable: next() < world.errors.stable, candidate: next() < world.errors.candidate };
      for (const version of ['stable', 'candidate'] as const) {
        if (fails[version]) errors[version] += 1;
        const factor = version === 'candidate' ? world : { latency: 1, tokens: 1 };
        if (fails.stable || fails.candidate) continue;
        arms[version][0]?.push(1000 * hardness * factor.latency * exp(world.spread * normal(next)));
        arms[version][1]?.push(400 * hardness * factor.tokens * exp(world.spread * normal(next)));
      }
    }
    const of = (version: 'stable' | 'candidate'): Observation['stable'] => ({
      version: ids[version],
      answers: plan.pairsPerWindow,
      errors: errors[version],
      latenciesMs: arms[version][0] ?? [],
      tokens: arms[version][1] ?? [],
    });
    const seen: PairedObservation = { source: 'paired probes', unit: 'request', from: window - 1, to: window, stable: of('stable'), candidate: of('candidate'), paired: true };
    const decision = decide(plan, state, [seen], window);
    state = decision.state;
    if (decision.verdict !== 'hold') return { verdict: decision.verdict, candidateAnswers: total(state, 'paired probes') };
  }
};

const many = (runs: number, seed: number, run: (next: () => number) => Run): { aborted: number; promoted: number; median: number } => {
  const next = random(seed);
  const ends = Array.from({ length: runs }, () => run(next));
  const aborts = ends.filter(({ verdict }) => verdict === 'abort').map(({ candidateAnswers }) => candidateAnswers).sort((one, other) => one - other);
  return {
    aborted: aborts.length / runs,
    promoted: ends.filter(({ verdict }) => verdict === 'promote').length / runs,
    median: aborts[floor(aborts.length / 2)] ?? Number.NaN,
  };
};

const weighted = planFor({}, true);
const quick = planFor({ minimum: 10 }, true);
const paired = planFor({}, false);
const bounded = planFor({ clump: 4 }, true);

describe('false aborts', () => {
  test.each<[string, number, World, RolloutPlan?]>([
    ['identical arms', 400, { ...healthy, perMinute: 20 }, quick],
    ['every guard at its margin', 100, { ...healthy, latency: 1.2, tokens: 1.2, errors: { stable: 0.02, candidate: 0.0249 } }],
    ['a bad hour for both arms', 100, { ...healthy, errors: { stable: 0.06, candidate: 0.06 }, outage: 0.4 }],
    ['sessions of up to four requests, counted by request', 100, { ...healthy, unit: 'request', clump: 4, errors: { stable: 0.05, candidate: 0.05 } }, bounded],
  ])('weighted, %s: at most 5 % of %i', (_, runs, world, plan = weighted) => {
    const { aborted, promoted } = many(runs, 42, (next) => weightedRun(plan, world, next));
    expect(aborted).toBeLessThanOrEqual(0.05);
    expect(promoted).toBeGreaterThanOrEqual(0.9);
  });

  test.each<[string, World]>([
    ['identical arms', healthy],
    ['at the margins', { ...healthy, latency: 1.2, tokens: 1.2, errors: { stable: 0.3, candidate: 0.3 } }],
  ])('paired, %s: at most 5 %% of 300', (_, world) => {
    const { aborted, promoted } = many(300, 43, (next) => pairedRun(paired, world, next));
    expect(aborted).toBeLessThanOrEqual(0.05);
    expect(promoted).toBeGreaterThanOrEqual(0.9);
  });
});

describe('bad candidates are caught', () => {
  test.each<[string, number, World]>([
    ['twice the latency', 60, { ...healthy, latency: 2 }],
    ['twice the tokens', 60, { ...healthy, tokens: 2 }],
    ['twice the latency with a wide spread', 100, { ...healthy, latency: 2, spread: 0.8 }],
    ['twice the latency, counted by request', 180, { ...healthy, unit: 'request', latency: 2 }],
    ['10 % errors for 1 %', 100, { ...healthy, errors: { stable: 0.01, candidate: 0.1 } }],
    ['nothing but errors', 10, { ...healthy, errors: { stable: 0.01, candidate: 1 } }],
  ])('weighted, %s: within %i candidate answers', (_, most, world) => {
    const { aborted, median } = many(100, 44, (next) => weightedRun(weighted, world, next));
    expect(aborted).toBeGreaterThanOrEqual(0.95);
    expect(median).toBeLessThanOrEqual(most);
  });

  test.each<[string, number, World]>([
    ['twice the latency', 60, { ...healthy, latency: 2 }],
    ['twice the tokens', 60, { ...healthy, tokens: 2 }],
    ['a quarter of the answers fail', 60, { ...healthy, errors: { stable: 0.01, candidate: 0.25 } }],
  ])('paired, %s: within %i pairs', (_, most, world) => {
    const { aborted, median } = many(100, 45, (next) => pairedRun(paired, world, next));
    expect(aborted).toBeGreaterThanOrEqual(0.95);
    expect(median).toBeLessThanOrEqual(most);
  });
});
