import * as z from 'zod/mini';
import { categories, type FailureCategory } from '../category.ts';
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
  job: z.exactOptional(z.string()),
  folder: z.exactOptional(z.string()),
  project: z.exactOptional(z.string()),
  environment: z.exactOptional(z.string()),
});

const problemFields = {
  category: z.custom<FailureCategory>((value: unknown) => typeof value === 'string' && value !== 'passed' && value !== 'skipped' && isCategory(value)),
  reason: z.string(),
  tried: z.exactOptional(z.string()),
  where: z.exactOptional(z.string()),
  place: z.exactOptional(z.object({ file: z.string(), line: z.exactOptional(z.number()), column: z.exactOptional(z.number()) })),
  answer: z.exactOptional(
    z.object({ status: z.exactOptional(z.number()), code: z.exactOptional(z.string()), message: z.exactOptional(z.string()), requestId: z.exactOptional(z.string()) }),
  ),
  hint: z.exactOptional(z.string()),
};

/** recorded is a document with its problem, which reports tell of. */
const recorded = z.extend(document, { problem: z.exactOptional(z.object({ ...problemFields, others: z.exactOptional(z.array(z.object(problemFields))) })) });

/** resultFrom gives a parsed document as a step's result, or undefined when it is none of this step. Its problem and inner steps are left out. */
export const resultFrom = (value: unknown, step: string): StepResult | undefined => {
  const parsed = document.safeParse(value);
  return parsed.success && parsed.data.step === step ? parsed.data : undefined;
};

/** recordedFrom gives a parsed document as a result for reports, with its problem and without its inner steps; undefined when it is none. */
export const recordedFrom = (value: unknown): StepResult | undefined => recorded.safeParse(value).data;
