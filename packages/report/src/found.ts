import { createHash } from 'node:crypto';
import type { StepResult } from '@sluice/core';
import { lookedOf, type FindingRow } from './finding-rows.ts';

/** mostFindings is how many findings a report holds: GitHub takes 25,000 results a run and shows 5,000. */
const mostFindings = 5000;

/** Found is a finding with what tells it from others, also after lines were added above it. */
export interface Found extends FindingRow {
  readonly fingerprint: string;
}

/** Findings are what the steps of a job found in files. */
export interface Findings {
  /** results are the steps that looked. */
  readonly results: readonly StepResult[];
  readonly found: readonly Found[];
  /** left is how many more there are. */
  readonly left: number;
}

const order = { error: 0, warning: 1, notice: 2 } as const;

/** lasting is what of a message stays when lines move: some name another line, as in `sluice.yml:12:3`. */
const lasting = (message: string): string => message.replace(/:\d+(?::\d+)?\b/g, '').replace(/\bline \d+/gi, 'line');

/** without the places of the same: an application that several environments share is looked at for each of them. */
const once = (findings: readonly FindingRow[]): readonly FindingRow[] => [
  ...new Map(findings.map((finding) => [JSON.stringify([finding.rule, finding.place.file, finding.place.line, finding.place.column, finding.message]), finding])).values(),
];

/**
 * fingerprinted gives each finding a fingerprint of rule, file and message, and of its number among those that are alike: one
 * that only moved keeps it, and no two have the same, which GitLab would take for one.
 */
const fingerprinted = (findings: readonly FindingRow[]): readonly Found[] => {
  const times = new Map<string, number>();
  return findings.map((finding) => {
    const key = JSON.stringify([finding.rule, finding.place.file, lasting(finding.message)]);
    const number = times.get(key) ?? 0;
    times.set(key, number + 1);
    return { ...finding, fingerprint: createHash('sha256').update(JSON.stringify([key, number])).digest('hex') };
  });
};

/** foundIn are the findings of a job's steps, the gravest first and each once; undefined when no step of them looked. */
export const foundIn = (results: readonly StepResult[]): Findings | undefined => {
  const looked = results.flatMap((result) => {
    const one = lookedOf(result);
    return one === undefined ? [] : [{ result, findings: one.findings }];
  });
  if (looked.length === 0) return undefined;
  const all = fingerprinted(once(looked.flatMap(({ findings }) => findings))).toSorted((one, other) => order[one.severity] - order[other.severity]);
  return { results: looked.map(({ result }) => result), found: all.slice(0, mostFindings), left: Math.max(0, all.length - mostFindings) };
};
