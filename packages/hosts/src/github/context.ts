import type { HostContext, PullRequest } from '@sluice/core';
import type { Environment } from '../line-host.ts';
import { endsOf } from '../pull-request-base.ts';
import { at, numberAt, textAt } from './json.ts';

/** pullRequestEvents run for somebody's change; `pull_request_target` and `workflow_run` run it with secrets in reach. */
const pullRequestEvents = new Set([
  'pull_request',
  'pull_request_target',
  'pull_request_review',
  'pull_request_review_comment',
  'workflow_run',
]);

/** isFork is true also when either side is unknown (a deleted fork has no repository): what cannot be told is not trusted. */
const isFork = (head: string, base: string): boolean => head === '' || head !== base;

const numberInRef = (environment: Environment): number => Number(/^refs\/pull\/(\d+)\//.exec(environment.GITHUB_REF ?? '')?.[1] ?? 0);

const pullRequestOf = (environment: Environment, event: unknown): PullRequest | undefined => {
  const name = environment.GITHUB_EVENT_NAME ?? '';
  const repository = textAt(event, 'repository', 'full_name');
  if (name === 'workflow_run') {
    const pulls = at(event, 'workflow_run', 'pull_requests');
    const [pull] = Array.isArray(pulls) ? (pulls as readonly unknown[]) : [];
    return {
      number: numberAt(pull, 'number'),
      fork: isFork(textAt(event, 'workflow_run', 'head_repository', 'full_name'), repository),
      ...endsOf({ branch: textAt(pull, 'base', 'ref'), commit: textAt(pull, 'base', 'sha'), head: textAt(pull, 'head', 'sha') }),
    };
  }
  // A comment on a pull request does not say where its change comes from.
  if (name === 'issue_comment' && at(event, 'issue', 'pull_request') !== undefined) {
    return { number: numberAt(event, 'issue', 'number'), fork: true };
  }
  const isPull = pullRequestEvents.has(name) || (environment.GITHUB_HEAD_REF ?? '') !== '' || numberInRef(environment) > 0;
  if (!isPull) return undefined;
  return {
    number: numberAt(event, 'pull_request', 'number') || numberInRef(environment),
    fork: isFork(
      textAt(event, 'pull_request', 'head', 'repo', 'full_name'),
      textAt(event, 'pull_request', 'base', 'repo', 'full_name') || repository,
    ),
    ...endsOf({
      branch: environment.GITHUB_BASE_REF || textAt(event, 'pull_request', 'base', 'ref'),
      commit: textAt(event, 'pull_request', 'base', 'sha'),
      head: textAt(event, 'pull_request', 'head', 'sha'),
    }),
  };
};

const runUrlOf = (environment: Environment): string => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return server === undefined || repository === undefined || run === undefined ? '' : `${server}/${repository}/actions/runs/${run}`;
};

const filesUrlOf = ({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_SHA: commit }: Environment): string | undefined =>
  server === undefined || repository === undefined || commit === undefined ? undefined : `${server}/${repository}/blob/${commit}`;

/** githubContext reads the runner's variables and the event that started the run; `event` is what stood in GITHUB_EVENT_PATH. */
export const githubContext = (environment: Environment, event: unknown): HostContext => {
  const pullRequest = pullRequestOf(environment, event);
  const name = environment.GITHUB_REF_NAME ?? '';
  const type = pullRequest === undefined ? environment.GITHUB_REF_TYPE : 'pull request';
  const filesUrl = filesUrlOf(environment);
  return {
    commit: environment.GITHUB_SHA ?? '',
    branch: type === 'branch' ? name : '',
    tag: type === 'tag' ? name : '',
    repository: environment.GITHUB_REPOSITORY ?? '',
    actor: environment.GITHUB_ACTOR ?? '',
    runUrl: runUrlOf(environment),
    runId: environment.GITHUB_RUN_ID ?? '',
    ...(environment.GITHUB_JOB === undefined ? {} : { jobId: environment.GITHUB_JOB }),
    ...(filesUrl === undefined ? {} : { filesUrl }),
    event: environment.GITHUB_EVENT_NAME ?? '',
    ...(pullRequest === undefined ? {} : { pullRequest }),
    onCi: true,
  };
};
