import { join } from 'node:path';
import type { Host, HostContext } from '@sluice/core';
import { needOwnFolder, readText, replaceFile } from './files.ts';
import { attempt, lineHost, type Environment, type HostParts } from './line-host.ts';

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

const earlierOutputs = (text: string | undefined): object => {
  if (text === undefined) return {};
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null ? parsed : {};
};

/** jenkinsHost writes plain lines, and outputs as `outputs.json` in the results folder, one object for all steps of a job. */
export const jenkinsHost = (parts: HostParts): Host => ({
  ...lineHost('jenkins', jenkinsContext(parts.environment), parts),
  outputs: (outputs) =>
    attempt(parts.voice, 'the outputs could not be written', async () => {
      await needOwnFolder(parts.resultsFolder);
      const path = join(parts.resultsFolder, 'outputs.json');
      const values = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, parts.voice.value(value)]));
      await replaceFile(path, `${JSON.stringify({ ...earlierOutputs(await readText(path)), ...values }, null, 2)}\n`);
    }),
});
