import { markdownText, oneLine } from '@sluice/core';

/** longest is how many characters of a text a table shows; the result document has the whole. */
const longest = 300;

/** cell is text from outside for one cell or one list item. */
export const cell = (text: string): string => markdownText(oneLine(text, longest));

/** longestReason is how long the one reason of the whole may be: it says where the users are now. */
const longestReason = 2000;

/** longCell is text from outside for a paragraph of its own. */
export const longCell = (text: string): string => markdownText(oneLine(text, longestReason));

/** markdownTable makes a table; cells are Markdown that has been escaped already. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[] = []): string => {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (right.includes(index) ? '---:' : '---'));
  return [head, rule, ...rows].map(line).join('\n');
};
