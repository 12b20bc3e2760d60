import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock, type CommentSection, type Host } from '@sluice/core';
import * as fc from 'fast-check';
import { commentText, harmless, isComment, merged, sectionsOf } from '../src/comment.ts';
import { detectHost, type HostOptions } from '../src/index.ts';
import { githubServer, gitlabServer, ourUser, type CommentServer } from './comment-servers.ts';
import { captures, temporaryFolder } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const marker = 'services/bot/sluice.yml';

describe('the text of a comment', () => {
  const sections = [{ name: 'validate', markdown: '**validate**: passed' }, { name: 'plan 生产 -->', markdown: '| a |\n| - |\n\n```\ncode\n```' }];

  test('is read back as it was written', () => {
    const text = commentText(marker, sections, 65_536);
    expect(isComment(text, marker)).toBe(true);
    expect(isComment(text, 'sluice.yml')).toBe(false);
    expect(sectionsOf(text)).toEqual(sections);
    expect(sectionsOf(text.replaceAll('\n', '\r\n'))).toEqual(sections);
  });

  test('a later section takes the place of an earlier one of its name', () => {
    expect(merged(sections, [{ name: 'validate', markdown: 'new' }, { name: 'diff', markdown: 'd' }]).map(({ name, markdown }) => `${name} ${markdown.slice(0, 5)}`)).toEqual(['validate new', 'plan 生产 --> | a |', 'diff d']);
  });

  test('no text forges a marker, gives GitLab an order, or changes what other sections say', () => {
    const hostile = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('<!-- sluice section: plan -->', `<!-- sluice comment: ${marker} -->`, '/merge', '  /close\n/approve', '--><!--', '<!---->', '\r\n<!-- sluice section: validate -->', '-', '%'));
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 6 }).map((parts) => parts.join('\n')), hostile, (markdown, name) => {
        const text = commentText(marker, merged([{ name: 'other', markdown: 'kept' }], [{ name: `n${name}`, markdown }]), 65_536);
        expect(sectionsOf(text)).toEqual([{ name: 'other', markdown: 'kept' }, { name: `n${Buffer.from(name, 'utf8').toString('utf8')}`, markdown: harmless(markdown) }]);
        expect(text.match(/<!--/g)).toHaveLength(3);
        expect(text).not.toMatch(/^\s*\//m);
      }),
      { seed: 43, numRuns: 500 },
    );
  });

  test('over the limit the longest sections are cut, say so, and leave no fence open', () => {
    const long = (name: string, lines: number) => ({ name, markdown: ['```mermaid', ...Array.from({ length: lines }, (_, line) => `第 ${line} 行`), '```'].join('\n') });
    const text = commentText(marker, [{ name: 'short', markdown: 'kept whole' }, long('one', 4000), long('two', 9000)], 20_000);
    expect(text.length).toBeLessThanOrEqual(20_000);
    expect(text.length).toBeGreaterThan(19_500);
    const [short, one, two] = sectionsOf(text).map(({ markdown }) => markdown);
    expect(short).toBe('kept whole');
    for (const cut of [one, two]) expect(cut).toMatch(/行\n```\n\n_The rest was cut: the whole text is in the log/);
    expect(Math.abs((one?.length ?? 0) - (two?.length ?? 0))).toBeLessThan(50);
  });

  test('the oldest sections make room for more than fifty, never the one that is written', () => {
    const many = Array.from({ length: 50 }, (_, index) => ({ name: `s${index}`, markdown: 'x' }));
    expect(merged(many, [{ name: 'new', markdown: 'x' }]).map(({ name }) => name)).toEqual([...many.slice(1).map(({ name }) => name), 'new']);
    expect(merged([...many, { name: 'more', markdown: 'x' }], [{ name: 's0', markdown: 'y' }]).map(({ name }) => name)).toEqual(['s0', ...many.slice(2).map(({ name }) => name), 'more']);
  });
});

const githubToken = 'ghs_0123456789abcdefghij';
const gitlabToken = 'glpat-0123456789abcdefghij';

interface Opened {
  readonly host: Host;
  said(): string;
}

interface Face {
  readonly limit: number;
  serve(): Promise<CommentServer>;
  open(url: string, more?: Readonly<Record<string, string>>, options?: Partial<HostOptions>): Promise<Opened>;
  readonly fork: Readonly<Record<string, string>>;
}

const opened = async (environment: Readonly<Record<string, string>>, options: Partial<HostOptions>): Promise<Opened> => {
  const streams = captures();
  const host = await detectHost({ RUNNER_TEMP: folder.path, ...environment }, streams, { folder: folder.path, ...options });
  return { host, said: () => streams.stdout.text() };
};

const faces: Readonly<Record<string, Face>> = {
  GitHub: {
    limit: 65_536,
    serve: githubServer,
    open: async (url, more = {}, options = {}) => {
      const path = join(folder.path, 'event.json');
      const head = more['FORK'] === undefined ? 'acme/app' : 'mallory/app';
      await writeFile(path, JSON.stringify({ pull_request: { number: 12, head: { repo: { full_name: head } }, base: { repo: { full_name: 'acme/app' } } } }));
      return opened({ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'acme/app', GITHUB_TOKEN: githubToken, GITHUB_API_URL: url, ...more }, options);
    },
    fork: { FORK: 'yes' },
  },
  GitLab: {
    limit: 1_000_000,
    serve: () => gitlabServer(gitlabToken),
    open: (url, more = {}, options = {}) =>
      opened(
        {
          GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_IID: '12', CI_PROJECT_ID: '7', CI_MERGE_REQUEST_PROJECT_ID: '7', CI_PROJECT_PATH: 'acme/app',
          CI_MERGE_REQUEST_PROJECT_PATH: 'acme/app', CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'acme/app', CI_JOB_TOKEN: 'glcbt-64_abcdefgh', SLUICE_GITLAB_TOKEN: gitlabToken, CI_API_V4_URL: `${url}/api/v4`, ...more,
        },
        options,
      ),
    fork: { CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'mallory/app' },
  },
};

describe.each(Object.entries(faces))('the comment on %s', (name, face) => {
  let server: CommentServer;
  beforeEach(async () => {
    server = await face.serve();
  });
  afterEach(() => server.stop());

  const section = (step: string, markdown: string): CommentSection => ({ marker, section: step, markdown });
  const ok = { ok: true, value: undefined };
  const write = async (step: string, markdown: string) => (await face.open(server.url)).host.comment?.(section(step, markdown));
  const bodies = () => server.comments.filter(({ user }) => user.id === ourUser).map(({ body }) => body);
  const said = (body = '') => sectionsOf(body).map(({ name: step, markdown }) => `${step}: ${markdown}`);

  test('is made once and holds a section for each step, each in its place', async () => {
    for (const [step, markdown] of [['validate', 'one'], ['plan production', 'two'], ['validate', 'three 中文']] as const) expect(await write(step, markdown)).toEqual(ok);
    expect(bodies()).toHaveLength(1);
    expect(said(bodies()[0])).toEqual(['validate: three 中文', 'plan production: two']);
    const { host } = await face.open(server.url);
    await host.comment?.({ marker: 'sluice.yml', section: 'validate', markdown: 'another project' });
    expect(bodies()).toHaveLength(2);
  });

  test('is not written again when nothing is new', async () => {
    await write('validate', 'one');
    server.calls.splice(0);
    await write('validate', 'one');
    expect(server.calls.every((call) => call.startsWith('GET '))).toBe(true);
  });

  test('is found on a later page, among the comments of others', async () => {
    for (let index = 0; index < 230; index += 1) server.add({ body: `comment ${index}`, user: { id: 5, type: 'User' } });
    await write('validate', 'one');
    await write('validate', 'two');
    expect(bodies().map(said)).toEqual([['validate: two']]);
  });

  test('a stranger who writes the marker gets nothing', async () => {
    const forged = server.add({ body: commentText(marker, [{ name: 'validate', markdown: 'all is well' }], 1000), user: { id: 6, type: 'User' } });
    await write('validate', 'not so');
    expect(forged.body).toContain('all is well');
    expect(bodies().map(said)).toEqual([['validate: not so']]);
  });

  test('two jobs that are the first at the same time end with one comment, which holds both', async () => {
    // Both have listed before either has written.
    let waiting = 0;
    let go = (): void => undefined;
    const both = new Promise<void>((resolve) => (go = resolve));
    server.before = (call) => {
      if (!call.startsWith('POST')) return undefined;
      waiting += 1;
      if (waiting === 2) go();
      return both;
    };
    expect(await Promise.all([write('validate', 'one'), write('plan', 'two')])).toEqual([ok, ok]);
    expect(server.calls.filter((call) => call.startsWith('POST'))).toHaveLength(2);
    expect(bodies()).toHaveLength(1);
    expect(said(bodies()[0]).toSorted()).toEqual(['plan: two', 'validate: one']);
  });

  test('a section that another job overwrote is put back', async () => {
    await write('plan', 'two');
    let times = 0;
    server.before = (call) => {
      // What another job wrote on the ground of what it had read before.
      if (call.startsWith('GET') && call.includes('page=') && (times += 1) === 2) server.comments[0] = { ...(server.comments[0] ?? server.add({ body: '' })), body: commentText(marker, [{ name: 'plan', markdown: 'newer' }], 1000) };
    };
    expect(await write('validate', 'one')).toEqual(ok);
    expect(said(bodies()[0])).toEqual(['plan: newer', 'validate: one']);
  });

  test('one that somebody deletes in between is made again', async () => {
    await write('plan', 'two');
    server.before = (call) => {
      if (/^(?:PATCH|PUT)/.test(call)) server.comments.splice(0);
    };
    expect(await write('validate', 'one')).toEqual(ok);
    expect(bodies().map(said)).toEqual([['validate: one']]);
  });

  test('keeps to the limit of the service, and no secret is in it', async () => {
    const { host } = await face.open(server.url);
    host.mask('s3cret-value');
    expect(await host.comment?.(section('validate', `s3cret-value\n${'一二三四五六七八九十\n'.repeat(face.limit / 8)}`))).toEqual(ok);
    expect(await host.comment?.(section('plan', 'short'))).toEqual(ok);
    expect(bodies()[0]?.length).toBeLessThanOrEqual(face.limit);
    expect(bodies()[0]).toContain('The rest was cut');
    expect(said(bodies()[0])[1]).toBe('plan: short');
    expect(bodies()[0]).not.toContain('s3cret');
  });

  test('of a fork is a notice, and calls nobody', async () => {
    const { host, said: log } = await face.open(server.url, face.fork);
    expect(await host.comment?.(section('validate', 'x'))).toEqual(ok);
    expect([server.calls, log().match(/No comment was written/g)]).toEqual([[], ['No comment was written']]);
  });

  test('that is refused is a problem with what to give the job', async () => {
    server.refusal = { status: 403, body: { message: 'Resource not accessible' } };
    expect(await write('validate', 'x')).toMatchObject({
      ok: false,
      problem: { category: 'permission', answer: { status: 403, message: expect.stringContaining('not accessible'), requestId: expect.stringMatching(/./) }, hint: expect.stringContaining(name === 'GitHub' ? 'pull-requests: write' : 'SLUICE_GITLAB_TOKEN') },
    });
  });

  test('that is not answered ends at a deadline', async () => {
    server.refusal = 'silence';
    const clock = { ...systemClock(), sleep: (_: number, signal?: AbortSignal) => systemClock().sleep(50, signal) };
    const { host } = await face.open(server.url, {}, { clock });
    expect(await host.comment?.(section('validate', 'x'))).toMatchObject({ ok: false, problem: { category: 'timeout' } });
  });
});

describe('without what it takes', () => {
  test('GitHub has no comment: no token, or no pull request', async () => {
    expect((await faces['GitHub']?.open('http://127.0.0.1:1', { GITHUB_TOKEN: '' }))?.host.comment).toBeUndefined();
    expect((await opened({ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_TOKEN: githubToken }, {})).host.comment).toBeUndefined();
  });

  test('GitLab says once that its token is not set, and has none outside merge requests', async () => {
    const gitlab = await faces['GitLab']?.open('http://127.0.0.1:1', { SLUICE_GITLAB_TOKEN: ' ' });
    for (const step of ['validate', 'plan']) expect(await gitlab?.host.comment?.({ marker, section: step, markdown: 'x' })).toEqual({ ok: true, value: undefined });
    expect(gitlab?.said().match(/SLUICE_GITLAB_TOKEN is not set/g)).toHaveLength(1);
    expect((await opened({ GITLAB_CI: 'true', CI_EXTERNAL_PULL_REQUEST_IID: '12', SLUICE_GITLAB_TOKEN: gitlabToken }, {})).host.comment).toBeUndefined();
  });

  test('the token of GitLab goes over no open line, and into no log', async () => {
    const gitlab = await faces['GitLab']?.open('', { CI_API_V4_URL: 'http://gitlab.example.com/api/v4' });
    expect(await gitlab?.host.comment?.({ marker, section: 'validate', markdown: 'x' })).toMatchObject({ ok: false, problem: { category: 'input', reason: 'SLUICE_GITLAB_TOKEN is not sent over http:' } });
    gitlab?.host.log(`it is ${gitlabToken}`);
    expect(gitlab?.said()).toContain('it is ***');
  });
});
