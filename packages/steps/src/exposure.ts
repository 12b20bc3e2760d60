import type { Exposure, Served } from '@sluice/core';

const order: readonly Served[] = ['nobody', 'a share', 'everybody'];

/** servedAfter says who meets the candidate after a step, by the target's own table; `nobody` for steps that are not in it. */
export const servedAfter = (exposure: Exposure, step: string): Served =>
  exposure.rows.find((row) => row.step === step)?.served ?? 'nobody';

/** publishesFirst says whether a version is published before it is judged by users, by the target's own table; else the candidate is judged as it was deployed. */
export const publishesFirst = ({ rows }: Exposure): boolean => {
  const at = (step: string): number => rows.findIndex((row) => row.step === step);
  return at('publish-version') >= 0 && at('publish-version') < at('canary');
};

/** widerThan compares how many users meet the candidate. */
export const widerThan = (one: Served, other: Served): boolean => order.indexOf(one) > order.indexOf(other);

/** exposureLines writes the table "who is served by what" for a log. */
export const exposureLines = (exposure: Exposure): readonly string[] => [
  `Who meets the new version, on ${exposure.title}:`,
  ...exposure.rows.map((row) => `  after ${row.step}: ${row.served}${row.note === '' ? '' : ` (${row.note})`}`),
  ...(exposure.bypasses.length === 0 ? [] : [`  not governed by the split: ${exposure.bypasses.join(', ')}`]),
];
