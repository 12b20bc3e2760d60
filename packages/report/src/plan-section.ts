import { durationText, percentText } from '@sluice/core';
import { cell, markdownTable } from './markdown-table.ts';
import type { PlanEvidence, PlanRow } from './plan-evidence.ts';

const rowCells = ({ traffic, healthy, worse, smallest, improvements }: PlanRow): readonly string[] => [
  String(traffic),
  percentText(worse.abort),
  percentText(worse.abortWithin),
  percentText(worse.promote),
  String(Math.round(worse.exposed)),
  percentText(healthy.abort),
  durationText(healthy.medianMs),
  smallest === null ? 'none' : percentText(smallest),
  improvements.length === 0 ? '' : improvements.slice(0, 3).map(({ change, abort }) => `${cell(change)}: ${percentText(abort)}`).join(', '),
];

/** planSection is a forecast as Markdown: one table for each environment. */
export const planSection = ({ base, change, withinMs, forecasts }: PlanEvidence): string =>
  forecasts
    .flatMap(({ environment, plan, leastMs, falseAbort, rows }) => [
      `### Forecast for ${cell(environment)}`,
      `${cell(plan)}. At least ${durationText(leastMs)}; a good version is aborted in at most ${percentText(falseAbort)} of rollouts. The worse version fails ${percentText(change)} of its answers instead of ${percentText(base)}.`,
      markdownTable(
        ['requests a second', 'caught', `caught in ${durationText(withinMs)}`, 'let through', 'requests exposed', 'good version aborted', 'good version takes', 'caught in 90 of 100', 'more is caught with'],
        rows.map(rowCells),
        [0, 1, 2, 3, 4, 5],
      ),
    ])
    .join('\n\n');
