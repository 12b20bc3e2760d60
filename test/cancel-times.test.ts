/*
 * How long users stay on a candidate after SIGINT, with the record in a folder, and on a branch whose hook takes two
 * seconds. scripts/cancel-times.js does the same often enough for a 99th percentile.
 */
import { appendFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { cancelledCanaries } from './cancel-measure.ts';

const runs = Number(process.env['SLUICE_CANCEL_RUNS'] ?? 2);
const log = process.env['SLUICE_CANCEL_RESULTS'];

test('SIGINT: users have stable again before a runner loses patience, also while a slow store holds a push', async () => {
  const both = await Promise.all((['folder', 'branch'] as const).map((store) =>
    cancelledCanaries(store, runs, (one) => {
      if (log !== undefined) appendFileSync(log, `${JSON.stringify({ store, ...one })}\n`);
    }),
  ));
  const all = both.flat();
  expect(all.map(({ code }) => code)).toEqual(all.map(() => 130));
  for (const { reason } of all) expect(reason).toMatch(/all traffic is back on .*, read back from what answers users/);
  // GitHub's runner leaves 7.5 s between its two signals; three seconds are for a machine with nothing else to do.
  expect(Math.max(...all.map(({ ms }) => ms))).toBeLessThan(7500);
}, 14_400_000);
