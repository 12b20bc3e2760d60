import { plainLine } from '@sluice/core';

/**
 * logLine makes one line of any text that no CI system obeys. GitHub's runner takes `::name::` as a command after blanks at
 * the start of a line and `##[name]` anywhere in it (actions/runner 2.336, ActionCommand.cs); GitLab takes
 * `section_start:` and `section_end:` anywhere. A zero-width space breaks each of them and leaves them readable.
 */
export const logLine = (text: string): string =>
  plainLine(text)
    .replace(/^(\s*):(?=:)/, '$1\u200b:')
    .replaceAll('##[', '##\u200b[')
    .replace(/section_(?=(?:start|end):)/g, 'section_\u200b');
