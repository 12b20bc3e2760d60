import { dirname, posix } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import * as z from 'zod/mini';
import {
  configRules,
  defineStep,
  done,
  endedBy,
  failed,
  placeText,
  ruleFamilyFindings,
  ruleSettingFindings,
  settleFindings,
  type ConnectionCheck,
  type EnvironmentCheck,
  type Finding,
  type Json,
  type LintSettings,
  type Outcome,
  type Problem,
  type Rule,
  type Status,
  type StepContext,
  type StepEnding,
} from '@sluice/core';
import { pipelineFiles, pipelineLinter, pipelineRules, type PipelineFile } from '@sluice/pipelines';
import { askEnvironment, environmentEvidence, environmentLines, environmentSettingFindings, notMade, settledChecks } from './environment-checks.ts';
import { choice, commonInputs } from './inputs.ts';
import { gravestFirst, tellFindings, type Found } from './validate-shown.ts';

const inputs = z.strictObject({
  ...commonInputs,
  'fail-on': choice(['error', 'warning'], 'Lowest severity that fails the step. Default: `error`.'),
});

const findingLine = (finding: Finding): string =>
  `${placeText(finding.place)} ${finding.severity} ${finding.message} [${finding.rule}]`;

/** environmentsToParse are the selected environment, or all of them when none is selected. */
const environmentsToParse = (context: StepContext): readonly string[] =>
  context.selected.ok ? [context.selected.value.name] : Object.keys(context.project.config.environments);

/** sharedFindings are about environments that would release over each other; each names both lines. */
const sharedFindings = async (context: StepContext): Promise<readonly Finding[]> => {
  const { config, placeOf } = context.project;
  const entries = Object.entries(config.environments);
  const applications = await Promise.all(
    entries.map(async ([name, environment]) => {
      const application = await context.parseEnvironment(name);
      const source = application.ok ? application.value.parsed.source : undefined;
      return source === undefined || !application.ok ? [] : [{ name, environment, source, platform: application.value.platform }];
    }),
  );
  const known = applications.flat();
  return known.flatMap((one, index) =>
    known.slice(index + 1).flatMap((other): Finding[] => {
      const shared = one.platform === other.platform ? one.platform.shared?.(one, other) : undefined;
      if (shared === undefined) return [];
      const place = placeOf(['environments', other.name, one.platform.name]);
      const before = placeOf(['environments', one.name, one.platform.name]);
      return [{
        rule: 'config/shared-environment',
        severity: 'error',
        message: `Environment ${other.name} releases to ${shared}, and so does ${one.name} (${placeText(before)}).`,
        place,
        hint: 'Give each environment an endpoint, a runtime or an account of its own.',
      }];
    }),
  );
};

/** pipelineFindings are about the CI files around the project, which decide whether a gate can stop anything. */
const pipelineFindings = (files: readonly PipelineFile[], settings: LintSettings): readonly Finding[] => {
  const lint = pipelineLinter();
  return [
    ...files.flatMap((one) => settleFindings({ findings: lint(one), rules: pipelineRules, path: one.path, text: one.text }, settings)),
    ...ruleSettingFindings('pipeline', pipelineRules, settings),
  ];
};

const secretRulesOf = (rules: readonly Rule[]): readonly string[] => rules.flatMap(({ id, scope }) => (scope === 'secret' ? [id] : []));

/** configFindings are about sluice.yml itself. */
const configFindings = async (context: StepContext, settings: LintSettings): Promise<readonly Finding[]> => [
  ...settleFindings({ findings: await sharedFindings(context), rules: configRules, path: '', text: '' }, settings),
  ...ruleFamilyFindings(settings),
  ...ruleSettingFindings('config', configRules, settings),
];

/** settingsOf is what the project says about rules, and whether a pull request says it. */
const settingsOf = ({ host, project: { config, placeOf } }: StepContext): LintSettings => ({ lint: config.lint ?? {}, pullRequest: host.context.pullRequest !== undefined, placeOf });

const collect = async (context: StepContext): Promise<Outcome<Found>> => {
  const seen = new Map<string, Finding>();
  const { config, file, folder, placeOf, text } = context.project;
  const texts = new Map<string, string>(text === undefined ? [] : [[file, text]]);
  const secretRules = new Set(secretRulesOf(pipelineRules));
  // A source is read below the folder of sluice.yml, which need not be the working directory.
  const shownAs = (path: string): string => posix.join(dirname(file), path);
  const lintSettings = settingsOf(context);
  for (const name of environmentsToParse(context)) {
    // A deadline and a cancellation come only where the event loop turns.
    await turn();
    if (context.signal.aborted) return failed({ category: 'cancelled', reason: 'stopped before every file was looked through', tried: 'look through the files', where: file });
    const application = await context.parseEnvironment(name);
    if (!application.ok) return application;
    const { files, parsed, platform } = application.value;
    const environment = config.environments[name];
    const settings = environment === undefined ? [] : (platform.review?.(environment, parsed.source) ?? []);
    const found = settings.map(({ path, ...finding }): Finding => ({ ...finding, place: placeOf(['environments', name, ...path]) }));
    const rules = platform.rules ?? [];
    const placed = [...settleFindings({ findings: found, rules, path: '', text: '' }, lintSettings), ...ruleSettingFindings(platform.name, rules, lintSettings)];
    const read = parsed.findings.map((finding): Finding => ({ ...finding, place: { ...finding.place, file: shownAs(finding.place.file) } }));
    for (const one of files) texts.set(shownAs(one.path), one.text);
    for (const rule of secretRulesOf(rules)) secretRules.add(rule);
    for (const finding of [...placed, ...read]) seen.set(findingLine(finding), finding);
  }
  const pipelines = await pipelineFiles(folder, dirname(file));
  for (const one of pipelines) texts.set(one.path, one.text);
  const others = [...(await configFindings(context, lintSettings)), ...(await environmentSettingFindings(context, lintSettings)), ...pipelineFindings(pipelines, lintSettings)];
  for (const finding of others) seen.set(findingLine(finding), finding);
  return done({ findings: [...seen.values()], texts, secretRules });
};

/** checkLine is a connection check for people. */
const checkLine = ({ name, outcome, skipped }: ConnectionCheck): string =>
  outcome === undefined ? `${name}: skipped: ${skipped ?? 'not checked'}` : `${name}: ${outcome.ok ? outcome.value : `failed: ${outcome.problem.reason}`}`;

/** brokenConnection is the problem of the check that failed. */
const brokenConnection = (checks: readonly ConnectionCheck[]): Problem | undefined => {
  for (const { name, outcome } of checks) if (outcome?.ok === false) return { ...outcome.problem, reason: `${name}: ${outcome.problem.reason}` };
  return undefined;
};

interface Seen {
  readonly findings: readonly Finding[];
  readonly failing: readonly Finding[];
  readonly checks: readonly ConnectionCheck[];
  readonly environment: readonly EnvironmentCheck[];
  /** checked names the files. */
  readonly checked: string;
}

const checkStatus = ({ outcome }: ConnectionCheck): Status => (outcome === undefined ? 'skipped' : outcome.ok ? 'passed' : 'failed');

/** evidenceOf are the findings as they are, each with its place in a file, and the connection checks, each with its status in place of one. */
const evidenceOf = ({ findings, checks, environment }: Seen): Json => [
  ...findings.map(({ rule, severity, message, place, hint }) => ({ rule, severity, message, ...(hint === undefined ? {} : { hint }), place: { ...place } })),
  ...checks.map((one) => ({ rule: `connection/${one.name}`, severity: one.outcome?.ok === false ? 'error' : 'notice', message: checkLine(one), status: checkStatus(one) })),
  ...environmentEvidence(environment),
];

const ending = (seen: Seen): StepEnding => {
  const { findings, failing, checks, environment, checked } = seen;
  const counts = { errors: findings.filter((one) => one.severity === 'error').length, findings: findings.length };
  const outputs = { errors: String(counts.errors), findings: String(counts.findings) };
  const evidence = evidenceOf(seen);
  const broken = brokenConnection(checks);
  const [first] = failing;
  if (first !== undefined) {
    const more = failing.length === 1 ? '' : ` (and ${failing.length - 1} more)`;
    return {
      category: 'gate',
      reason: `${placeText(first.place)}: ${first.message}${more}`,
      hint: first.hint ?? `Correct the lines above.${checks.some((one) => one.outcome !== undefined) ? '' : ' Nothing has been sent to any server.'}`,
      outputs,
      evidence,
    };
  }
  if (broken !== undefined) return endedBy(broken, { outputs, evidence });
  const rest = counts.findings === 0 ? 'nothing found' : `${counts.findings} ${counts.findings === 1 ? 'finding' : 'findings'}, none of them failing`;
  const reached = checks.some((one) => one.outcome !== undefined) ? '; the environment can be reached' : '';
  return { category: 'passed', reason: `${checked}: ${rest}${reached}${notMade(environment)}`, outputs, evidence };
};

const mostNamed = 5;

/** filesText names the files that were looked through, the first of very many. */
const filesText = (files: readonly string[]): string =>
  files.length <= mostNamed ? files.join(' and ') : `${files.slice(0, mostNamed).join(', ')} and ${files.length - mostNamed} more`;

/** validate checks sluice.yml and the application's source, offline; and of an environment that the user names the way there, and whether it has what the application needs. */
export const validate = defineStep({
  name: 'validate',
  summary: 'Check sluice.yml and the application, offline, and report every finding with file, line and column.',
  inputs,
  outputs: {
    errors: { description: 'Number of errors.', initial: '' },
    findings: { description: 'Number of findings of any severity.', initial: '' },
  },
  offline: true,
  previews: 'too',
  connectsWhenNamed: true,
  deadlineMs: 60_000,
  run: async (context, values) => {
    const found = await collect(context);
    if (!found.ok) return endedBy(found.problem);
    const named = values.environment !== undefined;
    const asked = await askEnvironment(context, named, environmentsToParse(context));
    if (!asked.ok) {
      tellFindings(context.host, found.value);
      return endedBy(asked.problem);
    }
    const checks = asked.value.connection;
    const environment = await settledChecks(context, asked.value.environment, settingsOf(context));
    const findings = [...found.value.findings, ...environment.flatMap((check) => check.findings)];
    tellFindings(context.host, { ...found.value, findings });
    for (const line of [...checks.map(checkLine), ...(named ? environmentLines(environment) : [])]) context.host.log(line);
    const failing = gravestFirst({ findings, secretRules: found.value.secretRules }).filter(
      (one) => one.severity === 'error' || (values['fail-on'] === 'warning' && one.severity === 'warning'),
    );
    const { config, file } = context.project;
    const sources = environmentsToParse(context).map((name) => config.environments[name]?.agentrun?.source ?? config.source);
    // An app alone is its own sluice.yml.
    const others = [...new Set(sources)].filter((source) => posix.join(dirname(file), source) !== posix.normalize(file));
    return ending({ findings, failing, checks, environment, checked: filesText([file, ...others]) });
  },
});
