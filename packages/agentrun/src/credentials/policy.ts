import { operations, stepRoles, type Operation, type Reach, type StepRole } from '../server/operations.ts';

/** Scope names what a policy is about; any of the names may be `*`. */
export interface Scope {
  readonly region: string;
  readonly account: string;
  readonly workspace: string;
  readonly runtime: string;
  readonly endpoint: string;
  /** logs is where the runtime's logs are; absent where s.yaml names nothing. */
  readonly logs?: { readonly project: string; readonly logstore: string };
  /** stored is the object in OSS that s.yaml names as the code; absent where it names none. */
  readonly stored?: { readonly bucket: string; readonly object: string };
  /** signs says that calls to the agent are signed, so that they need a right (agentrun.auth: ram). */
  readonly signs?: boolean;
  /** evicts says that sessions on an aborted version are ended (agentrun.evict). */
  readonly evicts?: boolean;
}

/** longestPolicy is the most characters that STS takes as a session policy (STS 2015-04-01, AssumeRoleWithOIDC, since September 2022). */
export const longestPolicy = 2048;

/** Right is an action of RAM with how far it reaches in each step. */
interface Right {
  readonly action: string;
  readonly steps: Operation['steps'];
}

const evidenceSteps = ['canary', 'sweep', 'release'] as const satisfies readonly StepRole[];

/**
 * otherRights are those beyond AgentRun: request metrics from Log Service, CloudMonitor as its stand-in (whose
 * documentation has had both names), and what the component of Serverless Devs uploads code with (component 1.0.12).
 */
const otherRights: readonly Right[] = [
  { action: 'log:GetLogStoreLogs', steps: Object.fromEntries([...evidenceSteps, 'logs', 'deploy', 'deploy with s', 'preview'].map((step) => [step, ['logstore']])) },
  { action: 'cms:DescribeMetricList', steps: Object.fromEntries(evidenceSteps.map((step) => [step, ['all']])) },
  { action: 'cms:QueryMetricList', steps: Object.fromEntries(evidenceSteps.map((step) => [step, ['all']])) },
  { action: 'agentrun:GetWorkspace', steps: { 'deploy with s': ['all'] } },
  { action: 'fc:GetTempBucketToken', steps: { 'deploy with s': ['all'] } },
];

/** callingRight is that of a signed call to an agent; the platform's own policies name no resource for it (help.aliyun.com, authorize-ram-users-to-use-agentrun). */
const callingRight: Right = { action: 'agentrun:InvokeRuntime', steps: Object.fromEntries(['health-check', 'preview', ...evidenceSteps].map((step) => [step, ['all']])) };

/** evictingRight is what ends sessions; RAM limits UpdateAgentRuntime to nothing. */
const evictingRight: Right = { action: 'agentrun:UpdateAgentRuntime', steps: Object.fromEntries(['canary', 'rollback', 'sweep'].map((step) => [step, ['all']])) };

/**
 * readingRight is that on code in OSS. Sluice itself asks nothing of OSS; whether AgentRun reads the object with the rights
 * of whoever deploys is not documented, and a session policy without it could not be widened by the role.
 */
const readingRight: Right = { action: 'oss:GetObject', steps: Object.fromEntries(['deploy', 'deploy with s', 'preview', 'release'].map((step) => [step, ['code-object']])) };

const rights: readonly Right[] = [...Object.entries<Operation>(operations).map(([action, { steps }]) => ({ action: `agentrun:${action}`, steps })), ...otherRights];

// A policy has to stay within what STS takes.
const longestObject = 200;

const resourceOf = (reach: Reach, { region, account, workspace, runtime, endpoint, logs, stored }: Scope): string => {
  const ofRuntime = `acs:agentrun:${region}:${account}:workspaces/${workspace}/runtimes/${runtime}`;
  switch (reach) {
    case 'all':
      return '*';
    case 'runtime':
      return ofRuntime;
    case 'users-endpoint':
      return `${ofRuntime}/runtime-endpoints/${endpoint}`;
    case 'side-endpoints':
      return `${ofRuntime}/runtime-endpoints/sluice-*`;
    case 'logstore':
      return `acs:log:${region}:${account}:project/${logs?.project ?? '*'}/logstore/${logs?.logstore ?? '*'}`;
    case 'code-object':
      return `acs:oss:*:*:${stored?.bucket ?? '*'}/${stored === undefined || stored.object.length > longestObject ? '*' : stored.object}`;
  }
};

/** Statement is one statement of a policy. */
export interface Statement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** Policy is a policy of RAM. */
export interface Policy {
  readonly Version: '1';
  readonly Statement: readonly Statement[];
}

/** stepRole is whose rights a step gets; a step that is not known gets those of a whole release. */
export const stepRole = (step: string, throughS: boolean): StepRole =>
  throughS && (step === 'deploy' || step === 'release') ? `${step} with s` : (stepRoles.find((role) => role === step) ?? 'release');

/** reachesIn is how far a right reaches in a step; a release through `s` needs what both of its halves need. */
const reachesIn = (steps: Operation['steps'], role: StepRole): readonly Reach[] => {
  if (role !== 'release with s') return steps[role] ?? [];
  return [...new Set([...(steps.release ?? []), ...(steps['deploy with s'] ?? [])])];
};

/** Condition is a right that some settings need and others do not. */
interface Condition {
  readonly right: Right;
  /** when are the settings, for people. */
  readonly when: string;
  holds(scope: Scope): boolean;
}

const conditions: readonly Condition[] = [
  { right: callingRight, when: '`auth: ram` in sluice.yml', holds: ({ signs }) => signs === true },
  { right: evictingRight, when: '`evict: true` in sluice.yml', holds: ({ evicts }) => evicts === true },
  { right: readingRight, when: '`ossBucketName` and `ossObjectName` in s.yaml', holds: ({ stored }) => stored !== undefined },
];

/** ConditionalRight is a right beside those of a step's policy, for the documentation. */
export interface ConditionalRight {
  readonly when: string;
  readonly action: string;
  readonly resources: readonly string[];
  readonly steps: readonly StepRole[];
}

/** conditionalRights are those that a policy holds only with certain settings. */
export const conditionalRights = (scope: Scope): readonly ConditionalRight[] =>
  conditions.map(({ right: { action, steps }, when }) => {
    const roles = stepRoles.filter((role) => reachesIn(steps, role).length > 0);
    return { when, action, steps: roles, resources: [...new Set(roles.flatMap((role) => reachesIn(steps, role).map((reach) => resourceOf(reach, scope))))] };
  });

/** policyOf is the least policy of a step: an action is in it if the step calls it, and reaches no further than RAM can tell. */
export const policyOf = (role: StepRole, scope: Scope): Policy => {
  const conditional = conditions.filter(({ holds }) => holds(scope)).map(({ right }) => right);
  const byResource = new Map<string, { readonly resources: readonly string[]; readonly actions: string[] }>();
  for (const { action, steps } of [...rights, ...conditional]) {
    const reaches = reachesIn(steps, role);
    if (reaches.length === 0) continue;
    const resources = reaches.map((reach) => resourceOf(reach, scope));
    const statement = byResource.get(resources.join()) ?? { resources, actions: [] };
    statement.actions.push(action);
    byResource.set(resources.join(), statement);
  }
  return { Version: '1', Statement: [...byResource.values()].map(({ resources, actions }) => ({ Effect: 'Allow', Action: actions, Resource: resources })) };
};
