import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '../clock.ts';
import { errorField } from '../error-fields.ts';
import { fileErrorCode, fileErrorText } from '../files/file-error.ts';
import { createFilePort } from '../files/file-port.ts';
import { ownFolder, wrongPart } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { StepResult } from '../result.ts';
import { plainLine } from '../text/plain.ts';
import { sameJob } from './job.ts';
import { redactedJson } from './redacted-json.ts';

/** ResultsFolder keeps the result documents of a release, for later steps and for people. */
export interface ResultsFolder {
  /** write adds `<nn>-<step>.json`, and beside it what is attached to that result. */
  write(result: StepResult): Promise<Outcome<void>>;
  /** newest gives the newest document of a step, also from an earlier job whose folder was handed on. */
  newest(step: string): Promise<StepResult | undefined>;
}

/**
 * Attachments are the files for people and for their tools beside a result document, by name. `base` is the document's
 * name without its ending; `job` are all results of the same job so far, this one too, in the order in which they were written.
 */
export type Attachments = (result: StepResult, base: string, job: readonly StepResult[]) => Promise<Readonly<Record<string, string>>>;

/** DocumentName is a file name of the folder, taken apart. */
interface DocumentName {
  readonly name: string;
  /** number may have any width: what another job, or anybody, wrote there must not end the counting. */
  readonly number: bigint;
  readonly step: string;
}

/** mostNumbersTried is how often a number that another process has just taken is passed over. */
const mostNumbersTried = 20n;

/** mostRead is how many documents of one step are looked at; a folder that is never emptied holds many. */
const mostRead = 50;

/** mostOfJob is how many documents the reports of a job are made of. */
const mostOfJob = 500;

/** mostRounds is how often reports are made again because another process wrote a document meanwhile. */
const mostRounds = 3;

/** clockSkewMs is by how much the clocks of two machines that hand on results may differ. */
const clockSkewMs = 10 * 60_000;

const documentName = (name: string): DocumentName | undefined => {
  const [, number, step] = /^(\d+)-([a-z0-9-]+)\.json$/.exec(name) ?? [];
  return number === undefined || step === undefined ? undefined : { name, number: BigInt(number), step };
};

/** documentsIn lists the folder's documents, oldest first; a folder that does not exist holds none. */
const documentsIn = async (folder: string): Promise<readonly DocumentName[]> => {
  try {
    const names = (await readdir(folder)).map(documentName).filter((document) => document !== undefined);
    return names.toSorted((one, other) => (one.number < other.number ? -1 : Number(one.number > other.number)));
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
  const last = (await documentsIn(folder)).at(-1)?.number ?? 0n;
  for (let number = last + 1n; number <= last + mostNumbersTried; number += 1n) {
    const base = `${String(number).padStart(2, '0')}-${step}`;
    if (await writeNew(join(folder, `${base}.json`), text)) return base;
  }
  return undefined;
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

/** shown makes a text what a report shows of it. A secret with a control character inside is found once that is gone. */
const shown = (redact: (text: string) => string) => (text: string): string => redact(plainLine(redact(text)));

/** Attaching is what belongs beside a document that was just written. */
interface Attaching {
  readonly folder: string;
  readonly base: string;
  readonly result: StepResult;
  readonly attachments: Attachments;
  redact(text: string): string;
  note(line: string): void;
}

/** ofJob are the results of the same job among all that lie in the folder; this process's own one is known whole. */
const ofJob = async ({ folder, base, result, redact }: Attaching, documents: readonly DocumentName[]): Promise<readonly StepResult[]> => {
  const read = documents.slice(-mostOfJob).map(async ({ name }) => {
    if (name === `${base}.json`) return result;
    const text = await createFilePort().read(join(folder, name));
    return text.ok ? (await import('./shape.ts')).recordedFrom(redactedJson(parsedJson(text.value ?? ''), shown(redact))) : undefined;
  });
  // What is damaged is said by the step that needs it; a report does without.
  return sameJob((await Promise.all(read)).filter((one) => one !== undefined), result);
};

const writeAttached = async (attaching: Attaching, documents: readonly DocumentName[]): Promise<void> => {
  const { folder, base, result, attachments, note } = attaching;
  const unwritten = (error: unknown): void => note(`the report beside ${base}.json was not written: ${errorField(error, 'message') ?? String(error)}`);
  try {
    for (const [name, text] of Object.entries(await attachments(result, base, await ofJob(attaching, documents)))) {
      await replaceFile(join(folder, name), text, 0o600).catch(unwritten);
    }
  } catch (error) {
    unwritten(error);
  }
};

/**
 * attach writes what belongs beside a document. A release must not fail for a picture of it, so what goes wrong is noted.
 * Another process of the job may have written its document meanwhile, and then these reports, which lack it: so it looks again.
 */
const attach = async (attaching: Attaching): Promise<void> => {
  let documents = await documentsIn(attaching.folder);
  for (let round = 0; round < mostRounds; round += 1) {
    await writeAttached(attaching, documents);
    const now = await documentsIn(attaching.folder);
    if (now.length === documents.length) return;
    documents = now;
  }
};

const readDocument = async (path: string, step: string, note: (line: string) => void): Promise<StepResult | undefined> => {
  const text = await createFilePort().read(path);
  const result = text.ok ? await parseDocument(text.value ?? '', step) : undefined;
  if (result === undefined) note(text.ok ? `${path} is not a result document of ${step} and is not used` : `${text.problem.reason}; it is not used`);
  return result;
};

/** listed are the folder's documents; one that cannot be listed holds none that could be used, and that is said. */
const listed = async (folder: string, note: (line: string) => void): Promise<readonly DocumentName[]> => {
  const unused = (why: string): readonly DocumentName[] => {
    note(`the results in ${folder} are not used: ${why}`);
    return [];
  };
  try {
    const wrong = await wrongPart(folder);
    return wrong === undefined ? await documentsIn(folder) : unused(wrong);
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === undefined) throw error;
    return unused(fileErrorText(code));
  }
};

/** newestOf is the document that began last; numbers decide only between equals, because jobs that ran side by side share them. */
const newestOf = async (paths: readonly string[], step: string, now: number, note: (line: string) => void): Promise<StepResult | undefined> => {
  let newest: StepResult | undefined;
  for (const path of paths) {
    const result = await readDocument(path, step, note);
    if (result === undefined) continue;
    const startedAt = Date.parse(result.startedAt);
    if (startedAt > now + clockSkewMs) note(`${path} says that it began in the future and is not used`);
    else if (newest === undefined || startedAt >= Date.parse(newest.startedAt)) newest = result;
  }
  return newest;
};

/**
 * resultsFolder opens a folder of result documents. `redact` is applied to every text that is written; `note` is told what
 * is not used or could not be attached. Symbolic links are not followed, neither to write nor to read.
 */
export const resultsFolder = (
  folder: string,
  redact: (text: string) => string,
  note: (line: string) => void,
  attachments?: Attachments,
  clock: Pick<Clock, 'now'> = systemClock(),
): ResultsFolder => ({
  write: async (result) => {
    const made = await ownFolder(folder);
    if (!made.ok) return unwritable(folder, result.step, made.problem.reason);
    try {
      const text = `${JSON.stringify(redactedJson(result, redact), null, 2)}\n`;
      const base = await writeNext(folder, result.step, text);
      if (base === undefined) return unwritable(folder, result.step, 'other processes write there at the same time');
      // From the document as it was written: a renderer's escapes would hide a secret from redaction.
      if (attachments !== undefined) await attach({ folder, base, result: JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? shown(redact)(value) : value)), attachments, redact, note });
      return done(undefined);
    } catch (error) {
      const code = fileErrorCode(error);
      if (code === undefined) throw error;
      return unwritable(folder, result.step, fileErrorText(code));
    }
  },
  newest: async (step) => {
    const documents = (await listed(folder, note)).filter((document) => document.step === step).slice(-mostRead);
    return newestOf(documents.map(({ name }) => join(folder, name)), step, clock.now(), note);
  },
});
