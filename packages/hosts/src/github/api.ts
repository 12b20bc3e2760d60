import { done, failed, type Clock, type DeploymentState, type HostContext, type Outcome, type Problem } from '@sluice/core';
import { withDeadline } from './deadline.ts';
import { errorMessage } from '../thrown.ts';
import type { Environment } from '../line-host.ts';
import type { Voice } from '../voice.ts';
import { numberAt, textAt } from './json.ts';
import { shorten } from './shorten.ts';

/** ApiParts are what the calls of GitHub's API need. */
export interface ApiParts {
  readonly environment: Environment;
  readonly context: HostContext;
  readonly token: string;
  readonly clock: Clock;
  readonly voice: Voice;
  redact(text: string): string;
}

const callDeadlineMs = 30_000;
/** GitHub refuses a comment over 65,536 characters and a deployment's description over 140. */
const commentLimit = 65_536;
const descriptionLimit = 140;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const connect = async ({ environment, token }: ApiParts) => {
  const { getOctokit } = await import('@actions/github');
  const baseUrl = environment.GITHUB_API_URL;
  // Its own log would pass by the redaction; what it has to say comes back as an error.
  return getOctokit(token, { log: quiet, ...(baseUrl === undefined ? {} : { baseUrl }) });
};

type Api = Awaited<ReturnType<typeof connect>>;

const repositoryOf = (context: HostContext): { owner: string; repo: string } => {
  const [owner = '', repo = ''] = context.repository.split('/');
  return { owner, repo };
};

const problemOf = (error: unknown, tried: string, permission: string): Problem => {
  const status = numberAt(error, 'status');
  const refused = status === 401 || status === 403 || status === 404;
  return {
    category: refused ? 'permission' : 'platform',
    reason: refused ? `GitHub refused the call; it needs \`permissions: ${permission}\`.` : 'The call of GitHub failed.',
    tried,
    answer: {
      ...(status === 0 ? {} : { status }),
      message: errorMessage(error),
      ...(textAt(error, 'response', 'headers', 'x-github-request-id') === ''
        ? {}
        : { requestId: textAt(error, 'response', 'headers', 'x-github-request-id') }),
    },
    ...(refused ? { hint: `Give the job \`permissions: ${permission}\` and the step \`env: GITHUB_TOKEN: \${{ github.token }}\`.` } : {}),
  };
};

const calling = async <T>(parts: ApiParts, tried: string, permission: string, work: (api: Api, signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> => {
  try {
    const api = await connect(parts);
    return await withDeadline(parts.clock, callDeadlineMs, tried, (signal) => work(api, signal));
  } catch (error) {
    return failed(problemOf(error, tried, permission));
  }
};

/** isOurs tells a comment that this job may update: anybody can write the marker, so its author must be a bot or a member. */
const isOurs = (comment: unknown, line: string): boolean =>
  textAt(comment, 'body').startsWith(line) &&
  (textAt(comment, 'user', 'type') === 'Bot' || ['OWNER', 'MEMBER', 'COLLABORATOR'].includes(textAt(comment, 'author_association')));

const pageSize = 100;

/** findComment looks through all pages by hand: the library's own iterator does not hand the signal on. */
const findComment = async (
  api: Api,
  place: { readonly owner: string; readonly repo: string; readonly issue_number: number },
  line: string,
  signal: AbortSignal,
): Promise<number | undefined> => {
  for (let page = 1; ; page += 1) {
    const { data } = await api.rest.issues.listComments({ ...place, per_page: pageSize, page, request: { signal } });
    const found = data.find((comment) => isOurs(comment, line));
    if (found !== undefined) return found.id;
    if (data.length < pageSize) return undefined;
  }
};

/** writeComment writes the pull request's one comment with this marker: it is made once and updated afterwards. */
export const writeComment = async (parts: ApiParts, marker: string, markdown: string): Promise<Outcome<void>> => {
  const { context } = parts;
  const issue = context.pullRequest?.number ?? 0;
  if (issue === 0 || (context.pullRequest?.fork === true && context.event === 'pull_request')) {
    parts.voice.line('notice No comment was written: this run may not write to the pull request. The text is in the summary.');
    return done(undefined);
  }
  const line = `<!-- sluice: ${marker.replace(/[^A-Za-z0-9._ -]/g, '-').replaceAll('--', '-')} -->`;
  const body = shorten(`${line}\n${parts.redact(markdown)}`, commentLimit, (text) => text.length);
  const place = { ...repositoryOf(context), issue_number: issue };
  const written = await calling(parts, `comment on pull request ${issue}`, 'pull-requests: write', async (api, signal) => {
    const earlier = await findComment(api, place, line, signal);
    if (earlier !== undefined) {
      await api.rest.issues.updateComment({ ...repositoryOf(context), comment_id: earlier, body, request: { signal } });
      return;
    }
    await api.rest.issues.createComment({ ...place, body, request: { signal } });
  });
  return written.ok ? done(undefined) : written;
};

const deploymentId = async (api: Api, context: HostContext, state: DeploymentState, description: string, signal: AbortSignal): Promise<number> => {
  const place = { ...repositoryOf(context), environment: state.environment, request: { signal } };
  const known = await api.rest.repos.listDeployments({ ...place, sha: context.commit, per_page: 1 });
  const [newest] = known.data;
  if (newest !== undefined) return newest.id;
  const made = await api.rest.repos.createDeployment({
    ...place,
    ref: context.commit,
    auto_merge: false,
    required_contexts: [],
    description,
  });
  const id = numberAt(made.data, 'id');
  if (id === 0) throw new Error(textAt(made.data, 'message') || 'no deployment was made');
  return id;
};

/**
 * writeDeployment adds a status to the deployment of this commit to this environment, which is made when there is none:
 * a job with `environment:` has one already.
 */
export const writeDeployment = async (parts: ApiParts, state: DeploymentState): Promise<Outcome<void>> => {
  const { context } = parts;
  const description = [...parts.voice.value(state.description)].slice(0, descriptionLimit).join('');
  const written = await calling(parts, `set the deployment of ${state.environment} to ${state.state}`, 'deployments: write', async (api, signal) => {
    await api.rest.repos.createDeploymentStatus({
      ...repositoryOf(context),
      deployment_id: await deploymentId(api, context, state, description, signal),
      state: state.state,
      description,
      auto_inactive: state.state === 'success',
      ...(context.runUrl === '' ? {} : { log_url: context.runUrl }),
      ...(/^https?:\/\//.test(state.url ?? '') && state.url !== undefined ? { environment_url: state.url } : {}),
      request: { signal },
    });
  });
  return written.ok ? done(undefined) : written;
};
