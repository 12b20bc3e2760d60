import type { StepResult } from '@sluice/core';
import * as z from 'zod/mini';

const amount = z.number().check(z.gte(0));
const share = amount.check(z.lte(1));

const fate = z.object({ abort: share, abortWithin: share, promote: share, inconclusive: share, exposed: amount, pairs: amount, medianMs: amount });

const row = z.object({
  traffic: amount,
  healthy: fate,
  worse: z.extend(fate, { abortedBy: z.array(z.object({ atMs: amount, share })) }),
  smallest: z.nullable(share),
  improvements: z.array(z.object({ change: z.string(), abort: share })),
});

const forecast = z.object({ environment: z.string(), plan: z.string(), leastMs: amount, falseAbort: share, rows: z.array(row) });

const planEvidence = z.object({ base: share, change: share, withinMs: amount, forecasts: z.array(forecast) });

/** PlanEvidence is what plan foretells, in the shape that the step leaves in its result document. */
export type PlanEvidence = z.output<typeof planEvidence>;

/** PlanRow is the forecast for one rate of requests. */
export type PlanRow = PlanEvidence['forecasts'][number]['rows'][number];

/** planEvidenceOf reads a forecast out of a result; undefined when there is none in the known shape. */
export const planEvidenceOf = (result: StepResult): PlanEvidence | undefined => planEvidence.safeParse(result.evidence).data;
