import { placeText, rulePage, type StepResult } from '@sluice/core';
import * as z from 'zod/mini';
import { canaryEvidenceOf, type CanaryEvidence } from './canary-evidence.ts';
import { guardRow } from './canary-section.ts';
import { knownLines } from './failures-section.ts';
import { lookedOf, type FindingRow } from './finding-rows.ts';

/** JunitCase is one line of a CI system's test page. Its texts are as they came. */
export interface JunitCase {
  readonly name: string;
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped';
  /** type says in a word why it did not pass. */
  readonly type?: string;
  /** message is one sentence; lines are what else is known. */
  readonly message: string;
  readonly lines: readonly string[];
  readonly seconds: number;
}

const checked = z.object({ checked: z.array(z.object({ name: z.string(), passed: z.boolean(), said: z.string(), latencyMs: z.number().check(z.gte(0)) })) });

/** outcomes say what a step's end is to people who read tests: a gate that said no failed, what could not be told is an error. */
const outcomes: Readonly<Record<StepResult['status'], JunitCase['outcome']>> = {
  passed: 'passed',
  failed: 'failure',
  inconclusive: 'error',
  error: 'error',
  cancelled: 'error',
  skipped: 'skipped',
};

const verdictCase = (result: StepResult): JunitCase => ({
  name: result.step,
  outcome: outcomes[result.status],
  type: result.category,
  message: result.reason,
  lines: knownLines(result),
  seconds: result.durationMs / 1000,
});

/** rungCases are what a health check asked, one case each. */
const rungCases = ({ evidence }: StepResult): readonly JunitCase[] =>
  (checked.safeParse(evidence).data?.checked ?? []).map(({ name, passed, said, latencyMs }) => ({
    name,
    outcome: passed ? 'passed' : 'failure',
    type: 'check',
    message: said,
    lines: [],
    seconds: latencyMs / 1000,
  }));

/** failing are the severities that failed a step: warnings only where there is no error to have done it. */
const failing = (result: StepResult, findings: readonly FindingRow[]): ReadonlySet<string> =>
  new Set(result.category === 'gate' && findings.every(({ severity }) => severity !== 'error') ? ['warning'] : ['error']);

/** ruleCases are one case for each rule and file, whose name stays when lines move. */
const ruleCases = (result: StepResult): readonly JunitCase[] => {
  const { findings, checks } = lookedOf(result) ?? { findings: [], checks: [] };
  const severities = failing(result, findings);
  const groups = new Map<string, FindingRow[]>();
  for (const finding of findings) {
    const name = `${finding.rule} ${finding.place.file}`;
    groups.set(name, [...(groups.get(name) ?? []), finding]);
  }
  const rules = [...groups].map(([name, found]): JunitCase => ({
    name,
    outcome: found.some(({ severity }) => severities.has(severity)) ? 'failure' : 'passed',
    type: found.find(({ severity }) => severities.has(severity))?.severity ?? 'notice',
    message: found.length === 1 ? (found[0]?.message ?? '') : `${found[0]?.message ?? ''} (and ${found.length - 1} more)`,
    lines: [...[rulePage(found[0]?.rule ?? '')].filter((page) => page !== undefined), ...found.map(({ place, severity, message, hint }) => `${placeText(place)} ${severity} ${message} ${hint}`.trimEnd())],
    seconds: 0,
  }));
  const asked = checks.map(({ name, status, message }): JunitCase => ({
    name,
    outcome: status === 'failed' ? 'failure' : status,
    type: 'connection',
    message,
    lines: [],
    seconds: 0,
  }));
  return [...rules, ...asked];
};

/** guardCases are what a canary compared: a guard without a count on one side was not judged, and no evidence is no pass. */
const guardCases = (result: StepResult, { readings, silent }: CanaryEvidence): readonly JunitCase[] => [
  ...readings.map((reading): JunitCase => {
    const [guard = '', source = '', stable = '', candidate = '', evidence = ''] = guardRow(reading, (text) => text);
    const against = reading.evidence >= reading.needed && result.category !== 'passed';
    const counted = reading.stable !== null && reading.candidate !== null;
    return {
      name: `${guard}: ${source}`,
      outcome: against ? 'failure' : counted ? 'passed' : 'skipped',
      type: 'guard',
      message: counted ? `stable ${stable}; candidate ${candidate}` : 'nothing counted',
      lines: [`stable: ${stable}`, `candidate: ${candidate}`, `evidence against the candidate: ${evidence}`],
      seconds: 0,
    };
  }),
  ...silent.map((line): JunitCase => ({ name: `evidence: ${line}`, outcome: 'skipped', type: 'evidence', message: line, lines: [], seconds: 0 })),
];

/** casesOf are a step's verdict, and what it rests on: findings, checks, the rungs of a health check, the guards of a canary. */
export const casesOf = (result: StepResult): readonly JunitCase[] => {
  const evidence = canaryEvidenceOf(result);
  return [verdictCase(result), ...ruleCases(result), ...rungCases(result), ...(evidence === undefined ? [] : guardCases(result, evidence))];
};
