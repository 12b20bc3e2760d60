import { describe, expect, test } from '@jest/globals';
import type { StepResult } from '@sluice/core';
import { subjectOf } from '../src/subject.ts';

const noon = Date.parse('2026-11-21T12:00:00.000Z');
const minute = 60_000;

/** resultAt is a result that ended so many minutes after noon. */
const resultAt = (step: string, minutes: number, more: Partial<StepResult> = {}): StepResult => ({
  step,
  status: 'passed',
  category: 'passed',
  reason: '',
  hint: '',
  outputs: {},
  evidence: null,
  startedAt: new Date(noon + minutes * minute - 1000).toISOString(),
  durationMs: 1000,
  run: '7',
  ...more,
});

const bad = { status: 'failed', category: 'gate' } as const;

describe('subjectOf', () => {
  test.each<[string, readonly StepResult[], string]>([
    ['a release that failed', [resultAt('release', 9, bad), resultAt('canary', 8, bad)], 'release'],
    ['a step that failed after a release', [resultAt('release', 1), resultAt('canary', 5, bad)], 'canary'],
    ['a step that failed before a release', [resultAt('release', 5), resultAt('canary', 1, bad)], 'release'],
    ['a step that failed, and later ones that passed', [resultAt('canary', 1, bad), resultAt('health-check', 5)], 'canary'],
    ['the newest of two that failed', [resultAt('canary', 1, bad), resultAt('health-check', 5, bad)], 'health-check'],
    ['the newest of those that passed', [resultAt('deploy', 1), resultAt('health-check', 5), resultAt('validate', 0)], 'health-check'],
    ['a roll-back after a release', [resultAt('release', 1), resultAt('rollback', 2)], 'rollback'],
    ['a release of this run, and a newer failure of another', [resultAt('release', 1), resultAt('canary', 5, { ...bad, run: '6' })], 'release'],
    ['an older release of another run', [resultAt('release', 1, { run: '6' }), resultAt('deploy', 5)], 'deploy'],
    ['a failure that names no run', [resultAt('release', 1), resultAt('canary', 5, { ...bad, run: '' })], 'canary'],
  ])('%s', (_, results, told) => {
    expect(subjectOf(results, '7', noon)?.result.step).toBe(told);
  });

  test('a result that began earlier and took longer is the newer one', () => {
    const long = resultAt('release', 0, { ...bad, startedAt: new Date(noon).toISOString(), durationMs: 10 * minute });
    expect(subjectOf([resultAt('deploy', 5), long], '7', noon)?.result.step).toBe('release');
  });

  test('results of other runs alone are not told', () => {
    expect(subjectOf([resultAt('release', 1, { run: '6' })], '7', noon)).toBeUndefined();
    expect(subjectOf([], '7', noon)).toBeUndefined();
  });

  test('what no run ties to this one is told with its age; what is of this run has none', () => {
    const later = noon + 90 * minute;
    expect(subjectOf([resultAt('release', 0, { run: '' })], '7', later)?.ageMs).toBe(90 * minute);
    expect(subjectOf([resultAt('release', 0)], '', later)?.ageMs).toBe(90 * minute);
    expect(subjectOf([resultAt('release', 0)], '7', later)?.ageMs).toBe(0);
  });

  test('the other steps of the same run stand beside, oldest first', () => {
    const results = [resultAt('canary', 2, bad), resultAt('rollback', 3), resultAt('deploy', 1), resultAt('snapshot', 0, { run: '' })];
    expect(subjectOf(results, '7', noon)?.beside.map(({ step }) => step)).toEqual(['deploy', 'canary', 'rollback']);
    expect(subjectOf(results, '', noon)?.beside).toEqual([]);
  });
});
