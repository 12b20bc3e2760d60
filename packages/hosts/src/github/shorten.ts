const notice = '\n\nThe rest was cut: the whole text is in the results folder and in the log.\n';

/** shorten cuts Markdown at the end of a line so that it keeps within a limit, and says so. `measure` counts bytes or characters. */
export const shorten = (markdown: string, limit: number, measure: (text: string) => number): string => {
  if (measure(markdown) <= limit) return markdown;
  const kept: string[] = [];
  let used = measure(notice);
  for (const line of markdown.split('\n')) {
    used += measure(line) + 1;
    if (used > limit) break;
    kept.push(line);
  }
  return kept.join('\n') + notice;
};
