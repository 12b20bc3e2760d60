import { htmlText, markdownText, oneLine } from '@sluice/core';
import { changeGroups, fateText } from './diff-groups.ts';
import { sideText, type DiffedApplication, type DiffEvidence, type ShownChange, type ShownPart } from './diff-evidence.ts';
import { graphMermaid } from './graph-mermaid.ts';
import { cell } from './markdown-table.ts';

/** longestSection, in characters, leaves room for other sections in one comment of GitHub (65,536). */
const longestSection = 30_000;

/** foldedFrom is how long a text must be to be folded. */
const foldedFrom = 700;

const tags: Readonly<Record<ShownPart['kind'], readonly [string, string]>> = { kept: ['', ''], added: ['<ins>', '</ins>'], removed: ['<del>', '</del>'] };

/** partMarkdown keeps the blanks that a text is indented with. */
const partMarkdown = ({ kind, text }: ShownPart, first: boolean): string => {
  const indent = first ? (/^[ \t]+/.exec(text)?.[0] ?? '') : '';
  const [open, close] = tags[kind];
  return `${open}${'&nbsp;'.repeat(indent.replaceAll('\t', '    ').length)}${markdownText(text.slice(indent.length))}${close}`;
};

/** plainParts are parts without marks: where the whole is new or gone, that is said once. */
const plainParts = (parts: readonly ShownPart[]): readonly ShownPart[] => parts.map(({ text }) => ({ kind: 'kept', text }));

const lineMarkdown = (parts: readonly ShownPart[]): string => parts.map((part, index) => partMarkdown(part, index === 0)).join('');

/** summaryMarkdown is the line of a folded text. It is HTML: Markdown is not read there, mentions and issues are. */
const summaryMarkdown = ({ kind, subject }: ShownChange): string => {
  const text = htmlText(oneLine(subject, 200)).replace(/([@#])(?=\S)/g, '$1\u200B');
  return kind === 'changed' ? text : `${kind}: ${text}`;
};

const isLong = ({ lines }: ShownChange): boolean => lines.flat().reduce((sum, { text }) => sum + text.length, 0) > foldedFrom;

/** changeMarkdown is one change: what it is, its text on the same line where it is short, else quoted, else folded. */
const changeMarkdown = (change: ShownChange): string => {
  const { kind, subject } = change;
  const lines = kind === 'changed' ? change.lines : change.lines.map(plainParts);
  const head = kind === 'changed' ? cell(subject) : `${kind}: ${cell(subject)}`;
  const [only, second] = lines;
  if (only === undefined) return `- ${head}`;
  if (second === undefined && !isLong(change)) return `- ${head}: ${lineMarkdown(only)}`;
  const quote = `> ${lines.map(lineMarkdown).join('<br>')}`;
  return isLong(change) ? `<details><summary>${summaryMarkdown(change)}</summary>\n\n${quote}\n\n</details>` : `- ${head}\n\n  ${quote}`;
};

/** Blocks gathers Markdown within a budget. */
interface Blocks {
  readonly made: string[];
  left: number;
}

const add = (blocks: Blocks, text: string): boolean => {
  if (text.length + 2 > blocks.left) return false;
  blocks.left -= text.length + 2;
  blocks.made.push(text);
  return true;
};

const addApplication = (blocks: Blocks, application: DiffedApplication): void => {
  const { path, before, total, changes, flow } = application;
  // What stands without its heading would be taken for a change of the application above it.
  if (!add(blocks, `#### ${before === undefined ? '' : `${cell(before)} → `}${cell(path)}: ${fateText(application)}`)) {
    blocks.made.push(`${cell(path)}: ${fateText(application)}, in the log.`);
    return;
  }
  if (flow !== undefined) add(blocks, graphMermaid(flow));
  let shown = 0;
  for (const group of changeGroups(changes)) {
    const [first, ...rest] = group.changes.map(changeMarkdown);
    // A title never stands alone.
    if (first === undefined || !add(blocks, `**${group.title}**\n\n${first}`)) continue;
    shown += 1;
    for (const text of rest) if (add(blocks, text)) shown += 1;
  }
  if (total > shown) blocks.made.push(`And ${total - shown} more: they are in the log.`);
};

/** diffSection is a diff as Markdown for GitHub and GitLab, for each application the changed part of its flow and its changes in groups, 30,000 characters at most. All text in it is escaped. */
export const diffSection = ({ from, to, applications }: DiffEvidence): string => {
  const why = [from.why, to.why].filter((one) => one !== undefined).map(cell).join('; ');
  const blocks: Blocks = { made: [], left: longestSection };
  add(blocks, `From ${cell(sideText(from))} to ${cell(sideText(to))}${why === '' ? '' : ` (${why})`}. <del>Struck through</del> is gone, <ins>underlined</ins> is new.`);
  for (const application of applications) if (application.fate !== 'kept') addApplication(blocks, application);
  return blocks.made.join('\n\n');
};
