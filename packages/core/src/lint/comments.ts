/** Disabling is a comment `# sluice-disable <rule>, <rule> -- <reason>`; in a Jenkinsfile it begins with `//`. */
export interface Disabling {
  readonly rules: readonly string[];
  /** reason is empty when none is given, and then nothing is disabled. */
  readonly reason: string;
  /** line is where the comment stands, from 1, and covers the line that it is about. */
  readonly line: number;
  readonly covers: number;
}

const comment = /(^|\s)(?:#|\/\/)\s*sluice-disable\b([^\n]*)$/;

/** disablingsIn finds the comments of a text; one on a line of its own is about the next line. */
export const disablingsIn = (text: string): readonly Disabling[] => {
  if (!text.includes('sluice-disable')) return [];
  return text.split('\n').flatMap((content, index) => {
    const match = comment.exec(content.trimEnd());
    if (match === null) return [];
    const [, names = '', reason = ''] = /^(.*?)(?:\s--(?:\s(.*))?)?$/.exec(match[2] ?? '') ?? [];
    const alone = /^\s*(?:#|\/\/)/.test(content);
    const line = index + 1;
    return [{ rules: names.split(/[\s,]+/).filter((name) => name !== ''), reason: reason.trim(), line, covers: alone ? line + 1 : line }];
  });
};
