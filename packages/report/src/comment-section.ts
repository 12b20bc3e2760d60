import { placeText, type StepResult } from '@sluice/core';
import * as z from 'zod/mini';
import { endedBadly, leavesOf } from './leaves.ts';
import { diffEvidenceOf } from './diff-evidence.ts';
import { diffSection } from './diff-section.ts';
import { foundIn } from './found.ts';
import { cell, longCell, markdownTable } from './markdown-table.ts';
import { planEvidenceOf } from './plan-evidence.ts';
import { planSection } from './plan-section.ts';

/** mostRows is how many findings a comment lists; the result document has all of them. */
const mostRows = 30;

/** Judged is what a comment is about. */
export interface Judged {
  /** commit is a full hash; empty when unknown. */
  readonly commit: string;
  readonly runUrl: string;
}

const asked = z.object({ checked: z.array(z.object({ name: z.string(), passed: z.boolean() })) });

/** webAddress is an address that may become a link: no script, no credentials, and nothing that ends the link. */
const webAddress = (text: string): string | undefined => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return url.href.replace(/[()[\]<>|\\`*_~]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
};

const link = (text: string, address: string): string => {
  const url = webAddress(address);
  return url === undefined ? '' : `[${text}](${url})`;
};

const headLine = ({ step, environment, status }: StepResult, { commit, runUrl }: Judged): string => {
  const where = environment === undefined ? '' : ` (${cell(environment)})`;
  const of = /^[0-9a-f]{7,}$/.test(commit) ? ` for ${commit.slice(0, 7)}` : '';
  const log = link('log', runUrl);
  return `**${cell(step)}**${where}: ${status}${of}${log === '' ? '' : `, ${log}`}`;
};

/** saidOf is why it ended so. What an application or a server said is for the log: a comment is read by everybody. */
const saidOf = (result: StepResult): readonly string[] => {
  const { reason, hint, evidence, problem } = result;
  const checks = asked.safeParse(evidence).data?.checked;
  if (checks !== undefined && endedBadly(result)) {
    return ['The application does not answer as it should. What it said is in the log.', checks.map(({ name, passed }) => `- ${cell(name)}: ${passed ? 'passed' : 'failed'}`).join('\n')];
  }
  // A reason that came with a server's answer may quote it.
  const why = problem?.answer === undefined ? longCell(reason) : `${cell(problem.tried ?? result.step)} failed. What the server said is in the log.`;
  return [why, ...(hint === '' ? [] : [`Next: ${longCell(hint)}`])];
};

const findingsTable = (result: StepResult): readonly string[] => {
  const found = foundIn(leavesOf(result))?.found ?? [];
  if (found.length === 0) return [];
  const rows = found.slice(0, mostRows).map(({ severity, place, message, rule, hint }) => [severity, cell(placeText(place)), cell(hint === '' ? message : `${message} ${hint}`), cell(rule)]);
  return [markdownTable(['severity', 'place', 'finding', 'rule'], rows), ...(found.length > mostRows ? [`And ${found.length - mostRows} more: they are in the log.`] : [])];
};

/** commentSection is a step's part of the comment on a pull request: how it ended, the address to look at, and what a reviewer has to know. */
export const commentSection = (result: StepResult, judged: Judged): string => {
  const preview = link('Open the preview', result.outputs['url'] ?? result.outputs['preview'] ?? '');
  const diffs = leavesOf(result).flatMap((leaf) => diffEvidenceOf(leaf) ?? []);
  const plans = leavesOf(result).flatMap((leaf) => planEvidenceOf(leaf) ?? []);
  return [
    headLine(result, judged),
    ...(preview === '' ? [] : [preview]),
    ...saidOf(result),
    ...findingsTable(result),
    ...diffs.map(diffSection),
    ...plans.map((plan) => `<details><summary>Forecast</summary>\n\n${planSection(plan)}\n\n</details>`),
  ].join('\n\n');
};
