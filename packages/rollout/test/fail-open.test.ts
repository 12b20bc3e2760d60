import { describe, expect, test } from '@jest/globals';
import type { Arm, CanaryPlanConfig, Observation } from '@sluice/core';
import { decide, enterStage, startRollout, type RolloutPlan } from '../src/index.ts';
import { arm, planFor } from './support.ts';

const minuteMs = 60_000;

/** Spoil turns a minute's good observation into what there was instead. */
type Spoil = (seen: Observation, minute: number) => readonly Observation[];

const times = (minute: number, from = minute - 1): Pick<Observation, 'from' | 'to'> => ({ from: from * minuteMs, to: minute * minuteMs });

const good = (minute: number, share: number): Observation => ({
  source: 'logs',
  unit: 'session',
  ...times(minute),
  stable: arm('v1', Math.round(200 * (1 - share)), 1),
  candidate: arm('v2', Math.round(200 * share), 0),
});

interface Seen {
  readonly raises: number;
  readonly end: string;
}

/** lived takes a plan through its whole time on what a spoiled source says. */
const lived = (plan: RolloutPlan, spoil: Spoil, sources = [{ name: 'logs', unit: 'session' as const }]): Seen => {
  let state = enterStage(startRollout(plan, { stable: 'v1', candidate: 'v2' }, sources, 0), 0, 0, 0);
  let raises = 0;
  for (let minute = 1; minute <= 60; minute += 1) {
    const share = plan.kind === 'weighted' ? (plan.weights[state.stage] ?? 0) / 100 : 0.5;
    const { verdict, state: next } = decide(plan, state, spoil(good(minute, share), minute), minute * minuteMs);
    state = next;
    if (verdict === 'raise') {
      raises += 1;
      state = enterStage(state, state.stage + 1, minute * minuteMs, minute * minuteMs);
    } else if (verdict !== 'hold') return { raises, end: verdict };
  }
  return { raises, end: 'hold' };
};

const one = (change: (seen: Observation, minute: number) => Partial<Observation>): Spoil => (seen, minute) => [{ ...seen, ...change(seen, minute) }];
const both = (change: (of: Arm, minute: number) => Partial<Arm>): Spoil => one(({ stable, candidate }, minute) => ({ stable: { ...stable, ...change(stable, minute) }, candidate: { ...candidate, ...change(candidate, minute) } }));
const candidate = (change: (of: Arm) => Partial<Arm>): Spoil => one((seen) => ({ candidate: { ...seen.candidate, ...change(seen.candidate) } }));
const stable = (change: (of: Arm) => Partial<Arm>): Spoil => one((seen) => ({ stable: { ...seen.stable, ...change(seen.stable) } }));

const none = { answers: 0, errors: 0, latenciesMs: [], tokens: [] };

const spoils: readonly (readonly [string, Spoil, Partial<CanaryPlanConfig>?])[] = [
  ['nothing at all', () => []],
  ['a failed query, with counts', one(() => ({ missing: 'HTTP 500' }))],
  ['a failed query without a reason', one(() => ({ missing: '' }))],
  ['a query that works but in the last minutes', one((_, minute) => (minute > 9 ? { missing: 'HTTP 500' } : {}))],
  ['another source', one(() => ({ source: 'other' }))],
  ['the same source twice in a round', (seen) => [seen, seen]],
  ['NaN answers', both(() => ({ answers: Number.NaN }))],
  ['NaN errors of the candidate', candidate(() => ({ errors: Number.NaN }))],
  ['infinitely many answers', both(() => ({ answers: Number.POSITIVE_INFINITY }))],
  ['negative answers of stable', stable(() => ({ answers: -5 }))],
  ['negative errors of the candidate', candidate(() => ({ errors: -1 }))],
  ['half an answer', candidate(({ answers }) => ({ answers: answers + 0.5 }))],
  ['more errors than answers', candidate(({ answers }) => ({ errors: answers + 1 }))],
  ['more answers than there are', both(({ answers }) => ({ answers: answers * 1e9 }))],
  ['counts beyond whole numbers', both(() => ({ answers: 2 ** 60 }))],
  ['no answers', both(() => none)],
  ['no answers of the candidate', candidate(() => none)],
  ['no answers of stable', stable(() => none)],
  ['one answer of the candidate in three minutes', one((seen, minute) => ({ stable: arm('v1', 2, 0), candidate: arm('v2', minute % 3 === 0 ? 1 : 0, 0), ...times(minute), source: seen.source }))],
  ['both arms the same version', one(({ stable: of }) => ({ candidate: { ...of, answers: 10, errors: 0 } }))],
  ['the labels exchanged', one((seen) => ({ stable: { ...seen.stable, version: 'v2' }, candidate: { ...seen.candidate, version: 'v1' } }))],
  ['an unknown candidate', candidate(() => ({ version: 'v3' }))],
  ['an unknown stable version', stable(() => ({ version: 'v0' }))],
  ['a version without a name', candidate(() => ({ version: '' }))],
  ['the same users in both arms, half and half at 5 %', one(({ stable: of }) => ({ candidate: { ...of, version: 'v2' } }))],
  ['everybody on the candidate', one((seen) => ({ stable: { ...seen.candidate, version: 'v1' }, candidate: { ...seen.stable, version: 'v2' } }))],
  ['a hundredth of the candidate\'s share', one(() => ({ stable: arm('v1', 20_000, 10, () => 1), candidate: arm('v2', 10, 0) }))],
  ['another unit', one(() => ({ unit: 'request' }))],
  ['another unit from the second minute on', one((_, minute) => (minute > 1 ? { unit: 'user' } : {}))],
  ['pairs, from the second minute on', one((_, minute) => (minute > 1 ? { paired: true } : {}))],
  ['pairs of which one half is missing', one(() => ({ paired: true }))],
  ['the first minute again and again', one(() => times(1))],
  ['windows that overlap by half a minute', one((_, minute) => times(minute, Math.max(0, minute - 1.5)))],
  ['windows that leave out a minute', one((_, minute) => ({ from: minute * minuteMs, to: (minute + 1) * minuteMs }))],
  ['windows of an hour ago', one((_, minute) => ({ from: (minute - 61) * minuteMs, to: (minute - 60) * minuteMs }))],
  ['windows that run backwards', one((_, minute) => times(60 - minute))],
  ['windows that end before they begin', one((seen) => ({ to: seen.from - 1 }))],
  ['windows without a length', one((seen) => ({ to: seen.from }))],
  ['a window that ends tomorrow', one((seen) => ({ to: seen.to + 86_400_000 }))],
  ['windows without times', one(() => ({ from: Number.NaN, to: Number.NaN }))],
  ['no latencies', both(() => ({ latenciesMs: [] }))],
  ['latencies of stable alone', candidate(() => ({ latenciesMs: [] }))],
  ['latencies that are NaN', both(({ latenciesMs }) => ({ latenciesMs: latenciesMs.map(() => Number.NaN) }))],
  ['one latency that is NaN', candidate(({ latenciesMs }) => ({ latenciesMs: [Number.NaN, ...latenciesMs.slice(1)] }))],
  ['negative latencies', both(({ latenciesMs }) => ({ latenciesMs: latenciesMs.map((value) => -value) }))],
  ['infinite latencies', candidate(({ latenciesMs }) => ({ latenciesMs: latenciesMs.map(() => Number.POSITIVE_INFINITY) }))],
  ['0 for every latency', both(({ latenciesMs }) => ({ latenciesMs: latenciesMs.map(() => 0) }))],
  ['no tokens', both(() => ({ tokens: [] }))],
  ['tokens of the candidate alone', stable(() => ({ tokens: [] }))],
  ['0 for every count of tokens', both(({ tokens }) => ({ tokens: tokens.map(() => 0) })), { watch: ['errors', 'latency', 'tokens'] }],
  ['answers that all fail, on both arms', both(({ answers }) => ({ errors: answers, latenciesMs: [], tokens: [] })), { watch: ['errors'] }],
  ['a stable version that is down', stable(({ answers }) => ({ errors: answers, latenciesMs: [], tokens: [] })), { watch: ['errors'] }],
];

const passing = ['raise', 'promote'];

describe('without real evidence nothing passes', () => {
  test('the good source alone does pass, so that the cases below are about what spoils it', () => {
    expect(lived(planFor({}, true), (seen) => [seen])).toEqual({ raises: 2, end: 'promote' });
    expect(lived(planFor({ watch: ['errors'] }, true), (seen) => [seen])).toEqual({ raises: 2, end: 'promote' });
  });

  test('answers without tokens are an app without a model, unless tokens are asked for', () => {
    const without = both(({ tokens }) => ({ tokens: tokens.map(() => 0) }));
    expect(lived(planFor({}, true), without)).toEqual({ raises: 2, end: 'promote' });
    expect(lived(planFor({ watch: ['tokens'] }, true), without)).toMatchObject({ raises: 0, end: 'inconclusive' });
  });

  test('there are at least forty cases', () => {
    expect(new Set(spoils.map(([name]) => name)).size).toBeGreaterThanOrEqual(40);
  });

  test.each(spoils)('weighted: %s', (_, spoil, config = {}) => {
    const { raises, end } = lived(planFor(config, true), spoil);
    expect(raises).toBe(0);
    expect(passing).not.toContain(end);
  });

  test.each(spoils)('weighted, early promotion, bare margins: %s', (_, spoil, config = {}) => {
    const plan = planFor({ 'early-promotion': true, margins: { errors: 0, latency: 0, tokens: 0 }, ...config }, true);
    const { raises, end } = lived(plan, spoil);
    expect(raises).toBe(0);
    expect(passing).not.toContain(end);
  });

  test('a source that falls silent after the first weight', () => {
    const { raises, end } = lived(planFor({}, true), one((_, minute) => (minute > 12 ? { missing: 'gone' } : {})));
    expect({ raises, end }).toEqual({ raises: 1, end: 'inconclusive' });
  });

  test('a source that speaks again has to speak of the whole time', () => {
    const skips = one((_, minute) => (minute > 3 && minute < 8 ? { missing: 'gone' } : {}));
    expect(lived(planFor({}, true), skips).raises).toBe(0);
    const catchesUp = one((_, minute) => (minute > 3 && minute < 8 ? { missing: 'gone' } : minute === 8 ? times(8, 3) : {}));
    expect(lived(planFor({}, true), catchesUp)).toEqual({ raises: 2, end: 'promote' });
  });

  test('two thin sources are not one', () => {
    const sources = [{ name: 'logs', unit: 'session' as const }, { name: 'probes', unit: 'session' as const }];
    const thin: Spoil = (seen, minute) =>
      sources.map(({ name }) => ({ ...seen, source: name, stable: arm('v1', 2, 0), candidate: arm('v2', minute % 2, 0) }));
    expect(lived(planFor({}, true), thin, sources)).toEqual({ raises: 0, end: 'inconclusive' });
  });

  test('one source counts errors and the other, silent one was to count latencies', () => {
    const sources = [{ name: 'logs', unit: 'session' as const }, { name: 'probes', unit: 'session' as const }];
    const split: Spoil = (seen) => [
      { ...seen, stable: { ...seen.stable, latenciesMs: [], tokens: [] }, candidate: { ...seen.candidate, latenciesMs: [], tokens: [] } },
      { ...seen, source: 'probes', missing: 'refused' },
    ];
    expect(lived(planFor({}, true), split, sources)).toMatchObject({ raises: 0, end: 'inconclusive' });
  });

  test('no source at all', () => {
    expect(lived(planFor({}, true), () => [], [])).toEqual({ raises: 0, end: 'inconclusive' });
  });
});

describe('without real evidence nothing passes, on paired answers', () => {
  const pairs = (seen: Observation): Observation => ({ ...seen, paired: true, stable: arm('v1', 10, 0), candidate: arm('v2', 10, 0) });
  const plan = planFor({ pairs: 40 }, false);
  const on = (spoil: Spoil): Spoil => (seen, minute) => spoil(pairs(seen), minute);

  test('good pairs alone do pass', () => {
    expect(lived(plan, on((seen) => [seen])).end).toBe('promote');
  });

  test.each<[string, Spoil]>([
    ['nothing', () => []],
    ['every window cut off', one(() => ({ missing: 'cut' }))],
    ['the last window cut off', one((_, minute) => (minute === 4 ? { missing: 'cut' } : {}))],
    ['one answer fewer of the candidate', one(() => ({ candidate: arm('v2', 9, 0) }))],
    ['one latency fewer', candidate(({ latenciesMs }) => ({ latenciesMs: latenciesMs.slice(1) }))],
    ['too few pairs', both((of) => arm(of.version, 7, 0))],
    ['no pair', both(() => none)],
    ['all pairs fail on both', both(({ answers }) => ({ errors: answers, latenciesMs: [], tokens: [] }))],
    ['the same version asked twice', candidate(() => ({ version: 'v1' }))],
    ['another version answered', candidate(() => ({ version: 'v9' }))],
    ['the first window again and again', one(() => times(1))],
    ['no tokens', both(() => ({ tokens: [] }))],
  ])('paired: %s', (_, spoil) => {
    expect(passing).not.toContain(lived(plan, on(spoil)).end);
  });
});
