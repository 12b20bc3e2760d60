import { displayWidth, graphemesOf, type Clock, type Progress } from '@sluice/core';
import { progressText } from './progress-lines.ts';
import type { Writer } from './streams.ts';

const widestBar = 24;
const narrowestBar = 8;
const redrawMs = 100;
const fallbackColumns = 80;
/** freeColumns stay free at the end: a terminal wraps a line that fills the last column, and shows `^C` behind the cursor. */
const freeColumns = 3;
const clearLine = '\r\u001B[2K';

/** fitColumns cuts a line to at most `columns` terminal columns, between characters as people count them; an ellipsis marks the cut. */
export const fitColumns = (line: string, columns: number): string => {
  if (displayWidth(line) <= columns) return line;
  let fitting = '';
  let used = 1;
  for (const grapheme of graphemesOf(line)) {
    used += displayWidth(grapheme);
    if (used > columns) break;
    fitting += grapheme;
  }
  return columns < 1 ? '' : `${fitting.trimEnd()}…`;
};

/**
 * barText draws progress in one line: `canary 25 %  [######------]  31 of 60 answers`. Where that is too much for the
 * terminal, the bar gives way to the text first.
 */
export const barText = (progress: Progress, columns: number): string => {
  if (progress.share === undefined) return fitColumns(progressText(progress), columns);
  const { label, text } = progress;
  // Four columns are the brackets and a blank, and a text has two blanks before it.
  const taken = displayWidth(label) + 4 + (text === '' ? 0 : displayWidth(text) + 2);
  const cells = Math.min(widestBar, Math.max(narrowestBar, columns - taken));
  const filled = Math.round(Math.min(1, Math.max(0, progress.share)) * cells);
  // ASCII only: block characters are two columns wide on many terminals set up for CJK.
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(cells - filled)}]`;
  return fitColumns([label, bar, text].filter((part) => part !== '').join('  '), columns);
};

/** LiveLine is the one line at the bottom of a terminal that is redrawn in place. */
export interface LiveLine {
  /** show draws what `make` makes for a number of columns. */
  show(make: (columns: number) => string): void;
  /** above takes the line away while something is written, and puts it back below that. */
  above(write: () => void): void;
  /** end takes the line away for good. */
  end(): void;
}

/** liveLine draws at most ten times a second; what comes faster is drawn late, and only the last of it. */
export const liveLine = (writer: Writer, clock: Clock): LiveLine => {
  let latest: ((columns: number) => string) | undefined;
  let shown = false;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let waiting: AbortController | undefined;
  const draw = (): void => {
    if (latest === undefined) return;
    drawnAt = clock.elapsed();
    shown = true;
    writer.write(`${clearLine}${latest((writer.columns ?? fallbackColumns) - freeColumns)}`);
  };
  const hide = (): void => {
    if (shown) writer.write(clearLine);
    shown = false;
  };
  const drawLater = (milliseconds: number): void => {
    if (waiting !== undefined) return;
    const turn = new AbortController();
    waiting = turn;
    void clock.sleep(milliseconds, turn.signal).then(() => {
      if (turn.signal.aborted) return;
      waiting = undefined;
      draw();
    });
  };
  return {
    show: (make) => {
      latest = make;
      const wait = redrawMs - (clock.elapsed() - drawnAt);
      if (wait > 0) drawLater(wait);
      else draw();
    },
    above: (write) => {
      hide();
      write();
      draw();
    },
    end: () => {
      latest = undefined;
      waiting?.abort();
      waiting = undefined;
      hide();
    },
  };
};
