import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorField } from '../error-fields.ts';
import { fileErrorCode, fileErrorText } from '../files/file-error.ts';
import { readFileText } from '../files/read-text.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { StepResult } from '../result.ts';
import { redactedJson } from './redacted-json.ts';

/** ResultsFolder keeps the result documents of a release, for later steps and for people. */
export interface ResultsFolder {
  /** write adds `<nn>-<step>.json`, and beside it what is attached to that result. */
  write(result: StepResult): Promise<Outcome<void>>;
  /** newest gives the newest document of a step, also from an earlier job whose folder was handed on. */
  newest(step: string): Promise<StepResult | undefined>;
}

/** Attachments are the files for people beside a result document, by name. `base` is the document's name without its ending. */
export type Attachments = (result: StepResult, base: string) => Promise<Readonly<Record<string, string>>>;

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

/** writeNext writes a document under the next free number and gives its name without the ending. */
const writeNext = async (folder: string, step: string, text: string): Promise<string | undefined> => {
  await mkdir(folder, { recursive: true });
  const last = (await documentsIn(folder)).at(-1)?.number ?? 0;
  for (let number = last + 1; number <= last + mostNumbersTried; number += 1) {
    const base = `${String(number).padStart(2, '0')}-${step}`;
    if (await writeNew(join(folder, `${base}.json`), text)) return base;
  }
  return undefined;
};

/** replace puts a file in place of an older one; a link that lies there is replaced, not followed. */
const replace = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await rm(temporary, { force: true });
    await writeNew(temporary, text);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
};

/** attach writes what belongs beside a document. A release must not fail for a picture of it, so what goes wrong is noted. */
const attach = async (folder: string, base: string, document: string, attachments: Attachments, note: (line: string) => void): Promise<void> => {
  try {
    // From the document as it was written: a renderer's escapes would hide a secret from redaction.
    for (const [name, text] of Object.entries(await attachments(JSON.parse(document), base))) await replace(join(folder, name), text);
  } catch (error) {
    note(`the report beside ${base}.json was not written: ${errorField(error, 'message') ?? String(error)}`);
  }
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

/**
 * resultsFolder opens a folder of result documents. `redact` is applied to every text that is written; `note` is told what
 * is not used or could not be attached.
 */
export const resultsFolder = (
  folder: string,
  redact: (text: string) => string,
  note: (line: string) => void,
  attachments?: Attachments,
): ResultsFolder => ({
  write: async (result) => {
    try {
      const text = `${JSON.stringify(redactedJson(result, redact), null, 2)}\n`;
      const base = await writeNext(folder, result.step, text);
      if (base === undefined) return unwritable(folder, result.step, 'other processes write there at the same time');
      if (attachments !== undefined) await attach(folder, base, text, attachments, note);
      return done(undefined);
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
