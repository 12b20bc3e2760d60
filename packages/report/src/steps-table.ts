import { displayWidth, durationText, logLine, oneLine, padToWidth, type StepResult } from '@sluice/core';
import { leavesOf } from './leaves.ts';

const longestReason = 100;

/** stepsTable is a result's steps for a terminal: name, status, time and reason in columns, CJK widths counted. */
export const stepsTable = (result: StepResult): string => {
  const rows = leavesOf(result).map(({ step, status, durationMs, reason }) => [
    oneLine(step, 40),
    status,
    durationText(durationMs),
    oneLine(reason, longestReason),
  ]);
  const width = (column: number): number => Math.max(...rows.map((row) => displayWidth(row[column] ?? '')));
  const [names, states, times] = [width(0), width(1), width(2)];
  return rows
    .map(([step = '', status = '', time = '', reason = '']) =>
      logLine(`${padToWidth(step, names)}  ${padToWidth(status, states)}  ${padToWidth(time, times, 'end')}  ${reason}`.trimEnd()),
    )
    .join('\n');
};
