import type { Exposure } from '@sluice/core';
import { cell, markdownTable } from './markdown-table.ts';

/** exposureSection says who meets the candidate after each step, and which doors the split does not govern. */
export const exposureSection = (exposure: Exposure): string =>
  [
    `On ${cell(exposure.title)}:`,
    markdownTable(
      ['after', 'served by the candidate', 'because'],
      exposure.rows.map(({ step, served, note }) => [cell(step), served, cell(note)]),
    ),
    ...(exposure.bypasses.length === 0
      ? []
      : [['Not governed by the split:', ...exposure.bypasses.map((door) => `- ${cell(door)}`)].join('\n')]),
  ].join('\n\n');
