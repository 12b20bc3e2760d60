import type { EnvironmentConfig, Parsed } from '@sluice/core';
import type { Lab } from '@sluice/lab';
import type { CandidateFaults } from './candidate-faults.ts';
import { earlierVersion } from './earlier-version.ts';
import type { Seeded } from './rewrite.ts';

/** Standing is the application in the lab before the release, and how to look at it afterwards without asking Sluice. */
export interface Standing extends Seeded {
  /** stable is the version that users get before the release; empty when there is none. */
  readonly stable: string;
  /** same tells whether two versions run the same; a restored version is the same as the one it was made from. */
  same(one: string, other: string): boolean;
  /** misbehave makes every content but the stable one misbehave from now on. */
  misbehave(faults: CandidateFaults): void;
  /** served counts answers to users by version, from the lab's own counters. */
  served(): Readonly<Record<string, number>>;
  /** standIns names the nodes that answered with a stand-in. */
  standIns(): readonly string[];
}

const seedDify = (lab: Lab, dsl: string): Standing => {
  const { email, password } = lab.dify.credentials;
  const app = lab.dify.createApp(earlierVersion(dsl));
  return {
    application: app.appId,
    secrets: { DIFY_EMAIL: email, DIFY_PASSWORD: password },
    stable: app.published ?? '',
    misbehave: (faults) => lab.dify.setFaults(app.appId, app.published, faults),
    same: (one, other) => lab.dify.sameContent(app.appId, one, other),
    served: () => lab.dify.served(app.appId),
    standIns: () => lab.dify.standIns(),
  };
};

const seedAgentRun = (lab: Lab, name: string, endpoint: string): Standing => {
  const { accessKeyId, accessKeySecret } = lab.agentrun.credentials;
  const runtime = lab.agentrun.createRuntime({ name, endpoint });
  return {
    application: runtime.runtimeId,
    secrets: { ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret },
    stable: runtime.version,
    misbehave: (faults) => lab.agentrun.setFaults(name, runtime.version, faults),
    same: (one, other) => one === other,
    served: () => lab.agentrun.served(name, endpoint),
    standIns: () => [`agent "${name}"`],
  };
};

/** seed puts the application into the lab as it ran before: an earlier version that differs only in a remark. */
export const seed = (
  lab: Lab,
  environment: EnvironmentConfig,
  parsed: Parsed,
  text: string,
): Standing => {
  if (environment.agentrun !== undefined) return seedAgentRun(lab, parsed.source?.title ?? 'agent', environment.agentrun.endpoint ?? '');
  const { datasets = {}, tools = {}, models = {}, triggers = {} } = environment;
  lab.dify.stock({ datasets: Object.values(datasets), tools: Object.values(tools), models: Object.values(models), triggers: Object.values(triggers) });
  return seedDify(lab, text);
};
