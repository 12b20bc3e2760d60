import { join } from 'node:path';
import type { Host, Outputs } from '@sluice/core';
import { addToFile, needOwnFolder, readText, replaceFile } from './files.ts';
import { attempt, type HostParts } from './line-host.ts';

const earlierOutputs = (text: string | undefined): object => {
  if (text === undefined) return {};
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null ? parsed : {};
};

/** addToOutputsFile keeps outputs in `outputs.json` in the results folder, one object for all steps of a job, and gives them back as written: each value one line. */
const addToOutputsFile = async ({ voice, resultsFolder }: HostParts, outputs: Outputs): Promise<Readonly<Record<string, string>>> => {
  await needOwnFolder(resultsFolder);
  const path = join(resultsFolder, 'outputs.json');
  const values = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, voice.value(value)]));
  await replaceFile(path, `${JSON.stringify({ ...earlierOutputs(await readText(path)), ...values }, null, 2)}\n`);
  return values;
};

/** sharedOutputs keeps outputs in `outputs.json`, and adds `lines` of them to the file that a CI reads for later steps, where it names one. */
export const sharedOutputs = (parts: HostParts, shared: string | undefined, lines: (outputs: Readonly<Record<string, string>>) => string): Pick<Host, 'outputs'> => ({
  outputs: (outputs) =>
    attempt(parts.voice, 'the outputs could not be written', async () => {
      const written = await addToOutputsFile(parts, outputs);
      if (shared !== undefined && shared !== '') await addToFile(shared, lines(written));
    }),
});
