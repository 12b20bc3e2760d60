import { done, failed, type Clock, type CommentSection, type DeploymentState, type HostContext, type Outcome, type Problem } from '@sluice/core';
import { withDeadline } from './deadline.ts';
import { errorMessage } from '../thrown.ts';
import { keepComment, type CommentPort, type Written } from '../keep-comment.ts';
import type { Environment } from '../line-host.ts';
import type { Voice } from '../voice.ts';
import { numberAt, textAt } from './json.ts';

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

/** isTrusted tells a comment that this job may update: anybody can write the marker, so its author must be a bot or a member. */
const isTrusted = (comment: unknown): boolean =>
  textAt(comment, 'user', 'type') === 'Bot' || ['OWNER', 'MEMBER', 'COLLABORATOR'].includes(textAt(comment, 'author_association'));

const pageSize = 100;

/** listed are the comments that may be ours, from all pages, by hand: the library's own iterator does not hand the signal on. */
const listed = async (api: Api, place: { readonly owner: string; readonly repo: string; readonly issue_number: number }, signal: AbortSignal): Promise<readonly Written[]> => {
  const found: Written[] = [];
  for (let page = 1; ; page += 1) {
    const { data } = await api.rest.issues.listComments({ ...place, per_page: pageSize, page, request: { signal } });
    found.push(...data.filter(isTrusted).map((comment) => ({ id: comment.id, body: comment.body ?? '', author: String(numberAt(comment, 'user', 'id')) })));
    if (data.length < pageSize) return found;
  }
};

/** stillThere runs a call on a comment that somebody may have removed meanwhile. */
const stillThere = async (call: Promise<unknown>): Promise<boolean> => {
  try {
    await call;
    return true;
  } catch (error) {
    if (numberAt(error, 'status') === 404 || numberAt(error, 'status') === 410) return false;
    throw error;
  }
};

/** writeComment puts a section into the project's one comment on the pull request. */
export const writeComment = async (parts: ApiParts, section: CommentSection): Promise<Outcome<void>> => {
  const { context } = parts;
  const issue = context.pullRequest?.number ?? 0;
  if (issue === 0 || (context.pullRequest?.fork === true && context.event === 'pull_request')) {
    parts.voice.line('notice No comment was written: this run may not write to the pull request. The text is in the summary.');
    return done(undefined);
  }
  const repository = repositoryOf(context);
  const place = { ...repository, issue_number: issue };
  const call = <T>(work: (api: Api, signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> =>
    calling(parts, `comment on pull request ${issue}`, 'pull-requests: write', work);
  const port: CommentPort = {
    list: () => call((api, signal) => listed(api, place, signal)),
    create: (body) => call(async (api, signal) => void (await api.rest.issues.createComment({ ...place, body, request: { signal } }))),
    update: (id, body) => call((api, signal) => stillThere(api.rest.issues.updateComment({ ...repository, comment_id: id, body, request: { signal } }))),
    remove: (id) => call((api, signal) => stillThere(api.rest.issues.deleteComment({ ...repository, comment_id: id, request: { signal } }))),
  };
  return keepComment(port, { ...section, markdown: parts.redact(section.markdown) }, commentLimit);
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
