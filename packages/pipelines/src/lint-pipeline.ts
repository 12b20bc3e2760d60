import { readYaml, type Finding } from '@sluice/core';
import { commandLines } from './command-lines.ts';
import { checkGithub } from './github-rules.ts';
import { checkGitlab } from './gitlab-rules.ts';
import { checkJenkins } from './jenkins-rules.ts';
import type { PipelineFile } from './pipeline-files.ts';
import type { Report } from './report.ts';
import { mappingOf } from './shape.ts';
import { shellRules } from './shell-rules.ts';

const inLines = ({ path, text }: PipelineFile): readonly Finding[] =>
  commandLines(text).flatMap(({ line, text: command }) =>
    shellRules.flatMap(({ found, ...rule }): readonly Finding[] => {
      const at = found(command, text);
      return at === undefined ? [] : [{ ...rule, place: { file: path, line, column: at + 1 } }];
    }),
  );

const inStructure = ({ kind, path, text }: PipelineFile): readonly Finding[] => {
  if (kind === 'shell') return [];
  if (kind === 'jenkins') return checkJenkins(path, text);
  const document = readYaml(path, text);
  // The CI system itself tells of a file that it cannot read, and knows its own tags, such as GitLab's !reference.
  if (!document.ok) return [];
  const found: Finding[] = [];
  const report: Report = (rule, severity, message, keys, hint) => {
    found.push({ rule, severity, message, place: document.value.placeOf(keys), hint });
  };
  (kind === 'github' ? checkGithub : checkGitlab)(mappingOf(document.value.value), report);
  return found;
};

/** lintPipeline finds, in one CI file of a user, what makes a gate pass whatever happens and what lets two releases meet. */
export const lintPipeline = (file: PipelineFile): readonly Finding[] =>
  [...inLines(file), ...inStructure(file)].toSorted((one, other) => (one.place.line ?? 0) - (other.place.line ?? 0) || one.rule.localeCompare(other.rule));
