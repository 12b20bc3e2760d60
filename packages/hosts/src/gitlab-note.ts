import { createHttpClient, done, failed, isLoopbackHost, type Clock, type CommentSection, type HostContext, type HttpClient, type HttpRequest, type HttpResponse, type Outcome } from '@sluice/core';
import { at, numberAt, textAt } from './github/json.ts';
import { keepComment, type CommentPort, type Written } from './keep-comment.ts';
import type { Environment } from './line-host.ts';

/** tokenVariable holds a project or group access token with the scope `api` and the role Reporter: CI_JOB_TOKEN may not write notes (docs.gitlab.com/ci/jobs/ci_job_token). */
export const tokenVariable = 'SLUICE_GITLAB_TOKEN';

/** NoteParts are what a note on a merge request needs. */
export interface NoteParts {
  readonly environment: Environment;
  readonly context: HostContext;
  readonly clock: Clock;
  redact(text: string): string;
  /** note tells a person once why nothing was written. */
  note(line: string): void;
}

/** GitLab refuses a note over 1,000,000 characters (docs.gitlab.com/administration/instance_limits). */
const noteLimit = 1_000_000;
const pageSize = 100;
const mostPages = 100;

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

const clientFor = ({ environment, clock }: NoteParts): HttpClient => {
  const extraAuthorities = environment.NODE_EXTRA_CA_CERTS ?? '';
  return createHttpClient({
    clock,
    signal: new AbortController().signal,
    userAgent: 'sluice',
    loopbackOnly: false,
    proxyEnvironment: Object.fromEntries(proxyNames.map((name) => [name, environment[name]])),
    ...(extraAuthorities === '' ? {} : { extraAuthorities }),
  });
};

/** notesAddress is where the merge request's notes are; CI_MERGE_REQUEST_PROJECT_ID is the project that the merge request belongs to. */
const notesAddress = ({ environment, context }: NoteParts, tried: string): Outcome<string> => {
  const api = environment.CI_API_V4_URL ?? '';
  const url = URL.canParse(api) ? new URL(api) : undefined;
  const project = environment.CI_MERGE_REQUEST_PROJECT_ID ?? environment.CI_PROJECT_ID ?? '';
  if (url === undefined || project === '') return failed({ category: 'input', reason: 'CI_API_V4_URL and CI_PROJECT_ID do not name a project', tried, hint: 'GitLab sets both; do not set them in the pipeline.' });
  if (url.protocol !== 'https:' && !isLoopbackHost(url.hostname)) {
    return failed({ category: 'input', reason: `${tokenVariable} is not sent over ${url.protocol}`, tried, where: url.origin, hint: 'Give this GitLab an https address, or leave the variable out.' });
  }
  return done(`${url.href.replace(/\/$/, '')}/projects/${encodeURIComponent(project)}/merge_requests/${context.pullRequest?.number ?? 0}/notes`);
};

const refusedWith = ({ status, text, headers }: HttpResponse, tried: string): Outcome<never> => {
  const isPermission = status === 401 || status === 403 || status === 404;
  return failed({
    category: isPermission ? 'permission' : 'platform',
    reason: isPermission ? 'GitLab refused the call' : 'the call of GitLab failed',
    tried,
    answer: { status, message: text.slice(0, 300), ...(headers['x-request-id'] === undefined ? {} : { requestId: headers['x-request-id'] }) },
    ...(isPermission ? { hint: `Make ${tokenVariable} a project access token with the scope api and at least the role Reporter, masked, and not protected where branches are not.` } : {}),
  });
};

/** parsed is the JSON of an answer; undefined where a proxy has answered with a page. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const notesIn = (value: readonly unknown[]): readonly Written[] =>
  // System notes tell of events.
  value.filter((note) => at(note, 'system') !== true).map((note) => ({ id: numberAt(note, 'id'), body: textAt(note, 'body'), author: String(numberAt(note, 'author', 'id')) }));

type Call = (method: HttpRequest['method'], url: string, body?: string) => Promise<Outcome<HttpResponse>>;

const calling = (http: HttpClient, token: string, tried: string): Call => (method, url, body) =>
  http.send({
    method,
    url,
    tried,
    credentials: 'sent',
    headers: { 'private-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify({ body }) }),
  });

/** userOf is the id of the token's user, whose notes alone it may change. */
const userOf = async (call: Call, address: string, tried: string): Promise<Outcome<string>> => {
  const answer = await call('GET', `${address.slice(0, address.indexOf('/projects/'))}/user`);
  if (!answer.ok) return answer;
  const id = numberAt(parsed(answer.value.text), 'id');
  return answer.value.status < 300 && id !== 0 ? done(String(id)) : refusedWith(answer.value, tried);
};

const portOf = (call: Call, address: string, user: string, tried: string): CommentPort => {
  const stillThere = async (sent: Promise<Outcome<HttpResponse>>): Promise<Outcome<boolean>> => {
    const answer = await sent;
    if (!answer.ok) return answer;
    if (answer.value.status === 404) return done(false);
    return answer.value.status < 300 ? done(true) : refusedWith(answer.value, tried);
  };
  return {
    list: async () => {
      const found: Written[] = [];
      for (let page = 1; page <= mostPages; page += 1) {
        const answer = await call('GET', `${address}?per_page=${pageSize}&page=${page}&sort=asc&order_by=created_at`);
        if (!answer.ok) return answer;
        const notes = parsed(answer.value.text);
        if (answer.value.status >= 300 || !Array.isArray(notes)) return refusedWith(answer.value, tried);
        found.push(...notesIn(notes).filter(({ author }) => author === user));
        const next = answer.value.headers['x-next-page'];
        if (next === undefined ? notes.length < pageSize : next === '') return done(found);
      }
      return done(found);
    },
    create: async (body) => {
      const answer = await call('POST', address, body);
      if (!answer.ok) return answer;
      return answer.value.status < 300 ? done(undefined) : refusedWith(answer.value, tried);
    },
    update: (id, body) => stillThere(call('PUT', `${address}/${id}`, body)),
    remove: (id) => stillThere(call('DELETE', `${address}/${id}`)),
  };
};

/** noteWriter writes the project's one note on the merge request of this job, with the token in SLUICE_GITLAB_TOKEN. Without one it says so once. */
export const noteWriter = (parts: NoteParts): ((section: CommentSection) => Promise<Outcome<void>>) => {
  let told = false;
  const leave = (why: string): Outcome<void> => {
    if (!told) parts.note(`notice No comment was written: ${why}. The text is in the results folder.`);
    told = true;
    return done(undefined);
  };
  return async (section) => {
    const { environment, context } = parts;
    const token = environment[tokenVariable]?.trim() ?? '';
    const number = context.pullRequest?.number ?? 0;
    if (number === 0 || context.pullRequest?.fork === true) return leave('a run for a fork may not write to the merge request');
    if (token === '') return leave(`${tokenVariable} is not set`);
    const tried = `comment on merge request ${number}`;
    const address = notesAddress(parts, tried);
    if (!address.ok) return address;
    const http = clientFor(parts);
    try {
      const call = calling(http, token, tried);
      const user = await userOf(call, address.value, tried);
      if (!user.ok) return user;
      return await keepComment(portOf(call, address.value, user.value, tried), { ...section, markdown: parts.redact(section.markdown) }, noteLimit);
    } finally {
      await http.close();
    }
  };
};
