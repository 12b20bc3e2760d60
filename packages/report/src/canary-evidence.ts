import type { StepResult } from '@sluice/core';
import * as z from 'zod/mini';

const amount = z.number().check(z.gte(0));

/** Documents of earlier versions have no evidence in their points, and no rates. */
const point = z.object({ atMs: amount, weight: amount.check(z.lte(100)), stable: amount, candidate: amount, evidence: z.optional(amount), needed: z.optional(amount) });

const share = amount.check(z.lte(1));

const reading = z.object({
  source: z.string(),
  unit: z.enum(['request', 'user', 'session']),
  guard: z.enum(['errors', 'latency', 'tokens']),
  stable: z.nullable(amount),
  candidate: z.nullable(amount),
  stableCount: amount,
  candidateCount: amount,
  evidence: amount,
  needed: amount,
  claimText: z.optional(z.string()),
});

const canaryEvidence = z.object({
  stable: z.string(),
  candidate: z.string(),
  weights: z.array(amount.check(z.lte(100))),
  readings: z.array(reading),
  silent: z.array(z.string()),
  falseAbort: z.optional(share),
  miss: z.optional(share),
  lack: z.optional(z.string()),
  moreAnswers: z.optional(z.object({ stable: amount, candidate: amount })),
  smallestChange: z.optional(share),
  history: z.array(point),
});

/** CanaryPoint is one look at a canary: milliseconds since the start, weight in per cent, answers of each arm so far. */
export type CanaryPoint = Readonly<z.output<typeof point>>;

/** CanaryReading is what one source says about one guard, in the shape that the rollout leaves in a result document. */
export type CanaryReading = Readonly<z.output<typeof reading>>;

/** CanaryEvidence is what a canary's verdict rests on. */
export type CanaryEvidence = z.output<typeof canaryEvidence>;

/** endOf is the split after the verdict, as it was read back; no point when that is neither of the two versions alone. */
const endOf = (observed: string | undefined, { stable, candidate, history }: CanaryEvidence): readonly CanaryPoint[] => {
  const last = history.at(-1);
  if (last === undefined || history.every(({ weight }) => weight === 0)) return [];
  const weight = observed === candidate ? 100 : observed === stable ? 0 : undefined;
  return weight === undefined ? [] : [{ ...last, weight }];
};

/**
 * canaryEvidenceOf reads a canary's evidence out of its result; undefined when there is none in the known shape. Its history
 * ends with the split that was read back after the verdict. An abort needed nothing more than it had.
 */
export const canaryEvidenceOf = (result: StepResult): CanaryEvidence | undefined => {
  const { data } = canaryEvidence.safeParse(result.evidence);
  if (data === undefined) return undefined;
  const { lack, moreAnswers, ...known } = data;
  const missing = result.category === 'gate' ? {} : { ...(lack === undefined ? {} : { lack }), ...(moreAnswers === undefined ? {} : { moreAnswers }) };
  return { ...known, ...missing, history: [...data.history, ...endOf(result.outputs['observed'], data)] };
};
