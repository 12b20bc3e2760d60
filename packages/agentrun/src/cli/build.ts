import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { done, failed, fileErrorCode, type Outcome } from '@sluice/core';
import { isRecord } from '../source/json.ts';

/** BuildMode is `agentrun.build` in sluice.yml. */
export type BuildMode = 'auto' | 'reuse' | 'never';

// What the component fc3 0.1.22 builds from, and where the product lies: in the code's own folder
// (src/subCommands/build/impl/defaultBuilder.ts). npm writes its file at every installation, a folder's time stays.
const products = [
  { manifest: 'apt-get.list', product: 'apt-archives' },
  { manifest: 'requirements.txt', product: 'python' },
  { manifest: 'package.json', product: 'node_modules/.package-lock.json' },
  { manifest: 'pom.xml', product: 'target' },
] as const;

/** Stale is a manifest whose product is not there, or is older. */
export interface Stale {
  readonly manifest: string;
  readonly product: string;
  readonly missing: boolean;
}

/** changedAt is when a file or folder was last changed, in milliseconds since 1970; undefined when it is not there. */
const changedAt = (path: string): number | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error;
    return undefined;
  }
};

/** installsNothing says that a package.json names no package; npm then makes no folder. One that cannot be read names some. */
const installsNothing = (path: string): boolean => {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isRecord(manifest) && ['dependencies', 'optionalDependencies', 'devDependencies'].every((key) => !isRecord(manifest[key]) || Object.keys(manifest[key]).length === 0);
  } catch (error) {
    if (!(error instanceof SyntaxError) && fileErrorCode(error) === undefined) throw error;
    return false;
  }
};

/** staleIn finds what in a code folder still has to be built; a single file or an archive has nothing to build. */
export const staleIn = (folder: string): readonly Stale[] =>
  products.flatMap(({ manifest, product }) => {
    const stated = changedAt(join(folder, manifest));
    if (stated === undefined || (manifest === 'package.json' && installsNothing(join(folder, manifest)))) return [];
    const built = changedAt(join(folder, product));
    return built !== undefined && built >= stated ? [] : [{ manifest, product, missing: built === undefined }];
  });

const staleText = ({ manifest, product, missing }: Stale): string => `${product} is ${missing ? 'not there' : `older than ${manifest}`}`;

/** buildIsNeeded decides whether to build. With `reuse` what is there must be whole and not older than what it was made from. */
export const buildIsNeeded = (mode: BuildMode, stale: readonly Stale[], src: string): Outcome<boolean> => {
  if (mode === 'never' || stale.length === 0) return done(false);
  if (mode === 'auto') return done(true);
  return failed({
    category: 'input',
    reason: `the code in ${src} is not built: ${stale.map(staleText).join('; ')}`,
    tried: 'reuse what was built',
    where: src,
    hint: 'Build it in a step before this one, or set `build: auto`. Where the CI restores the built folder with an older time, `build: never` sends it as it is.',
  });
};
