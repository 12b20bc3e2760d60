import * as z from 'zod/mini';
import { done, failed, oneLine, type Answer, type HttpResponse, type Outcome } from '@sluice/core';

/** Sample is one reading of a counter: when, in milliseconds since 1970, and its value then. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** Series is one counter with its labels; its samples are in the order of time. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

const point = z.tuple([z.number(), z.string()]);

const matrix = z.looseObject({
  status: z.literal('success'),
  warnings: z.optional(z.array(z.string())),
  data: z.looseObject({
    resultType: z.literal('matrix'),
    result: z.array(z.looseObject({ metric: z.record(z.string(), z.string()), values: z.array(point) })),
  }),
});

const refusal = z.looseObject({ status: z.literal('error'), errorType: z.optional(z.string()), error: z.optional(z.string()) });

const problemOf = (reason: string, where: string, answer: Answer, hint: string): Outcome<never> =>
  failed({ category: 'evidence', reason, tried: 'read the counters', where, answer, hint });

/**
 * readSeries reads the answer of Prometheus to a query for a range of samples (HTTP API v1). A refusal is an `evidence`
 * problem with the server's words; so is an answer with warnings, which is one that parts are missing from (Thanos and
 * others answer so when one of their stores does not), and an answer in any other shape.
 */
export const readSeries = (response: HttpResponse, body: unknown, where: string): Outcome<readonly Series[]> => {
  const { status } = response;
  const refused = refusal.safeParse(body).data;
  if (refused !== undefined) {
    const message = oneLine(refused.error ?? '', 300);
    const code = oneLine(refused.errorType ?? '', 40);
    return problemOf(`Prometheus refused the query: ${message === '' ? `HTTP ${status}` : message}`, where, { status, ...(code === '' ? {} : { code }), ...(message === '' ? {} : { message }) }, 'Try the metric of canary.evidence in the page of Prometheus.');
  }
  const read = matrix.safeParse(body).data;
  if (status !== 200 || read === undefined) return problemOf(`the server answered HTTP ${status}, and not as Prometheus does`, where, { status }, 'Check the address in canary.evidence: it is the one whose /graph page opens.');
  const [warning] = read.warnings ?? [];
  if (warning !== undefined) return problemOf(`Prometheus answered in part only: ${oneLine(warning, 300)}`, where, { status }, 'Look at what Prometheus reads from: one of its stores did not answer.');
  return done(
    read.data.result.map(({ metric, values }) => ({
      labels: metric,
      samples: values.map(([seconds, value]) => ({ at: Math.round(seconds * 1000), value: value === '+Inf' ? Infinity : Number(value) })),
    })),
  );
};
