import { oneLine, type Change } from '@sluice/core';

/** PackedFile is a file of a zip archive; size in bytes. */
interface PackedFile {
  readonly size: number;
  readonly checksum: number;
  /** mode tells a program and a link from a plain file. */
  readonly mode: number;
}

const endOfDirectory = 0x06054b50;
const entryOfDirectory = 0x02014b50;
const endLength = 22;
const longestComment = 0xffff;

/** directoryOf is where the directory of an archive begins and how many entries it has; undefined where that cannot be read. */
const directoryOf = (bytes: Buffer): { readonly at: number; readonly count: number } | undefined => {
  for (let at = bytes.length - endLength; at >= Math.max(0, bytes.length - endLength - longestComment); at -= 1) {
    if (bytes.readUInt32LE(at) === endOfDirectory) return { at: bytes.readUInt32LE(at + 16), count: bytes.readUInt16LE(at + 10) };
  }
  return undefined;
};

/** filesOf reads the directory of a zip archive; undefined where it is none, or one of a form that is not known. */
export const filesOf = (bytes: Buffer): ReadonlyMap<string, PackedFile> | undefined => {
  const directory = directoryOf(bytes);
  if (directory === undefined) return undefined;
  const files = new Map<string, PackedFile>();
  let { at } = directory;
  for (let left = directory.count; left > 0; left -= 1) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== entryOfDirectory) return undefined;
    const [name, extra, comment] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    files.set(bytes.toString('utf8', at + 46, at + 46 + name), { size: bytes.readUInt32LE(at + 24), checksum: bytes.readUInt32LE(at + 16), mode: bytes.readUInt32LE(at + 38) });
    at += 46 + name + extra + comment;
  }
  return files;
};

/** mostFiles is how many files a diff names; nobody reads more, as after an update of packages. */
const mostFiles = 100;

const sizeOf = ({ size }: PackedFile): string => `${size} byte${size === 1 ? '' : 's'}`;

const fileChange = (path: string, older: PackedFile | undefined, newer: PackedFile | undefined): Change => ({
  kind: older === undefined ? 'added' : newer === undefined ? 'removed' : 'changed',
  about: 'setting',
  subject: `file ${oneLine(path, 120)} of the code`,
  ...(older === undefined ? {} : { before: sizeOf(older) }),
  ...(newer === undefined ? {} : { after: sizeOf(newer) }),
});

const sameFile = (one: PackedFile | undefined, other: PackedFile | undefined): boolean => one?.size === other?.size && one?.checksum === other?.checksum && one?.mode === other?.mode;

/** fileChanges names the files that differ between two archives of code, by their paths; none where one of them cannot be read. */
export const fileChanges = (before: Buffer, after: Buffer): readonly Change[] => {
  const [older, newer] = [filesOf(before), filesOf(after)];
  if (older === undefined || newer === undefined) return [];
  const paths = [...new Set([...older.keys(), ...newer.keys()])].sort().filter((path) => !sameFile(older.get(path), newer.get(path)));
  const more = paths.length - mostFiles;
  return [
    ...paths.slice(0, mostFiles).map((path) => fileChange(path, older.get(path), newer.get(path))),
    ...(more > 0 ? [{ kind: 'changed', about: 'setting', subject: `${more} more file${more === 1 ? '' : 's'} of the code` } as const] : []),
  ];
};
