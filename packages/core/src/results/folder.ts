import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileErrorCode, fileErrorText } from '../files/file-error.ts';
import { readFileText } from '../files/read-text.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { StepResult } from '../result.ts';
import { redactedJson } from './redacted-json.ts';

/** ResultsFolder keeps the result documents of a release, for later steps and for people. */
export interface ResultsFolder {
  /** write adds `<nn>-<step>.json`. */
  write(result: StepResult): Promise<Outcome<void>>;
  /** newest gives the newest document of a step, also from an earlier job whose folder was handed on. */
  newest(step: string): Promise<StepResult | undefined>;
}

/** DocumentName is a file name of the folder, taken apart. */
interface DocumentName {
  readonly name: string;
  readonly number: number;
  readonly step: string;
}

/** mostNumbersTried is how often a number that another process has just taken is passed over. */
const mostNumbersTried = 20;

const documentName = (name: string): DocumentName | undefined => {
  const [, number, step] = /^(\d{1,6})-([a-z0-9-]+)\.json$/.exec(name) ?? [];
  return number === undefined || step === undefined ? undefined : { name, number: Number(number), step };
};

/** documentsIn lists the folder's documents, oldest first; a folder that does not exist holds none. */
const documentsIn = async (folder: string): Promise<readonly DocumentName[]> => {
  try {
    const names = (await readdir(folder)).map(documentName).filter((document) => document !== undefined);
    return names.toSorted((one, other) => one.number - other.number);
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
};

const writeNew = async (path: string, text: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text, 'utf8');
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (fileErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
};

const writeNext = async (folder: string, step: string, text: string): Promise<boolean> => {
  await mkdir(folder, { recursive: true });
  const last = (await documentsIn(folder)).at(-1)?.number ?? 0;
  for (let number = last + 1; number <= last + mostNumbersTried; number += 1) {
    if (await writeNew(join(folder, `${String(number).padStart(2, '0')}-${step}.json`), text)) return true;
  }
  return false;
};

const unwritable = (folder: string, step: string, why: string): Outcome<never> =>
  failed({
    category: 'permission',
    reason: `the result document of ${step} cannot be written: ${why}`,
    tried: 'write the result document',
    where: folder,
    hint: 'Set SLUICE_RESULTS to a folder that this job can write.',
  });

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // A file that is not JSON is no result document; the caller says so.
    return undefined;
  }
};

/** parseDocument checks a document's shape; the schema is built when there is one to read, not at every start. */
const parseDocument = async (text: string, step: string): Promise<StepResult | undefined> =>
  (await import('./shape.ts')).resultFrom(parsedJson(text), step);

const readDocument = async (path: string, step: string, note: (line: string) => void): Promise<StepResult | undefined> => {
  const text = await readFileText(path, path);
  const result = text.ok ? await parseDocument(text.value, step) : undefined;
  if (result === undefined) note(text.ok ? `${path} is not a result document of ${step} and is not used` : `${text.problem.reason}; it is not used`);
  return result;
};

/** listed are the folder's documents; one that cannot be listed holds none that could be used, and that is said. */
const listed = async (folder: string, note: (line: string) => void): Promise<readonly DocumentName[]> => {
  try {
    return await documentsIn(folder);
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === undefined) throw error;
    note(`the results in ${folder} are not used: ${fileErrorText(code)}`);
    return [];
  }
};

/** resultsFolder opens a folder of result documents. `redact` is applied to every text that is written; `note` is told what is not used. */
export const resultsFolder = (folder: string, redact: (text: string) => string, note: (line: string) => void): ResultsFolder => ({
  write: async (result) => {
    try {
      const written = await writeNext(folder, result.step, `${JSON.stringify(redactedJson(result, redact), null, 2)}\n`);
      return written ? done(undefined) : unwritable(folder, result.step, 'other processes write there at the same time');
    } catch (error) {
      const code = fileErrorCode(error);
      if (code === undefined) throw error;
      return unwritable(folder, result.step, fileErrorText(code));
    }
  },
  newest: async (step) => {
    const documents = await listed(folder, note);
    for (const document of documents.toReversed()) {
      if (document.step !== step) continue;
      const result = await readDocument(join(folder, document.name), step, note);
      if (result !== undefined) return result;
    }
    return undefined;
  },
});
