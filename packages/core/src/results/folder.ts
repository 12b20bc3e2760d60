import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { done, failed, type Outcome } from '../outcome.ts';
import type { StepResult } from '../result.ts';

/** ResultsFolder keeps the result documents of a release, for later steps and for people. */
export interface ResultsFolder {
  /** write adds `<nn>-<step>.json`. */
  write(result: StepResult): Promise<Outcome<void>>;
  /** newest gives the newest document of a step, also from an earlier job whose folder was handed on. */
  newest(step: string): Promise<StepResult | undefined>;
}

const documentName = /^(\d+)-([a-z-]+)\.json$/;

const isText = (value: unknown): value is string => typeof value === 'string';

/** asResult checks a document that another job may have written; what does not fit is not a result. */
const asResult = (value: unknown, step: string): StepResult | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const document = value as Partial<Record<keyof StepResult, unknown>>;
  const outputs = document.outputs;
  const fits =
    document.step === step &&
    isText(document.status) &&
    isText(document.category) &&
    isText(document.reason) &&
    typeof outputs === 'object' &&
    outputs !== null &&
    Object.values(outputs).every(isText);
  return fits ? (document as StepResult) : undefined;
};

const names = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).filter((name) => documentName.test(name)).sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
  } catch (error) {
    // A folder that does not exist yet holds no results; any other failure shows when something is written there.
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
};

const readDocument = async (path: string, step: string, note: (line: string) => void): Promise<StepResult | undefined> => {
  try {
    const result = asResult(JSON.parse(await readFile(path, 'utf8')), step);
    if (result === undefined) note(`${path} is not a result document of ${step} and is not used`);
    return result;
  } catch (error) {
    note(`${path} cannot be read and is not used: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
};

/** resultsFolder opens a folder of result documents. `redact` is applied to every byte that is written. */
export const resultsFolder = (folder: string, redact: (text: string) => string, note: (line: string) => void): ResultsFolder => ({
  write: async (result) => {
    try {
      await mkdir(folder, { recursive: true });
      const last = (await names(folder)).at(-1);
      const number = last === undefined ? 1 : Number.parseInt(last, 10) + 1;
      const path = join(folder, `${String(number).padStart(2, '0')}-${result.step}.json`);
      await writeFile(`${path}.new`, `${redact(JSON.stringify(result, null, 2))}\n`, { mode: 0o600 });
      await rename(`${path}.new`, path);
      return done(undefined);
    } catch (error) {
      return failed({
        category: 'permission',
        reason: `the result document of ${result.step} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        tried: 'write the result document',
        where: folder,
        hint: 'Set SLUICE_RESULTS to a folder that this job can write.',
      });
    }
  },
  newest: async (step) => {
    for (const name of [...(await names(folder))].reverse()) {
      if (documentName.exec(name)?.[2] !== step) continue;
      const result = await readDocument(join(folder, name), step, note);
      if (result !== undefined) return result;
    }
    return undefined;
  },
});
