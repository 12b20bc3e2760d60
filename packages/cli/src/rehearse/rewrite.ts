import { defaultCanaryPlan, type ChannelConfig, type Config, type EnvironmentConfig, type EnvironmentReference } from '@sluice/core';
import type { Lab } from '@sluice/lab';

/** Seeded is the application as the lab holds it before the release. */
export interface Seeded {
  /** application is the app or runtime id. */
  readonly application: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Rewritten is a configuration whose every address is the lab's. */
export interface Rewritten {
  readonly environment: EnvironmentConfig;
  readonly notify: Config['notify'];
  /** secrets are the environment variables of the rehearsal: the lab's throw-away credentials, and placeholders for all others. */
  readonly secrets: Readonly<Record<string, string>>;
  /** said are lines that tell a person what was replaced. */
  readonly said: readonly string[];
}

const channelKinds = ['slack', 'dingtalk', 'webhook'] as const;

const inboxes = (lab: Lab): Readonly<Record<(typeof channelKinds)[number], { url: string; secret?: string }>> => ({
  slack: lab.inbox.slack,
  dingtalk: lab.inbox.dingtalk,
  webhook: lab.inbox.webhook,
});

const channelSecrets = (lab: Lab, channels: readonly ChannelConfig[]): Readonly<Record<string, string>> => {
  const secrets: Record<string, string> = {};
  for (const channel of channels) {
    for (const kind of channelKinds) {
      const reference = channel[kind];
      if (reference === undefined) continue;
      const inbox = inboxes(lab)[kind];
      secrets[reference.env] = inbox.url;
      if (channel.secret !== undefined && inbox.secret !== undefined) secrets[channel.secret.env] = inbox.secret;
    }
  }
  return secrets;
};

/** signed gives every DingTalk channel a secret, because the lab's robot signs, as a real one should. */
const signed = (channel: ChannelConfig): ChannelConfig =>
  channel.dingtalk === undefined || channel.secret !== undefined ? channel : { ...channel, secret: { env: 'REHEARSAL_ROBOT_SECRET' } };

const isReference = (value: unknown): value is EnvironmentReference =>
  typeof value === 'object' && value !== null && 'env' in value && typeof value.env === 'string';

const placeholders = (environment: EnvironmentConfig): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.values({ ...environment.variables })
      .filter(isReference)
      .map(({ env }) => [env, `rehearsal-placeholder-for-${env.toLowerCase()}`]),
  );

const platformBlock = (environment: EnvironmentConfig, lab: Lab, application: string): Pick<EnvironmentConfig, 'dify' | 'agentrun'> => {
  if (environment.agentrun !== undefined) {
    // A rehearsal runs no program, so the API deploys.
    const { account: _account, deploy: _deploy, build: _build, s: _program, component: _component, ...agentrun } = environment.agentrun;
    return { agentrun: { ...agentrun, control: lab.agentrun.control, data: lab.agentrun.data, sts: lab.agentrun.sts, logs: lab.agentrun.logs, metrics: lab.agentrun.metrics } };
  }
  return { dify: { console: lab.dify.origin, api: `${lab.dify.origin}/v1`, ...(application === '' ? {} : { app: application }) } };
};

const difyAddress = (environment: EnvironmentConfig): string =>
  typeof environment.dify === 'string' ? environment.dify : (environment.dify?.console ?? '');

const saidOf = (environment: EnvironmentConfig, lab: Lab, channels: readonly ChannelConfig[], secrets: number): readonly string[] => [
  environment.agentrun === undefined
    ? `Dify: ${difyAddress(environment)} -> ${lab.dify.origin} (lab, Dify ${lab.dify.version})`
    : `AgentRun: ${environment.agentrun.control ?? 'the public address of its region'} -> ${lab.agentrun.control} (lab)`,
  ...(environment.gateway === undefined
    ? []
    : [`gateway: ${environment.gateway.address ?? 'in front of the API'} -> ${lab.gateway.origin} (lab); ${environment.gateway.nginx.include} -> a temporary file`]),
  ...(channels.length === 0 ? [] : [`notifications: ${channels.length} channels -> the lab's inboxes`]),
  `secrets: none was read; ${secrets} environment variables have throw-away or placeholder values`,
];

/** canaryOf is the environment's canary with no more pairs than it needs: a lab's answers cost time and show nothing new. */
const canaryOf = (canary: EnvironmentConfig['canary'], pairs: number | undefined): EnvironmentConfig['canary'] => {
  if (canary === undefined || canary === false || pairs === undefined) return canary;
  const plan = canary === true ? defaultCanaryPlan : canary;
  return plan.steps === undefined ? { ...plan, pairs: Math.min(plan.pairs, Math.max(pairs, plan.minimum)) } : plan;
};

/** rewrite replaces every address by the lab's and every secret by a throw-away value or a placeholder. */
export const rewrite = (config: Config, environment: EnvironmentConfig, lab: Lab, seeded: Seeded, pairs?: number): Rewritten => {
  const canary = canaryOf(environment.canary, pairs);
  const channels = (environment.notify ?? config.notify ?? []).map(signed);
  const { dify: _dify, agentrun: _agentrun, gateway, notify: _notify, ...rest } = environment;
  const secrets = { ...placeholders(environment), ...channelSecrets(lab, channels), ...seeded.secrets };
  return {
    environment: {
      ...rest,
      ...platformBlock(environment, lab, seeded.application),
      ...(gateway === undefined
        ? {}
        : { gateway: { address: `${lab.gateway.origin}/v1`, nginx: { sticky: gateway.nginx.sticky, include: lab.gateway.includeFile, test: ['nginx', '-t'], reload: ['nginx', '-s', 'reload'] } } }),
      ...(channels.length === 0 ? {} : { notify: channels }),
      ...(canary === undefined ? {} : { canary }),
      'insecure-http': true,
    },
    notify: channels,
    secrets,
    said: [
      ...saidOf(environment, lab, channels, Object.keys(secrets).length),
      ...(canary === environment.canary || typeof canary !== 'object' ? [] : [`canary: at most ${canary.pairs} pairs of answers`]),
    ],
  };
};
