import type { Exposure, Served } from '@sluice/core';

const order: readonly Served[] = ['nobody', 'a share', 'everybody'];

/** servedAfter says who meets the candidate after a step, by the target's own table; `nobody` for steps that are not in it. */
export const servedAfter = (exposure: Exposure, step: string): Served =>
  exposure.rows.find((row) => row.step === step)?.served ?? 'nobody';

/** widerThan compares how many users meet the candidate. */
export const widerThan = (one: Served, other: Served): boolean => order.indexOf(one) > order.indexOf(other);

/** exposureLines writes the table "who is served by what" for a log. */
export const exposureLines = (exposure: Exposure): readonly string[] => [
  `Who meets the new version, on ${exposure.title}:`,
  ...exposure.rows.map((row) => `  after ${row.step}: ${row.served}${row.note === '' ? '' : ` (${row.note})`}`),
  ...(exposure.bypasses.length === 0 ? [] : [`  not governed by the split: ${exposure.bypasses.join(', ')}`]),
];
