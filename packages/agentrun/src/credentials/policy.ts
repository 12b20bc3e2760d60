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

const evidenceSteps = ['canary', 'release'] as const satisfies readonly StepRole[];

/**
 * otherRights are those beyond AgentRun: request metrics from Log Service, CloudMonitor as its stand-in (whose
 * documentation has had both names), and what the component of Serverless Devs uploads code with (component 1.0.12).
 */
const otherRights: readonly Right[] = [
  { action: 'log:GetLogStoreLogs', steps: Object.fromEntries([...evidenceSteps, 'logs', 'deploy', 'deploy with s'].map((step) => [step, ['logstore']])) },
  { action: 'cms:DescribeMetricList', steps: Object.fromEntries(evidenceSteps.map((step) => [step, ['all']])) },
  { action: 'cms:QueryMetricList', steps: Object.fromEntries(evidenceSteps.map((step) => [step, ['all']])) },
  { action: 'agentrun:GetWorkspace', steps: { 'deploy with s': ['all'] } },
  { action: 'fc:GetTempBucketToken', steps: { 'deploy with s': ['all'] } },
];

/** callingRight is that of a signed call to an agent; the platform's own policies name no resource for it (help.aliyun.com, authorize-ram-users-to-use-agentrun). */
export const callingRight: Right = { action: 'agentrun:InvokeRuntime', steps: Object.fromEntries(['health-check', ...evidenceSteps].map((step) => [step, ['all']])) };

/** evictingRight is what ends sessions; RAM limits UpdateAgentRuntime to nothing. */
export const evictingRight: Right = { action: 'agentrun:UpdateAgentRuntime', steps: Object.fromEntries(['canary', 'rollback'].map((step) => [step, ['all']])) };

const rights: readonly Right[] = [...Object.entries<Operation>(operations).map(([action, { steps }]) => ({ action: `agentrun:${action}`, steps })), ...otherRights];

const resourceOf = (reach: Reach, { region, account, workspace, runtime, endpoint, logs }: Scope): string => {
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

/** policyOf is the least policy of a step: an action is in it if the step calls it, and reaches no further than RAM can tell. */
export const policyOf = (role: StepRole, scope: Scope): Policy => {
  const byResource = new Map<string, { readonly resources: readonly string[]; readonly actions: string[] }>();
  for (const { action, steps } of [...rights, ...(scope.signs === true ? [callingRight] : []), ...(scope.evicts === true ? [evictingRight] : [])]) {
    const reaches = reachesIn(steps, role);
    if (reaches.length === 0) continue;
    const resources = reaches.map((reach) => resourceOf(reach, scope));
    const statement = byResource.get(resources.join()) ?? { resources, actions: [] };
    statement.actions.push(action);
    byResource.set(resources.join(), statement);
  }
  return { Version: '1', Statement: [...byResource.values()].map(({ resources, actions }) => ({ Effect: 'Allow', Action: actions, Resource: resources })) };
};
