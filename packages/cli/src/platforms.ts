import type { EnvironmentConfig, Platform } from '@sluice/core';

/** platformFor loads the platform that an environment's block names; configuration has checked that there is exactly one. */
export const platformFor = async (environment: EnvironmentConfig): Promise<Platform> => {
  if (environment.agentrun !== undefined) return (await import('@sluice/agentrun')).agentrunPlatform;
  return (await import('@sluice/dify')).difyPlatform;
};

/** secretVariables are the names of the variables that a connection to any platform may read, each by its first name only. */
export const secretVariables = async (): Promise<readonly string[]> => {
  const [{ difySecrets }, { agentrunSecrets }] = await Promise.all([import('@sluice/dify'), import('@sluice/agentrun')]);
  const named = Object.entries({ ...difySecrets, ...agentrunSecrets });
  return named.filter(([, purpose]) => !purpose.startsWith('another name of ')).map(([name]) => name);
};
