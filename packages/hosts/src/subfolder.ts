import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** rootOf is the nearest folder, from this one upwards, that holds a Git repository; undefined where there is none. */
const rootOf = (folder: string): string | undefined => {
  if (existsSync(join(folder, '.git'))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : rootOf(above);
};

/** subfolderOf leads from the root of the repository to a folder in it, with slashes; empty at the root, and outside any repository. */
export const subfolderOf = (folder: string): string => {
  const root = rootOf(folder);
  return root === undefined ? '' : relative(root, folder).replaceAll(sep, '/');
};
