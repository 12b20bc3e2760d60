/** CommandLine is what a shell would read as one line: lines that end in a backslash are joined. */
export interface CommandLine {
  /** line is that of its first character, from 1. */
  readonly line: number;
  readonly text: string;
}

/** longest is more than people write in one line; what stands behind it is not read. */
const longest = 4000;

const isComment = (line: string): boolean => /^\s*(?:#|\/\/)/.test(line);

/** commandLines are the lines of a pipeline file without its comments, whatever the syntax around them is. */
export const commandLines = (text: string): readonly CommandLine[] => {
  const found: { line: number; text: string }[] = [];
  let open = false;
  text.split(/\r?\n/).forEach((line, index) => {
    if (!open && isComment(line)) return;
    const last = found.at(-1);
    const continues = /\\\s*$/.test(line);
    const content = line.replace(/\\\s*$/, ' ');
    if (open && last !== undefined) last.text += content.trimStart();
    else found.push({ line: index + 1, text: content });
    open = continues;
  });
  return found.map((command) => ({ ...command, text: command.text.slice(0, longest) }));
};
