// What a wildcard of an ignore file means, longest first.
const wildcards: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '/**': '/.*', '**': '.*', '*': '[^/]*', '?': '[^/]' };

const patternOf = (line: string): RegExp => {
  const folderOnly = line.endsWith('/');
  const bare = folderOnly ? line.slice(0, -1) : line;
  const anchored = bare.includes('/');
  const body = bare
    .replace(/^\//, '')
    .replaceAll(/\*\*\/|\/\*\*$|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (token) => wildcards[token] ?? `\\${token}`);
  return new RegExp(`^${anchored ? '' : '(?:.*/)?'}${body}${folderOnly ? '/' : '(?:/|$)'}`);
};

/**
 * ignoreRules reads ignore files of the Serverless Devs kind (`.fcignore`, `.arignore`: comments, `*`, `?`, `**`,
 * anchored paths, folders with `/`, `!` to take back) and gives the question "is this path left out?".
 */
export const ignoreRules = (texts: readonly string[]): ((path: string) => boolean) => {
  const rules = texts
    .flatMap((text) => text.split(/\r?\n/))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keep: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  return (path) => {
    const last = rules.findLast(({ pattern }) => pattern.test(path));
    return last !== undefined && !last.keep;
  };
};
