import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod/mini';
import { markLargest } from '../src/marks.ts';
import { logEvidence, logExcess, ratios, type Table } from '../src/two-sample.ts';

const table = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const bets = z.array(z.number());

/** vectors are what scipy says; parity.py has the command that made them. */
const vectors = z
  .object({
    evidence: z.array(z.object({ table, bets })),
    noncentral: z.array(z.object({ table, bets })),
    excess: z.array(z.object({ table, margin: z.number(), bets })),
    values: z.array(z.object({ stable: bets, candidate: bets, marked: z.record(z.string(), z.number()) })),
  })
  .parse(JSON.parse(readFileSync(new URL('./parity.json', import.meta.url), 'utf8')));

const tableOf = ([stable, candidate, markedStable, markedCandidate]: z.output<typeof table>): Table => ({ stable, candidate, markedStable, markedCandidate });

/** closeTo compares logarithms: eight digits, or eight places where they are small. */
const closeTo = (ours: readonly number[], theirs: readonly number[]): void => {
  expect(ours).toHaveLength(theirs.length);
  for (const [index, bet] of ours.entries()) {
    const wanted = theirs[index] ?? Number.NaN;
    expect(Math.abs(bet - wanted)).toBeLessThanOrEqual(1e-8 * Math.max(1, Math.abs(wanted)));
  }
};

describe('what scipy computes', () => {
  test('the hypergeometric evidence, from its whole distribution', () => {
    expect(vectors.evidence.length).toBeGreaterThanOrEqual(30);
    for (const row of vectors.evidence) closeTo(logEvidence(tableOf(row.table)), row.bets);
  });

  test('the same as a likelihood ratio of Fisher\'s noncentral hypergeometric distribution', () => {
    for (const row of vectors.noncentral) closeTo(logEvidence(tableOf(row.table)), row.bets);
  });

  test('the excess over a margin, averaged over every outcome of the coin', () => {
    expect(vectors.excess.length).toBeGreaterThanOrEqual(60);
    for (const row of vectors.excess) closeTo(logExcess(tableOf(row.table), ratios, row.margin), row.bets);
  });

  test('how many of the largest values are the candidate\'s', () => {
    for (const { stable, candidate, marked } of vectors.values) {
      for (const [share, count] of Object.entries(marked)) expect(markLargest(stable, candidate, Number(share)).markedCandidate).toBe(count);
    }
  });
});
