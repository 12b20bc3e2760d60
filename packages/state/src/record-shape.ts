import { done, failed, type EnvironmentRecord, type Json, type Outcome } from '@sluice/core';
import * as z from 'zod/mini';

const time = z.number().check(z.gte(0));

const version = { version: z.string(), digest: z.string() };

const json: z.ZodMiniType<Json> = z.json();

const environmentRecord = z.strictObject({
  format: z.literal(1),
  application: z.string(),
  environment: z.string(),
  stable: z.exactOptional(z.strictObject(version)),
  candidate: z.exactOptional(z.strictObject({ ...version, over: z.exactOptional(z.string()) })),
  deploying: z.exactOptional(z.array(z.string())),
  lease: z.exactOptional(z.strictObject({ holder: z.string(), until: time })),
  rollout: z.exactOptional(json),
  history: z.array(
    z.strictObject({
      version: z.string(),
      name: z.string(),
      digest: z.string(),
      commit: z.string(),
      verdict: z.enum(['passed', 'failed', 'inconclusive', 'rolled-back']),
      at: z.string(),
      actor: z.string(),
      runUrl: z.string(),
      reason: z.string(),
    }),
  ),
});

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** readRecord reads a stored text as a record's own shape, or gives the sentence that says what is wrong with it. */
export const readRecord = (text: string, application: string, environment: string): Outcome<EnvironmentRecord> => {
  const wrong = (reason: string): Outcome<never> =>
    failed({
      category: 'input',
      reason,
      tried: `read what is remembered of ${application} in ${environment}`,
      hint: 'Restore the file from a copy. If there is none, move it away: the next release then begins without a memory, and rollback asks for a version.',
    });
  const parsed = environmentRecord.safeParse(parsedJson(text));
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    return wrong(`the stored record is not one that this version of Sluice wrote${at === '' ? '' : `: ${at} is wrong`}`);
  }
  const record = parsed.data;
  if (record.application !== application || record.environment !== environment) {
    return wrong('the stored record belongs to another application or environment');
  }
  return done(record);
};
