import { describe, expect, test } from '@jest/globals';
import { sameSplit, type Split } from '@sluice/core';
import fc from 'fast-check';
import { gatewaySplit, stepsSplit, type Sides } from '../src/server/twin-split.ts';
import { problem, value } from './harness.ts';

const sides: Sides = { mainApp: 'main-app', twinApp: 'twin-app', stable: 'S', candidate: 'T' };

describe('a split of versions and of apps', () => {
  test.each<[string, Split, Split]>([
    ['everybody on the stable version', { stable: 'S', weight: 0 }, { stable: 'main-app', weight: 0 }],
    ['a small share', { stable: 'S', candidate: 'T', weight: 5 }, { stable: 'main-app', candidate: 'twin-app', weight: 5 }],
    ['a large share', { stable: 'S', candidate: 'T', weight: 99.99 }, { stable: 'main-app', candidate: 'twin-app', weight: 99.99 }],
    ['everybody on the candidate', { stable: 'T', weight: 0 }, { stable: 'main-app', candidate: 'twin-app', weight: 100 }],
  ])('is the same for %s', (_, versions, apps) => {
    expect(value(gatewaySplit(versions, sides))).toEqual(apps);
    expect(value(stepsSplit(apps, sides))).toEqual(versions);
  });

  test.each<[string, Split]>([
    ['that was never written', { stable: '', weight: 0 }],
    ['that names a candidate without users', { stable: 'main-app', candidate: 'twin-app', weight: 0 }],
    ['whose twin was another one', { stable: 'main-app', candidate: 'other', weight: 0 }],
    ['of another app', { stable: 'other', weight: 0 }],
  ])('a gateway %s gives everybody the stable version', (_, apps) => {
    expect(value(stepsSplit(apps, sides))).toEqual({ stable: 'S', weight: 0 });
  });

  test.each<[string, Split]>([
    ['another app in place of the twin', { stable: 'main-app', candidate: 'other', weight: 5 }],
    ['the twin in place of another app', { stable: 'other', candidate: 'twin-app', weight: 100 }],
  ])('users of %s are a conflict', (_, apps) => {
    expect(problem(stepsSplit(apps, sides))).toMatchObject({ category: 'conflict', reason: expect.stringContaining(`${apps.weight} % of users`) });
  });

  test.each<[string, Split, Sides?]>([
    ['an unknown stable version', { stable: 'X', weight: 0 }],
    ['an unknown candidate', { stable: 'S', candidate: 'X', weight: 5 }],
    ['an old stable version beside the candidate', { stable: 'X', candidate: 'T', weight: 5 }],
    ['all users beside a stable version, which would read as a promotion', { stable: 'S', candidate: 'T', weight: 100 }],
    ['a share for an empty twin', { stable: 'S', weight: 5 }, { ...sides, candidate: '' }],
    ['a share for an empty twin by its empty name', { stable: 'S', candidate: '', weight: 5 }, { ...sides, candidate: '' }],
    ['everybody on an empty twin', { stable: '', weight: 0 }, { ...sides, candidate: '' }],
  ])('%s cannot be served', (_, versions, there = sides) => {
    expect(problem(gatewaySplit(versions, there))).toMatchObject({ category: 'input', reason: expect.stringMatching(/^the gateway cannot give /) });
  });

  test('what was set is what is read, for every split of the two versions', () => {
    const weight = fc.integer({ min: 1, max: 9999 }).map((hundredths) => hundredths / 100);
    const split = fc.oneof(fc.constantFrom<Split>({ stable: 'S', weight: 0 }, { stable: 'T', weight: 0 }), weight.map((share): Split => ({ stable: 'S', candidate: 'T', weight: share })));
    fc.assert(fc.property(split, (versions) => sameSplit(value(stepsSplit(value(gatewaySplit(versions, sides)), sides)), versions)), { seed: 7 });
  });
});
