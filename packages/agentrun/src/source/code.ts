import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { done, failed, type Outcome, type Problem } from '@sluice/core';
import { crc64 } from './crc64.ts';
import { ignoreRules } from './ignore.ts';
import { zip, type ZipEntry } from './zip.ts';

/** CodeArchive is a zip archive of an agent's code, as it is uploaded. */
export interface CodeArchive {
  readonly bytes: Buffer;
  /** checksum is the CRC-64 of the bytes, the form in which AgentRun shows the code of a version. */
  readonly checksum: string;
}

const limits = { files: 10_000, bytes: 50 * 1024 * 1024 };
const ignoreFiles = ['.fcignore', '.arignore'];
// Never part of an agent: the history of the repository, and the folder where Serverless Devs keeps its own state.
const alwaysLeftOut = new Set(['.git', '.s', ...ignoreFiles]);

const codeProblem = (reason: string, where: string, hint?: string): Problem => ({
  category: 'input',
  reason,
  tried: 'read the code of the agent',
  where,
  ...(hint === undefined ? {} : { hint }),
});

const ossHint = 'Leave out what the agent does not need with .fcignore, or upload the archive to OSS and set ossBucketName and ossObjectName.';

const isInside = (root: string, path: string): boolean => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

interface Collected {
  readonly entries: ZipEntry[];
  size: number;
}

/** programLink is where a link leads that npm made for a program of a package (`node_modules/.bin`), when that is a file of the code; other links are none of ours. */
const programLink = (root: string, full: string, path: string): string | undefined => {
  if (!/(?:^|\/)node_modules\/\.bin\/[^/]+$/.test(path)) return undefined;
  const target = readlinkSync(full);
  const aimed = resolve(dirname(full), target);
  const stats = isAbsolute(target) || !isInside(root, aimed) ? undefined : lstatSync(aimed, { throwIfNoEntry: false });
  return stats?.isFile() === true && isInside(realpathSync(root), realpathSync(aimed)) ? target : undefined;
};

const collect = (root: string, folder: string, ignored: (path: string) => boolean, into: Collected): Problem | undefined => {
  for (const name of readdirSync(folder).sort()) {
    const full = join(folder, name);
    const path = relative(root, full).split(sep).join('/');
    const stats = lstatSync(full);
    if (alwaysLeftOut.has(name) || ignored(stats.isDirectory() ? `${path}/` : path)) continue;
    if (stats.isDirectory()) {
      const problem = collect(root, full, ignored, into);
      if (problem !== undefined) return problem;
      continue;
    }
    const link = stats.isSymbolicLink() ? programLink(root, full, path) : undefined;
    if (link !== undefined) {
      into.entries.push({ path, bytes: Buffer.from(link), executable: false, link: true });
      continue;
    }
    if (!stats.isFile()) {
      return codeProblem(`the code holds "${path}", which is ${stats.isSymbolicLink() ? 'a symbolic link' : 'not a regular file'}`, path, 'Put a regular file there or leave it out with .fcignore');
    }
    into.size += stats.size;
    if (into.size > 2 * limits.bytes || into.entries.length >= limits.files) {
      return codeProblem(`the code has more than ${limits.files} files or 100 MB`, path, ossHint);
    }
    into.entries.push({ path, bytes: readFileSync(full), executable: (stats.mode & 0o100) !== 0 });
  }
  return undefined;
};

const readIgnoreFiles = (root: string): string[] =>
  ignoreFiles.flatMap((name) => {
    const stats = lstatSync(join(root, name), { throwIfNoEntry: false });
    return stats?.isFile() === true ? [readFileSync(join(root, name), 'utf8')] : [];
  });

const archiveOf = (path: string, stats: Stats): Outcome<Buffer> => {
  if (stats.isFile()) {
    const bytes = readFileSync(path);
    return done(path.endsWith('.zip') ? bytes : zip([{ path: basename(path), bytes, executable: (stats.mode & 0o100) !== 0 }]));
  }
  const collected: Collected = { entries: [], size: 0 };
  const problem = collect(path, path, ignoreRules(readIgnoreFiles(path)), collected);
  if (problem !== undefined) return failed(problem);
  if (collected.entries.length === 0) return failed(codeProblem('the code folder holds no file', path));
  return done(zip(collected.entries));
};

/**
 * readCode reads `code.src`, a folder, a zip file or a single file, and gives the archive to upload. `folder` is the
 * project's absolute folder, `file` the path of s.yaml in it; `src` counts from the folder of s.yaml, as with
 * Serverless Devs. Links are refused, but for those that npm makes for programs, and nothing outside of the project is read.
 */
export const readCode = (folder: string, file: string, src: string): Outcome<CodeArchive> => {
  const path = resolve(folder, dirname(file), src);
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return failed(codeProblem(`the code "${src}" is not there`, src, 'Paths count from the folder of s.yaml. Build the code before this step.'));
    if (!stats.isDirectory() && !stats.isFile()) return failed(codeProblem(`the code "${src}" is neither a folder nor a regular file`, src));
    if (!isInside(realpathSync(folder), realpathSync(path))) return failed(codeProblem(`the code "${src}" is outside of the project`, src));
    const archive = archiveOf(path, stats);
    if (!archive.ok) return archive;
    if (archive.value.length > limits.bytes) return failed(codeProblem(`the code archive has ${Math.ceil(archive.value.length / 1024 / 1024)} MB; the limit is 50 MB`, src, ossHint));
    return done({ bytes: archive.value, checksum: crc64(archive.value) });
  } catch (error) {
    // Only the file system throws here: a file that cannot be read, or that went away meanwhile.
    return failed(codeProblem(`the code "${src}" cannot be read: ${error instanceof Error ? error.message : String(error)}`, src));
  }
};
