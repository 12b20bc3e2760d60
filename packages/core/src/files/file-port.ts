import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { done, failed, type Outcome } from '../outcome.ts';
import type { FilePort } from '../platform.ts';
import { fileErrorCode, fileErrorText } from './file-error.ts';
import { makeFolder } from './make-folder.ts';
import { readFileText } from './read-text.ts';
import { replaceFile } from './replace-file.ts';

const refused = (tried: string, path: string, error: unknown): Outcome<never> => {
  const code = fileErrorCode(error);
  if (code === undefined) throw error;
  return failed({
    category: code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'permission' : 'input',
    reason: `${path}: ${fileErrorText(code)}`,
    tried,
    where: path,
    hint: 'Check the path in sluice.yml and the rights of the user that runs this job.',
  });
};

/** modeOf gives an existing file's mode, undefined when there is none; a symbolic link is refused, whatever it leads to. */
const modeOf = async (path: string, tried: string): Promise<Outcome<number | undefined>> => {
  try {
    const found = await lstat(path);
    if (found.isFile()) return done(found.mode & 0o777);
    const what = found.isSymbolicLink() ? 'a symbolic link' : 'not a regular file';
    return failed({ category: 'input', reason: `${path} is ${what}`, tried, where: path, hint: 'Name the file itself.' });
  } catch (error) {
    return fileErrorCode(error) === 'ENOENT' ? done(undefined) : refused(tried, path, error);
  }
};

/**
 * createFilePort reads and writes real files: whole, in one step, keeping an existing file's mode (0644 for a new one).
 * A file that is not there reads as undefined; a symbolic link, or what is no file, is an `input` problem.
 */
export const createFilePort = (): FilePort => ({
  read: async (path) => {
    const mode = await modeOf(path, 'read a file');
    if (!mode.ok) return mode;
    return mode.value === undefined ? done(undefined) : readFileText(path, path);
  },
  write: async (path, text) => {
    const mode = await modeOf(path, 'write a file');
    if (!mode.ok) return mode;
    try {
      await makeFolder(dirname(path));
      await replaceFile(path, text, mode.value ?? 0o644);
      return done(undefined);
    } catch (error) {
      return refused('write a file', path, error);
    }
  },
});
