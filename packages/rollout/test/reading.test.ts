import { describe, expect, test } from '@jest/globals';
import type { CanaryPlanConfig, Observation } from '@sluice/core';
import { decide, readings } from '../src/index.ts';
import { observed, planFor, started } from './support.ts';

const counted = (version: string, errors: number) => ({ version, answers: 40, errors, latenciesMs: [], tokens: [] });

const read = (unit: Observation['unit'], paired: boolean, config: Partial<CanaryPlanConfig>) => {
  const plan = planFor({ watch: ['errors'], ...config }, true);
  const seen = observed(counted('v1', 0), counted('v2', 4), { unit, ...(paired ? { paired } : {}) });
  return readings(plan, decide(plan, started([{ name: 'logs', unit }]), [seen], 60_000).state)[0];
};

describe('the claim of a source', () => {
  test.each<[string, Observation['unit'], boolean, Partial<CanaryPlanConfig>, string]>([
    ['sessions', 'session', false, {}, 'kept'],
    ['users', 'user', false, {}, 'kept'],
    ['pairs, which are sessions of their own', 'request', true, {}, 'kept'],
    ['requests of which at most five fail together', 'request', false, { clump: 5 }, 'kept'],
    ['requests, and nobody says how many fail together', 'request', false, {}, 'needs clump'],
  ])('%s', (_, unit, paired, config, claim) => {
    const reading = read(unit, paired, config);
    expect(reading?.claim).toBe(claim);
    expect(reading?.claimText).toEqual(claim === 'kept' ? '' : expect.stringMatching(/^logs counts requests, and up to 4 were taken to fail together; .*canary\.clump/));
  });

  test('the more requests fail together, the less they prove', () => {
    const evidence = [1, 2, 5, 20].map((clump) => read('request', false, { clump })?.evidence ?? Number.NaN);
    expect(evidence[0]).toBe(read('session', false, {})?.evidence);
    expect(evidence).toEqual(evidence.toSorted((one, other) => other - one));
    expect(new Set(evidence).size).toBe(4);
    expect(read('request', false, {})?.evidence).toBe(read('request', false, { clump: 4 })?.evidence);
  });
});
