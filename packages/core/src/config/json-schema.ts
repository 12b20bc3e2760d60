import * as z from 'zod/mini';
import { configSchema, writtenForms } from './schema.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** descriptions say what a key is for, by its name, or by its parent's name and its own where one name has two meanings. */
const descriptions: Readonly<Record<string, string>> = {
  name: 'Name of the application, as people and file names know it.',
  source: 'Path of the definition: what Dify Studio exports, or s.yaml. Relative to this file.',
  'agentrun.source': "The environment's own s.yaml; `source` of this file when absent.",
  environments: 'Where the application runs, by name.',
  preview: 'Makes this an environment for previews of pull requests alone: `true`, or how long they stay.',
  keep: 'How long a preview stays after its last change, before sweep removes it, such as `14d`.',
  branches: 'Branches that release to this environment; `*` stands for any text without a slash, `**` for any text.',
  dify: 'Address of the app in Dify Studio, or the long form.',
  agentrun: "The AgentRun runtime's endpoint; the runtime itself is described by s.yaml.",
  variables: "Values of the source's environment variables in this environment: plain, or `{ env: NAME }`.",
  datasets: 'Knowledge bases: id in the source to name or id in this workspace.',
  models: 'Models: `name` or `provider/name` in the source to the same in this workspace.',
  tools: 'Tool providers (custom, workflow, MCP or plugin): id or name in the source to id or name in this workspace.',
  triggers: 'Triggers: title or id of the node to a cron expression with a time zone, or to the id or name of a subscription.',
  gateway: 'What splits the traffic in front of Dify.',
  canary: 'How a candidate is judged: `true` for paired answers with the defaults, or a plan.',
  state: 'Where the record of each environment is kept; a folder in SLUICE_STATE wins over it.',
  git: 'Branch of a git repository that keeps the records; made when it is not there.',
  repository: 'Address or path of the repository; the one of the project when absent.',
  evidence: "What counts both versions where users are moved, beside the target's own logs and paired probes.",
  prometheus: 'Counters that a Prometheus, or what answers like it, scraped from what stands in front of the versions.',
  url: 'Its address, with a prefix if there is one.',
  answers: 'Counter of everything that is counted, of all versions and with what failed: one metric with its labels.',
  errors: 'Labels of what failed, each with a regular expression for the whole value.',
  version: "Label that holds a version's id.",
  stable: "The label's value for the stable version, where it is not the version's id.",
  candidate: "The label's value for the candidate, where it is not the version's id.",
  latency: 'Histogram of seconds, without the `_bucket` of its name.',
  unit: 'What one count stands for: errors of one session or user come together, and the judgement must know it.',
  token: 'Bearer token for the requests.',
  command: 'A program that prints the counts of both versions as JSON.',
  run: 'Argument list, run without a shell in the folder of sluice.yml.',
  environment: 'Names of the variables that the command may read beside PATH, HOME and what Sluice tells it.',
  health: 'How to find out that the application answers.',
  notify: 'Who is told, and from which severity on.',
  lint: 'What validate looks for in the source.',
  'lint.models': 'Models that the application may use, as `name` or `provider/name`; `*` stands for any text. Any model when absent.',
  rules: 'Severity of single rules, by id such as `dify/cycle`: `off`, `warning` or `error`.',
  'live-at-once': 'Allows steps that serve everybody at once, for app modes without a draft.',
  'insecure-http': 'Allows credentials over plain http to a host that is not this machine.',
  console: 'Address of Dify Studio, with a prefix if there is one.',
  api: "Address of the service API; the console's address with /v1 when absent.",
  app: "The app's id; absent before the first release.",
  workspace: 'Id of the workspace, where an account has several.',
  headers: 'Further request headers, for a proxy in front of Dify.',
  ca: 'Path of a PEM file with the certificate authority of a private server.',
  env: 'Name of the environment variable that holds the value.',
  endpoint: 'Name of the endpoint that users call; left out in an environment for previews.',
  account: 'The Alibaba Cloud account id that is meant; another one is refused.',
  control: "Address of the control plane in a private cloud; the region's public one when absent.",
  data: "Address of the data plane in a private cloud; the region's public one when absent.",
  sts: "Address of STS, which gives temporary credentials, in a private cloud; the region's public one when absent.",
  logs: "Address of Log Service (SLS) in a private cloud; the region's public one when absent.",
  metrics: "Address of CloudMonitor in a private cloud; the region's public one when absent.",
  'agentrun.deploy': 'What builds and deploys: `api` (the default) sends the code, object or image of s.yaml; `s` runs the Serverless Devs CLI.',
  build: 'With `deploy: s`: build before each deployment, reuse what an earlier job built, or never build. Default: `auto`.',
  s: 'With `deploy: s`: how the Serverless Devs CLI is called, as an argument list. Default: `[s]`.',
  component: 'With `deploy: s`: version of the agentrun component, where s.yaml pins none.',
  weights: "Scale of the platform's weights: `ratio` from 0 to 1 (the default), or `percent`.",
  cleared: 'How weights are taken away: as an `empty` list, or each as `zero`. Both in turn when absent.',
  auth: "How the agent's callers prove themselves: `none`, `key` (AGENTRUN_API_KEY) or `ram`. `key` when that variable is set, else `none`.",
  evict: 'Ends the sessions that remain on an aborted version.',
  address: "What users call; the service API's address when absent.",
  twin: 'A second Dify app that stands in for the candidate: its address in Studio, or its id.',
  nginx: 'An nginx whose include file Sluice writes.',
  include: 'Path of the include file, on the machine that runs nginx.',
  sticky: 'What keeps a user on one version: the `user` of the request.',
  test: 'Command that checks the configuration, as an argument list.',
  reload: 'Command that loads the configuration, as an argument list.',
  read: 'Command that prints the include file of an nginx on another machine, as an argument list.',
  write: 'Command that takes the include file of an nginx on another machine from its standard input, as an argument list.',
  steps: 'Shares of the users in per cent, rising; 100 is implied. Only where traffic can be split.',
  every: 'How long each share is watched, such as `10m`.',
  'false-abort': 'How often a version that is no worse may be aborted, over the whole rollout.',
  miss: 'How often early promotion may let through early a version that loses one answer in a hundred.',
  watch: 'What is compared; errors, latency and tokens when absent.',
  margins: 'By how much a candidate may be worse before it matters.',
  'margins.errors': 'Share of the answers that stable gets right and the candidate may lose, such as `0.5%`.',
  'margins.latency': "How much longer than stable's an answer may take, such as `20%`.",
  'margins.tokens': "How many more tokens than stable's an answer may need, such as `20%`.",
  clump: 'The most requests of one session or user, which may fail together: without it, evidence that counts requests claims no false-abort rate.',
  'early-promotion': 'Shortens the steps once it is ruled out, at the rate `miss`, that the candidate is too bad.',
  minimum: 'Answers of the candidate that each step needs.',
  pairs: 'The most paired questions that one judgement may send.',
  decide: '`act` moves users by the verdict; `advise` judges, reports and moves nobody: a person promotes or aborts. Default: `act`.',
  'on-inconclusive': 'What follows when too little was seen: `abort` gives everybody stable, `hold` keeps the share for a person to decide, `promote` lets the candidate through unless a guard clearly speaks against it (3 to 1). Default: `abort`.',
  'promote-within': 'How long a canary that was started or held waits for a person, before sweep gives everybody stable, such as `4h`.',
  ask: 'Questions and what their answers must be.',
  settle: 'How long to wait for the first good answer after a start.',
  query: 'What to say to a chat application.',
  inputs: "The application's inputs, by name.",
  expect: 'What a good answer is; any answer that is not empty when absent.',
  contains: 'Text, or texts, that must be in the answer.',
  'not-contains': 'Text, or texts, that must not be in the answer.',
  matches: 'A regular expression that the answer must match.',
  within: 'The longest time that the answer may take, such as `20s`.',
  slack: 'An incoming webhook of Slack.',
  dingtalk: 'A robot webhook of DingTalk.',
  webhook: 'Any address that takes JSON.',
  secret: 'What signs DingTalk messages and generic webhooks.',
  'at-least': 'The lowest severity that is sent: P0 is the most urgent.',
};

/** describe puts descriptions on all properties of a JSON Schema, in place. */
const describe = (schema: unknown, parent: string): void => {
  if (Array.isArray(schema)) for (const branch of schema) describe(branch, parent);
  if (!isObject(schema)) return;
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword !== 'properties' || !isObject(value)) {
      if (isObject(value) || keyword === 'anyOf' || keyword === 'allOf') describe(value, parent);
      continue;
    }
    for (const [name, property] of Object.entries(value)) {
      const description = descriptions[`${parent}.${name}`] ?? descriptions[name];
      if (isObject(property) && description !== undefined) property['description'] = description;
      describe(property, name);
    }
  }
};

/** configJsonSchema is the JSON Schema of sluice.yml as people write it, for editors; every key has a description. */
export const configJsonSchema = (): Readonly<Record<string, unknown>> => {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', override: ({ zodSchema, jsonSchema }) => Object.assign(jsonSchema, writtenForms.get(zodSchema)) });
  describe(schema, '');
  return {
    $schema,
    $id: 'urn:sluice:configuration:1',
    title: 'sluice.yml',
    description: 'What Sluice releases, where to, and how carefully.',
    ...schema,
  };
};
