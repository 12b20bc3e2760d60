import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './sluice-process.ts';

/** git runs Git in a folder, as somebody, and gives what it says. */
export const git = (folder: string, ...argv: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', folder, ...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** openLibrary makes a repository of some parts of this one, with these tags on its only commit, and gives the bare clone of it that jobs fetch from. */
export const openLibrary = (home: string, parts: readonly string[], tags: readonly string[]): string => {
  const library = join(home, 'library');
  mkdirSync(library);
  for (const part of parts) cpSync(join(repository, part), join(library, part), { recursive: true });
  git(library, 'init', '-q', '-b', 'main');
  git(library, 'add', '-A');
  git(library, 'commit', '-q', '-m', 'x');
  for (const tag of tags) git(library, 'tag', tag);
  const bare = join(home, 'sluice.git');
  execFileSync('git', ['clone', '-q', '--bare', library, bare]);
  return bare;
};

/** writeGitConfig writes the `gitconfig` in a folder with which Git finds addresses of elsewhere in bare repositories here. */
export const writeGitConfig = (home: string, places: Readonly<Record<string, string>>): void => {
  const redirected = Object.entries(places).flatMap(([address, bare]) => [`[url "file://${bare}"]`, `  insteadOf = ${address}`]);
  writeFileSync(join(home, 'gitconfig'), ['[protocol "file"]', '  allow = always', ...redirected, '[user]', '  name = a', '  email = a@example.com', ''].join('\n'));
};
