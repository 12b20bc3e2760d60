import { resolve } from 'node:path';
import type { Host, HostContext } from '@sluice/core';
import { lineHost, type Environment, type HostParts } from './line-host.ts';
import { sharedOutputs } from './outputs-file.ts';
import { endsOf } from './pull-request-base.ts';

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
      : { pullRequest: { number: Number.isSafeInteger(number) ? number : 0, fork: (environment.CHANGE_FORK ?? '') !== '', ...endsOf({ branch: environment.CHANGE_TARGET }) } }),
    onCi: true,
  };
};

/**
 * jenkinsHost writes plain lines, and outputs as `outputs.json` in the results folder, one object for all steps of a job.
 * Our shared library names a second file with SLUICE_OUTPUTS, one `name=value` a line: a pipeline can read that without a
 * plug-in for JSON, and knows that it holds what this step said and no earlier one.
 */
export const jenkinsHost = (parts: HostParts): Host => {
  const { SLUICE_OUTPUTS: lines } = parts.environment;
  return {
    ...lineHost('jenkins', jenkinsContext(parts.environment), parts),
    ...sharedOutputs(parts, lines === undefined ? undefined : resolve(parts.folder, lines), (outputs) =>
      Object.entries(outputs)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    ),
  };
};
