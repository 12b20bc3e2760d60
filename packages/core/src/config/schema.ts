import * as z from 'zod/mini';
import { durationMs } from './duration.ts';
import { isOwnVariable, isVariableName, ownVariables } from '../secrets/own-variables.ts';
import { perCent } from './percent.ts';

// A command line parses each schema once: compiling a parser for it would cost more than it saves.
z.config({ jitless: true });

/** EnvironmentReference is `{ env: NAME }`: the value stands in that environment variable. */
const environmentReference = z.strictObject({
  env: z
    .string().check(z.refine(isVariableName, 'must be the name of an environment variable'), z.refine((name) => !isOwnVariable(name), {
      message: "may not name one of the CI's or Sluice's own variables",
    })),
});

const plainOrEnvironment = z.union([z.string(), z.number(), z.boolean(), environmentReference]);

const regularExpression = (value: string): boolean => {
  try {
    return new RegExp(value, 'u').source !== '';
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
};

const slug = z
  .string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens, at most 63'));

const duration = z.pipe(z.union([z.string(), z.number()]), z.transform((value, context) => {
  const milliseconds = durationMs(value);
  if (milliseconds === undefined) {
    context.issues.push({ code: 'custom', input: value, message: 'must be a duration such as 30s, 10m or 1h' });
    return z.NEVER;
  }
  return milliseconds;
}));

const share = z.pipe(z.union([z.string(), z.number()]), z.transform((value, context) => {
  const parsed = perCent(value);
  if (parsed === undefined) {
    context.issues.push({ code: 'custom', input: value, message: 'must be a percentage such as 5%' });
    return z.NEVER;
  }
  return parsed;
}));

const percentPattern = '^\\s*\\d+(\\.\\d+)?\\s*%?\\s*$';

const rate = share.check(z.refine((value) => value > 0 && value < 100, 'must be between 0% and 100%, both excluded'));

const address = z.url({ protocol: /^https?$/, error: 'must be an http or https address', abort: true }).check(z.refine((value) => {
  const url = new URL(value);
  return url.username === '' && url.password === '';
}, 'must not carry credentials'));

const difyLong = z.strictObject({
  /** console is the address of Studio, with a prefix if there is one. */
  console: address,
  /** api is the address of the service API; the console's address with /v1 when absent. */
  api: z.optional(address),
  /** app is the app's id; absent before the first release. */
  app: z.optional(z.string().check(z.minLength(1))),
  workspace: z.optional(z.string().check(z.minLength(1))),
  headers: z.optional(z.record(z.string(), environmentReference)),
  ca: z.optional(z.string()),
});

const commandLine = z.array(z.string()).check(z.minLength(1));

const agentrun = z.strictObject({
  /** source is the environment's own s.yaml; the file's `source` when absent. */
  source: z.optional(z.string()),
  /** endpoint is the name of the endpoint that users call; absent in an environment for previews alone, where each has its own. */
  endpoint: z.optional(z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be the name of an endpoint: a letter, then letters, digits, hyphens and underscores, at most 64'))),
  account: z.optional(z.string().check(z.regex(/^[0-9]{5,20}$/, 'must be an account id, quoted'))),
  /** control, data, sts, logs and metrics are addresses in private clouds; the region's public ones when absent. */
  control: z.optional(address),
  data: z.optional(address),
  sts: z.optional(address),
  logs: z.optional(address),
  metrics: z.optional(address),
  /** deploy is what builds and deploys: `api` sends what s.yaml names, `s` runs the Serverless Devs CLI; `api` when absent. */
  deploy: z.optional(z.enum(['api', 's'])),
  /** build, s and component are for `deploy: s` alone: whether to build (`auto` when absent), how the CLI is called, and the component's version where s.yaml pins none. */
  build: z.optional(z.enum(['auto', 'reuse', 'never'])),
  s: z.optional(commandLine),
  component: z.optional(z.string().check(z.regex(/^[0-9]+\.[0-9]+\.[0-9]+$/, 'must be a version such as 1.0.12, quoted'))),
  /** weights is the scale of the platform's weights, `ratio` (0 to 1) when absent. */
  weights: z.optional(z.enum(['ratio', 'percent'])),
  /** cleared is how weights are taken away: as an empty list, or each as zero; the one and then, where weights stay, the other when absent. */
  cleared: z.optional(z.enum(['empty', 'zero'])),
  /** auth is how the agent's callers prove themselves; `key` when AGENTRUN_API_KEY is set, else `none`, when absent. */
  auth: z.optional(z.enum(['none', 'key', 'ram'])),
  /** evict ends sessions that remain on an aborted version. */
  evict: z.optional(z.boolean()),
}).check(
  z.refine(({ deploy, build, s, component }) => deploy === 's' || [build, s, component].every((value) => value === undefined), 'build, s and component are for `deploy: s` alone'),
  z.refine(({ weights, cleared }) => weights !== 'percent' || cleared === undefined, 'cleared has no meaning with `weights: percent`: on that scale all weights are written each time, and none is taken away'),
);

const gateway = z.strictObject({
  /** address is what users call; the service API's address when absent. */
  address: z.optional(address),
  /** twin is a second Dify app that stands in for the candidate: its address in Studio, or its id. */
  twin: z.optional(z.string().check(z.regex(/^(?:https?:\/\/[^@\s]+\/app\/)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:\/\S*)?$/, "must be the app's address in Studio, or its id"))),
  nginx: z.strictObject({
    include: z.string().check(z.minLength(1)),
    sticky: z._default(z.enum(['user']), 'user'),
    /** test, reload, read and write are argument lists, run without a shell. */
    test: z._default(commandLine, ['nginx', '-t']),
    reload: z._default(commandLine, ['nginx', '-s', 'reload']),
    /** read prints the include file and write takes it from its standard input, where nginx runs on another machine. */
    read: z.optional(commandLine),
    write: z.optional(commandLine),
  }).check(z.refine(({ read, write }) => (read === undefined) === (write === undefined), 'read and write are given together or not at all')),
});

const guard = z.enum(['errors', 'latency', 'tokens']);

/** unit is what one count stands for: errors come in clumps, so the test must know it. */
const unit = z.enum(['request', 'user', 'session']);

const label = z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a label'));

const series = z.string().check(z.regex(/^[A-Za-z_:][A-Za-z0-9_:]*(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?$/, 'must be one metric with its labels, such as http_requests_total{app="bot"}, without functions and ranges'));

const pattern = z.string().check(z.refine((value) => regularExpression(value), 'must be a regular expression'));

const prometheus = z.strictObject({
  /** url is the address of Prometheus, or of what answers like it, with a prefix if there is one. */
  url: address,
  /** answers is the counter of what is counted, of all versions and with the failed ones. */
  answers: series,
  /** errors are the labels of those that failed, each with a pattern for the whole value. */
  errors: z.record(label, pattern).check(z.refine((value) => Object.keys(value).length > 0, 'needs at least one label')),
  /** version is the label that holds a version's id; `stable` and `candidate` are its values where it holds another name. */
  version: label,
  stable: z.optional(z.string().check(z.minLength(1))),
  candidate: z.optional(z.string().check(z.minLength(1))),
  /** latency is a histogram of seconds, without the `_bucket` of its name. */
  latency: z.optional(series),
  unit: z._default(unit, 'request'),
  token: z.optional(environmentReference),
}).check(z.refine(({ stable, candidate }) => stable === undefined || candidate === undefined || stable !== candidate, 'stable and candidate are the values of two versions'));

const countingCommand = z.strictObject({
  /** run is an argument list, run without a shell in the folder of sluice.yml. */
  run: commandLine,
  /** environment names the variables that the command may read beside PATH, HOME and what Sluice tells it. */
  environment: z._default(z.array(environmentReference.shape.env), []),
  unit,
  within: z._default(duration, 60_000),
});

const evidenceSource = z.union([z.strictObject({ prometheus }), z.strictObject({ command: countingCommand })]);

const margins = z.strictObject({
  errors: z._default(share, 0.5),
  latency: z._default(share, 20),
  tokens: z._default(share, 20),
});

const canaryPlan = z.strictObject({
  /** steps are weights in per cent, rising; 100 is implied. Absent where traffic cannot be split. */
  steps: z.optional(z.array(share).check(z.minLength(1))),
  every: z._default(duration, 600_000),
  'false-abort': z._default(rate, 5),
  miss: z._default(rate, 10),
  /** watch names the guards; absent, all are watched, and tokens also of answers that use none. */
  watch: z.optional(z.array(guard).check(z.minLength(1))),
  /** margins are by how much a candidate may be worse: errors in percentage points, latency and tokens in per cent of stable's. */
  margins: z._default(margins, { errors: 0.5, latency: 20, tokens: 20 }),
  /** clump is the most requests of one session or user, where evidence counts requests: they may fail together. */
  clump: z.optional(z.int().check(z.gte(1), z.lte(1000))),
  /** early-promotion shortens the steps once it is ruled out, at the rate `miss`, that the candidate is too bad. */
  'early-promotion': z._default(z.boolean(), false),
  /** minimum is the number of candidate answers that a step needs. */
  minimum: z._default(z.int().check(z.gte(1)), 30),
  /** pairs is the most paired probes that a judgement may send. */
  pairs: z._default(z.int().check(z.gte(0), z.lte(2000)), 200),
  /** evidence are sources beside the target's own logs and the paired probes. */
  evidence: z._default(z.array(evidenceSource), []),
  /** decide is who moves users: `act` lets the verdict do it, `advise` leaves it to a person. */
  decide: z._default(z.enum(['act', 'advise']), 'act'),
  /** on-inconclusive is what becomes of a candidate of which too little was seen. */
  'on-inconclusive': z._default(z.enum(['abort', 'hold', 'promote']), 'abort'),
  /** promote-within is how long a canary that nobody watches keeps its share; then sweep gives everybody stable. */
  'promote-within': z._default(duration, 14_400_000),
}).check(z.refine((plan) => plan.decide === 'act' || plan['on-inconclusive'] === 'abort', '`decide: advise` moves nobody, so on-inconclusive has nothing to say there'));

const question = z.strictObject({
  query: z.optional(z.string()),
  inputs: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))),
  expect: z.optional(z
    .strictObject({
      contains: z.optional(z.union([z.string(), z.array(z.string())])),
      matches: z.optional(z.string()),
      'not-contains': z.optional(z.union([z.string(), z.array(z.string())])),
      /** within is the longest latency. */
      within: z.optional(duration),
    })),
});

const health = z.strictObject({
  ask: z.optional(z.array(question).check(z.minLength(1))),
  settle: z._default(duration, 120_000),
});

const channel = z.strictObject({
  slack: z.optional(environmentReference),
  dingtalk: z.optional(environmentReference),
  webhook: z.optional(environmentReference),
  /** secret signs DingTalk messages and generic webhooks. */
  secret: z.optional(environmentReference),
  'at-least': z._default(z.enum(['P0', 'P1', 'P2']), 'P2'),
});

const previewKeep = 14 * 86_400_000;

const preview = z.union([
  z.literal(true),
  z.strictObject({
    /** keep is how long a preview stays after its last change, before sweep removes it. */
    keep: z._default(duration, previewKeep),
  }),
]);

const environment = z
  .strictObject({
    /** preview makes this an environment for previews of pull requests, and for nothing else. */
    preview: z.optional(preview),
    branches: z.optional(z.array(z.string().check(z.minLength(1)))),
    dify: z.optional(z.union([address, difyLong])),
    agentrun: z.optional(agentrun),
    variables: z.optional(z.record(z.string(), plainOrEnvironment)),
    datasets: z.optional(z.record(z.string(), z.string())),
    models: z.optional(z.record(z.string(), z.string())),
    tools: z.optional(z.record(z.string(), z.string())),
    triggers: z.optional(z.record(z.string(), z.string())),
    gateway: z.optional(gateway),
    canary: z.optional(z.union([z.literal(true), z.literal(false), canaryPlan])),
    health: z.optional(health),
    notify: z.optional(z.array(channel)),
    'live-at-once': z._default(z.boolean(), false),
    'insecure-http': z._default(z.boolean(), false),
  }).check(z.refine((value) => (value.dify === undefined) !== (value.agentrun === undefined), {
    message: 'needs exactly one of dify and agentrun',
  }), z.refine(({ preview: previews, agentrun: agent }) => agent === undefined || (agent.endpoint === undefined) === (previews !== undefined), {
    message: 'needs agentrun.endpoint, but for previews: each of them has an endpoint of its own',
  }), z.refine(({ preview: previews, branches, gateway: front, canary }) => previews === undefined || [branches, front, canary].every((value) => value === undefined), {
    message: 'branches, gateway and canary have no meaning in an environment for previews: nothing is released to it',
  }));

const state = z.strictObject({
  /** git is the branch that keeps what is remembered of each environment, and its leases. */
  git: z.string().check(z.regex(/^(?![-./])(?!.*(\.\.|\/\/|@\{|\.lock(\/|$)|\/\.))[^\s~^:?*[\\\x00-\x20\x7f]+(?<![./])$/, 'must be the name of a branch, such as sluice-state')),
  /** repository is the address of another repository than the one that this run comes from, without credentials. */
  repository: z.optional(z.string().check(z.regex(/^(https?:\/\/(?![^/]*@)|ssh:\/\/|[^\s/:@-][^\s/:@]*@[^\s/:]+:|\/)\S+$/, 'must be an https, http or ssh address without credentials'))),
});

const lint = z.strictObject({
  /** rules set the severity of single rules of the platform's linter. */
  rules: z.optional(z.record(z.string().check(z.regex(/^[a-z]+\/[a-z][a-z0-9-]*$/, 'must be the id of a rule, such as dify/cycle')), z.enum(['off', 'warning', 'error']))),
  /** models are those that the application may use; `*` stands for any text, and a name without a slash for any provider. */
  models: z.optional(z.array(z.string().check(z.minLength(1))).check(z.minLength(1))),
});

/** LintConfig is `lint`. */
export type LintConfig = z.output<typeof lint>;

const environments = z.record(slug, environment).check(z.refine((value) => Object.keys(value).length > 0, 'needs at least one environment'));

/** configSchema is the shape of sluice.yml; the JSON Schema for editors is made from it. */
export const configSchema = z.strictObject({
  name: slug,
  source: z.string().check(z.minLength(1)),
  environments,
  health: z.optional(health),
  notify: z.optional(z.array(channel)),
  lint: z.optional(lint),
  /** state is where the records are kept; SLUICE_STATE, a folder, wins over it. */
  state: z.optional(state),
});

/** Config is a parsed sluice.yml: durations in milliseconds, shares in per cent. */
export type Config = z.output<typeof configSchema>;

/** EnvironmentConfig is one environment of a parsed sluice.yml. */
export type EnvironmentConfig = Config['environments'][string];

/** previewKeepMs is how long previews of an environment stay, in milliseconds; undefined for one that is not for previews. */
export const previewKeepMs = ({ preview: previews }: EnvironmentConfig): number | undefined =>
  previews === undefined ? undefined : previews === true ? previewKeep : previews.keep;

/** writtenForms are what JSON Schema can say of values that only a function here can read, for editors: never less than that takes. */
export const writtenForms: ReadonlyMap<unknown, Readonly<Record<string, unknown>>> = new Map<unknown, Readonly<Record<string, unknown>>>([
  [duration, { anyOf: [{ type: 'string', pattern: '^\\s*\\d+(\\.\\d+)?(ms|s|m|h|d)?\\s*$' }, { type: 'number', minimum: 0 }] }],
  [share, { anyOf: [{ type: 'string', pattern: percentPattern }, { type: 'number', minimum: 0, maximum: 100 }] }],
  [rate, { anyOf: [{ type: 'string', pattern: percentPattern }, { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 100 }] }],
  [environmentReference.shape.env, { pattern: `^(?!${ownVariables})[A-Za-z_][A-Za-z0-9_]*$` }],
  [address, { pattern: '^\\s*[Hh][Tt][Tt][Pp][Ss]?:' }],
  [environments, { minProperties: 1 }],
  [environment, { oneOf: [{ required: ['dify'] }, { required: ['agentrun'] }] }],
]);

/** CanaryPlanConfig is the long form of `canary`. */
export type CanaryPlanConfig = z.output<typeof canaryPlan>;

/** PrometheusConfig is one Prometheus that counts both versions. */
export type PrometheusConfig = z.output<typeof prometheus>;

/** CountingCommandConfig is one command that counts both versions. */
export type CountingCommandConfig = z.output<typeof countingCommand>;

/** EvidenceSourceConfig is one entry of `canary.evidence`. */
export type EvidenceSourceConfig = z.output<typeof evidenceSource>;

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
