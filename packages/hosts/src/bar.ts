import { displayWidth, graphemesOf, type Clock, type Progress } from '@sluice/core';
import { progressText } from './progress-lines.ts';
import type { Writer } from './streams.ts';

const barColumns = 24;
const redrawMs = 100;
const fallbackColumns = 80;
const clearLine = '\r\u001B[2K';

/** fitColumns cuts a line to at most `columns` terminal columns, between characters as people count them. */
export const fitColumns = (line: string, columns: number): string => {
  if (displayWidth(line) <= columns) return line;
  let fitting = '';
  let used = 0;
  for (const grapheme of graphemesOf(line)) {
    used += displayWidth(grapheme);
    if (used > columns) break;
    fitting += grapheme;
  }
  return fitting;
};

/** barText draws progress in one line: `canary 25 %  [######------]  31 of 60 answers`. */
export const barText = (progress: Progress): string => {
  if (progress.share === undefined) return progressText(progress);
  const filled = Math.round(Math.min(1, Math.max(0, progress.share)) * barColumns);
  // ASCII only: block characters are two columns wide on many terminals set up for CJK.
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barColumns - filled)}]`;
  return [progress.label, bar, progress.text].filter((part) => part !== '').join('  ');
};

/** LiveLine is the one line at the bottom of a terminal that is redrawn in place. */
export interface LiveLine {
  show(line: string): void;
  /** hide takes the line away, before anything else is written. */
  hide(): void;
}

/** liveLine draws at most ten times a second; what comes faster is left out, and the next draw shows what is then true. */
export const liveLine = (writer: Writer, clock: Clock): LiveLine => {
  let shown = false;
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    show: (line) => {
      const now = clock.elapsed();
      if (now - drawnAt < redrawMs) return;
      drawnAt = now;
      shown = true;
      // One column stays free: a terminal wraps a line that fills the last one.
      writer.write(`${clearLine}${fitColumns(line, (writer.columns ?? fallbackColumns) - 1)}`);
    },
    hide: () => {
      if (!shown) return;
      shown = false;
      writer.write(clearLine);
    },
  };
};
