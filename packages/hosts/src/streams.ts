/** Writer is the part of a stream that a host uses; `process.stdout` is one. */
export interface Writer {
  write(text: string, done?: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Streams are where a process writes. */
export interface Streams {
  readonly stdout: Writer;
  readonly stderr: Writer;
}

/** flushed waits until everything that was written has left the process. */
export const flushed = async ({ stdout, stderr }: Streams): Promise<void> => {
  for (const writer of [stdout, stderr]) await new Promise<void>((resolve) => writer.write('', () => resolve()));
};
