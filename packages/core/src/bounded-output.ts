import { byteSize } from './text/byte-size.ts';

/** BoundedOutput gathers what a program writes, up to a limit. */
export interface BoundedOutput {
  add(chunk: Uint8Array): void;
  /** text is what was gathered, as UTF-8, and says at its end when it was cut. */
  text(): string;
}

/** boundedOutput keeps the first `limit` bytes and counts the rest, so that a chatty program cannot fill the memory. */
export const boundedOutput = (limit: number): BoundedOutput => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      if (size < limit) chunks.push(chunk.subarray(0, limit - size));
      size += chunk.byteLength;
    },
    text: () => {
      const kept = new TextDecoder().decode(Buffer.concat(chunks));
      return size > limit ? `${kept}\n[cut after ${byteSize(limit)}; the program wrote ${byteSize(size)}]\n` : kept;
    },
  };
};
