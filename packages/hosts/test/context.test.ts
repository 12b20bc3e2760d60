import { describe, expect, test } from '@jest/globals';
import { selectEnvironment, type HostContext, type Project } from '@sluice/core';
import { bitbucketContext } from '../src/bitbucket.ts';
import { circleciContext } from '../src/circleci.ts';
import { githubContext } from '../src/github/context.ts';
import { gitlabContext } from '../src/gitlab.ts';
import { jenkinsContext } from '../src/jenkins.ts';
import { resultsFolderOf } from '../src/index.ts';
import { terminalContext } from '../src/terminal.ts';
import { variableName } from '../src/variables.ts';
import { yunxiaoContext } from '../src/yunxiao.ts';

const project: Project = {
  file: 'sluice.yml',
  folder: '/project',
  config: { name: 'app', source: 'app.yml', environments: { production: { dify: 'https://dify.example.com/app/1', 'live-at-once': false, 'insecure-http': false } } },
  placeOf: () => ({ file: 'sluice.yml', line: 1 }),
};

const pull = (head: string | null, base = 'acme/app') => ({
  repository: { full_name: 'acme/app' },
  pull_request: { number: 12, head: { repo: head === null ? null : { full_name: head } }, base: { repo: { full_name: base } } },
});
const run = (head: string | null, pulls: object[] = []) => ({
  repository: { full_name: 'acme/app' },
  workflow_run: { event: 'push', head_repository: head === null ? null : { full_name: head }, pull_requests: pulls },
});

test('GitLab shows the files of a commit', () => {
  expect(gitlabContext({ CI_PROJECT_URL: 'https://gitlab.example.com/acme/app', CI_COMMIT_SHA: 'abc' }).filesUrl).toBe('https://gitlab.example.com/acme/app/-/blob/abc');
  expect(gitlabContext({ CI_COMMIT_SHA: 'abc' })).not.toHaveProperty('filesUrl');
});

describe('GitHub pull requests', () => {
  test.each<[string, Record<string, string>, unknown, { number: number; fork: boolean } | undefined]>([
    ['a push', { GITHUB_EVENT_NAME: 'push' }, { repository: { full_name: 'acme/app' } }, undefined],
    ['a schedule', { GITHUB_EVENT_NAME: 'schedule' }, undefined, undefined],
    ['a manual run', { GITHUB_EVENT_NAME: 'workflow_dispatch' }, {}, undefined],
    ['a pull request of one repository', { GITHUB_EVENT_NAME: 'pull_request' }, pull('acme/app'), { number: 12, fork: false }],
    ['a pull request of a fork', { GITHUB_EVENT_NAME: 'pull_request' }, pull('mallory/app'), { number: 12, fork: true }],
    ['a pull request of a deleted fork', { GITHUB_EVENT_NAME: 'pull_request' }, pull(null), { number: 12, fork: true }],
    ['pull_request_target of a fork', { GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_REF: 'refs/heads/main' }, pull('mallory/app'), { number: 12, fork: true }],
    ['a review', { GITHUB_EVENT_NAME: 'pull_request_review' }, pull('acme/app'), { number: 12, fork: false }],
    ['no event file', { GITHUB_EVENT_NAME: 'pull_request', GITHUB_REF: 'refs/pull/9/merge' }, undefined, { number: 9, fork: true }],
    ['an event that is no object', { GITHUB_EVENT_NAME: 'pull_request_target' }, 'hello', { number: 0, fork: true }],
    ['an unknown event on a pull request ref', { GITHUB_EVENT_NAME: 'custom', GITHUB_REF: 'refs/pull/9/head' }, {}, { number: 9, fork: true }],
    ['a head ref', { GITHUB_EVENT_NAME: 'custom', GITHUB_HEAD_REF: 'topic' }, {}, { number: 0, fork: true }],
    ['workflow_run after a push', { GITHUB_EVENT_NAME: 'workflow_run' }, run('acme/app'), { number: 0, fork: false }],
    ['workflow_run after a pull request', { GITHUB_EVENT_NAME: 'workflow_run' }, run('acme/app', [{ number: 3 }]), { number: 3, fork: false }],
    ['workflow_run of a fork', { GITHUB_EVENT_NAME: 'workflow_run' }, run('mallory/app'), { number: 0, fork: true }],
    ['workflow_run without an event', { GITHUB_EVENT_NAME: 'workflow_run' }, undefined, { number: 0, fork: true }],
    ['a comment on a pull request', { GITHUB_EVENT_NAME: 'issue_comment' }, { issue: { number: 4, pull_request: {} } }, { number: 4, fork: true }],
    ['a comment on an issue', { GITHUB_EVENT_NAME: 'issue_comment' }, { issue: { number: 4 } }, undefined],
  ])('%s', (_, environment, event, pullRequest) => {
    const context = githubContext({ GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main', ...environment }, event);
    expect(context.pullRequest).toEqual(pullRequest);
    // A pull request maps to no environment, whatever branch its run is on.
    expect(context.branch).toBe(pullRequest === undefined ? 'main' : '');
  });

  test('a push to a branch and a tag', () => {
    const environment = {
      GITHUB_EVENT_NAME: 'push', GITHUB_SHA: 'a'.repeat(40), GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1', GITHUB_REPOSITORY: 'acme/app',
      GITHUB_ACTOR: 'li', GITHUB_SERVER_URL: 'https://github.example.com', GITHUB_RUN_ID: '77',
    };
    expect(githubContext(environment, {})).toEqual({
      commit: 'a'.repeat(40), branch: '', tag: 'v1', repository: 'acme/app', actor: 'li', event: 'push', onCi: true, runId: '77',
      runUrl: 'https://github.example.com/acme/app/actions/runs/77', filesUrl: `https://github.example.com/acme/app/blob/${'a'.repeat(40)}`,
    });
  });
});

describe('GitLab', () => {
  test.each<[string, Record<string, string>, { number: number; fork: boolean } | undefined]>([
    ['a push', { CI_PIPELINE_SOURCE: 'push' }, undefined],
    ['a merge request of the project', { CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_IID: '5', CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'acme/app' }, { number: 5, fork: false }],
    ['a merge request of a fork', { CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_IID: '5', CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'mallory/app' }, { number: 5, fork: true }],
    ['a merge request run in the parent for a fork', { CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_IID: '5', CI_MERGE_REQUEST_PROJECT_PATH: 'acme/app', CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'mallory/app' }, { number: 5, fork: true }],
    ['a merge request of an unknown source', { CI_PIPELINE_SOURCE: 'merge_request_event' }, { number: 0, fork: true }],
    ['a child pipeline of a merge request', { CI_PIPELINE_SOURCE: 'parent_pipeline', CI_MERGE_REQUEST_IID: '5' }, { number: 5, fork: true }],
    ['an external pull request', { CI_PIPELINE_SOURCE: 'external_pull_request_event', CI_EXTERNAL_PULL_REQUEST_IID: '8', CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY: 'a/b', CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY: 'a/b' }, { number: 8, fork: false }],
    ['an external pull request of a fork', { CI_PIPELINE_SOURCE: 'external_pull_request_event', CI_EXTERNAL_PULL_REQUEST_IID: '8', CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY: 'x/b', CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY: 'a/b' }, { number: 8, fork: true }],
  ])('%s', (_, environment, pullRequest) => {
    const context = gitlabContext({ CI_PROJECT_PATH: 'acme/app', CI_COMMIT_BRANCH: 'main', CI_COMMIT_TAG: 'v1', ...environment });
    expect(context.pullRequest).toEqual(pullRequest);
    expect([context.branch, context.tag]).toEqual(pullRequest === undefined ? ['main', 'v1'] : ['', '']);
  });

  test.each([['version', 'SLUICE_VERSION'], ['answered-by', 'SLUICE_ANSWERED_BY'], ['a=b\nPATH', 'SLUICE_A_B_PATH']])('output %j is the variable %s', (output, name) => {
    expect(variableName(output)).toBe(name);
  });
});

describe('Jenkins', () => {
  test.each<[string, Record<string, string>, object]>([
    ['a multibranch job', { BRANCH_NAME: 'main', GIT_COMMIT: 'abc', BUILD_URL: 'https://ci/1/' }, { branch: 'main', commit: 'abc', runUrl: 'https://ci/1/', event: 'build' }],
    ['a plain job', { GIT_BRANCH: 'origin/main' }, { branch: 'main' }],
    ['a tag', { BRANCH_NAME: 'v1', TAG_NAME: 'v1' }, { branch: '', tag: 'v1', event: 'tag' }],
    ['a change', { BRANCH_NAME: 'PR-3', CHANGE_ID: '3', CHANGE_AUTHOR: 'li' }, { branch: '', actor: 'li', pullRequest: { number: 3, fork: false } }],
    ['a change of a fork', { BRANCH_NAME: 'PR-3', CHANGE_ID: '3', CHANGE_FORK: 'mallory' }, { pullRequest: { number: 3, fork: true } }],
    ['a change without a number', { CHANGE_ID: 'I5f' }, { pullRequest: { number: 0, fork: false } }],
    ['an address with credentials', { GIT_URL: 'https://user:pa55word@git.example.com/acme/app.git' }, { repository: 'acme/app' }],
    ['an ssh address', { GIT_URL: 'git@git.example.com:acme/app.git' }, { repository: 'acme/app' }],
  ])('%s', (_, environment, context) => {
    const read = jenkinsContext(environment);
    expect(read).toMatchObject(context);
    expect(JSON.stringify(read)).not.toContain('pa55word');
  });
});

describe('the base of a pull request', () => {
  const [base, head] = ['b'.repeat(40), 'c'.repeat(40)];
  const event = (more: object): unknown => ({ pull_request: { number: 12, base: { ref: 'main', sha: base }, head: { sha: head }, ...more } });
  const request = { CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_IID: '5' };
  const external = { CI_PIPELINE_SOURCE: 'external_pull_request_event', CI_EXTERNAL_PULL_REQUEST_IID: '8' };
  const bitbucket = { BITBUCKET_PR_ID: '7', BITBUCKET_COMMIT: head };

  test.each<[string, HostContext, object]>([
    ['GitHub', githubContext({ GITHUB_EVENT_NAME: 'pull_request', GITHUB_BASE_REF: 'release/1' }, event({})), { base: { branch: 'release/1', commit: base }, head }],
    ['GitHub, without the variable', githubContext({ GITHUB_EVENT_NAME: 'pull_request_target' }, event({})), { base: { branch: 'main', commit: base }, head }],
    ['GitHub, without the event', githubContext({ GITHUB_EVENT_NAME: 'pull_request', GITHUB_BASE_REF: 'main' }, undefined), { base: { branch: 'main', commit: '' } }],
    ['GitHub, a run after a run', githubContext({ GITHUB_EVENT_NAME: 'workflow_run' }, run('acme/app', [{ number: 3, base: { ref: 'main', sha: base }, head: { sha: head } }])), { base: { branch: 'main', commit: base }, head }],
    ['GitHub, with hashes that are none', githubContext({ GITHUB_EVENT_NAME: 'pull_request' }, event({ base: { ref: '--upload-pack=x', sha: '--output=x' }, head: { sha: 7 } })), { base: { branch: '--upload-pack=x', commit: '' } }],
    ['GitLab', gitlabContext({ ...request, CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main', CI_MERGE_REQUEST_DIFF_BASE_SHA: base, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: '' }), { base: { branch: 'main', commit: base } }],
    ['GitLab, of merged results', gitlabContext({ ...request, CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main', CI_MERGE_REQUEST_DIFF_BASE_SHA: base, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: head }), { base: { branch: 'main', commit: base }, head }],
    ['GitLab, external', gitlabContext({ ...external, CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME: 'main', CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA: base, CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA: '0'.repeat(40) }), { base: { branch: 'main', commit: base } }],
    ['Jenkins', jenkinsContext({ CHANGE_ID: '3', CHANGE_TARGET: 'main', GIT_COMMIT: head }), { base: { branch: 'main', commit: '' } }],
    ['Bitbucket, with a short hash', bitbucketContext({ ...bitbucket, BITBUCKET_PR_DESTINATION_BRANCH: 'main', BITBUCKET_PR_DESTINATION_COMMIT: base.slice(0, 12) }), { base: { branch: 'main', commit: base.slice(0, 12) } }],
  ])('%s', (_, { pullRequest }, expected) => {
    const { number: _number, fork: _fork, ...ends } = pullRequest ?? { number: 0, fork: true };
    expect(ends).toEqual(expected);
  });

  test.each<[string, HostContext]>([
    ['Jenkins, of a branch source that tells none', jenkinsContext({ CHANGE_ID: '3' })],
    ['Bitbucket, of an older runner', bitbucketContext(bitbucket)],
    ['CircleCI', circleciContext({ CIRCLE_PULL_REQUEST: 'https://github.com/acme/app/pull/18' })],
    ['Yunxiao', yunxiaoContext({ CI_COMMIT_REF_NAME: 'refs/merge-requests/27/head' })],
    ['a comment on GitHub', githubContext({ GITHUB_EVENT_NAME: 'issue_comment' }, { issue: { number: 4, pull_request: {} } })],
  ])('is not told: %s', (_, { pullRequest }) => {
    expect(pullRequest).toEqual({ number: expect.any(Number), fork: expect.any(Boolean) });
  });

  test('is no part of a run without one', () => {
    expect(bitbucketContext({ BITBUCKET_BRANCH: 'main', BITBUCKET_PR_DESTINATION_BRANCH: 'main' }).pullRequest).toBeUndefined();
  });
});

describe('a change request on a CI without a host of its own', () => {
  test.each<[string, Record<string, string>, number]>([
    ['Bitbucket', { CI: 'true', BITBUCKET_BUILD_NUMBER: '3', BITBUCKET_BRANCH: 'main', BITBUCKET_PR_ID: '17' }, 17],
    ['CircleCI', { CI: 'true', CIRCLECI: 'true', CIRCLE_PULL_REQUEST: 'https://github.com/acme/app/pull/18' }, 18],
    ['CircleCI, several', { CI: 'true', CIRCLE_PULL_REQUESTS: 'https://github.com/acme/app/pull/18,https://github.com/acme/app/pull/19' }, 19],
    ['CircleCI, a fork', { CI: 'true', CIRCLE_PR_NUMBER: '20', CIRCLE_PR_USERNAME: 'mallory' }, 20],
    ['Azure', { SYSTEM_PULLREQUEST_PULLREQUESTID: '21' }, 21],
    ['Azure by its ref', { BUILD_SOURCEBRANCH: 'refs/pull/22/merge' }, 22],
    ['Buildkite', { CI: 'true', BUILDKITE_PULL_REQUEST: '23' }, 23],
    ['Travis', { CI: 'true', TRAVIS_PULL_REQUEST: '24' }, 24],
    ['Drone', { CI: 'true', DRONE_PULL_REQUEST: '25' }, 25],
    ['Woodpecker', { CI: 'woodpecker', CI_COMMIT_PULL_REQUEST: '26' }, 26],
    ['Yunxiao by its ref', { PIPELINE_ID: '1', CI_COMMIT_REF_NAME: 'refs/merge-requests/27/head' }, 27],
    ['a number that is none', { BITBUCKET_PR_ID: 'x' }, 0],
  ])('%s is not trusted', (_, environment, number) => {
    const context = terminalContext(environment);
    expect(context).toMatchObject({ pullRequest: { number, fork: true }, branch: '', onCi: true });
    expect(selectEnvironment(project, { input: 'production', context })).toEqual({ ok: true, value: { skipped: expect.stringContaining('pull requests') } });
  });

  test.each<[string, Record<string, string>]>([
    ['Bitbucket', { CI: 'true', BITBUCKET_BRANCH: 'main' }],
    ['CircleCI', { CI: 'true', CIRCLE_BRANCH: 'main', CIRCLE_PULL_REQUEST: '' }],
    ['Buildkite and Travis', { CI: 'true', BUILDKITE_PULL_REQUEST: 'false', TRAVIS_PULL_REQUEST: 'false' }],
    ['Yunxiao', { PIPELINE_ID: '1', CI_COMMIT_REF_NAME: 'main' }],
    ['a branch that is called like a ref', { CI_COMMIT_REF_NAME: 'topic/refs/pull/1/x' }],
  ])('a push on %s is none', (_, environment) => {
    const context = terminalContext(environment);
    expect(context.pullRequest).toBeUndefined();
    expect(selectEnvironment(project, { input: 'production', context })).toMatchObject({ ok: true, value: { name: 'production' } });
  });
});

test.each([[{}, false], [{ CI: '' }, false], [{ CI: 'false' }, false], [{ CI: 'true' }, true], [{ CI: '1' }, true]])('a terminal with %j is on a CI: %s', (environment, onCi) => {
  expect(terminalContext(environment).onCi).toBe(onCi);
});

test.each([
  [{ SLUICE_RESULTS: '/r', RUNNER_TEMP: '/t' }, '/r'],
  [{ SLUICE_RESULTS: 'out' }, '/project/out'],
  [{ SLUICE_RESULTS: '', RUNNER_TEMP: '/t' }, '/t/sluice'],
  [{}, '/project/.sluice/results'],
])('results with %j are in %s', (environment, folder) => {
  expect(resultsFolderOf(environment, '/project')).toBe(folder);
});
