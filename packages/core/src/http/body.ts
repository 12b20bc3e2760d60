import { byteSize } from '../text/byte-size.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { Attempted } from './failures.ts';

/** bodyLimit is the most bytes that an answer may have. */
export const bodyLimit = 20 * 1024 * 1024;

/** tooLarge is the problem of an answer beyond the limit. */
export const tooLarge = (attempted: Attempted): Outcome<never> =>
  failed({
    category: 'platform',
    reason: `the server sent more than ${byteSize(bodyLimit)}`,
    ...attempted,
    hint: 'Check the address; no answer that Sluice asks for is so large.',
  });

/** readBody reads a body as UTF-8 text; wrong bytes become the replacement character. A body that breaks off throws the connection's error. */
export const readBody = async (body: AsyncIterable<unknown>, attempted: Attempted): Promise<Outcome<string>> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    if (size > bodyLimit) return tooLarge(attempted);
    chunks.push(chunk);
  }
  return done(new TextDecoder().decode(Buffer.concat(chunks)));
};
