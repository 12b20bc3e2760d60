import type { Host, HostContext } from '@sluice/core';
import { changeRequestOf } from './change-request.ts';
import { givenIdentity } from './given-token.ts';
import { lineHost, redactAll, type Environment, type HostParts } from './line-host.ts';
import { sharedOutputs } from './outputs-file.ts';
import { exportLines } from './variables.ts';

/** ownTokens are the job's identity tokens, and the usual name of a token for CircleCI's API. */
const ownTokens = ['CIRCLE_OIDC_TOKEN', 'CIRCLE_OIDC_TOKEN_V2', 'CIRCLE_TOKEN'];

const repositoryOf = ({ CIRCLE_PROJECT_USERNAME: owner = '', CIRCLE_PROJECT_REPONAME: name = '' }: Environment): string =>
  owner === '' || name === '' ? name : `${owner}/${name}`;

/**
 * circleciContext reads CircleCI's built-in variables (circleci.com/docs/reference/variables). CIRCLE_PIPELINE_ID stays
 * the same when a workflow is run again, so that such a run is the same run. A pull request is known by CIRCLE_PULL_REQUEST,
 * which a push to a branch with an open one has, too, and never told apart from a fork's.
 */
export const circleciContext = (environment: Environment): HostContext => {
  const pullRequest = changeRequestOf(environment);
  const tag = environment.CIRCLE_TAG ?? '';
  const own = pullRequest === undefined;
  return {
    commit: environment.CIRCLE_SHA1 ?? '',
    branch: own && tag === '' ? (environment.CIRCLE_BRANCH ?? '') : '',
    tag: own ? tag : '',
    repository: repositoryOf(environment),
    actor: environment.CIRCLE_USERNAME ?? '',
    runUrl: environment.CIRCLE_BUILD_URL ?? '',
    runId: environment.CIRCLE_PIPELINE_ID ?? environment.CIRCLE_WORKFLOW_ID ?? '',
    ...(environment.CIRCLE_WORKFLOW_JOB_ID === undefined ? {} : { jobId: environment.CIRCLE_WORKFLOW_JOB_ID }),
    event: own ? (tag === '' ? 'branch' : 'tag') : 'pull-request',
    ...(own ? {} : { pullRequest }),
    onCi: true,
  };
};

/** audienceHint is how a job gets a token for Alibaba Cloud: the tokens in its variables are for the organisation alone. */
const audienceHint = (audience: string): string =>
  `Add before the step: \`export ALIBABA_CLOUD_OIDC_TOKEN="$(circleci run oidc get --claims '{"aud":"${audience}"}')"\`.`;

/**
 * circleciHost writes plain lines, outputs as `outputs.json` in the results folder, and for the later steps of the job as
 * commands to the file that BASH_ENV names, which bash runs at the start of each (circleci.com/docs/guides/security/
 * set-environment-variable). Its log has no groups.
 */
export const circleciHost = (parts: HostParts): Host => {
  redactAll(parts, ownTokens);
  const { environment } = parts;
  const context = circleciContext(environment);
  return {
    ...lineHost('circleci', context, parts),
    ...givenIdentity(environment.CIRCLE_OIDC_TOKEN_V2 ?? environment.CIRCLE_OIDC_TOKEN, context, audienceHint),
    ...sharedOutputs(parts, environment.BASH_ENV, exportLines),
  };
};
