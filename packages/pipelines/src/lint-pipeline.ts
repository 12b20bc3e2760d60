import { readYaml, type Finding } from '@sluice/core';
import { commandLines } from './command-lines.ts';
import { checkGithub } from './github-rules.ts';
import { mergedWith, readGitlab } from './gitlab-pipeline.ts';
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

type Read = typeof readGitlab;

/** readOnce reads each file once, however many files it stands beside. */
const readOnce = (): Read => {
  const read = new Map<string, ReturnType<Read>>();
  return (path, text) => {
    const key = `${path}\n${text}`;
    const document = read.get(key) ?? readGitlab(path, text);
    read.set(key, document);
    return document;
  };
};

const inStructure = ({ kind, path, text, beside = [] }: PipelineFile, read: Read): readonly Finding[] => {
  if (kind === 'shell') return [];
  if (kind === 'jenkins') return checkJenkins(path, text);
  const document = kind === 'gitlab' ? read(path, text) : readYaml(path, text);
  // The CI system itself tells of a file that it cannot read.
  if (!document.ok) return [];
  const found: Finding[] = [];
  const report: Report = (rule, severity, message, keys, hint) => {
    found.push({ rule, severity, message, place: document.value.placeOf(keys), hint });
  };
  const own = mappingOf(document.value.value);
  if (kind === 'github') checkGithub(own, beside, report);
  else checkGitlab(own, mergedWith(beside.map((one) => read(one.at, one.text)).map((one) => mappingOf(one.ok ? one.value.value : undefined)), own), report);
  return found;
};

/** pipelineLinter gives a lintPipeline for the files of one repository: what several of them include is read once. */
export const pipelineLinter = (): ((file: PipelineFile) => readonly Finding[]) => {
  const read = readOnce();
  return (file) => [...inLines(file), ...inStructure(file, read)].toSorted((one, other) => (one.place.line ?? 0) - (other.place.line ?? 0) || one.rule.localeCompare(other.rule));
};

/** lintPipeline finds, in one CI file of a user, what makes a gate pass whatever happens and what lets two releases meet. */
export const lintPipeline = (file: PipelineFile): readonly Finding[] => pipelineLinter()(file);
