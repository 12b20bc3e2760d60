import { describe, expect, test } from '@jest/globals';
import { clause } from '@sluice/core';
import { briefly } from '../src/wording.ts';

describe('briefly', () => {
  test.each([
    ['app.yml:3:1: no edge leads to "Answer" (and 2 more)', 'app.yml:3:1: no edge leads to "Answer" (and 2 more)'],
    ['the candidate failed in 8 of 10 answers; the error evidence is 80 to 1; all traffic is back on v1', 'the candidate failed in 8 of 10 answers'],
    ['', ''],
    ['回'.repeat(200), '回'.repeat(200)],
    ['𠮷'.repeat(201), `${'𠮷'.repeat(199)}…`],
  ])('%s', (reason, brief) => {
    expect(briefly(reason)).toBe(brief);
  });
});

describe('clause', () => {
  test.each([
    ['the answer was lost.', 'the answer was lost'],
    ['the answer was lost', 'the answer was lost'],
    ['still waiting...', 'still waiting...'],
  ])('%s', (reason, inside) => {
    expect(clause(reason)).toBe(inside);
  });
});
