import type { CanaryEvidence, CanaryPoint } from './canary-evidence.ts';

/** samples is how many values a chart has; Mermaid spreads them evenly over its axis. */
const samples = 48;

/** look sets what Mermaid chooses badly: a line in a colour that is seen on light and on dark pages, and half the height. */
const look = `%%{init: ${JSON.stringify({ xyChart: { height: 260 }, themeVariables: { xyChart: { plotColorPalette: '#d97a2b' } } })}}%%`;

/** at is the look that covers a moment: a look tells what was true since the one before it. */
const at = (history: readonly CanaryPoint[], moment: number): CanaryPoint | undefined => history.find(({ atMs }) => atMs >= moment) ?? history.at(-1);

const axis = (endMs: number): string =>
  endMs >= 600_000 ? `"minutes" 0 --> ${Number((endMs / 60_000).toFixed(1))}` : `"seconds" 0 --> ${Math.max(1, Math.round(endMs / 1000))}`;

/**
 * canaryChart is a Mermaid chart of a canary: the candidate's share of users over time or, where no traffic was moved, the
 * answers that were compared. It holds numbers only. Empty when there is nothing to draw.
 */
export const canaryChart = ({ history }: Pick<CanaryEvidence, 'history'>): string => {
  const end = history.at(-1)?.atMs ?? 0;
  if (history.length < 2 || end <= 0) return '';
  const moved = history.some(({ weight }) => weight > 0);
  const value = (point: CanaryPoint | undefined): number => (moved ? point?.weight : point?.candidate) ?? 0;
  const values = Array.from({ length: samples + 1 }, (_, index) => value(index === samples ? history.at(-1) : at(history, (end * index) / samples)));
  const top = moved ? 100 : Math.max(1, ...values);
  return [
    '```mermaid',
    look,
    'xychart-beta',
    `  x-axis ${axis(end)}`,
    `  y-axis "${moved ? 'per cent of users' : 'answers compared'}" 0 --> ${top}`,
    `  line [${values.map((one) => Number(one.toFixed(1))).join(', ')}]`,
    '```',
  ].join('\n');
};
