import { access, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileErrorCode, readFileText } from '@sluice/core';
import { fixedPlaces, isWorkflow, workflowFolder, type Kind } from './kind.ts';

/** PipelineFile is a file of a CI system in the user's repository. */
export interface PipelineFile {
  readonly kind: Kind;
  /** path is written as the path of sluice.yml is, with `/` everywhere. */
  readonly path: string;
  readonly text: string;
}

/** mostFiles and mostBytes keep a folder full of generated files from taking a validate's minute. */
const mostFiles = 200;
const mostBytes = 1024 * 1024;
const mostParents = 40;

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (fileErrorCode(error) !== undefined) return false;
    throw error;
  }
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    // Most repositories have workflows of one system only.
    if (fileErrorCode(error) !== undefined) return [];
    throw error;
  }
};

/** repositoryOf is the folder at or above `folder` that Git works in; `folder` itself where there is none. */
const repositoryOf = async (folder: string): Promise<string> => {
  let here = folder;
  for (let step = 0; step < mostParents; step += 1) {
    if (await exists(join(here, '.git'))) return here;
    if (dirname(here) === here) break;
    here = dirname(here);
  }
  return folder;
};

/**
 * pipelineFiles reads the CI files of the repository around a project, and those in the project's own folder. `folder` is
 * absolute; `shown` is that folder as the user writes it, '' for the one he stands in. At most 200 files of at most 1 MiB; a
 * file that cannot be read is none of ours to judge and is left out.
 */
export const pipelineFiles = async (folder: string, shown: string): Promise<readonly PipelineFile[]> => {
  const root = await repositoryOf(folder);
  const places = [...new Set([root, folder])];
  const candidates = (
    await Promise.all(
      places.map(async (place) => [
        ...(await namesIn(join(place, workflowFolder))).filter(isWorkflow).map((name) => ({ kind: 'github' as const, path: join(place, workflowFolder, name) })),
        ...Object.entries(fixedPlaces).map(([name, kind]) => ({ kind, path: join(place, name) })),
      ]),
    )
  ).flat();
  const read = await Promise.all(
    candidates.slice(0, mostFiles).map(async ({ kind, path }): Promise<readonly PipelineFile[]> => {
      const shownPath = join(shown, relative(folder, path)).replaceAll('\\', '/');
      const text = await readFileText(path, shownPath, mostBytes);
      return text.ok ? [{ kind, path: shownPath, text: text.value }] : [];
    }),
  );
  return read.flat();
};
