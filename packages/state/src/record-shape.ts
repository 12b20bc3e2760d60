import { done, failed, type EnvironmentRecord, type Json, type Outcome, type Problem } from '@sluice/core';
import * as z from 'zod/mini';
import { seal, unseal, type Link } from './seal.ts';

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
  lease: z.exactOptional(z.strictObject({ holder: z.string(), until: time, unattended: z.exactOptional(z.literal(true)) })),
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

/** Opened is a stored record with what the next one must name of it. */
export interface Opened {
  readonly record: EnvironmentRecord;
  readonly link: Link;
}

/** readRecord reads a stored text as a record that nobody else changed, or gives the sentence that says what is wrong with it. */
export const readRecord = (text: string, application: string, environment: string, key: string | undefined): Outcome<Opened> => {
  const wrong = (reason: string): Outcome<never> =>
    failed({
      category: 'input',
      reason,
      tried: `read what is remembered of ${application} in ${environment}`,
      hint: 'Find out who changed it, and restore the file from a copy or from the history of its branch. If there is none, move it away: the next release then begins without a memory, and rollback asks for a version.',
    });
  const unsealed = unseal(text, key);
  if (typeof unsealed === 'string') return wrong(`the stored record ${unsealed}`);
  const parsed = environmentRecord.safeParse(unsealed.content);
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    return wrong(`the stored record is not one that this version of Sluice wrote${at === '' ? '' : `: ${at} is wrong`}`);
  }
  const record = parsed.data;
  if (record.application !== application || record.environment !== environment) {
    return wrong('the stored record belongs to another application or environment');
  }
  return done({ record, link: unsealed.link });
};

/** recordText is the text that stores a record after the one that `before` names; one that could not be read again is a `defect`. */
export const recordText = (record: EnvironmentRecord, before: Link | undefined, key: string | undefined): Outcome<string> => {
  const text = seal(record, before, key);
  return readRecord(text, record.application, record.environment, key).ok
    ? done(text)
    : failed({ category: 'defect', reason: 'a record was to be written that could not be read again', tried: 'write a record' });
};

/** changedBySomebody is the problem of a write that names a record which is no longer the stored one. */
export const changedBySomebody = ({ application, environment }: EnvironmentRecord, where: string): Problem => ({
  category: 'conflict',
  reason: `somebody else changed what is remembered of ${application} in ${environment}`,
  tried: 'write a record',
  where,
  hint: 'Another release is under way, or has just ended. Run again.',
});
