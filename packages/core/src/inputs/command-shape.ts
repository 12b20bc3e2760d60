import * as z from 'zod/mini';
import type { AnyStep } from '../step.ts';
import type { CommandShape } from './parse-arguments.ts';

/** isSwitch tells an input that is `true` or `false`, through any `optional` around it. */
const isSwitch = (schema: z.core.$ZodType): boolean => {
  if (schema instanceof z.ZodMiniOptional) return isSwitch(schema.def.innerType);
  return schema instanceof z.ZodMiniCodec && schema.def.out instanceof z.ZodMiniBoolean;
};

/** commandShapeOf gives the flags of a step: one for each input, a switch for each `true` or `false`. */
export const commandShapeOf = (step: AnyStep): CommandShape => ({
  name: step.name,
  flags: Object.fromEntries(Object.entries(step.inputs.shape).map(([name, schema]) => [name, isSwitch(schema) ? 'switch' : 'value'] as const)),
});
