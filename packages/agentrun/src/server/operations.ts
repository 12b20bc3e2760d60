/** StepRole is a step whose rights are its own; `… with s` is a step that deploys through the Serverless Devs CLI. */
export type StepRole = (typeof stepRoles)[number];

/** stepRoles are all of them, in the order of the documentation. */
export const stepRoles = ['validate', 'snapshot', 'deploy', 'deploy with s', 'health-check', 'publish-version', 'plan', 'canary', 'rollback', 'preview', 'sweep', 'notify', 'release', 'release with s', 'versions', 'info', 'logs', 'diff'] as const;

/**
 * Reach is what a right can be limited to, by the platform's documentation: nothing (`all`), a runtime, or an endpoint
 * of one: the users' or those that Sluice makes for its checks (`sluice-…`). Beyond AgentRun: a log store, or the object in
 * OSS that holds the code.
 */
export type Reach = 'all' | 'runtime' | 'users-endpoint' | 'side-endpoints' | 'logstore' | 'code-object';

/** Operation is one entry of a platform's OpenAPI that Sluice calls, and which steps do. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** path stands after the API's version. */
  readonly path: string;
  /** steps say how far the right of each step reaches; a step that is not named does not call it. */
  readonly steps: Readonly<Partial<Record<StepRole, readonly Reach[]>>>;
}

const all: readonly Reach[] = ['all'];
const oneRuntime: readonly Reach[] = ['runtime'];
const users: readonly Reach[] = ['users-endpoint'];
const sides: readonly Reach[] = ['side-endpoints'];
const both: readonly Reach[] = ['users-endpoint', 'side-endpoints'];

type Steps = Operation['steps'];

const inSteps = (reach: readonly Reach[], steps: readonly StepRole[]): Steps => Object.fromEntries(steps.map((step) => [step, reach]));

const connecting: readonly StepRole[] = ['validate', 'snapshot', 'deploy', 'deploy with s', 'health-check', 'publish-version', 'canary', 'rollback', 'preview', 'sweep', 'release', 'versions', 'info', 'logs', 'diff'];

/** judging are the steps that look at versions and at what the endpoint gives whom. */
const judging = connecting.filter((step) => step !== 'logs');

/**
 * operations are all calls to AgentRun's control plane (OpenAPI 2025-09-10). How far a right can reach is documented
 * operation by operation (help.aliyun.com, "授权信息"): GetAgentRuntime and UpdateAgentRuntimeEndpoint name a resource, by
 * the names of workspace, runtime and endpoint; for the others the pages say "all resources" or nothing, and a right
 * that is limited where RAM knows no limit is refused. So those have `all`.
 */
export const operations = {
  ListWorkspaces: { method: 'GET', path: '/workspaces', steps: inSteps(all, connecting) },
  ListAgentRuntimes: { method: 'GET', path: '/agents/runtimes', steps: inSteps(all, connecting) },
  GetAgentRuntime: { method: 'GET', path: '/agents/runtimes/{id}', steps: inSteps(oneRuntime, connecting) },
  CreateAgentRuntime: { method: 'POST', path: '/agents/runtimes', steps: inSteps(all, ['deploy', 'deploy with s', 'preview', 'release']) },
  UpdateAgentRuntime: { method: 'PUT', path: '/agents/runtimes/{id}', steps: inSteps(all, ['deploy', 'deploy with s', 'preview', 'release']) },
  DeleteAgentRuntime: { method: 'DELETE', path: '/agents/runtimes/{id}', steps: inSteps(all, ['preview']) },
  PublishRuntimeVersion: { method: 'POST', path: '/agents/runtimes/{id}/versions', steps: inSteps(all, ['deploy', 'deploy with s', 'publish-version', 'preview', 'release']) },
  ListAgentRuntimeVersions: { method: 'GET', path: '/agents/runtimes/{id}/versions', steps: inSteps(all, judging) },
  ListAgentRuntimeEndpoints: { method: 'GET', path: '/agents/runtimes/{id}/endpoints', steps: inSteps(all, connecting) },
  GetAgentRuntimeEndpoint: { method: 'GET', path: '/agents/runtimes/{id}/endpoints/{endpoint}', steps: inSteps(all, judging) },
  CreateAgentRuntimeEndpoint: { method: 'POST', path: '/agents/runtimes/{id}/endpoints', steps: inSteps(all, ['health-check', 'canary', 'rollback', 'preview', 'sweep', 'release', 'deploy with s']) },
  UpdateAgentRuntimeEndpoint: {
    method: 'PUT',
    path: '/agents/runtimes/{id}/endpoints/{endpoint}',
    steps: { ...inSteps(users, ['deploy', 'deploy with s', 'publish-version', 'rollback', 'preview']), ...inSteps(sides, ['health-check']), ...inSteps(both, ['canary', 'sweep', 'release']) },
  },
  DeleteAgentRuntimeEndpoint: { method: 'DELETE', path: '/agents/runtimes/{id}/endpoints/{endpoint}', steps: inSteps(all, ['health-check', 'canary', 'preview', 'sweep', 'release']) },
} as const satisfies Readonly<Record<string, Operation>>;

/** Action is the name of an operation. */
export type Action = keyof typeof operations;
