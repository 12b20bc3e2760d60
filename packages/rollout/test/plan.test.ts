import { describe, expect, test } from '@jest/globals';
import { defaultCanaryPlan, type CanaryPlanConfig } from '@sluice/core';
import { planOf } from '../src/index.ts';

const plan = (config: Partial<CanaryPlanConfig>, canSplit: boolean, deadlineMs = 3_000_000) =>
  planOf({ ...defaultCanaryPlan, ...config }, canSplit, deadlineMs);

describe('planOf', () => {
  test('takes the margins in per cent, and early promotion rules out at least twice the margin of errors', () => {
    expect(plan({ margins: { errors: 1, latency: 50, tokens: 10 } }, true)).toMatchObject({ ok: true, value: { margins: { errors: 0.01, latency: 0.5, tokens: 0.1 }, effect: 0.02 } });
  });

  test.each<[string, Partial<CanaryPlanConfig>, boolean, object]>([
    ['the default on a target that splits', {}, true, { kind: 'weighted', weights: [5, 25, 50], bakeMs: 600_000, tickMs: 60_000, falseAbort: 0.05, miss: 0.1, minimumAnswers: 30, pairsPerWindow: 6, earlyBakeMs: null, clump: null, effect: 0.01 }],
    ['early promotion keeps each weight for a tenth of its time', { 'early-promotion': true }, true, { earlyBakeMs: 60_000, bakeMs: 600_000 }],
    ['a bound for requests that fail together', { clump: 20 }, true, { clump: 20 }],
    ['the default on a target that does not', {}, false, { kind: 'paired', pairs: 200, pairsPerWindow: 10, pairsAtOnce: 4, deadlineMs: 900_000 }],
    ['100 is implied', { steps: [10, 100] }, true, { weights: [10] }],
    ['a short bake still looks once a second at most', { steps: [10], every: 2000 }, true, { tickMs: 1000 }],
    ['no pairs', { pairs: 0 }, true, { pairs: 0, pairsPerWindow: 0 }],
    ['few looks keep the pairs of one for a run that goes on', { steps: [10, 50], every: 1000, pairs: 12 }, true, { pairsPerWindow: 4 }],
    ['fewer pairs than looks', { pairs: 5 }, true, { pairsPerWindow: 1 }],
    ['a guard named twice counts once', { watch: ['errors', 'errors'] }, true, { watch: ['errors'] }],
  ])('%s', (_, config, canSplit, expected) => {
    expect(plan(config, canSplit)).toMatchObject({ ok: true, value: { margins: { errors: 0.005, latency: 0.2, tokens: 0.2 }, ...expected } });
  });

  test.each<[string, Partial<CanaryPlanConfig>, boolean, number | undefined, RegExp]>([
    ['weights that fall', { steps: [50, 25] }, true, undefined, /\[50%, 25%\]/],
    ['equal weights', { steps: [5, 5] }, true, undefined, /rising/],
    ['a weight of nothing', { steps: [0, 5] }, true, undefined, /rising/],
    ['steps without a way to split', { steps: [5] }, false, undefined, /cannot/],
    ['more bake than time', {}, true, 1_200_000, /30 m .* 20 m/],
    ['early promotion without the errors', { 'early-promotion': true, watch: ['latency'] }, true, undefined, /early-promotion rests on the errors/],
    ['fewer pairs than answers', { pairs: 10 }, false, undefined, /never end/],
  ])('refuses %s', (_, config, canSplit, deadlineMs, reason) => {
    const refused = plan(config, canSplit, deadlineMs);
    expect(refused).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringMatching(reason), hint: expect.anything() } });
  });
});
