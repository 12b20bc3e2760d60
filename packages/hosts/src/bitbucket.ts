import type { Host, HostContext } from '@sluice/core';
import { changeRequestOf } from './change-request.ts';
import { givenIdentity } from './given-token.ts';
import { lineHost, redactAll, type Environment, type HostParts } from './line-host.ts';
import { sharedOutputs } from './outputs-file.ts';
import { endsOf } from './pull-request-base.ts';
import { inertLines } from './variables.ts';

/** ownTokens are tokens of the step: its identity, and those that Pipelines hands its own tools. */
const ownTokens = ['BITBUCKET_STEP_OIDC_TOKEN', 'PIPELINES_JWT_TOKEN', 'REPOSITORY_OAUTH_ACCESS_TOKEN'];

const runUrlOf = ({ BITBUCKET_REPO_FULL_NAME: repository, BITBUCKET_BUILD_NUMBER: build }: Environment): string =>
  repository === undefined || build === undefined ? '' : `https://bitbucket.org/${repository}/pipelines/results/${build}`;

const eventOf = (environment: Environment): string => {
  if (environment.BITBUCKET_PR_ID !== undefined) return 'pull-request';
  if (environment.BITBUCKET_TAG !== undefined) return 'tag';
  return environment.BITBUCKET_BRANCH === undefined ? 'custom' : 'branch';
};

/**
 * bitbucketContext reads the default variables of Bitbucket Pipelines (support.atlassian.com, "Variables and secrets").
 * They do not tell whether a pull request comes from a fork, so that each counts as one that does. BITBUCKET_BRANCH of a
 * pull request is its source branch, which must not map to an environment.
 */
export const bitbucketContext = (environment: Environment): HostContext => {
  const change = changeRequestOf(environment);
  const ends = endsOf({ branch: environment.BITBUCKET_PR_DESTINATION_BRANCH, commit: environment.BITBUCKET_PR_DESTINATION_COMMIT });
  const pullRequest = change === undefined ? undefined : { ...change, ...ends };
  return {
    commit: environment.BITBUCKET_COMMIT ?? '',
    branch: pullRequest === undefined ? (environment.BITBUCKET_BRANCH ?? '') : '',
    tag: pullRequest === undefined ? (environment.BITBUCKET_TAG ?? '') : '',
    repository: environment.BITBUCKET_REPO_FULL_NAME ?? '',
    actor: environment.BITBUCKET_STEP_TRIGGERER_UUID ?? '',
    runUrl: runUrlOf(environment),
    runId: environment.BITBUCKET_PIPELINE_UUID ?? environment.BITBUCKET_BUILD_NUMBER ?? '',
    ...(environment.BITBUCKET_STEP_UUID === undefined ? {} : { jobId: environment.BITBUCKET_STEP_UUID }),
    event: eventOf(environment),
    ...(pullRequest === undefined ? {} : { pullRequest }),
    onCi: true,
  };
};

/** audienceHint is how a step gets a token for Alibaba Cloud (atlassian.com/blog, "OIDC now supports multiple audiences"). */
const audienceHint = (audience: string): string => `Give the step \`oidc: { audiences: [${audience}] }\`, and add that audience to the identity provider in RAM.`;

/**
 * bitbucketHost writes plain lines, outputs as `outputs.json` in the results folder, and as `NAME=value` lines to the file
 * that BITBUCKET_PIPELINES_VARIABLES_PATH names, of which the step hands on what its `output-variables` list
 * (support.atlassian.com, "Variable sharing"). That page does not say how blanks and quotes are read there, so that only
 * values in which there is nothing to read are written. Its log has no groups.
 */
export const bitbucketHost = (parts: HostParts): Host => {
  redactAll(parts, ownTokens);
  const { environment } = parts;
  const context = bitbucketContext(environment);
  return {
    ...lineHost('bitbucket', context, parts),
    ...givenIdentity(environment.BITBUCKET_STEP_OIDC_TOKEN, context, audienceHint),
    ...sharedOutputs(parts, environment.BITBUCKET_PIPELINES_VARIABLES_PATH, inertLines),
  };
};
