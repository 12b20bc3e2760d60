import { join } from 'node:path';
import type { Clock, Host, HostContext, Redactor } from '@sluice/core';
import { addToFile, needOwnFolder } from './files.ts';
import { writeFinding } from './finding-lines.ts';
import { progressLines } from './progress-lines.ts';
import { errorMessage } from './thrown.ts';
import { subfolderOf } from './subfolder.ts';
import type { Voice } from './voice.ts';
import { endingDetails, endingText, findingText } from './wording.ts';

/** Environment is a process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** HostParts are what every host is made of. */
export interface HostParts {
  readonly environment: Environment;
  /** folder is the working directory, absolute. */
  readonly folder: string;
  readonly resultsFolder: string;
  readonly voice: Voice;
  readonly redactor: Redactor;
  readonly clock: Clock;
}

/** redactAll hides the values of a CI system's own tokens. */
export const redactAll = ({ environment, redactor }: HostParts, names: readonly string[]): void => {
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined && value !== '') redactor.add(value);
  }
};

/** attempt runs a write to a file of the CI system; one that fails is said, since a run must not fail for its report. */
export const attempt = async (voice: Voice, what: string, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    voice.line(`warning ${what}: ${errorMessage(error)}`);
  }
};

/** lineHost is the host that every log understands: plain lines, and files in the results folder. */
export const lineHost = (name: Host['name'], context: HostContext, parts: HostParts): Host => {
  const { voice, redactor } = parts;
  const written = progressLines(parts.clock);
  const subfolder = subfolderOf(parts.folder);
  return {
    name,
    context: subfolder === '' ? context : { ...context, subfolder },
    environment: parts.environment,
    folder: parts.folder,
    resultsFolder: parts.resultsFolder,
    log: voice.line,
    annotate: (finding, shown) => (shown === undefined ? voice.line(findingText(finding)) : writeFinding(voice, finding, shown)),
    warn: (message) => voice.line(`warning ${message}`),
    group: async (title, work) => {
      voice.line(title);
      return work();
    },
    mask: (secret) => redactor.add(secret),
    redact: (text) => redactor.redact(text),
    progress: (progress) => {
      const line = written(progress);
      if (line !== undefined) voice.line(line);
    },
    stepStarted: (step) => voice.line(`${step} started`),
    stepEnded: (result) => {
      voice.line(endingText(result));
      for (const line of endingDetails(result)) voice.line(line);
    },
    outputs: async (outputs) => {
      for (const [output, value] of Object.entries(outputs)) if (value !== '') voice.line(`output ${output}: ${value}`);
    },
    summary: (markdown) =>
      attempt(voice, 'the summary could not be written', async () => {
        await needOwnFolder(parts.resultsFolder);
        await addToFile(join(parts.resultsFolder, 'summary.md'), `${redactor.redact(markdown)}\n`);
      }),
    print: voice.print,
    close: voice.flush,
  };
};
