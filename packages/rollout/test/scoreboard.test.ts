import { describe, expect, test } from '@jest/globals';
import { defaultCanaryPlan, type CanaryPlanConfig } from '@sluice/core';
import * as rollout from '../src/index.ts';
import * as twoSample from '../src/two-sample.ts';

interface Scenario {
  readonly rps: number;
  readonly base: number;
  readonly candidate?: number;
  readonly clump?: number;
}

interface Settings {
  readonly unit: 'requests' | 'sessions' | 'users';
  readonly probes?: boolean;
  readonly canary: Omit<Partial<CanaryPlanConfig>, 'margins'> & { readonly margins?: { readonly errors: number } };
}

interface Result {
  readonly abort: number;
  readonly inTime: number;
  readonly promote: number;
  readonly early: number;
  readonly exposed: number;
  readonly exposedError: number;
  readonly asked: number;
  readonly promoteMinute: number | null;
}

interface Room {
  readonly rollout: typeof rollout;
  readonly twoSample: typeof twoSample;
  readonly defaults: CanaryPlanConfig;
}

type Measure = (room: Room, cell: { readonly rule: string; readonly scenario: Scenario; readonly settings: Settings; readonly rollouts: number; readonly checked: number }) => Result;

/** The scoreboard's own cells, worlds and seeds; docs/canary-scoreboard.md has 10,000 rollouts a cell. */
const { cell }: { readonly cell: Measure } = await import(new URL('../../../scripts/canary-scoreboard/cell.js', import.meta.url).href);

/** measure lets decide judge every rollout, beside the scoreboard's quick judge, and fails where they differ. */
const measure = (rollouts: number, scenario: Scenario, settings: Settings): Result =>
  cell({ rollout, twoSample, defaults: defaultCanaryPlan }, { rule: 'no margin', scenario, settings, rollouts, checked: rollouts });

const bare = { margins: { errors: 0 } };

/** spread is two standard deviations of a rate that is measured on so many rollouts. */
const spread = (rate: number, rollouts: number): number => 2 * Math.sqrt((rate * (1 - rate)) / rollouts);

describe('what the scoreboard claims', () => {
  test.each<[string, Scenario, Settings]>([
    ['1 %, 2 rps', { rps: 2, base: 0.01 }, { unit: 'sessions', probes: false, canary: bare }],
    ['1 %, 20 rps', { rps: 20, base: 0.01 }, { unit: 'sessions', probes: false, canary: bare }],
  ])('false aborts of a healthy version are at most 2.5 %%: %s', (_, scenario, settings) => {
    const rollouts = 1200;
    const { abort, promote } = measure(rollouts, scenario, settings);
    expect(abort).toBeLessThanOrEqual(0.025 + spread(0.025, rollouts));
    expect(promote).toBeGreaterThan(0.95);
  });

  test('1 to 3 % at 20 rps is always caught, after at most 412 requests', () => {
    const { abort, exposed, exposedError } = measure(3000, { rps: 20, base: 0.01, candidate: 0.03 }, { unit: 'sessions', probes: false, canary: bare });
    expect(abort).toBe(1);
    expect(exposed).toBeLessThanOrEqual(412 + 2 * exposedError);
  });

  test('1 to 3 % at 2 rps is caught within 30 minutes in 90 %, with 900 pairs of which few more than half are asked', () => {
    const { inTime, asked } = measure(1000, { rps: 2, base: 0.01, candidate: 0.03 }, { unit: 'sessions', probes: true, canary: { ...bare, pairs: 900 } });
    expect(inTime).toBeGreaterThanOrEqual(0.9 - spread(0.9, 1000));
    expect(asked).toBeLessThanOrEqual(550);
  });

  test('a good version at 20 rps is promoted in at most 14 minutes where the plan takes 30', () => {
    const { early, promoteMinute } = measure(400, { rps: 20, base: 0.01 }, { unit: 'sessions', probes: false, canary: { 'early-promotion': true, miss: 5 } });
    expect(early).toBeGreaterThan(0.95);
    expect(promoteMinute).toBeLessThanOrEqual(14);
  });
});
