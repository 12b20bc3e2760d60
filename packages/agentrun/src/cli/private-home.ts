import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { done, failed, fileErrorCode, makeFolder, type Outcome } from '@sluice/core';

/**
 * PrivateHome is a fresh folder in which the Serverless Devs CLI finds its settings and keeps what it writes. Nothing of
 * the machine's own `~/.s` is read, and since the CLI runs in it, no `.env` of the project is either.
 */
export interface PrivateHome {
  readonly folder: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** failure is the text of the newest error.json, which the CLI writes for each run that fails; undefined when there is none. */
  failure(): Promise<string | undefined>;
  remove(): Promise<void>;
}

// `analysis` is the telemetry, which sends arguments and error messages over plain HTTP.
const settings = 'analysis: disable\nlog: disable\n';

const newestFailure = async (folder: string): Promise<string | undefined> => {
  try {
    const runs = (await readdir(join(folder, '.s', 'logs'))).sort();
    return await readFile(join(folder, '.s', 'logs', runs.at(-1) ?? '', 'error.json'), 'utf8');
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error;
    return undefined;
  }
};

const fill = async (folder: string, components: string | undefined): Promise<void> => {
  await mkdir(join(folder, '.s'));
  await writeFile(join(folder, '.s', 'set-config.yml'), settings);
  if (components === undefined) return;
  await makeFolder(components);
  await symlink(components, join(folder, '.s', 'components'));
};

/** makePrivateHome makes a home that only this user can read; `components` is a folder of components that outlives it. */
export const makePrivateHome = async (components: string | undefined): Promise<Outcome<PrivateHome>> => {
  try {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-s-'));
    await fill(folder, components);
    return done({
      folder,
      write: async (name, content) => {
        const path = join(folder, name);
        await writeFile(path, content, { mode: 0o600 });
        return path;
      },
      failure: () => newestFailure(folder),
      remove: () => rm(folder, { recursive: true, force: true }),
    });
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === undefined) throw error;
    return failed({
      category: 'input',
      reason: `the folder for the Serverless Devs CLI cannot be made (${code})`,
      tried: 'make a private home for the Serverless Devs CLI',
      where: components ?? tmpdir(),
      hint: 'Make room in the folder for temporary files, or correct SLUICE_S_COMPONENTS.',
    });
  }
};
