import { displayWidth, padToWidth } from '@sluice/core';

/** tableLines writes rows under headings in columns that line up on a terminal, CJK included. */
export const tableLines = (headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ''))));
  return all.map((row) => widths.map((width, column) => padToWidth(row[column] ?? '', width)).join('  ').trimEnd());
};
