import { describe, expect, test } from '@jest/globals';
import { resultOf, type Category, type Outputs, type StepResult } from '@sluice/core';
import { whyBack } from '../src/put-back.ts';

const ended = (step: string, category: Category, outputs: Outputs = {}): StepResult => resultOf(step, { category, reason: 'it ended', outputs }, {}, new Date(0), 0);

describe('the mark beside a version that is put back', () => {
  test.each<[string, StepResult | undefined, string]>([
    ['a canary that was aborted', ended('canary', 'gate', { verdict: 'abort' }), 'aborted'],
    ['a canary without enough evidence', ended('canary', 'evidence', { verdict: 'inconclusive' }), 'inconclusive'],
    ['a live health check that failed', ended('health-check', 'gate'), 'failed'],
    ['a publication that was refused', ended('publish-version', 'platform'), 'failed'],
    ['a release that somebody cancelled', ended('health-check', 'cancelled'), 'aborted'],
    ['nothing that is known', undefined, 'failed'],
  ])('%s', (_name, failing, mark) => {
    expect(whyBack(failing)).toBe(mark);
  });
});
