import { commentSecrets, nearest, readYaml, type Finding, type LintConfig, type Parsed, type Place, type Problem, type SourceFile } from '@sluice/core';
import { hasGraph, hiddenSecret, isMode, modes, type Mode } from './dsl.ts';
import { checkApp } from './rules/check.ts';
import { atMost } from './rules/most.ts';
import { ruleTexts } from './rules/names.ts';
import type { Report } from './rules/report.ts';
import { checkSecrets, looksReal } from './rules/secrets.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';
import { DifySource } from './source.ts';

const placeOfProblem = (file: string, problem: Problem): Place => {
  const match = /:(\d+)(?::(\d+))?$/.exec(problem.where ?? '');
  if (match === null) return { file };
  return { file, line: Number(match[1]), ...(match[2] === undefined ? {} : { column: Number(match[2]) }) };
};

const yamlFindings = (file: string, problem: Problem): Finding[] => [
  {
    rule: 'dify/yaml',
    severity: 'error',
    message: problem.reason,
    place: placeOfProblem(file, problem),
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  },
  ...(problem.others ?? []).flatMap((other) => yamlFindings(file, other)),
];

/** readableVersion is what the server's version parser takes, as far as DSL versions go (Dify, packaging.version). */
const readableVersion = /^v?\d+(\.\d+)*(?:[-_.]?(?:a|b|rc|alpha|beta|pre|post|dev)[-_.]?\d*)*$/i;

/** newestDsl is the DSL of Dify 1.16 to 1.17. */
const newestDsl = [0, 7, 0] as const;

const isNewer = (version: string): boolean => {
  const parts = (/^v?([\d.]+)/i.exec(version)?.[1] ?? '').split('.').map(Number);
  const differing = newestDsl.findIndex((part, index) => (parts[index] ?? 0) !== part);
  return differing !== -1 && (parts[differing] ?? 0) > (newestDsl[differing] ?? 0);
};

const checkHead = (root: Mapping, report: Report): void => {
  const version = root['version'];
  if (version !== undefined && version !== null && typeof version !== 'string') {
    report('version-not-text', 'error', `version is ${typeof version === 'number' ? `the number ${version}` : 'no text'}; the server refuses everything but a text.`, ['version'], `Put it in quotes, as in version: "0.5.0".`);
  } else if (typeof version === 'string' && version !== '' && !readableVersion.test(version)) {
    report('version-unreadable', 'error', `version is "${version}", which is no version.`, ['version'], 'A DSL version looks like 0.5.0.');
  } else if (typeof version === 'string' && isNewer(version)) {
    report('version-newer', 'warning', `DSL version ${version} is newer than ${newestDsl.join('.')}, the newest that Sluice knows; an older server asks before it takes the file.`, ['version'], 'Update Sluice, and export from a Dify that is not newer than the one you release to.');
  }
  const kind = root['kind'];
  if (kind === 'rag_pipeline') {
    report('kind', 'error', 'This is a knowledge pipeline, not an app.', ['kind'], 'Export an app from Studio.');
  } else if (kind !== 'app') {
    report('kind', 'warning', `kind is ${kind === undefined ? 'missing' : JSON.stringify(kind)}; the server takes the file as an app.`, ['kind'], 'Write kind: app.');
  }
};

const modeOf = (root: Mapping, report: Report): Mode | undefined => {
  const app = root['app'];
  if (!isMapping(app) || Object.keys(app).length === 0) {
    report('app-missing', 'error', 'The file has no app section, so it is no app export.', ['app'], 'Export the app from Studio again.');
    return undefined;
  }
  const mode = app['mode'];
  if (isMode(mode)) return mode;
  if (mode === undefined || mode === null || mode === '') {
    report('mode-missing', 'error', 'app.mode is missing.', ['app', 'mode'], `It is one of ${modes.join(', ')}.`);
    return undefined;
  }
  const near = nearest(textOf(mode), modes);
  report('mode-unknown', 'error', `app.mode is ${JSON.stringify(mode)}, which Sluice cannot release.`, ['app', 'mode'], near === undefined ? `It is one of ${modes.join(', ')}.` : `Did you mean ${near}?`);
  return undefined;
};

const checkVariables = (workflow: Mapping, section: string, report: Report): void => {
  const names = new Set<string>();
  listOf(workflow[section]).forEach((item, index) => {
    const path = ['workflow', section, index];
    const variable = mappingOf(item);
    const name = textOf(variable['name']);
    if (name === '' || textOf(variable['value_type']) === '' || variable['value'] === undefined || variable['value'] === null) {
      report('variable-incomplete', 'error', `${name === '' ? `Variable ${index + 1}` : `Variable ${name}`} needs name, value_type and a value that is not null; the server refuses it.`, path);
      return;
    }
    if (section === 'environment_variables' && textOf(variable['id']) === '') {
      report('variable-incomplete', 'error', `Variable ${name} has no id; the server refuses it.`, path);
    }
    if (names.has(name)) report('variable-duplicate', 'error', `There are two variables named ${name}; the server keeps only one.`, path);
    names.add(name);
    if (variable['value_type'] === 'secret' && variable['value'] !== '' && variable['value'] !== hiddenSecret) {
      report('secret-value', looksReal(variable['value']) ? 'error' : 'warning', `The secret variable ${name} has its value in the file.`, [...path, 'value'], 'Replace the secret where it is issued, export without secrets, and give the value by `variables: { NAME: { env: NAME } }`.');
    }
  });
};

const checkBody = (mode: Mode, root: Mapping, report: Report): void => {
  if (!hasGraph(mode)) {
    if (Object.keys(mappingOf(root['model_config'])).length === 0) {
      report('model-config-missing', 'error', `A ${mode} app needs a model_config section.`, ['model_config']);
    }
    return;
  }
  const workflow = root['workflow'];
  if (!isMapping(workflow)) {
    report('workflow-missing', 'error', `A ${mode} app needs a workflow section.`, ['workflow']);
    return;
  }
  checkVariables(workflow, 'environment_variables', report);
  checkVariables(workflow, 'conversation_variables', report);
  if (!isMapping(workflow['graph'])) {
    report('graph-missing', 'error', 'The workflow has no graph.', ['workflow', 'graph']);
  }
};

/** Checked is what became of a file's values. */
interface Checked {
  /** readable is whether there is an app to release. */
  readonly readable: boolean;
  /** secrets are the texts that hold one. */
  readonly secrets: readonly string[];
}

/** checkRoot reports everything that is wrong with the values of a file. */
export const checkRoot = (root: unknown, lint: LintConfig, reported: Report): Checked => {
  let readable = true;
  const report: Report = (rule, severity, message, path, hint) => {
    if (severity === 'error' && ruleTexts[rule].scope === 'shape') readable = false;
    reported(rule, severity, message, path, hint);
  };
  if (!isMapping(root)) {
    report('not-a-mapping', 'error', 'The file is no YAML mapping, so it is no app export.', []);
    return { readable, secrets: [] };
  }
  checkHead(root, report);
  const mode = modeOf(root, report);
  if (mode !== undefined) checkBody(mode, root, report);
  if (mode !== undefined && readable) checkApp(mode, root, lint.models, report);
  return { readable, secrets: checkSecrets(root, report) };
};

/** parse reads a DSL file and reports everything that is wrong with it; the source is there when the file can be read as an app. */
export const parse = (file: SourceFile, lint: LintConfig = {}): Parsed => {
  const document = readYaml(file.path, file.text);
  if (!document.ok) return { findings: yamlFindings(file.path, document.problem) };
  const { value: root, placeOf } = document.value;
  const found = atMost();
  const { readable, secrets } = checkRoot(root, lint, (rule, severity, message, path, hint) => {
    found.add(rule, severity, () => ({ rule: `dify/${rule}`, severity, message, place: placeOf(path), ...(hint === undefined ? {} : { hint }) }));
  });
  for (const { what, line } of commentSecrets(file.text, secrets)) {
    found.add('secret-plain', 'error', () => ({ rule: 'dify/secret-plain', severity: 'error', message: `A secret stands in a comment in plain text: ${what}.`, place: { file: file.path, line }, hint: 'Replace it where it is issued, and take it out of the comment.' }));
  }
  const findings = found.all();
  const source = readable && isMapping(root) ? DifySource.of(file.path, root) : undefined;
  return source === undefined ? { findings } : { source, findings };
};
