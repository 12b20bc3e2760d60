import type { Finding } from '@sluice/core';
import { commandLines } from './command-lines.ts';
import { writingCommand } from './our-commands.ts';

const ourStep = /\bsluice(?:Release|Deploy|PublishVersion|Canary|Rollback)\s*\(/;

/** checkJenkins finds a release that two builds may do at once; the rest of a Jenkinsfile is a program. */
export const checkJenkins = (path: string, text: string): readonly Finding[] => {
  const lines = commandLines(text);
  const release = lines.find((line) => ourStep.test(line.text) || writingCommand.test(line.text));
  if (release === undefined || lines.some((line) => /\bdisableConcurrentBuilds\b|\block\s*\(/.test(line.text))) return [];
  return [
    {
      rule: 'pipeline/no-concurrency',
      severity: 'warning',
      message: 'Two builds release at once: nothing keeps them apart.',
      place: { file: path, line: release.line, column: release.text.search(/\S/) + 1 },
      hint: 'Write properties([disableConcurrentBuilds()]), or options { disableConcurrentBuilds() } in a declarative pipeline.',
    },
  ];
};
