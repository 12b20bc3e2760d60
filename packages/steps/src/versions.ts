import type { StepContext, Version } from '@sluice/core';

/** versionText names a version for people: its name and its id, once when they are the same. */
export const versionText = (version: Pick<Version, 'id' | 'name'>): string =>
  version.name === '' || version.name === version.id ? version.id : `${version.name} (${version.id})`;

/**
 * releaseName is the name of a new version: the commit's first twelve digits, else month, day and time to the second in
 * UTC. Neither is longer than twelve characters: Dify keeps twenty, and a restored version is called "back to …".
 */
export const releaseName = (context: StepContext): string => {
  const { commit } = context.host.context;
  if (commit !== '') return commit.slice(0, 12);
  return new Date(context.clock.now()).toISOString().slice(5, 19).replaceAll(/[-:]/g, '').replace('T', '-');
};

/** earlierOutput is an output of another step of this release; empty when that step did not run or set nothing. */
export const earlierOutput = async (context: StepContext, step: string, output: string): Promise<string> =>
  (await context.earlier(step))?.outputs[output] ?? '';
