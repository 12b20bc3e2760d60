import { relative, resolve, sep } from 'node:path';
import {
  done,
  failed,
  readFileText,
  settleFindings,
  type Application,
  type EnvironmentConfig,
  type ExaminePorts,
  type LintConfig,
  type Outcome,
  type Project,
  type SourceFile,
} from '@sluice/core';
import { platformFor } from './platforms.ts';

/** sourceOf names an environment's source: its platform and its file, relative to the project's folder. */
export const sourceOf = (project: Project, environment: EnvironmentConfig): string =>
  `${environment.agentrun === undefined ? 'dify' : 'agentrun'} ${sourcePath(project, environment)}`;

const sourcePath = (project: Project, environment: EnvironmentConfig): string =>
  environment.agentrun?.source ?? project.config.source;

/** insideFolder refuses a source that leaves the project's folder. */
const insideFolder = (project: Project, path: string): Outcome<string> => {
  const absolute = resolve(project.folder, path);
  const inside = relative(project.folder, absolute);
  if (!inside.startsWith(`..${sep}`) && inside !== '..' && resolve(inside) !== inside) return done(absolute);
  return failed({
    category: 'input',
    reason: `the source ${path} lies outside the folder of ${project.file}`,
    tried: 'find the source',
    where: project.file,
    hint: 'Put the source beside sluice.yml or below it.',
  });
};

/** Reading is how a source is read: for a pull request or not, and with ports where it is to be examined by other programs. */
export interface Reading {
  readonly pullRequest: boolean;
  readonly examine?: ExaminePorts;
}

/** readApplication reads and parses the source of one environment; findings have the severities that the project gives them. */
export const readApplication = async (project: Project, environment: EnvironmentConfig, { pullRequest, examine }: Reading): Promise<Outcome<Application>> => {
  const path = sourcePath(project, environment);
  const absolute = insideFolder(project, path);
  if (!absolute.ok) return absolute;
  const text = await readFileText(absolute.value, path);
  if (!text.ok) return text;
  const platform = await platformFor(environment);
  const file = { path, text: text.value, folder: project.folder };
  const lint = project.config.lint ?? {};
  const parsed = platform.parse(file, lint);
  const found = examine === undefined ? undefined : await platform.examine?.(file, parsed, examine);
  const linted = { findings: found ?? parsed.findings, rules: platform.rules ?? [], path, text: text.value };
  const findings = settleFindings(linted, { lint, pullRequest });
  return done({ platform, files: [file], parsed: { ...parsed, findings } });
};

/** parseFile parses a source that lies elsewhere than in the project, by the platform of an environment. */
export const parseFile = async (environment: EnvironmentConfig, file: SourceFile, lint: LintConfig = {}): Promise<Application> => {
  const platform = await platformFor(environment);
  return { platform, files: [file], parsed: platform.parse(file, lint) };
};
