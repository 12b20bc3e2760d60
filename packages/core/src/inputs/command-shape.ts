import * as z from 'zod';
import type { AnyStep } from '../step.ts';
import type { CommandShape } from './parse-arguments.ts';

/** isSwitch tells an input that is `true` or `false`, through any `optional` around it. */
const isSwitch = (schema: z.core.$ZodType): boolean => {
  if (schema instanceof z.ZodOptional) return isSwitch(schema.unwrap());
  return schema instanceof z.ZodCodec && schema.out instanceof z.ZodBoolean;
};

/** commandShapeOf gives the flags of a step: one for each input, a switch for each `true` or `false`. */
export const commandShapeOf = (step: AnyStep): CommandShape => ({
  name: step.name,
  flags: Object.fromEntries(Object.entries(step.inputs.shape).map(([name, schema]) => [name, isSwitch(schema) ? 'switch' : 'value'] as const)),
});
