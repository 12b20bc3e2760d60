import type { PullRequest } from '@sluice/core';
import type { Environment } from './line-host.ts';

/**
 * markers are the variables by which CI systems tell that a change request started the run, and tell no more of it.
 * CircleCI sets its first two for a branch that has an open pull request, too: such a run is not trusted either.
 */
const markers = [
  'BITBUCKET_PR_ID',
  'CIRCLE_PULL_REQUEST',
  'CIRCLE_PULL_REQUESTS',
  'CIRCLE_PR_NUMBER',
  'SYSTEM_PULLREQUEST_PULLREQUESTID',
  'BUILDKITE_PULL_REQUEST',
  'TRAVIS_PULL_REQUEST',
  'DRONE_PULL_REQUEST',
  'CI_COMMIT_PULL_REQUEST',
] as const;

/** refs are the variables that hold what is built, which may be the ref of a change request (Yunxiao: CI_COMMIT_REF_NAME). */
const refs = ['CI_COMMIT_REF_NAME', 'BUILD_SOURCEBRANCH', 'DRONE_COMMIT_REF', 'CI_COMMIT_REF'] as const;

const numberAtEnd = (text: string): number => {
  const number = Number(/(\d+)$/.exec(text)?.[1] ?? 0);
  return Number.isSafeInteger(number) ? number : 0;
};

/** branches are the variables that hold a branch's short name, which CircleCI makes up for a change of a fork: `pull/18`. */
const branches = ['CIRCLE_BRANCH'] as const;

/**
 * changeRequestOf finds a change request by what Bitbucket, CircleCI, Azure, Buildkite, Travis, Drone, Woodpecker and
 * Yunxiao set. Where it comes from is not told, so it counts as a fork's. Yunxiao marks only those that are built from a
 * ref of their own.
 */
export const changeRequestOf = (environment: Environment): PullRequest | undefined => {
  for (const name of markers) {
    const value = environment[name] ?? '';
    if (value !== '' && value !== 'false') return { number: numberAtEnd(value), fork: true };
  }
  for (const name of refs) {
    const [, number] = /^refs\/(?:pull|pull-requests|merge-requests)\/(\d+)\//.exec(environment[name] ?? '') ?? [];
    if (number !== undefined) return { number: numberAtEnd(number), fork: true };
  }
  for (const name of branches) {
    const [, number] = /^pull\/(\d+)(?:\/|$)/.exec(environment[name] ?? '') ?? [];
    if (number !== undefined) return { number: numberAtEnd(number), fork: true };
  }
  return undefined;
};
