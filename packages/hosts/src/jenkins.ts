import { resolve } from 'node:path';
import type { Host, HostContext } from '@sluice/core';
import { addToFile } from './files.ts';
import { attempt, lineHost, type Environment, type HostParts } from './line-host.ts';
import { addToOutputsFile } from './outputs-file.ts';

/** repositoryOf takes `acme/app` out of a Git address; an address may carry credentials, so it is never passed on whole. */
const repositoryOf = (address: string): string => /[/:]([^/:@]+\/[^/]+?)(?:\.git)?\/?$/.exec(address)?.[1] ?? '';

const withoutRemote = (branch: string): string => branch.replace(/^(?:refs\/heads\/|origin\/)/, '');

/** jenkinsContext reads what Jenkins and its branch source plug-ins set; a CHANGE_ID marks a pull request. */
export const jenkinsContext = (environment: Environment): HostContext => {
  const change = environment.CHANGE_ID;
  const tag = environment.TAG_NAME ?? '';
  const number = Number(change);
  return {
    commit: environment.GIT_COMMIT ?? '',
    branch: change !== undefined || tag !== '' ? '' : withoutRemote(environment.BRANCH_NAME ?? environment.GIT_BRANCH ?? ''),
    tag,
    repository: repositoryOf(environment.GIT_URL ?? ''),
    actor: environment.CHANGE_AUTHOR ?? environment.BUILD_USER_ID ?? '',
    runUrl: environment.BUILD_URL ?? '',
    runId: environment.BUILD_TAG ?? environment.BUILD_ID ?? '',
    event: change !== undefined ? 'change' : tag !== '' ? 'tag' : 'build',
    ...(change === undefined
      ? {}
      : { pullRequest: { number: Number.isSafeInteger(number) ? number : 0, fork: (environment.CHANGE_FORK ?? '') !== '' } }),
    onCi: true,
  };
};

/**
 * jenkinsHost writes plain lines, and outputs as `outputs.json` in the results folder, one object for all steps of a job.
 * Our shared library names a second file with SLUICE_OUTPUTS, one `name=value` a line: a pipeline can read that without a
 * plug-in for JSON, and knows that it holds what this step said and no earlier one.
 */
export const jenkinsHost = (parts: HostParts): Host => ({
  ...lineHost('jenkins', jenkinsContext(parts.environment), parts),
  outputs: (outputs) =>
    attempt(parts.voice, 'the outputs could not be written', async () => {
      const values = await addToOutputsFile(parts, outputs);
      const lines = parts.environment.SLUICE_OUTPUTS;
      if (lines === undefined) return;
      await addToFile(resolve(parts.folder, lines), Object.entries(values).map(([name, value]) => `${name}=${value}\n`).join(''));
    }),
});
