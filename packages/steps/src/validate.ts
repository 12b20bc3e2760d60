import * as z from 'zod/mini';
import { defineStep, placeText, type Finding, type Outcome, type StepContext, type StepEnding } from '@sluice/core';
import { choice, commonInputs } from './inputs.ts';

const inputs = z.strictObject({
  ...commonInputs,
  'fail-on': choice(['error', 'warning'], 'Lowest severity that fails the step. Default: `error`.'),
});

const findingLine = (finding: Finding): string =>
  `${placeText(finding.place)} ${finding.severity} ${finding.message} [${finding.rule}]`;

/** environmentsToParse are the selected environment, or all of them when none is selected. */
const environmentsToParse = (context: StepContext): readonly string[] =>
  context.selected.ok ? [context.selected.value.name] : Object.keys(context.project.config.environments);

const collect = async (context: StepContext): Promise<Outcome<readonly Finding[]>> => {
  const seen = new Map<string, Finding>();
  for (const name of environmentsToParse(context)) {
    const application = await context.parseEnvironment(name);
    if (!application.ok) return application;
    for (const finding of application.value.parsed.findings) seen.set(findingLine(finding), finding);
  }
  return { ok: true, value: [...seen.values()] };
};

const ending = (findings: readonly Finding[], failing: readonly Finding[], checked: string): StepEnding => {
  const counts = { errors: findings.filter((one) => one.severity === 'error').length, findings: findings.length };
  const outputs = { errors: String(counts.errors), findings: String(counts.findings) };
  const evidence = findings.map((one) => ({ rule: one.rule, severity: one.severity, message: one.message, place: placeText(one.place) }));
  const [first] = failing;
  if (first === undefined) {
    const rest = counts.findings === 0 ? 'nothing found' : `${counts.findings} findings, none of them failing`;
    return { category: 'passed', reason: `${checked}: ${rest}`, outputs, evidence };
  }
  const more = failing.length === 1 ? '' : ` (and ${failing.length - 1} more)`;
  return {
    category: 'gate',
    reason: `${placeText(first.place)}: ${first.message}${more}`,
    hint: first.hint ?? 'Correct the lines above. Nothing has been sent to any server.',
    outputs,
    evidence,
  };
};

/** validate checks sluice.yml and the application's source, offline. */
export const validate = defineStep({
  name: 'validate',
  summary: 'Check sluice.yml and the application, offline, and report every finding with file, line and column.',
  inputs,
  outputs: {
    errors: { description: 'Number of errors.', initial: '' },
    findings: { description: 'Number of findings of any severity.', initial: '' },
  },
  offline: true,
  deadlineMs: 60_000,
  run: async (context, values) => {
    const findings = await collect(context);
    if (!findings.ok) {
      const { problem } = findings;
      return { category: problem.category, reason: problem.reason, problem };
    }
    for (const finding of findings.value) context.host.annotate(finding);
    const failing = findings.value.filter(
      (one) => one.severity === 'error' || (values['fail-on'] === 'warning' && one.severity === 'warning'),
    );
    const { config } = context.project;
    const checked = `${context.project.file} and ${config.source}`;
    return ending(findings.value, failing, checked);
  },
});
