import type { StepResult } from '@sluice/core';
import * as z from 'zod/mini';
import { endedBadly, leavesOf } from './leaves.ts';
import { diffEvidenceOf } from './diff-evidence.ts';
import { diffSection } from './diff-section.ts';
import { findingsSection } from './findings-section.ts';
import { cell, longCell } from './markdown-table.ts';
import { planEvidenceOf } from './plan-evidence.ts';
import { planSection } from './plan-section.ts';
import { webLink } from './web-link.ts';

/** mostRows is how many findings a comment lists; the result document has all of them. */
const mostRows = 30;

/** Judged is what a comment is about. */
export interface Judged {
  /** commit is a full hash; empty when unknown. */
  readonly commit: string;
  readonly runUrl: string;
  /** filesUrl is the address of the repository's files at the commit; absent where that is not known. */
  readonly filesUrl?: string;
}

const asked = z.object({ checked: z.array(z.object({ name: z.string(), passed: z.boolean() })) });

const headLine = ({ step, environment, status }: StepResult, { commit, runUrl }: Judged): string => {
  const where = environment === undefined ? '' : ` (${cell(environment)})`;
  const of = /^[0-9a-f]{7,}$/.test(commit) ? ` for ${commit.slice(0, 7)}` : '';
  const log = webLink('log', runUrl);
  return `**${cell(step)}**${where}: ${status}${of}${log === undefined ? '' : `, ${log}`}`;
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

/** commentSection is a step's part of the comment on a pull request: how it ended, the address to look at, and what a reviewer has to know. */
export const commentSection = (result: StepResult, judged: Judged): string => {
  const preview = webLink('Open the preview', result.outputs['url'] ?? result.outputs['preview'] ?? '');
  const diffs = leavesOf(result).flatMap((leaf) => diffEvidenceOf(leaf) ?? []);
  const plans = leavesOf(result).flatMap((leaf) => planEvidenceOf(leaf) ?? []);
  return [
    headLine(result, judged),
    ...(preview === undefined ? [] : [preview]),
    ...saidOf(result),
    ...findingsSection(result, { most: mostRows, filesUrl: judged.filesUrl ?? '' }),
    ...diffs.map(diffSection),
    ...plans.map((plan) => `<details><summary>Forecast</summary>\n\n${planSection(plan)}\n\n</details>`),
  ].join('\n\n');
};
