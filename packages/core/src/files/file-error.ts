import { errorField } from '../error-fields.ts';

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'no space is left on the disk',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  EEXIST: 'it is already there',
  EXDEV: 'it lies on another file system',
  ERR_INVALID_ARG_VALUE: 'the path has a character that no path may have',
};

/** fileErrorCode is the code of an error from the file system, such as `ENOENT`; undefined for any other error. */
export const fileErrorCode = (error: unknown): string | undefined => {
  const code = errorField(error, 'code');
  return code !== undefined && (errorField(error, 'syscall') !== undefined || code in meanings) ? code : undefined;
};

/** fileErrorText says in plain words what a code from the file system means. */
export const fileErrorText = (code: string): string => meanings[code] ?? code;
