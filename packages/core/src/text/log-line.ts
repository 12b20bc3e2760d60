import { plainLine } from './plain.ts';

/**
 * logLine makes one line of log that no CI takes for a command of its own, and that stays readable:
 * GitHub reads `::command::` at the beginning of a line, blanks before it not counted, and `##[command]` anywhere
 * (actions/runner, ActionCommand.cs); Azure Pipelines reads `##vso[`; GitLab reads `section_start:` and `section_end:`
 * anywhere in a line.
 */
export const logLine = (line: string): string =>
  plainLine(line)
    .replace(/##(?=[a-z]*\[)/gi, '## ')
    .replace(/(section_(?:start|end)):/gi, '$1 :')
    .replace(/^(\s*)::/u, '$1: :');
