import { defaultCanaryPlan, type CanaryPlanConfig, type EnvironmentConfig } from '@sluice/core';

/** deadlineMs is how long the canary step may take. */
export const deadlineMs = 3_000_000;
/** wayBackMs is kept free before the step's deadline, so that the verdict comes before the step is stopped. */
const wayBackMs = 180_000;
/** judgingMs is what the step's deadline leaves for judging. */
export const judgingMs = deadlineMs - wayBackMs;

/** canaryConfigOf is the long form of an environment's canary; undefined when there is none. */
export const canaryConfigOf = ({ canary }: Pick<EnvironmentConfig, 'canary'>): CanaryPlanConfig | undefined => {
  if (canary === undefined || canary === false) return undefined;
  return canary === true ? defaultCanaryPlan : canary;
};
