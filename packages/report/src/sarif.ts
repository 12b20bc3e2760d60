import { markdownText, oneLine, rulePage, type StepResult } from '@sluice/core';
import { foundIn, type Found, type Findings } from './found.ts';

const longest = 1000;

const levels = { error: 'error', warning: 'warning', notice: 'note' } as const;

/** addressOf is a file's path as a URI: relative to the root of the repository, unless the file lies outside of it. */
const addressOf = (file: string): { readonly uri: string; readonly uriBaseId?: string } => {
  const uri = file.split('/').map(encodeURIComponent).join('/');
  if (uri.startsWith('/')) return { uri: `file://${uri}` };
  if (/^[A-Za-z]%3A\//.test(uri)) return { uri: `file:///${uri.replace('%3A', ':')}` };
  return uri.startsWith('../') ? { uri } : { uri, uriBaseId: '%SRCROOT%' };
};

/** titleOf says a rule's id in words: `dify/edge-endpoint-missing` is "dify: edge endpoint missing". */
const titleOf = (rule: string): string => rule.replace('/', ': ').replaceAll('-', ' ');

/** ruleOf describes a rule by what was found with it: GitHub wants all of these texts. */
const ruleOf = (rule: string, found: readonly Found[]) => {
  const hints = [...new Set(found.map(({ hint }) => hint))].filter((hint) => hint !== '').slice(0, 5);
  const page = rulePage(rule);
  const help = hints.length === 0 ? 'Look at the message of each place.' : hints.join('\n');
  return {
    id: rule,
    shortDescription: { text: titleOf(rule) },
    fullDescription: { text: titleOf(rule) },
    ...(page === undefined ? {} : { helpUri: page }),
    help: { text: page === undefined ? help : `${help}\n${page}`, ...(page === undefined ? {} : { markdown: `${hints.map((hint) => `- ${markdownText(hint)}`).join('\n')}\n\n[What it means, and how to mend it](${page})`.trimStart() }) },
    defaultConfiguration: { level: levels[found[0]?.severity ?? 'warning'] },
  };
};

const resultOf = ({ rule, severity, message, hint, place, fingerprint }: Found, rules: readonly string[]) => ({
  ruleId: rule,
  ruleIndex: rules.indexOf(rule),
  level: levels[severity],
  message: { text: hint === '' ? message : `${message} ${hint}` },
  locations: [
    {
      physicalLocation: {
        artifactLocation: addressOf(place.file),
        ...(place.line === undefined ? {} : { region: { startLine: place.line, ...(place.column === undefined ? {} : { startColumn: place.column }) } }),
      },
    },
  ],
  partialFingerprints: { 'sluiceFinding/v1': fingerprint },
});

/** invocationOf says whether a step came to look at everything: one that broke down has not shown that nothing is there. */
const invocationOf = ({ status, reason }: StepResult, left: number) => {
  const told = [...(status === 'error' || status === 'cancelled' ? [oneLine(reason, longest)] : []), ...(left > 0 ? [`${left} more findings are not listed`] : [])];
  return {
    executionSuccessful: status !== 'error' && status !== 'cancelled',
    ...(told.length === 0 ? {} : { toolExecutionNotifications: told.map((text) => ({ level: 'warning', message: { text } })) }),
  };
};

const runOf = (project: string, { results, found, left }: Findings) => {
  const rules = [...new Set(found.map(({ rule }) => rule))];
  return {
    tool: { driver: { name: 'Sluice', rules: rules.map((rule) => ruleOf(rule, found.filter((one) => one.rule === rule))) } },
    automationDetails: { id: `sluice/${oneLine(project, longest)}/` },
    columnKind: 'utf16CodeUnits',
    originalUriBaseIds: { '%SRCROOT%': { description: { text: 'The root of the repository.' } } },
    invocations: results.map((result) => invocationOf(result, left)),
    results: found.map((one) => resultOf(one, rules)),
  };
};

/**
 * sarif is the findings of a job as SARIF 2.1.0 (OASIS), with what GitHub's code scanning wants of it: a run for each project,
 * which `automationDetails.id` tells from the others of a repository. Undefined where no project was looked at: what is uploaded
 * under no project's name would stay there when the project is sound again.
 */
export const sarif = (job: readonly StepResult[]): string | undefined => {
  const projects = [...new Set(job.flatMap(({ project }) => project ?? []))];
  const runs = projects.flatMap((project) => {
    const findings = foundIn(job.filter((result) => result.project === project));
    return findings === undefined ? [] : [runOf(project, findings)];
  });
  if (runs.length === 0) return undefined;
  return `${JSON.stringify({ $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs }, null, 2)}\n`;
};
