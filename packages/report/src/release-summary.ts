import { durationText, type Exposure, type StepResult } from '@sluice/core';
import { canaryEvidenceOf } from './canary-evidence.ts';
import { canarySection } from './canary-section.ts';
import { diffEvidenceOf } from './diff-evidence.ts';
import { diffSection } from './diff-section.ts';
import { exposureSection } from './exposure-section.ts';
import { blamedIn, failuresSection, knownSection } from './failures-section.ts';
import { checksSection, findingsSection } from './findings-section.ts';
import { leavesOf } from './leaves.ts';
import { cell, longCell, markdownTable } from './markdown-table.ts';
import { planEvidenceOf } from './plan-evidence.ts';
import { planSection } from './plan-section.ts';
import { stepFlow } from './step-flow.ts';

const stepRow = (result: StepResult): readonly string[] => [
  cell(result.step),
  result.status,
  // A time that is broken over two lines is hard to read.
  durationText(result.durationMs).replaceAll(' ', '\u00a0'),
  cell(result.reason),
];

/** mostFindings is how many findings a summary lists: GitHub drops one of more than 1 MiB. */
const mostFindings = 200;

/** Around is what a summary needs to know beside the result. */
export interface Around {
  readonly exposure?: Exposure;
  /** filesUrl is the address of the repository's files at the commit. */
  readonly filesUrl?: string;
}

/**
 * releaseSummary is a result as Markdown for a CI system's summary page: the outcome, what failed and what to do, the
 * steps, what was found and asked, what the canary saw, and, with `exposure`, who is served by what. All text in it is escaped.
 */
export const releaseSummary = (result: StepResult, { exposure, filesUrl = '' }: Around = {}): string => {
  const leaves = leavesOf(result);
  const blamed = blamedIn(result);
  const canaries = leaves.flatMap((leaf) => canaryEvidenceOf(leaf) ?? []);
  const diffs = leaves.flatMap((leaf) => diffEvidenceOf(leaf) ?? []);
  const plans = leaves.flatMap((leaf) => planEvidenceOf(leaf) ?? []);
  const composed = leaves.length > 1;
  const looked = [...findingsSection(result, { most: mostFindings, filesUrl }), ...checksSection(result)];
  return [
    `## ${cell(result.step)}: ${result.status}`,
    longCell(result.reason),
    ...(composed && blamed.length > 0 ? ['### What failed and what to do', failuresSection(blamed)] : []),
    // The reason of one step stands above.
    ...(composed ? [] : blamed.map(knownSection).filter((text) => text !== '')),
    ...(composed
      ? [
          '### Steps',
          stepFlow(leaves),
          markdownTable(['step', 'status', 'time', 'reason'], leaves.map(stepRow), [2]),
          `${durationText(result.durationMs)} in all, from ${cell(result.startedAt)}.`,
        ]
      : []),
    ...(composed && looked.length > 0 ? ['### Findings and checks'] : []),
    ...looked,
    ...canaries.flatMap((evidence) => ['### Canary', canarySection(evidence)]),
    ...plans.map(planSection),
    ...diffs.map(diffSection),
    ...(exposure === undefined ? [] : ['### Who is served by the candidate', exposureSection(exposure)]),
    '',
  ].join('\n\n');
};
