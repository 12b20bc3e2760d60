import { resolve } from 'node:path';
import type { Host, HostContext, PullRequest } from '@sluice/core';
import { readText, replaceFile } from './files.ts';
import { attempt, lineHost, redactAll, type Environment, type HostParts } from './line-host.ts';

const requestNumber = (text: string | undefined): number => (/^\d+$/.test(text ?? '') ? Number(text) : 0);

/** isFork is true also when either side is unknown: what cannot be told is not trusted. */
const isFork = (source: string | undefined, target: string | undefined): boolean =>
  source === undefined || source === '' || source !== target;

const mergeRequest = (environment: Environment): PullRequest | undefined => {
  const event = environment.CI_PIPELINE_SOURCE;
  if (event === 'merge_request_event' || environment.CI_MERGE_REQUEST_IID !== undefined) {
    const target = environment.CI_MERGE_REQUEST_PROJECT_PATH ?? environment.CI_PROJECT_PATH;
    return {
      number: requestNumber(environment.CI_MERGE_REQUEST_IID),
      fork: isFork(environment.CI_MERGE_REQUEST_SOURCE_PROJECT_PATH, target),
    };
  }
  if (event === 'external_pull_request_event' || environment.CI_EXTERNAL_PULL_REQUEST_IID !== undefined) {
    return {
      number: requestNumber(environment.CI_EXTERNAL_PULL_REQUEST_IID),
      fork: isFork(environment.CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY, environment.CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY),
    };
  }
  return undefined;
};

/** gitlabContext reads the predefined variables; merge requests and external pull requests are pull requests. */
export const gitlabContext = (environment: Environment): HostContext => {
  const pullRequest = mergeRequest(environment);
  return {
    commit: environment.CI_COMMIT_SHA ?? '',
    branch: pullRequest === undefined ? (environment.CI_COMMIT_BRANCH ?? '') : '',
    tag: pullRequest === undefined ? (environment.CI_COMMIT_TAG ?? '') : '',
    repository: environment.CI_PROJECT_PATH ?? '',
    actor: environment.GITLAB_USER_LOGIN ?? '',
    runUrl: environment.CI_JOB_URL ?? environment.CI_PIPELINE_URL ?? '',
    runId: environment.CI_PIPELINE_ID ?? '',
    event: environment.CI_PIPELINE_SOURCE ?? '',
    ...(pullRequest === undefined ? {} : { pullRequest }),
    onCi: true,
  };
};

/** variableName is an output's name in a dotenv report: `version-id` becomes `SLUICE_VERSION_ID`. */
export const variableName = (output: string): string => `SLUICE_${output.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}`;

/** ownTokens are the job's tokens, which jobs like to print. */
const ownTokens = ['CI_JOB_TOKEN', 'CI_REGISTRY_PASSWORD', 'CI_DEPLOY_PASSWORD', 'CI_DEPENDENCY_PROXY_PASSWORD'];

/** GitLab refuses a dotenv report over 5 KB (docs.gitlab.com, artifacts:reports:dotenv). */
const reportLimit = 5 * 1024;

const merged = (earlier: string, values: Readonly<Record<string, string>>): string => {
  const kept = earlier.split('\n').filter((line) => line !== '' && !Object.hasOwn(values, line.slice(0, line.indexOf('='))));
  return [...kept, ...Object.entries(values).map(([name, value]) => `${name}=${value}`), ''].join('\n');
};

/**
 * gitlabHost writes collapsible sections and a dotenv report (the file SLUICE_DOTENV, else `sluice.env` in the working
 * directory). GitLab has no command that masks: a secret is only ever redacted here. It has no `identityToken` either:
 * GitLab puts a job's tokens into variables that `id_tokens` in .gitlab-ci.yml names, each for an audience that is fixed
 * there, and gives out none on request; a platform reads such a variable as it reads any secret.
 */
export const gitlabHost = (parts: HostParts): Host => {
  const { voice, clock, environment } = parts;
  const report = resolve(parts.folder, environment.SLUICE_DOTENV ?? 'sluice.env');
  redactAll(parts, ownTokens);
  let sections = 0;
  return {
    ...lineHost('gitlab', gitlabContext(environment), parts),
    group: async (title, work) => {
      const name = `sluice_${process.pid}_${(sections += 1)}`;
      const seconds = (): number => Math.floor(clock.now() / 1000);
      voice.command(`\u001B[0Ksection_start:${seconds()}:${name}\r\u001B[0K${voice.clean(title)}`);
      try {
        return await work();
      } finally {
        voice.command(`\u001B[0Ksection_end:${seconds()}:${name}\r\u001B[0K`);
      }
    },
    outputs: (outputs) =>
      attempt(voice, 'the dotenv report could not be written', async () => {
        const values = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [variableName(name), voice.value(value)]));
        const text = merged((await readText(report)) ?? '', values);
        await replaceFile(report, text);
        const bytes = Buffer.byteLength(text, 'utf8');
        if (bytes > reportLimit) voice.line(`warning the dotenv report has ${bytes} bytes; GitLab takes at most ${reportLimit}`);
      }),
  };
};
