import { dirname, posix } from 'node:path';
import { done, notAsked, ruleSettingFindings, settleFindings, type Checked, type EnvironmentCheck, type Finding, type Json, type LintSettings, type Outcome, type Rule, type Status, type StepContext } from '@sluice/core';

/** needsOf are the kinds of things that the applications of some environments need of them, each named once. */
const needsOf = async (context: StepContext, environments: readonly string[]): Promise<readonly string[]> => {
  const read = await Promise.all(environments.map((name) => context.parseEnvironment(name)));
  const names = read.flatMap((application) => (application.ok && application.value.parsed.source !== undefined ? (application.value.platform.needs?.(application.value.parsed.source) ?? []) : []));
  return [...new Set(names)];
};

/** askEnvironment asks the environment that the user has named; nothing is asked for pull requests, nor when none was named, and that is said of each check. */
export const askEnvironment = async (context: StepContext, named: boolean, environments: readonly string[]): Promise<Outcome<Checked>> => {
  if (named && !context.offline) return context.checks();
  const why = context.host.context.pullRequest !== undefined ? 'nothing is asked for pull requests' : 'validate asks with --environment only';
  return done({
    connection: named ? [{ name: 'connection', skipped: 'not checked for pull requests' }] : [],
    environment: notAsked(await needsOf(context, environments), why),
  });
};

/** rulesOf are the rules of all platforms on what an environment has. */
const rulesOf = async (context: StepContext): Promise<readonly Rule[]> => {
  const read = await Promise.all(Object.keys(context.project.config.environments).map((name) => context.parseEnvironment(name)));
  const rules = read.flatMap((application) => (application.ok ? (application.value.platform.environmentRules ?? []) : []));
  return [...new Map(rules.map((rule) => [rule.id, rule])).values()];
};

/** environmentSettingFindings are about `lint.rules` of what an environment has. */
export const environmentSettingFindings = async (context: StepContext, settings: LintSettings): Promise<readonly Finding[]> =>
  ruleSettingFindings('environment', await rulesOf(context), settings);

/** settledChecks give the findings of the checks the severities that the project gives them, and places below the working directory. */
export const settledChecks = async (context: StepContext, checks: readonly EnvironmentCheck[], settings: LintSettings): Promise<readonly EnvironmentCheck[]> => {
  if (checks.every(({ findings }) => findings.length === 0)) return checks;
  const [rules, application] = [await rulesOf(context), await context.application()];
  const [file] = application.ok ? application.value.files : [];
  return checks.map((check) => {
    const settled = settleFindings({ findings: check.findings, rules, path: file?.path ?? '', text: file?.text ?? '' }, settings).filter(({ rule }) => rule.startsWith('environment/'));
    return { ...check, findings: settled.map((finding) => ({ ...finding, place: { ...finding.place, file: posix.join(dirname(context.project.file), finding.place.file) } })) };
  });
};

const lineOf = ({ name, seen, skipped, findings }: EnvironmentCheck): string => {
  const lacks = findings.length === 0 ? undefined : `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`;
  return `${name}: ${[seen, lacks, skipped === undefined ? undefined : `skipped: ${skipped}`].filter((part) => part !== undefined).join('; ')}`;
};

/** environmentLines are the checks for people: one line for what was asked, and one for all that was not, for each reason. */
export const environmentLines = (checks: readonly EnvironmentCheck[]): readonly string[] => {
  const unasked = new Map<string, string[]>();
  for (const { name, seen, skipped } of checks) if (seen === undefined && skipped !== undefined) unasked.set(skipped, [...(unasked.get(skipped) ?? []), name]);
  return [...checks.filter(({ seen }) => seen !== undefined).map(lineOf), ...[...unasked].map(([why, names]) => `${names.join(', ')}: skipped: ${why}`)];
};

/** statusOf is passed only where everything was asked and nothing is missing. */
const statusOf = ({ skipped, findings }: EnvironmentCheck): Status => (findings.some(({ severity }) => severity === 'error') ? 'failed' : skipped === undefined ? 'passed' : 'skipped');

/** environmentEvidence are the checks with their statuses, for the result document. */
export const environmentEvidence = (checks: readonly EnvironmentCheck[]): readonly Json[] =>
  checks.map((check) => ({ rule: `environment/${check.name.toLowerCase().replaceAll(' ', '-')}`, severity: 'notice', message: lineOf(check), status: statusOf(check) }));

/** notMade says how many checks were not made, and why; empty when all were. */
export const notMade = (checks: readonly EnvironmentCheck[]): string => {
  const skipped = checks.filter((check) => check.skipped !== undefined);
  if (skipped.length === 0) return '';
  const reasons = [...new Set(skipped.map((check) => check.skipped))];
  const why = reasons.length === 1 ? (reasons[0] ?? '').replace(/^not asked(?:,? since|:) /, '') : skipped.map(({ name }) => name).join(', ');
  return `; ${skipped.length} environment ${skipped.length === 1 ? 'check was' : 'checks were'} not made: ${why}`;
};
