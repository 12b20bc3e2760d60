import type { EnvironmentConfig, Platform } from '@sluice/core';

/** platformFor loads the platform that an environment's block names; configuration has checked that there is exactly one. */
export const platformFor = async (environment: EnvironmentConfig): Promise<Platform> => {
  if (environment.agentrun !== undefined) return (await import('@sluice/agentrun')).agentrunPlatform;
  return (await import('@sluice/dify')).difyPlatform;
};

const everyPlatform = async (): Promise<readonly Platform[]> => [(await import('@sluice/dify')).difyPlatform, (await import('@sluice/agentrun')).agentrunPlatform];

/**
 * secretVariables are the names of the variables that a connection to one of these environments may read, each by its
 * first name only; those of every platform when there is no environment.
 */
export const secretVariables = async (environments: readonly EnvironmentConfig[]): Promise<readonly string[]> => {
  const platforms = environments.length === 0 ? await everyPlatform() : await Promise.all(environments.map(platformFor));
  const named = new Map(platforms.flatMap(({ secrets }) => Object.entries(secrets)));
  return [...named].filter(([, purpose]) => !purpose.startsWith('another name of ')).map(([name]) => name);
};
