import * as z from 'zod';
import { durationMs } from '../config/duration.ts';

type Kind = 'text' | 'list' | 'boolean' | 'duration' | 'integer' | 'choice';

const meta = (kind: Kind, description: string): { description: string; kind: Kind } => ({ description, kind });

const durationFrom = (text: string, context: z.core.$RefinementCtx): number => {
  const milliseconds = durationMs(text);
  if (milliseconds !== undefined) return milliseconds;
  context.issues.push({ code: 'custom', input: text, message: 'must be a duration such as 30s, 10m or 1h' });
  return z.NEVER;
};

const integerFrom = (text: string, context: z.core.$RefinementCtx, least: number, most: number): number => {
  const value = Number(text.trim());
  if (/^[+-]?\d+$/.test(text.trim()) && value >= least && value <= most) return value;
  context.issues.push({ code: 'custom', input: text, message: `must be a whole number from ${least} to ${most}` });
  return z.NEVER;
};

/**
 * inputTypes are the types of step inputs at the edge, where every CI gives text. Each takes its description; a step
 * calls `.optional()` on what may be left out. An empty text never gets here: it means absent.
 */
export const inputTypes = {
  /** text is any text. */
  text: (description: string) => z.string().meta(meta('text', description)),

  /** list is texts separated by commas or lines; blanks around them and empty ones are left out. */
  list: (description: string) =>
    z
      .string()
      .transform((text) => text.split(/[,\n\r]/).map((one) => one.trim()).filter((one) => one !== ''))
      .meta(meta('list', description)),

  /** boolean is `true` or `false`. */
  boolean: (description: string) => z.stringbool({ truthy: ['true'], falsy: ['false'] }).meta(meta('boolean', description)),

  /** duration is `30s`, `10m`, `1h` or seconds, in milliseconds. */
  duration: (description: string) => z.string().transform(durationFrom).meta(meta('duration', description)),

  /** integer is a whole number within limits, both included. */
  integer: (description: string, { least = 0, most = Number.MAX_SAFE_INTEGER }: { readonly least?: number; readonly most?: number } = {}) =>
    z
      .string()
      .transform((text, context) => integerFrom(text, context, least, most))
      .meta(meta('integer', description)),

  /** choice is one of a fixed set of texts. */
  choice: <const T extends readonly [string, ...string[]]>(values: T, description: string) => z.enum(values).meta(meta('choice', description)),
} as const;
