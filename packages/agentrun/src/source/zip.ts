import { crc32, deflateRawSync } from 'node:zlib';

/** ZipEntry is one regular file of an archive; the path has forward slashes. */
export interface ZipEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
  /** link says that the bytes are the path that a symbolic link leads to. */
  readonly link?: boolean;
}

// The builds of zlib in different Node versions and processors compress the same bytes differently. Small archives are
// stored as they are, so that the same files give the same archive everywhere; for big ones size counts more.
const storedUpTo = 4 * 1024 * 1024;
// Beyond this the time that it takes counts more.
const thoroughUpTo = 100 * 1024 * 1024;

const neededVersion = 20;
const madeOnUnix = 3 << 8;
const utf8Names = 0x0800;
const firstDosDate = 0x0021; // 1 January 1980

interface Written {
  readonly entry: ZipEntry;
  readonly name: Buffer;
  readonly method: 0 | 8;
  readonly content: Uint8Array;
  readonly checksum: number;
  readonly offset: number;
}

/** fields writes little-endian numbers of two or four bytes. */
const fields = (...list: readonly (readonly [2 | 4, number])[]): Buffer => {
  const buffer = Buffer.alloc(list.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of list) {
    at = size === 2 ? buffer.writeUInt16LE(value, at) : buffer.writeUInt32LE(value >>> 0, at);
  }
  return buffer;
};

const sharedFields = ({ method, checksum, content, entry, name }: Written): readonly (readonly [2 | 4, number])[] => [
  [2, neededVersion],
  [2, utf8Names],
  [2, method],
  [2, 0],
  [2, firstDosDate],
  [4, checksum],
  [4, content.length],
  [4, entry.bytes.length],
  [2, name.length],
  [2, 0],
];

const localHeader = (written: Written): Buffer => Buffer.concat([fields([4, 0x04034b50], ...sharedFields(written)), written.name]);

const centralHeader = (written: Written): Buffer => {
  const mode = written.entry.link === true ? 0o120777 : 0o100000 | (written.entry.executable ? 0o755 : 0o644);
  return Buffer.concat([
    fields([4, 0x02014b50], [2, madeOnUnix | neededVersion], ...sharedFields(written), [2, 0], [2, 0], [2, 0], [4, mode << 16], [4, written.offset]),
    written.name,
  ]);
};

/** zip makes an archive of the entries, sorted by path, with fixed times. It knows no zip64: less than 65,536 entries and 4 GB. */
export const zip = (entries: readonly ZipEntry[]): Buffer => {
  const total = entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const method = total > storedUpTo ? 8 : 0;
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of [...entries].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const content = method === 8 ? deflateRawSync(entry.bytes, { level: total > thoroughUpTo ? 1 : 9 }) : entry.bytes;
    const written: Written = { entry, name: Buffer.from(entry.path, 'utf8'), method, content, checksum: crc32(entry.bytes), offset };
    const header = localHeader(written);
    parts.push(header, Buffer.from(content));
    central.push(centralHeader(written));
    offset += header.length + content.length;
  }
  const directory = Buffer.concat(central);
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, central.length], [2, central.length], [4, directory.length], [4, offset], [2, 0]);
  return Buffer.concat([...parts, directory, end]);
};
