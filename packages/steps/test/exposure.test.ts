import { describe, expect, test } from '@jest/globals';
import type { Exposure, Served } from '@sluice/core';
import { publishesFirst, servedAfter, widerThan } from '../src/exposure.ts';

const table = (...steps: readonly (readonly [string, Served])[]): Exposure => ({ title: 'x', rows: steps.map(([step, served]) => ({ step, served, note: '' })), bypasses: [] });

const pinned = table(['deploy', 'nobody'], ['publish-version', 'nobody'], ['canary', 'a share'], ['health-check live', 'everybody']);
const twin = table(['deploy', 'nobody'], ['canary', 'a share'], ['publish-version', 'everybody'], ['health-check live', 'everybody']);

describe('the order of a release, by the table alone', () => {
  test.each<[string, Exposure, boolean]>([
    ['a version is published before users judge it', pinned, true],
    ['users judge what was deployed', twin, false],
    ['there is no canary', table(['deploy', 'everybody'], ['publish-version', 'everybody']), false],
    ['there is nothing to publish', table(['deploy', 'nobody'], ['canary', 'a share']), false],
  ])('%s', (_, exposure, first) => {
    expect(publishesFirst(exposure)).toBe(first);
  });

  test('who is served stands beside the step, and nobody for a step that is not in the table', () => {
    expect([servedAfter(pinned, 'publish-version'), servedAfter(twin, 'publish-version'), servedAfter(twin, 'notify')]).toEqual(['nobody', 'everybody', 'nobody']);
    expect([widerThan('a share', 'nobody'), widerThan('everybody', 'a share'), widerThan('a share', 'a share')]).toEqual([true, true, false]);
  });
});
