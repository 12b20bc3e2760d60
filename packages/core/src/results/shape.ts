import * as z from 'zod/mini';
import { categories } from '../category.ts';
import type { StepResult } from '../result.ts';

const statuses = ['passed', 'failed', 'inconclusive', 'skipped', 'error', 'cancelled'] as const;

const isCategory = (value: string): value is StepResult['category'] => Object.hasOwn(categories, value);

const categoryName = z.custom<StepResult['category']>((value) => typeof value === 'string' && isCategory(value));

/** document is what a result document must hold to be used; another job wrote it, so nothing else is believed. */
const document = z.object({
  step: z.string(),
  status: z.enum(statuses),
  category: categoryName,
  reason: z.string(),
  hint: z.string(),
  outputs: z.record(z.string(), z.string()),
  evidence: z.json(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  run: z.exactOptional(z.string()),
});

/** resultFrom gives a parsed document as a step's result, or undefined when it is none of this step. Its problem and inner steps are left out. */
export const resultFrom = (value: unknown, step: string): StepResult | undefined => {
  const parsed = document.safeParse(value);
  return parsed.success && parsed.data.step === step ? parsed.data : undefined;
};
