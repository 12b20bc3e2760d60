import { describe, expect, test } from '@jest/globals';
import type { Observation } from '@sluice/core';
import * as fc from 'fast-check';
import { decide, enterStage, readings, readRolloutState, type RolloutState } from '../src/index.ts';
import { arm, following, observed, planFor, started } from './support.ts';

const weighted = planFor({}, true);
const paired = planFor({ pairs: 40 }, false);
const bake = 600_000;
const enough = observed(arm('v1', 300, 3), arm('v2', 40, 0));

const verdictOf = (observations: readonly Observation[], nowMs: number, state: RolloutState = started()) => {
  const { verdict, reason } = decide(weighted, state, observations, nowMs);
  return { verdict, reason };
};

describe('a weighted plan', () => {
  test.each<[string, readonly Observation[], number, string, RegExp]>([
    ['enough answers before the bake is over', [enough], bake - 1, 'hold', /0 of 40 and stable in 3 of 300/],
    ['enough answers after the bake', [enough], bake, 'raise', /no guard aborted at 5 %.*0 of 40/],
    ['too few candidate answers', [observed(arm('v1', 300, 3), arm('v2', 29, 0))], bake, 'hold', /29 of the candidate.*30 of each/],
    ['no stable answers', [observed(arm('v1', 0, 0), arm('v2', 40, 0))], bake, 'hold', /0 of stable/],
    ['no observation at all', [], bake, 'hold', /not asked/],
    ['a failed query', [{ ...enough, missing: 'HTTP 500' }], bake, 'hold', /HTTP 500/],
    ['a failed query without a reason', [{ ...enough, missing: '' }], bake, 'hold', /no reason/],
    ['an observation of another source', [{ ...enough, source: 'other' }], bake, 'hold', /not asked/],
    ['another unit', [{ ...enough, unit: 'request' }], bake, 'hold', /counts by request/],
    ['the same version in both arms', [observed(arm('v1', 300, 3), arm('v1', 40, 0))], bake, 'hold', /same version/],
    ['more errors than answers', [observed(arm('v1', 300, 3), { ...arm('v2', 40, 0), errors: 41 })], bake, 'hold', /impossible/],
    ['half an answer', [observed(arm('v1', 300, 3), { ...arm('v2', 40, 0), answers: 40.5 })], bake, 'hold', /impossible/],
    ['NaN as a count', [observed(arm('v1', 300, 3), { ...arm('v2', 40, 0), errors: Number.NaN })], bake, 'hold', /impossible/],
    ['NaN as a latency', [observed(arm('v1', 300, 3), arm('v2', 40, 0, () => Number.NaN))], bake, 'hold', /not numbers/],
    ['an infinite latency', [observed(arm('v1', 300, 3), arm('v2', 40, 0, () => Number.POSITIVE_INFINITY))], bake, 'hold', /not numbers/],
    ['nobody counts tokens', [observed({ ...arm('v1', 300, 3), tokens: [] }, { ...arm('v2', 40, 0), tokens: [] })], bake, 'inconclusive', /no source counts tokens.*canary\.watch/],
    ['answers that use no tokens', [observed({ ...arm('v1', 300, 3), tokens: Array<number>(300).fill(0) }, { ...arm('v2', 40, 0), tokens: Array<number>(40).fill(0) })], bake, 'raise', /0 of 40.*every answer counted 0 tokens, so that the tokens say nothing/],
    ['tokens of one arm only', [observed(arm('v1', 300, 3), { ...arm('v2', 40, 0), tokens: [] })], bake, 'hold', /too few values of tokens/],
    ['too few answers at the deadline', [observed(arm('v1', 300, 3), arm('v2', 3, 0))], 3_000_000, 'inconclusive', /deadline has passed: logs counted 3/],
    ['no time left for the other weights', [enough], 2_000_000, 'inconclusive', /leaves 16 m 40 s.*need 20 m/],
    ['a bad candidate before the bake is over', [observed(arm('v1', 300, 3), arm('v2', 40, 20))], 1, 'abort', /20 of 40 and stable in 3 of 300 sessions \(logs\); the error evidence is .* 60 to 1 aborts/],
    ['a bad candidate without values', [observed(arm('v1', 300, 3), arm('v2', 40, 40))], 1, 'abort', /40 of 40/],
    ['a slow candidate', [observed(arm('v1', 300, 3), arm('v2', 40, 0, () => 1300))], 1, 'abort', /1\.3 s and stable 1 s on average/],
    ['slower, within the margin', [observed(arm('v1', 300, 3), arm('v2', 40, 0, () => 1199))], bake, 'raise', /no guard aborted/],
    ['a better candidate', [observed(arm('v1', 300, 100), arm('v2', 40, 0, () => 100))], bake, 'raise', /no guard aborted/],
  ])('%s', (_, observations, nowMs, verdict, reason) => {
    const said = verdictOf(observations, nowMs);
    expect(said).toEqual({ verdict, reason: expect.stringMatching(reason) });
    expect(said.reason).toMatch(/^[a-z].*[^.]$/);
  });

  test('promotes after the last weight only', () => {
    const last = { ...started(), stage: 2 };
    expect(verdictOf([enough], bake, last).verdict).toBe('promote');
    expect(verdictOf([enough], bake - 1, last).verdict).toBe('hold');
  });

  test('counts answers anew at each weight, and keeps the evidence', () => {
    const first = decide(weighted, started(), [enough], bake).state;
    const logs = first.sources['logs'];
    if (logs === undefined) throw new Error('the source is gone');
    const second = enterStage(first, 1, bake, bake);
    const decision = decide(weighted, second, [{ ...observed(arm('v1', 15, 3), arm('v2', 5, 0)), from: bake, to: 2 * bake }], 2 * bake);
    expect(decision).toMatchObject({ verdict: 'hold', reason: expect.stringMatching(/5 of the candidate/) });
    expect(decision.state.sources['logs']?.bets.errors).not.toEqual(logs.bets.errors);
    expect(decision.state.sources['logs']?.total.candidate.answers).toBe(45);
  });

  test.each([
    ['within the margin of half a percentage point', 1450, 'raise'],
    ['well beyond it', 2000, 'abort'],
  ])('a hundred thousand answers with an error rate %s', (_, errors, verdict) => {
    const counted = (version: string, answers: number, failed: number) => ({ version, answers, errors: failed, latenciesMs: [], tokens: [] });
    const seen = observed(counted('v1', 1_900_000, 19_000), counted('v2', 100_000, errors));
    expect(decide(planFor({ watch: ['errors'] }, true), started(), [seen], bake).verdict).toBe(verdict);
    const bare = decide(planFor({ watch: ['errors'], margins: { errors: 0, latency: 0, tokens: 0 } }, true), started(), [seen], bake);
    expect(bare.verdict).toBe('abort');
  });

  test('an outage of both arms at an uneven time is no excess of the candidate', () => {
    const [first, second] = following([observed(arm('v1', 950, 9), arm('v2', 50, 0)), observed(arm('v1', 500, 250), arm('v2', 500, 250))]);
    if (first === undefined || second === undefined) throw new Error('two windows are needed');
    const calm = enterStage(decide(weighted, started(), [first], 60_000).state, 2, 60_000, 60_000);
    expect(decide(weighted, calm, [second], 120_000).verdict).toBe('hold');
  });

  test('a guard that leans against the candidate keeps the weight, and lets go when the evidence does', () => {
    const plan = planFor({ watch: ['errors'] }, true);
    const leaning = decide(plan, started(), [observed(arm('v1', 300, 3), arm('v2', 40, 4))], bake);
    expect(leaning).toMatchObject({ verdict: 'hold', reason: expect.stringMatching(/error evidence of logs leans against the candidate, .* to 1/) });
    const later = decide(plan, leaning.state, [{ ...observed(arm('v1', 3000, 30), arm('v2', 160, 0)), from: 60_000, to: bake + 60_000 }], bake + 60_000);
    expect(later.verdict).toBe('raise');
    expect(decide(plan, leaning.state, [], 3_000_000).verdict).toBe('inconclusive');
  });

  test('never adds two sources up', () => {
    const two = started([{ name: 'logs', unit: 'session' }, { name: 'probes', unit: 'request' }]);
    const thin = observed(arm('v1', 300, 0), arm('v2', 20, 0));
    const decision = decide(weighted, two, [thin, { ...thin, source: 'probes', unit: 'request' }], bake);
    expect(decision.verdict).toBe('hold');
    expect(readings(weighted, decision.state)[0]?.needed).toBe(120);
  });

  test('a sufficient source is enough beside a silent one, and its silence is kept', () => {
    const two = started([{ name: 'logs', unit: 'session' }, { name: 'probes', unit: 'request' }]);
    const decision = decide(weighted, two, [enough, { ...enough, source: 'probes', missing: 'refused' }], bake);
    expect(decision.verdict).toBe('raise');
    expect(decision.state.sources['probes']?.silence).toBe('refused');
    expect(decision.state.sources['probes']?.until).toBe(0);
    expect(decision.state.sources['logs']?.until).toBe(60_000);
  });

  test('evidence that stopped coming holds, though there is enough of it', () => {
    const first = decide(weighted, started(), [enough], 1).state;
    expect(decide(weighted, first, [{ ...enough, missing: 'HTTP 500' }], bake).verdict).toBe('hold');
  });
});

describe('a paired plan', () => {
  const window = (errors: number, answers = 10): Observation => observed(arm('v1', answers, 0), arm('v2', answers, errors), { source: 'logs' });
  const after = (windows: readonly Observation[]) => {
    let state = started();
    let decision = decide(paired, state, [], 0);
    for (const [index, seen] of following(windows).entries()) {
      decision = decide(paired, state, [seen], (index + 1) * 60_000);
      state = decision.state;
    }
    return decision;
  };

  test.each<[string, readonly Observation[], string]>([
    ['before the pairs are used', [window(0), window(0), window(0)], 'hold'],
    ['when the pairs are used', [window(0), window(0), window(0), window(0)], 'promote'],
    ['with too few pairs counted', [window(0), { ...window(0), missing: 'cut' }, { ...window(0), missing: 'cut' }, window(0)], 'inconclusive'],
    ['with the last window cut', [window(0), window(0), window(0), { ...window(0), missing: 'cut' }], 'inconclusive'],
    ['with every answer wrong', [window(10)], 'abort'],
  ])('%s', (_, windows, verdict) => {
    expect(after(windows).verdict).toBe(verdict);
  });

  test('ends at its deadline with the evidence it has', () => {
    expect(decide(paired, started(), [window(0, 30)], 3_000_000).verdict).toBe('promote');
    expect(decide(paired, started(), [window(0, 29)], 3_000_000).verdict).toBe('inconclusive');
  });

  test('pairs whose values are incomplete are not compared', () => {
    const seen = { ...observed(arm('v1', 30, 0), arm('v2', 30, 1)), paired: true as const };
    expect(decide(paired, started(), [seen], 1).state.sources['logs']?.silence).toMatch(/incomplete/);
  });
});

describe('whatever is observed', () => {
  const anyArm = (version: string) =>
    fc.record({
      version: fc.constant(version),
      answers: fc.oneof(fc.nat(80), fc.double()),
      errors: fc.oneof(fc.nat(80), fc.double()),
      latenciesMs: fc.array(fc.double({ min: 0, max: 1e6 }), { maxLength: 20 }),
      tokens: fc.array(fc.oneof(fc.nat(), fc.double()), { maxLength: 20 }),
    });
  const anyObservation = fc.record(
    {
      source: fc.constantFrom('logs', 'other'),
      unit: fc.constantFrom('session', 'request'),
      from: fc.nat(),
      to: fc.nat(),
      stable: anyArm('v1'),
      candidate: anyArm('v2'),
      missing: fc.string(),
      paired: fc.boolean(),
    },
    { requiredKeys: ['source', 'unit', 'from', 'to', 'stable', 'candidate'] },
  );

  test('the state can be stored and read again, and thin evidence never raises', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyObservation, { maxLength: 2 }), { maxLength: 6 }), fc.nat(4_000_000), (rounds, nowMs) => {
        let state = started();
        for (const round of rounds) {
          const decision = decide(weighted, state, round as Observation[], nowMs);
          state = decision.state;
          const counted = state.sources['logs']?.total;
          const thin = Math.min(counted?.candidate.answers ?? 0, counted?.stable.answers ?? 0) < 30;
          if (thin) expect(['hold', 'abort', 'inconclusive']).toContain(decision.verdict);
        }
        expect(readRolloutState(JSON.parse(JSON.stringify(state)))).toEqual(state);
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});
