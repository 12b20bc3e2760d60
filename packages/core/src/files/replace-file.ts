import { open, rename, rm } from 'node:fs/promises';

/**
 * replaceFile writes a file whole, in one step: a link that lies there is replaced, not followed. Its folder must be
 * there; it throws what the file system says.
 */
export const replaceFile = async (path: string, text: string, mode: number): Promise<void> => {
  const fresh = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.new`;
  try {
    const file = await open(fresh, 'wx', mode);
    try {
      await file.writeFile(text, 'utf8');
      // The mode of a new file is lessened by the process's mask; a replaced file's is meant exactly.
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
};
