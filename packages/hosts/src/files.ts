import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFilePort, makeFolder, ownFolder, replaceFile as replace } from '@sluice/core';

/** readText reads a regular file; undefined when there is none. It throws what keeps it from being read. */
export const readText = async (path: string): Promise<string | undefined> => {
  const text = await createFilePort().read(path);
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};

/** replaceFile writes a file in one step, readable by its owner alone. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  await makeFolder(dirname(path));
  await replace(path, text, 0o600);
};

/** needOwnFolder makes the results folder, or throws what keeps it from being used. */
export const needOwnFolder = async (folder: string): Promise<void> => {
  const made = await ownFolder(folder);
  if (!made.ok) throw new Error(made.problem.reason);
};

/** addToFile appends a text to a file, readable by its owner alone; never through a link, nor into a pipe, where it would wait for a reader. */
export const addToFile = async (path: string, text: string): Promise<void> => {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
};
