import { markdownText, oneLine } from '@sluice/core';

/** Section is a part of a comment: what one step said of one environment. */
export interface Section {
  readonly name: string;
  readonly markdown: string;
}

/** mostSections is how many sections a comment keeps; older ones make room. */
const mostSections = 50;

const cutNotice = '_The rest was cut: the whole text is in the log and in the results of the job._';

/** nameText makes a name safe inside an HTML comment, where two hyphens could end it; different names stay different. */
const nameText = (name: string): string => encodeURIComponent(Buffer.from(name, 'utf8').toString('utf8')).replaceAll('--', '-%2D').replace(/-$/, '%2D');

const firstLine = (marker: string): string => `<!-- sluice comment: ${nameText(marker)} -->`;

const sectionLine = (name: string): string => `<!-- sluice section: ${nameText(name)} -->`;

const sectionPattern = /^<!-- sluice section: (\S+) -->$/;

/** isComment tells the comment with this marker from all others, also from one that quotes it. */
export const isComment = (body: string, marker: string): boolean => body.startsWith(firstLine(marker));

/**
 * harmless is Markdown that can neither forge a marker nor give GitLab an order: a line that begins with `/close` is one
 * (docs.gitlab.com, quick actions). It ends what it opened, so that the next section is seen.
 */
export const harmless = (markdown: string): string =>
  markdown
    .replaceAll('\r', '')
    .replaceAll('<!--', '&lt;!--')
    .replace(/^(\s*)\//gm, '$1&#47;')
    .trim();

const openFence = (lines: readonly string[]): boolean => lines.filter((line) => /^\s*```/.test(line)).length % 2 === 1;

/** cut shortens Markdown at the end of a line and says so; a fence that the cut left open is ended. */
const cut = (markdown: string, limit: number): string => {
  if (markdown.length <= limit) return markdown;
  const kept: string[] = [];
  let used = cutNotice.length + '\n```\n\n'.length;
  for (const line of markdown.split('\n')) {
    used += line.length + 1;
    if (used > limit) break;
    kept.push(line);
  }
  return [...kept, ...(openFence(kept) ? ['```'] : []), '', cutNotice].join('\n');
};

/** allowance is the longest that a section may be for all to fit: the longest ones are cut, and none more than it must be. */
const allowance = (lengths: readonly number[], budget: number): number => {
  let left = budget;
  const ascending = lengths.toSorted((one, other) => one - other);
  for (const [index, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (length > share) return share;
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
};

/** sectionsOf are the sections of a comment's text, in its order; people may have edited it. */
export const sectionsOf = (body: string): readonly Section[] => {
  const found: { name: string; lines: string[] }[] = [];
  for (const line of body.replaceAll('\r', '').split('\n')) {
    const name = sectionPattern.exec(line)?.[1];
    if (name !== undefined) found.push({ name, lines: [] });
    else found.at(-1)?.lines.push(line);
  }
  return found.flatMap(({ name, lines }) => (isName(name) ? [{ name: decodeURIComponent(name), markdown: harmless(lines.join('\n')) }] : []));
};

const isName = (text: string): boolean => {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    // Somebody has edited the line: nothing could find this section again.
    return false;
  }
};

/** merged are sections with others put in their place by name, or behind them; the oldest of the earlier ones make room. */
export const merged = (earlier: readonly Section[], later: readonly Section[]): readonly Section[] => {
  const sections = new Map([...earlier, ...later].map((section) => [section.name, { ...section, markdown: harmless(section.markdown) }]));
  const old = earlier.map(({ name }) => name).filter((name) => later.every((section) => section.name !== name));
  for (const name of old.slice(0, Math.max(0, sections.size - mostSections))) sections.delete(name);
  return [...sections.values()];
};

/** commentText is the whole comment within a limit in characters; the longest sections are shortened, and say so. */
export const commentText = (marker: string, sections: readonly Section[], limit: number): string => {
  const head = [firstLine(marker), `### Sluice: ${markdownText(oneLine(marker, 200))}`].join('\n');
  const frame = head.length + sections.reduce((sum, { name }) => sum + sectionLine(name).length + '\n\n\n'.length, 0);
  const most = allowance(sections.map(({ markdown }) => markdown.length), Math.max(0, limit - frame));
  return [head, ...sections.map(({ name, markdown }) => `${sectionLine(name)}\n${cut(markdown, most)}`)].join('\n\n');
};
