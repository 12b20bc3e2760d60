import { readFile, stat } from 'node:fs/promises';
import { failed, type Outcome } from '../outcome.ts';
import { byteSize } from '../text/byte-size.ts';
import { decodeText } from './decode-text.ts';
import { fileErrorCode, fileErrorText } from './file-error.ts';

/** textLimit is the most bytes that a text file may have. */
export const textLimit = 10 * 1024 * 1024;

const refused = (shownAs: string, reason: string, hint: string): Outcome<never> =>
  failed({ category: 'input', reason, tried: 'read the file', where: shownAs, hint });

/**
 * readFileText reads a UTF-8 text file. `shownAs` is the path as the user gave it. A file that is missing, a folder,
 * larger than `limit` bytes, unreadable or not UTF-8 is an `input` problem.
 */
export const readFileText = async (path: string, shownAs: string, limit = textLimit): Promise<Outcome<string>> => {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return refused(shownAs, `${shownAs} is a folder, not a file`, 'Give the path of a file in it.');
    if (!found.isFile()) return refused(shownAs, `${shownAs} is not a regular file`, 'Give the path of a regular file.');
    if (found.size > limit) {
      return refused(shownAs, `${shownAs} has ${byteSize(found.size)}; at most ${byteSize(limit)} are read`, 'Give a smaller file.');
    }
    return decodeText(await readFile(path), shownAs);
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === undefined) throw error;
    if (code === 'ENOENT') return refused(shownAs, `${shownAs} does not exist`, 'Check the path and that the file is checked out.');
    return refused(shownAs, `${shownAs} cannot be read: ${fileErrorText(code)}`, 'Check the path and its permissions.');
  }
};
