import type { EnvironmentConfig, Platform } from '@sluice/core';

/** platformFor loads the platform that an environment's block names; configuration has checked that there is exactly one. */
export const platformFor = async (environment: EnvironmentConfig): Promise<Platform> => {
  if (environment.agentrun !== undefined) return (await import('@sluice/agentrun')).agentrunPlatform;
  return (await import('@sluice/dify')).difyPlatform;
};
