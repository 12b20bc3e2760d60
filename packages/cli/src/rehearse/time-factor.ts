import { defaultCanaryPlan, type EnvironmentConfig } from '@sluice/core';

/** longestMs is how long the canary's waits may take in a rehearsal, all together. */
const longestMs = 9000;

/** timeFactor is by how much a rehearsal compresses all waits: as much as its canary needs to fit, and never less than ten. */
export const timeFactor = (environment: EnvironmentConfig): number => {
  const { canary } = environment;
  const plan = canary === undefined || typeof canary === 'boolean' ? defaultCanaryPlan : canary;
  const waits = (plan.steps?.length ?? 1) * plan.every;
  return Math.max(10, Math.ceil(waits / longestMs));
};
