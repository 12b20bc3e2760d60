import { done, failed, type Connection, type Outcome, type Target } from '@sluice/core';
import { AgentRunSource } from '../source/source.ts';
import { contextOf, findRuntime, findUsersEndpoint, type AgentRunContext } from './context.ts';
import { apiKeyName, readCredentials } from './credentials.ts';
import { AgentRunTarget } from './target.ts';
import type { Runtime } from './wire.ts';

/** workspaceOf gives the id of the workspace that s.yaml names, if it names one. */
const workspaceOf = async (context: AgentRunContext): Promise<Outcome<string | undefined>> => {
  const { workspace } = context.source.parts.agent;
  if (workspace?.id !== undefined || workspace?.name === undefined) return done(workspace?.id);
  const found = await context.api.findWorkspace(workspace.name);
  if (!found.ok || found.value !== undefined) return found;
  return failed({ category: 'input', reason: `there is no workspace named "${workspace.name}"`, tried: 'find the workspace', where: context.control, hint: 'Create it in the AgentRun console, or correct agent.workspace in s.yaml.' });
};

/** guardAccount refuses a runtime of another account than sluice.yml names. The account shows in the runtime's ARN only. */
const guardAccount = (account: string | undefined, runtime: Runtime | undefined): Outcome<void> => {
  const owner = /^acs:agentrun:[^:]*:(\d+):/.exec(runtime?.arn ?? '')?.[1];
  if (account === undefined || owner === undefined || owner === account) return done(undefined);
  return failed({
    category: 'input',
    reason: `the access key belongs to account ${owner}, and sluice.yml names account ${account}`,
    tried: 'check the account',
    where: runtime?.arn ?? '',
    hint: 'Use the access key of the right account, or correct agentrun.account.',
  });
};

/** connect finds the runtime and the users' endpoint. Both may still be missing; deploy and the first routing make them. */
export const connect = async (connection: Connection): Promise<Outcome<Target>> => {
  const { environment, source, secrets } = connection;
  const { agentrun } = environment;
  if (!(source instanceof AgentRunSource) || agentrun === undefined) {
    return failed({ category: 'defect', reason: 'the source or the environment does not belong to AgentRun', tried: 'connect', where: source.path });
  }
  const credentials = readCredentials(secrets);
  if (!credentials.ok) return credentials;
  const apiKey = secrets.find(apiKeyName);
  const options = {
    http: connection.http,
    clock: connection.clock,
    signal: connection.signal,
    log: (line: string) => connection.log(line),
    credentials: credentials.value,
    control: agentrun.control ?? `https://agentrun.${source.parts.region}.aliyuncs.com`,
    source,
    endpoint: agentrun.endpoint,
    readOnly: connection.readOnly,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(agentrun.data === undefined ? {} : { data: agentrun.data }),
  };
  const workspace = await workspaceOf(contextOf(options));
  if (!workspace.ok) return workspace;
  const context = contextOf({ ...options, ...(workspace.value === undefined ? {} : { workspaceId: workspace.value }) });
  const runtime = await findRuntime(context);
  if (!runtime.ok) return runtime;
  const guarded = guardAccount(agentrun.account, runtime.value);
  if (!guarded.ok) return guarded;
  if (runtime.value === undefined) return done(new AgentRunTarget(context, '', context.control));
  const users = await findUsersEndpoint(context, runtime.value.id);
  if (!users.ok) return users;
  return done(new AgentRunTarget(context, runtime.value.id, users.value === undefined || users.value.url === '' ? context.control : users.value.url));
};
