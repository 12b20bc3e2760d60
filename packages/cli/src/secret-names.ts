import type { EnvironmentConfig, Project } from '@sluice/core';
import { platformFor } from './platforms.ts';

/** referencedVariables are the names in all `{ env: NAME }` of a configuration. */
const referencedVariables = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  if ('env' in value && typeof value.env === 'string') return [value.env];
  return Object.values(value).flatMap(referencedVariables);
};

/** secretNames are the names of all variables that a run on one environment may read: the platform's, and those of sluice.yml. */
export const secretNames = async (project: Project, environment: EnvironmentConfig): Promise<readonly string[]> => {
  const platform = await platformFor(environment);
  return [...Object.keys(platform.secrets), ...referencedVariables([environment, project.config.notify])];
};
