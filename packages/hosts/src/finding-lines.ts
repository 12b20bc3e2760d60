import { placeText, type Finding, type Shown } from '@sluice/core';
import { excerptLines, unpainted, widestPlain, type Paint } from './excerpt-lines.ts';
import type { Voice } from './voice.ts';

/** Drawing is how findings are drawn on a stream. */
export interface Drawing {
  readonly columns: number;
  readonly paint: Paint;
}

/** plainDrawing is for logs. */
export const plainDrawing: Drawing = { columns: widestPlain, paint: unpainted };

/** belowFinding are the lines of an excerpt, ready to be written. */
export const belowFinding = (voice: Voice, { excerpt }: Shown, { columns, paint }: Drawing): readonly string[] => {
  if (excerpt === undefined) return [];
  const clean = excerpt.lines.map((line) => ({ ...line, text: voice.clean(line.text) }));
  return excerptLines({ ...excerpt, lines: clean }, columns, (text) => paint(text, 'gutter'));
};

/**
 * writeFinding writes a finding for people who read a log or a terminal: where it is and what is wrong, the lines there with a
 * caret, what to do next, and where the rule is explained. A blank line ends it.
 */
export const writeFinding = (voice: Voice, { severity, place, message, rule, hint }: Finding, shown: Shown, drawing: Drawing = plainDrawing): void => {
  voice.command(`${drawing.paint(severity, severity)} ${voice.clean(`${placeText(place)} ${message} (${rule})`)}`);
  for (const line of belowFinding(voice, shown, drawing)) voice.command(line);
  if (hint !== undefined) voice.line(`  next: ${hint}`);
  if (shown.page !== undefined) voice.line(`  rule: ${shown.page}`);
  voice.line('');
};
