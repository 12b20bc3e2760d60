import * as z from 'zod';
import { durationMs } from './duration.ts';
import { perCent } from './percent.ts';

// A command line parses each schema once: compiling a parser for it would cost more than it saves.
z.config({ jitless: true });

/** EnvironmentReference is `{ env: NAME }`: the value stands in that environment variable. */
const environmentReference = z.strictObject({
  env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
    .refine((name) => !/^(SLUICE|GITHUB|CI|GITLAB|JENKINS|RUNNER|ACTIONS|BUILD|NODE|PATH|HOME)(_|$)/.test(name), {
      message: "may not name one of the CI's or Sluice's own variables",
    }),
});

const plainOrEnvironment = z.union([z.string(), z.number(), z.boolean(), environmentReference]);

const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens, at most 63');

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const milliseconds = durationMs(value);
  if (milliseconds === undefined) {
    context.addIssue({ code: 'custom', message: 'must be a duration such as 30s, 10m or 1h' });
    return z.NEVER;
  }
  return milliseconds;
});

const share = z.union([z.string(), z.number()]).transform((value, context) => {
  const parsed = perCent(value);
  if (parsed === undefined) {
    context.addIssue({ code: 'custom', message: 'must be a percentage such as 5%' });
    return z.NEVER;
  }
  return parsed;
});

const rate = share.refine((value) => value > 0 && value < 100, 'must be between 0% and 100%, both excluded');

const address = z.url({ protocol: /^https?$/, error: 'must be an http or https address', abort: true }).refine((value) => {
  const url = new URL(value);
  return url.username === '' && url.password === '';
}, 'must not carry credentials');

const difyLong = z.strictObject({
  /** console is the address of Studio, with a prefix if there is one. */
  console: address,
  /** api is the address of the service API; the console's origin with /v1 when absent. */
  api: address.optional(),
  /** app is the app's id; absent before the first release. */
  app: z.string().min(1).optional(),
  workspace: z.string().min(1).optional(),
  headers: z.record(z.string(), environmentReference).optional(),
  ca: z.string().optional(),
});

const agentrun = z.strictObject({
  /** source is the environment's own s.yaml; the file's `source` when absent. */
  source: z.string().optional(),
  /** endpoint is the name of the endpoint that users call. */
  endpoint: z.string().min(1),
  account: z.string().regex(/^[0-9]{5,20}$/, 'must be an account id, quoted').optional(),
  /** control and data are addresses in private clouds; the region's public ones when absent. */
  control: address.optional(),
  data: address.optional(),
});

const gateway = z.strictObject({
  /** address is what users call; the service API's address when absent. */
  address: address.optional(),
  nginx: z.strictObject({
    include: z.string().min(1),
    sticky: z.enum(['user']).default('user'),
    /** test and reload are argument lists, run without a shell. */
    test: z.array(z.string()).min(1).default(['nginx', '-t']),
    reload: z.array(z.string()).min(1).default(['nginx', '-s', 'reload']),
  }),
});

const guard = z.enum(['errors', 'latency', 'tokens']);

const canaryPlan = z.strictObject({
  /** steps are weights in per cent, rising; 100 is implied. Absent where traffic cannot be split. */
  steps: z.array(share).min(1).optional(),
  every: duration.default(600_000),
  'false-abort': rate.default(5),
  miss: rate.default(10),
  watch: z.array(guard).min(1).default(['errors', 'latency', 'tokens']),
  /** minimum is the number of candidate answers that a step needs. */
  minimum: z.number().int().min(1).default(30),
  /** pairs is the most paired probes that a judgement may send. */
  pairs: z.number().int().min(0).max(2000).default(200),
});

const question = z.strictObject({
  query: z.string().optional(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).optional(),
  expect: z
    .strictObject({
      contains: z.union([z.string(), z.array(z.string())]).optional(),
      matches: z.string().optional(),
      'not-contains': z.union([z.string(), z.array(z.string())]).optional(),
      /** within is the longest latency. */
      within: duration.optional(),
    })
    .optional(),
});

const health = z.strictObject({
  ask: z.array(question).min(1).optional(),
  settle: duration.default(120_000),
});

const channel = z.strictObject({
  slack: environmentReference.optional(),
  dingtalk: environmentReference.optional(),
  webhook: environmentReference.optional(),
  /** secret signs DingTalk messages and generic webhooks. */
  secret: environmentReference.optional(),
  'at-least': z.enum(['P0', 'P1', 'P2']).default('P2'),
});

const environment = z
  .strictObject({
    branches: z.array(z.string().min(1)).optional(),
    dify: z.union([address, difyLong]).optional(),
    agentrun: agentrun.optional(),
    variables: z.record(z.string(), plainOrEnvironment).optional(),
    datasets: z.record(z.string(), z.string()).optional(),
    models: z.record(z.string(), z.string()).optional(),
    tools: z.record(z.string(), z.string()).optional(),
    gateway: gateway.optional(),
    canary: z.union([z.literal(true), z.literal(false), canaryPlan]).optional(),
    health: health.optional(),
    notify: z.array(channel).optional(),
    'live-at-once': z.boolean().default(false),
    'insecure-http': z.boolean().default(false),
  })
  .refine((value) => (value.dify === undefined) !== (value.agentrun === undefined), {
    message: 'needs exactly one of dify and agentrun',
  });

/** configSchema is the shape of sluice.yml; the JSON Schema for editors is made from it. */
export const configSchema = z.strictObject({
  name: slug,
  source: z.string().min(1),
  environments: z.record(slug, environment).refine((value) => Object.keys(value).length > 0, 'needs at least one environment'),
  health: health.optional(),
  notify: z.array(channel).optional(),
});

/** Config is a parsed sluice.yml: durations in milliseconds, shares in per cent. */
export type Config = z.output<typeof configSchema>;

/** EnvironmentConfig is one environment of a parsed sluice.yml. */
export type EnvironmentConfig = Config['environments'][string];

/** CanaryPlanConfig is the long form of `canary`. */
export type CanaryPlanConfig = z.output<typeof canaryPlan>;

/** HealthConfig is `health`. */
export type HealthConfig = z.output<typeof health>;

/** QuestionConfig is one entry of `health.ask`. */
export type QuestionConfig = z.output<typeof question>;

/** ChannelConfig is one entry of `notify`. */
export type ChannelConfig = z.output<typeof channel>;

/** EnvironmentReference is a value that stands in an environment variable. */
export type EnvironmentReference = z.output<typeof environmentReference>;

/** defaultCanaryPlan is what `canary: true` means. */
export const defaultCanaryPlan: CanaryPlanConfig = canaryPlan.parse({});
