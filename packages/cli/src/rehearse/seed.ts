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
  /** served counts answers to users by version, from the lab's own counters. */
  served(): Readonly<Record<string, number>>;
  /** standIns names the nodes that answered with a stand-in. */
  standIns(): readonly string[];
}

const seedDify = (lab: Lab, dsl: string, faults: CandidateFaults | undefined): Standing => {
  const { email, password } = lab.dify.credentials;
  const app = lab.dify.createApp(earlierVersion(dsl));
  if (faults !== undefined) lab.dify.setFaults(app.appId, app.published, faults);
  return {
    application: app.appId,
    secrets: { DIFY_EMAIL: email, DIFY_PASSWORD: password },
    stable: app.published ?? '',
    same: (one, other) => lab.dify.sameContent(app.appId, one, other),
    served: () => lab.dify.served(app.appId),
    standIns: () => lab.dify.standIns(),
  };
};

const seedAgentRun = (lab: Lab, name: string, endpoint: string, faults: CandidateFaults | undefined): Standing => {
  const { accessKeyId, accessKeySecret } = lab.agentrun.credentials;
  const runtime = lab.agentrun.createRuntime({ name, endpoint });
  if (faults !== undefined) lab.agentrun.setFaults(name, runtime.version, faults);
  return {
    application: runtime.runtimeId,
    secrets: { ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret },
    stable: runtime.version,
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
  faults: CandidateFaults | undefined,
): Standing => {
  if (environment.agentrun !== undefined) return seedAgentRun(lab, parsed.source?.title ?? 'agent', environment.agentrun.endpoint, faults);
  return seedDify(lab, text, faults);
};
