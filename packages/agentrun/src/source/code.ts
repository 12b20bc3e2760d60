import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { done, failed, type Outcome, type Problem } from '@sluice/core';
import { crc64 } from './crc64.ts';
import { ignoreRules } from './ignore.ts';
import { looksSecret } from './packed-secrets.ts';
import { zip, type ZipEntry } from './zip.ts';

/** CodeArchive is a zip archive of an agent's code, as it is uploaded. */
export interface CodeArchive {
  readonly bytes: Buffer;
  /** checksum is the CRC-64 of the bytes, the form in which AgentRun shows the code of a version. */
  readonly checksum: string;
  /** secrets are the paths of files in it that look like keys and passwords; those of an archive that was there already are not looked for. */
  readonly secrets: readonly string[];
}

const megabyte = 1024 * 1024;
// What Function Compute, which AgentRun runs on, takes at most as code. The zip archives that Sluice makes end at 65,535 files.
const limits = { files: 65_000, bytes: 500 * megabyte };
/** inlineLimit is how many bytes an archive may have that goes with the request itself. */
const inlineLimit = 50 * megabyte;
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
const inlineHint = `${ossHint} With \`deploy: s\` the Serverless Devs CLI uploads it.`;

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
    if (into.size > limits.bytes || into.entries.length >= limits.files) {
      return codeProblem(`the code has more than ${limits.files} files or ${limits.bytes / megabyte} MB`, path, ossHint);
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

/** packed are the bytes of an archive, with the names of files in it that look secret. */
const packed = (entries: readonly ZipEntry[]): Omit<CodeArchive, 'checksum'> => ({ bytes: zip(entries), secrets: entries.filter(({ path, bytes }) => looksSecret(path, bytes)).map(({ path }) => path) });

const archiveOf = (path: string, stats: Stats): Outcome<Omit<CodeArchive, 'checksum'>> => {
  if (stats.isFile()) {
    const bytes = readFileSync(path);
    return done(path.endsWith('.zip') ? { bytes, secrets: [] } : packed([{ path: basename(path), bytes, executable: (stats.mode & 0o100) !== 0 }]));
  }
  const collected: Collected = { entries: [], size: 0 };
  const problem = collect(path, path, ignoreRules(readIgnoreFiles(path)), collected);
  if (problem !== undefined) return failed(problem);
  if (collected.entries.length === 0) return failed(codeProblem('the code folder holds no file', path));
  return done(packed(collected.entries));
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
    const { bytes } = archive.value;
    if (bytes.length > limits.bytes) return failed(codeProblem(`the code archive has ${Math.ceil(bytes.length / megabyte)} MB; the limit is ${limits.bytes / megabyte} MB`, src, ossHint));
    return done({ ...archive.value, checksum: crc64(bytes) });
  } catch (error) {
    // Only the file system throws here: a file that cannot be read, or that went away meanwhile.
    return failed(codeProblem(`the code "${src}" cannot be read: ${error instanceof Error ? error.message : String(error)}`, src));
  }
};

/** inlineFault says why an archive cannot go with the request itself, as `deploy: api` sends it; undefined when it can. */
export const inlineFault = (archive: CodeArchive | undefined, src: string): Problem | undefined =>
  archive === undefined || archive.bytes.length <= inlineLimit
    ? undefined
    : codeProblem(`the code archive has ${Math.ceil(archive.bytes.length / megabyte)} MB; the limit is ${inlineLimit / megabyte} MB where it goes with the request`, src, inlineHint);
