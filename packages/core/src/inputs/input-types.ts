import * as z from 'zod/mini';
import { durationMs } from '../config/duration.ts';

const durationFrom = (text: string, context: z.core.ParsePayload<unknown>): number => {
  const milliseconds = durationMs(text);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  context.issues.push({ code: 'custom', input: text, message: 'must be a duration such as 90s or 20m' });
  return z.NEVER;
};

/**
 * inputTypes are the types of step inputs at the edge, where every CI gives text. Each takes its description, and
 * may be left out. An empty text never gets here: it means absent.
 */
export const inputTypes = {
  /** text is any text. */
  text: (description: string) => z.optional(z.string()).check(z.describe(description)),

  /** boolean is `true` or `false`. */
  boolean: (description: string) => z.optional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).check(z.describe(description)),

  /** duration is `90s`, `20m`, `1h` or seconds, more than nothing, in milliseconds. */
  duration: (description: string) => z.optional(z.pipe(z.string(), z.transform(durationFrom))).check(z.describe(description)),

  /** choice is one of a fixed set of texts. */
  choice: <const T extends readonly [string, ...string[]]>(values: T, description: string) => z.optional(z.enum(values)).check(z.describe(description)),
} as const;
