import { lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { done, failed, type Outcome } from '../outcome.ts';
import { fileErrorCode, fileErrorText } from './file-error.ts';

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
};

/**
 * makeFolder makes a folder and those above it that are missing; it throws what the file system says. Node's own
 * recursive `mkdir` never ends where a folder that is there answers ENOENT for what is new in it, as /proc does.
 */
export const makeFolder = async (path: string, mode = 0o777): Promise<void> => {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (fileErrorCode(error) !== 'EEXIST' || !(await isFolder(path))) throw error;
  }
};

/** partsOf are a folder and those above it up to the working directory; what lies above that, the machine's owner put there. */
const partsOf = (folder: string): readonly string[] => {
  const inside = relative(process.cwd(), folder);
  const parts = inside.split(sep);
  if (parts[0] === '..' || isAbsolute(inside)) return [resolve(folder)];
  return parts.map((_, index) => resolve(...parts.slice(0, index + 1)));
};

/** wrongPart says what keeps a path from being a folder of Sluice's own, there or not; undefined when nothing does. It throws what the file system says. */
export const wrongPart = async (folder: string): Promise<string | undefined> => {
  for (const part of partsOf(folder)) {
    const found = await lstat(part).catch((error: unknown) => {
      if (fileErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) return `${part} is a symbolic link, and links are not followed`;
    if (!found.isDirectory()) return `${part} is a file, not a folder`;
  }
  return undefined;
};

/**
 * ownFolder makes a folder for files of Sluice's own. A symbolic link in its place, or above it inside the working
 * directory, is refused: a checkout could lead elsewhere by it. What keeps it from being made is a `permission` problem.
 */
export const ownFolder = async (folder: string, mode?: number): Promise<Outcome<void>> => {
  const refused = (reason: string, code?: string): Outcome<never> =>
    failed({ category: 'permission', reason, tried: 'make a folder', where: folder, ...(code === undefined ? {} : { answer: { code } }) });
  try {
    const wrong = await wrongPart(folder);
    if (wrong !== undefined) return refused(wrong);
    await makeFolder(folder, mode);
    return done(undefined);
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === undefined) throw error;
    return refused(`${folder} cannot be made: ${code === 'ENOENT' ? 'the file system takes no new folder there' : fileErrorText(code)}`, code);
  }
};
