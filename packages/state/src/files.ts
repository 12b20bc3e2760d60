import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { done, failed, ownFolder, type Outcome, type Problem } from '@sluice/core';

const largestFile = 1_000_000;

/** staleLockMs is far longer than one write takes; an older lock was left by a process that died. */
const staleLockMs = 30_000;

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** refused are the codes of what a person must put right: no access, or something else lies where a file or folder belongs. */
const refused = ['EACCES', 'EPERM', 'EROFS', 'ELOOP', 'EISDIR', 'ENOTDIR', 'EEXIST', 'ENOENT'];

const hint = 'Point SLUICE_STATE at a folder that this job can write and that is kept between runs.';

/** fileProblem turns a file system error into a problem: `permission` where access is refused, else `platform`. */
export const fileProblem = (error: unknown, tried: string, where: string): Problem => {
  const code = codeOf(error);
  if (code === '') throw error;
  return {
    category: refused.includes(code) ? 'permission' : 'platform',
    reason: `the state folder could not be used (${code})`,
    tried,
    where,
    answer: { code },
    hint,
  };
};

/** readFile gives a regular file's text; undefined when there is none. Symbolic links and large files are refused. */
export const readFile = async (path: string): Promise<Outcome<string | undefined>> => {
  const tried = 'read a record';
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      if (size > largestFile) {
        return failed({ category: 'input', reason: `the record has ${size} bytes, more than ${largestFile}`, tried, where: path });
      }
      const bytes = await file.readFile();
      const text = bytes.toString('utf8');
      // Bytes that are no UTF-8 read as if they were the replacement character itself.
      if (!Buffer.from(text).equals(bytes)) return failed({ category: 'input', reason: 'the record is not UTF-8 text', tried, where: path });
      return done(text);
    } finally {
      await file.close();
    }
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? done(undefined) : failed(fileProblem(error, tried, path));
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  // Windows cannot flush a folder; its rename is in the journal already.
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** writeTemporary writes a new file beside `path`, whose folder is there, flushed to the disk, and gives its path. */
const writeTemporary = async (path: string, text: string): Promise<string> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
};

const create = async (path: string): Promise<boolean> => {
  try {
    await (await open(path, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
};

const changedAt = async (path: string): Promise<number | undefined> => {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** lock takes the lock of a file; a lock that is much older than the temporary file just written is taken over. */
const lock = async (path: string, temporary: string): Promise<boolean> => {
  if (await create(path)) return true;
  const held = await changedAt(path);
  const now = await changedAt(temporary);
  if (held !== undefined && now !== undefined && now - held < staleLockMs) return false;
  await rm(path, { force: true });
  return create(path);
};

/** fill writes the text of a temporary file, flushed to the disk. */
const fill = async (temporary: string, text: string): Promise<void> => {
  const file = await open(temporary, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
};

/**
 * replaceFile replaces a text in one step (temporary file, flush, rename) by what `next` makes of the one that is there
 * now, and gives it. Other writers of the same file are kept out meanwhile; one that is at work is a `conflict`.
 */
export const replaceFile = async (path: string, next: (present: string | undefined) => Outcome<string>): Promise<Outcome<string>> => {
  const tried = 'write a record';
  const made = await ownFolder(dirname(path), 0o700);
  if (!made.ok) return failed({ ...made.problem, hint });
  try {
    const temporary = await writeTemporary(path, '');
    const lockPath = `${path}.lock`;
    try {
      if (!(await lock(lockPath, temporary))) {
        return failed({ category: 'conflict', reason: 'another process is writing this record', tried, where: path, hint: 'Run again.' });
      }
      try {
        const present = await readFile(path);
        const text = present.ok ? next(present.value) : present;
        if (!text.ok) return text;
        await fill(temporary, text.value);
        await rename(temporary, path);
        await syncFolder(dirname(path));
        return text;
      } finally {
        await rm(lockPath, { force: true });
      }
    } finally {
      await rm(temporary, { force: true });
    }
  } catch (error) {
    return failed(fileProblem(error, tried, path));
  }
};

/** proveFolder writes and removes a file, and so finds out whether records can be written. */
export const proveFolder = async (folder: string): Promise<Outcome<void>> => {
  const made = await ownFolder(folder, 0o700);
  if (!made.ok) return failed({ ...made.problem, hint });
  try {
    const temporary = await writeTemporary(join(folder, 'proof'), 'proof\n');
    await rm(temporary);
    await syncFolder(folder);
    return done(undefined);
  } catch (error) {
    return failed({ ...fileProblem(error, 'prove that records can be written', folder), category: 'permission' });
  }
};
