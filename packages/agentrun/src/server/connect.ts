import { done, failed, type Connection, type Outcome, type Target } from '@sluice/core';
import type { CarrierParts } from '../cli/carrier.ts';
import type { CliOptions } from '../cli/serverless-devs.ts';
import { chooseSource } from '../credentials/chain.ts';
import { apiKeyName } from '../credentials/names.ts';
import { CredentialSession } from '../credentials/session.ts';
import { callerAccount, stsAddress } from '../credentials/sts.ts';
import { createVariables } from '../logs/masked.ts';
import { logPlaceOf } from '../logs/place.ts';
import { AgentRunSource } from '../source/source.ts';
import { contextOf, findRuntime, listedUsersEndpoint, type AgentRunContext, type ContextOptions } from './context.ts';
import { AgentRunTarget } from './target.ts';
import type { Runtime } from './wire.ts';

/** Opening is a connection whose credentials are chosen and not yet asked for. */
export interface Opening {
  readonly options: ContextOptions;
  readonly session: CredentialSession;
  /** sts is the origin of STS. */
  readonly sts: string;
  /** expected is the account that sluice.yml names. */
  readonly expected: string | undefined;
}

/** openingOf chooses where the credentials of a connection come from; `runtimes` names the runtimes that a role's session may reach, the source's when absent. */
export const openingOf = (connection: Connection, runtimes?: string): Outcome<Opening> => {
  const { environment, source, secrets, http, clock, signal, readOnly, step } = connection;
  const { agentrun } = environment;
  if (!(source instanceof AgentRunSource) || agentrun === undefined) {
    return failed({ category: 'defect', reason: 'the source or the environment does not belong to AgentRun', tried: 'connect', where: source.path });
  }
  const { region, agent } = source.parts;
  const { endpoint = '' } = agentrun;
  const sts = stsAddress(region, agentrun.sts);
  const logs = typeof agent.logConfig === 'object' ? agent.logConfig : undefined;
  const { ossBucketName: bucket, ossObjectName: object } = agent.code ?? {};
  const stored = bucket === undefined || object === undefined ? {} : { stored: { bucket, object } };
  const policy = async (account: string): Promise<string> => {
    const { policyOf, stepRole } = await import('../credentials/policy.ts');
    return JSON.stringify(policyOf(stepRole(step, agentrun.deploy === 's'), { region, account, workspace: '*', runtime: runtimes ?? source.title, endpoint: endpoint === '' ? '*' : endpoint, signs: agentrun.auth === 'ram', evicts: agentrun.evict ?? false, ...(logs === undefined ? {} : { logs }), ...stored }));
  };
  const log = (line: string): void => connection.log(line);
  const chosen = chooseSource({ ...connection, sts, policy }, log);
  if (!chosen.ok) return chosen;
  const elsewhere = regionFault(region, agentrun.control);
  if (elsewhere !== undefined) return elsewhere;
  const session = new CredentialSession(chosen.value, clock);
  const apiKey = secrets.find(apiKeyName);
  const variables = createVariables((value) => connection.mask(value), [region, source.title, endpoint, connection.name, ...(agentrun.account === undefined ? [] : [agentrun.account])]);
  variables.learn(source.configuration);
  return done({
    options: {
      ...{ http, clock, signal, log, readOnly, source, variables },
      endsAt: clock.elapsed() + connection.deadlineMs,
      credentials: session,
      control: agentrun.control ?? `https://agentrun.${region}.aliyuncs.com`,
      endpoint,
      auth: agentrun.auth ?? (apiKey === undefined ? 'none' : 'key'),
      weights: agentrun.weights ?? 'ratio',
      evict: agentrun.evict ?? false,
      ...(agentrun.cleared === undefined ? {} : { cleared: agentrun.cleared }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(agentrun.data === undefined ? {} : { data: agentrun.data }),
      ...(agentrun.logs === undefined ? {} : { logs: agentrun.logs }),
      ...(agentrun.metrics === undefined ? {} : { metrics: agentrun.metrics }),
    },
    session,
    sts,
    expected: agentrun.account,
  });
};

/** accountOf is the account of the credentials: a role's is in its ARN, that of a key is asked from STS. */
export const accountOf = async ({ options, session, sts }: Opening): Promise<Outcome<string>> => {
  if (session.source.account !== undefined) return done(session.source.account);
  const credentials = await session.current();
  return credentials.ok ? callerAccount({ ...options, sts }, credentials.value) : credentials;
};

/**
 * guardAccount refuses credentials of another account than sluice.yml names, before anything is asked with them: a
 * runtime of the same name may exist there. Where sluice.yml names none, nothing is asked.
 */
export const guardAccount = async (opening: Opening): Promise<Outcome<void>> => {
  const { expected, session, sts } = opening;
  if (expected === undefined) return done(undefined);
  const account = await accountOf(opening);
  if (!account.ok) return account;
  if (account.value === expected) return done(undefined);
  return failed({
    category: 'input',
    reason: `the credentials belong to account ${account.value}, and sluice.yml names account ${expected}`,
    tried: 'check the account',
    where: session.source.account === undefined ? sts : session.source.kind,
    hint: `Use credentials of account ${expected}, or correct agentrun.account. They come from ${session.source.kind}.`,
  });
};

/** workspaceOf gives the id of the workspace that s.yaml names, if it names one. */
export const workspaceOf = async (context: AgentRunContext): Promise<Outcome<string | undefined>> => {
  const { workspace } = context.source.parts.agent;
  if (workspace?.id !== undefined || workspace?.name === undefined) return done(workspace?.id);
  const found = await context.api.findWorkspace(workspace.name);
  if (!found.ok || found.value !== undefined) return found;
  return failed({ category: 'input', reason: `there is no workspace named "${workspace.name}"`, tried: 'find the workspace', where: context.control, hint: 'Create it in the AgentRun console, or correct agent.workspace in s.yaml.' });
};

/** regionFault refuses an address of AgentRun in another region than s.yaml names: a runtime of the same name may exist there. */
const regionFault = (region: string, control: string | undefined): Outcome<never> | undefined => {
  const of = /^https?:\/\/agentrun(?:-vpc)?\.([a-z0-9-]+)\.aliyuncs\.com(?:[:/]|$)/.exec(control ?? '')?.[1];
  if (of === undefined || of === region) return undefined;
  return failed({ category: 'input', reason: `agentrun.control is the address of region ${of}, and s.yaml names region ${region}`, tried: 'check the region', where: control ?? '', hint: 'Correct the region in s.yaml, or take agentrun.control out of sluice.yml: the address follows from the region.' });
};

/** guardRuntime refuses a runtime of another account than sluice.yml names, or of another region than s.yaml names, as its ARN tells: a resource can be shared, and an address can be another region's. */
export const guardRuntime = ({ source }: Pick<AgentRunContext, 'source'>, account: string | undefined, runtime: Runtime | undefined): Outcome<void> => {
  const { region } = source.parts;
  const [, place = region, owner = account] = /^acs:agentrun:([^:]*):(\d+):/.exec(runtime?.arn ?? '') ?? [];
  const refused = (reason: string, hint: string): Outcome<never> => failed({ category: 'input', reason, tried: 'check whose the runtime is', where: runtime?.arn ?? '', hint });
  if (account !== undefined && owner !== account) return refused(`the runtime belongs to account ${owner}, and sluice.yml names account ${account}`, 'Use credentials of the right account, or correct agentrun.account.');
  if (place !== '' && place !== region) return refused(`the runtime is in region ${place}, and s.yaml names region ${region}`, 'Correct the region in s.yaml, or agentrun.control in sluice.yml.');
  return done(undefined);
};

/** carrierParts are what the Serverless Devs CLI is run with; credentials are asked for at each run, so that they last. */
const carrierParts = (connection: Connection, opening: Opening, options: CliOptions): CarrierParts => ({
  options,
  build: connection.environment.agentrun?.build ?? 'auto',
  components: connection.setting('SLUICE_S_COMPONENTS'),
  caller: async () => {
    const credentials = await opening.session.current();
    if (!credentials.ok) return credentials;
    const account = opening.expected === undefined ? await accountOf(opening) : done(opening.expected);
    return account.ok ? done({ account: account.value, credentials: credentials.value }) : account;
  },
  log: (line) => connection.log(line),
});

/** carrierOf is what deploys with `deploy: s`; the CLI's part is loaded when it is needed. */
const carrierOf = (connection: Connection, opening: Opening): Pick<ContextOptions, 'carrier'> => {
  if (connection.environment.agentrun?.deploy !== 's') return {};
  return {
    carrier: async () => {
      const { cliOptionsOf, openCarrier } = await import('../cli/carrier.ts');
      return openCarrier(carrierParts(connection, opening, cliOptionsOf(connection, opening.options.source)));
    },
  };
};

/** targetOf gives the target of the context's runtime, as it stands. */
export const targetOf = async (context: AgentRunContext, expected: string | undefined, runtime: Runtime | undefined): Promise<Outcome<Target>> => {
  const owned = guardRuntime(context, expected, runtime);
  if (!owned.ok) return owned;
  if (runtime === undefined) return done(new AgentRunTarget(context, '', '', context.source.parts.agent.logConfig !== undefined));
  const users = await listedUsersEndpoint(context, runtime.id);
  if (!users.ok) return users;
  return done(new AgentRunTarget(context, runtime.id, users.value?.url ?? '', logPlaceOf(context, runtime) !== undefined));
};

/** connect finds the runtime and the users' endpoint. Both may still be missing; deploy and the first routing make them. */
export const connect = async (connection: Connection): Promise<Outcome<Target>> => {
  const opening = openingOf(connection);
  if (!opening.ok) return opening;
  const { options, expected } = opening.value;
  const guarded = await guardAccount(opening.value);
  if (!guarded.ok) return guarded;
  const workspace = await workspaceOf(contextOf(options));
  if (!workspace.ok) return workspace;
  const context = contextOf({ ...options, ...carrierOf(connection, opening.value), ...(workspace.value === undefined ? {} : { workspaceId: workspace.value }) });
  const runtime = await findRuntime(context);
  if (!runtime.ok) return runtime;
  return targetOf(context, expected, runtime.value);
};
