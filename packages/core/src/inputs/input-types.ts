import * as z from 'zod/mini';
import { durationMs } from '../config/duration.ts';

type Payload = z.core.ParsePayload<unknown>;

const durationFrom = (text: string, context: Payload): number => {
  const milliseconds = durationMs(text);
  if (milliseconds !== undefined) return milliseconds;
  context.issues.push({ code: 'custom', input: text, message: 'must be a duration such as 30s, 10m or 1h' });
  return z.NEVER;
};

const integerFrom = (text: string, context: Payload, least: number, most: number): number => {
  const value = Number(text.trim());
  if (/^[+-]?\d+$/.test(text.trim()) && value >= least && value <= most) return value;
  context.issues.push({ code: 'custom', input: text, message: `must be a whole number from ${least} to ${most}` });
  return z.NEVER;
};

/**
 * inputTypes are the types of step inputs at the edge, where every CI gives text. Each takes its description, and
 * may be left out. An empty text never gets here: it means absent.
 */
export const inputTypes = {
  /** text is any text. */
  text: (description: string) => z.optional(z.string()).check(z.describe(description)),

  /** list is texts separated by commas or lines; blanks around them and empty ones are left out. */
  list: (description: string) =>
    z.optional(z.pipe(z.string(), z.transform((text) => text.split(/[,\n\r]/).map((one) => one.trim()).filter((one) => one !== '')))).check(z.describe(description)),

  /** boolean is `true` or `false`. */
  boolean: (description: string) => z.optional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).check(z.describe(description)),

  /** duration is `30s`, `10m`, `1h` or seconds, in milliseconds. */
  duration: (description: string) => z.optional(z.pipe(z.string(), z.transform(durationFrom))).check(z.describe(description)),

  /** integer is a whole number within limits, both included. */
  integer: (description: string, { least = 0, most = Number.MAX_SAFE_INTEGER }: { readonly least?: number; readonly most?: number } = {}) =>
    z.optional(z.pipe(z.string(), z.transform((text, context) => integerFrom(text, context, least, most)))).check(z.describe(description)),

  /** choice is one of a fixed set of texts. */
  choice: <const T extends readonly [string, ...string[]]>(values: T, description: string) => z.optional(z.enum(values)).check(z.describe(description)),
} as const;
