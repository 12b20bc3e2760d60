import { done, failed, type Outcome, type Split } from '@sluice/core';
import * as z from 'zod/mini';

/**
 * GatewayKind says how a request gets its version: a workflow by its path, a chatflow by a field of the body, and a
 * twin, which is a second app, by its key.
 */
export type GatewayKind = 'workflow' | 'chat' | 'twin';

/** PinnedApplication is one application behind a gateway; `application` is a slug that no other one there has. */
export interface PinnedApplication {
  readonly application: string;
  readonly kind: GatewayKind;
}

/** Pinning is what the include file holds and what the gateway answers when it is asked for its split. */
export interface Pinning extends PinnedApplication {
  readonly split: Split;
}

/** Dify's version ids are UUIDs; nothing else may get into a configuration that nginx executes. */
const versionId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

const notSlug = 'the name of the application is not lower-case letters, digits and hyphens, at most 80';

// nginx reads split_clients shares with two decimals and refuses what is then 0.
const inSteps = (weight: number): boolean => Math.abs(weight * 100 - Math.round(weight * 100)) < 1e-6;

const splitSchema = z
  .strictObject({
    stable: z.string().check(z.refine((id) => id === '' || versionId.test(id), 'the stable version is not a UUID')),
    candidate: z.exactOptional(z.string().check(z.regex(versionId, 'the candidate is not a UUID'))),
    weight: z
      .number('the weight is not a number').check(z.gte(0, 'the weight is below 0 %'), z.lte(100, 'the weight is above 100 %'), z.refine(inSteps, 'nginx splits in steps of 0.01 %')),
  }).check(z.refine((split) => split.weight === 0 || split.candidate !== undefined, 'a weight needs a candidate'), z.refine((split) => split.weight === 0 || split.stable !== '', 'a stable version must be pinned before a candidate gets users'));

const pinningSchema = z.strictObject({
  format: z.literal(1),
  application: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,79}$/, notSlug)),
  kind: z.enum(['workflow', 'chat', 'twin']),
  split: splitSchema,
});

/** pinningText writes a pinning as one line of JSON. It holds slugs, UUIDs and a number, so it needs no quoting in nginx. */
export const pinningText = ({ application, kind, split }: Pinning): string =>
  JSON.stringify({
    format: 1,
    application,
    kind,
    split: {
      stable: split.stable,
      ...(split.candidate === undefined ? {} : { candidate: split.candidate }),
      weight: split.weight,
    },
  });

/** readPinning reads what pinningText wrote; undefined when it is anything else. */
export const readPinning = (text: string): Pinning | undefined => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = pinningSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { application, kind, split } = parsed.data;
  return { application, kind, split };
};

/** checkPinning lets through only what nginx can serve and what is safe to write into its configuration. */
export const checkPinning = (pinning: Pinning): Outcome<Pinning> => {
  const parsed = pinningSchema.safeParse({ format: 1, ...pinning });
  if (parsed.success) return done(pinning);
  const [issue] = parsed.error.issues;
  return failed({
    category: 'input',
    reason: `the gateway cannot serve this split: ${issue?.message ?? 'it is not a split'}`,
    tried: `split the traffic of ${JSON.stringify(pinning.application)}`,
    hint: "Versions are given by their id in Dify; the application's name is that of sluice.yml and of the environment, as in support-bot-production.",
  });
};

/** splitText says a split in words, for people. */
export const splitText = ({ stable, candidate, weight }: Split): string => {
  const others = stable === '' ? 'nothing is pinned' : `version ${stable} is pinned`;
  return weight === 0 ? others : `${others} and ${weight} % of users get ${candidate ?? 'no version'}`;
};
