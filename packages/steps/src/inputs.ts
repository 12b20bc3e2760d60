import * as z from 'zod';

const described = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description }) as T;

/** text is an input of any text. */
export const text = (description: string): z.ZodOptional<z.ZodString> => described(z.string().optional(), description);

/** flag is an input that is `true` or `false`. */
export const flag = (description: string): z.ZodOptional<z.ZodCodec<z.ZodString, z.ZodBoolean>> =>
  described(z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(), description);

/** choice is an input with a fixed set of values. */
export const choice = <const T extends readonly [string, ...string[]]>(
  values: T,
  description: string,
): z.ZodOptional<z.ZodEnum<{ [K in T[number]]: K }>> => described(z.enum(values).optional(), description);

/** commonInputs are understood by every step; the entrypoint reads them before the step runs. */
export const commonInputs = {
  config: text('Path of sluice.yml, of a folder that holds one, or of a bare Dify DSL file. Default: `sluice.yml`.'),
  environment: text('Environment of sluice.yml to work on. Default: the one whose `branches` match.'),
  'dry-run': flag('Read and check everything, change nothing. Default: `false`.'),
  deadline: text('Longest time for the step, such as `90s` or `20m`.'),
};
