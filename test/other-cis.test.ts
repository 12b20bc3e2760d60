import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { bitbucketPipeline, circleWorkflow, flowPipeline, type Ended, type Place, type Watch } from './documented-cis.ts';
import { openProject, until, type LabProject } from './lab-project.ts';
import { project, repository } from './sluice-process.ts';
import { git, openLibrary, writeGitConfig } from './tagged-library.ts';

/* The files of examples/pipelines: every command in them, run by the real bash, against the lab. */

const example = (name: string): string => readFileSync(join(repository, 'examples/pipelines', name), 'utf8');
const bitbucketFile = parse(example('bitbucket-pipelines.yml')) as { readonly pipelines: Readonly<Record<string, Readonly<Record<string, Parameters<typeof bitbucketPipeline>[1]>>>> };

let around: string;
let bare: string;
let house: LabProject;

beforeAll(async () => {
  around = await project({ 'temporary/.keep': '' });
  bare = openLibrary(around, ['dist'], ['v1.0.0', 'v1']);
  writeGitConfig(around, { 'https://github.com/OWNER/sluice': bare, 'https://codeup.aliyun.com/your-organisation/sluice.git': bare });
});

beforeEach(async () => {
  house = await openProject({ steps: ['50%'], every: '1s', minimum: 3, watch: ['errors'] });
  const path = join(house.folder, 'sluice.yml');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { environments: Record<string, object> };
  config.environments['staging'] = { ...config.environments['production'], branches: ['develop'] };
  writeFileSync(path, JSON.stringify(config));
});
afterEach(() => house.close());

/** place is the checkout on a machine of a CI, with what a person has set there. */
const place = (variables: Readonly<Record<string, string>>): Place => ({
  checkout: house.folder,
  temporary: join(around, 'temporary'),
  variables: {
    ...{ PATH: process.env['PATH'] ?? '', HOME: around, TMPDIR: join(around, 'temporary'), LC_ALL: 'C.UTF-8', GIT_CONFIG_GLOBAL: join(around, 'gitconfig') },
    ...{ SLUICE_HOSTS: '127.0.0.1', SLUICE_STATE: join(house.folder, 'state'), SLUICE_COMMIT: git(bare, 'rev-parse', 'HEAD') },
    ...{ DIFY_EMAIL: house.lab.dify.credentials.email, DIFY_PASSWORD: house.lab.dify.credentials.password, SLACK_WEBHOOK: house.lab.inbox.slack.url },
    ...variables,
  },
});

/** without is a place that lacks some of its variables. */
const without = (given: Place, ...names: readonly string[]): Place => ({ ...given, variables: Object.fromEntries(Object.entries(given.variables).filter(([name]) => !names.includes(name))) });

const onBitbucket = (variables: Readonly<Record<string, string>> = {}): Place =>
  place({ CI: 'true', BITBUCKET_BUILD_NUMBER: '7', BITBUCKET_REPO_FULL_NAME: 'acme/bot', BITBUCKET_COMMIT: 'a'.repeat(40), BITBUCKET_BRANCH: 'main', ...variables });
const onCircle = (variables: Readonly<Record<string, string>> = {}): Place =>
  place({ CI: 'true', CIRCLECI: 'true', CIRCLE_PIPELINE_ID: 'p1', CIRCLE_BRANCH: 'main', CIRCLE_SHA1: 'a'.repeat(40), ...variables });
const onFlow = (variables: Readonly<Record<string, string>> = {}): Place =>
  place({ PIPELINE_ID: '101', BUILD_NUMBER: '7', BUILD_EXECUTOR: '张三', CI_COMMIT_REF_NAME: 'main', CI_COMMIT_SHA: 'a'.repeat(40), ...variables });

type Options = { readonly yes?: boolean | undefined; readonly watch?: Watch; readonly variables?: Readonly<Record<string, string>> };

/** withPerson is each CI's pipeline that starts a canary and asks a person: nobody has answered, or yes, or no. */
const withPerson: Readonly<Record<string, (options?: Options) => Promise<Ended>>> = {
  bitbucket: async ({ yes, watch, variables } = {}) => {
    const ended = await bitbucketPipeline(onBitbucket(variables), bitbucketFile.pipelines['branches']?.['main'] ?? [], { pressed: yes === true ? ['Promote'] : [], ...(watch === undefined ? {} : { watch }) });
    if (yes !== false) return ended;
    const refused = await bitbucketPipeline(onBitbucket({ BITBUCKET_BUILD_NUMBER: '8' }), bitbucketFile.pipelines['custom']?.['abort'] ?? []);
    return { code: refused.code, log: ended.log + refused.log };
  },
  circleci: ({ yes, watch, variables } = {}) => circleWorkflow(onCircle(variables), example('circleci/config.yml'), 'production', { pressed: yes === undefined ? [] : [yes ? 'approve-canary' : 'refuse-canary'], ...(watch === undefined ? {} : { watch }) }),
  yunxiao: ({ yes = true, watch, variables } = {}) => flowPipeline(onFlow(variables), example('yunxiao-flow.yml'), { approved: yes, ...(watch === undefined ? {} : { watch }) }),
};

describe.each(Object.entries(withPerson))('%s, a canary that a person decides on', (name, pipeline) => {
  test('is for everybody after a yes; its outputs reach a later step', async () => {
    const { code, log } = await pipeline({ yes: true });
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/canary passed in/) });
    const candidate = house.lab.dify.published(house.app) ?? '';
    expect(await house.served()).toEqual({ [candidate]: 30 });
    const said = { bitbucket: `everybody gets ${candidate} in place of ${house.stable}`, circleci: `${candidate} waits beside ${house.stable}; it is `, yunxiao: `${candidate} waits beside ${house.stable}` }[name] ?? '?';
    expect(log).toContain(said);
    expect(log).not.toContain(house.lab.dify.credentials.password);
    if (name === 'circleci') expect(log).toMatch(/; it is \S+ \S+ \S+/);
  });

  test('is for nobody after a no', async () => {
    const { log } = await pipeline({ yes: false });
    expect(log).toMatch(/canary \w+ in [^]*canary \w+ in/);
    expect([await house.weight(), await house.served()]).toEqual([0, { [house.stable]: 30 }]);
  });

  test('is not begun when the gate says no, with its exit code', async () => {
    writeFileSync(join(house.folder, 'app.yml'), 'app: [broken');
    const { code, log } = await pipeline({ yes: true });
    expect({ code, log }).toMatchObject({ code: 1, log: expect.stringMatching(/validate failed in/) });
    expect(log).not.toContain('deploy started');
    expect(house.lab.dify.published(house.app)).toBe(house.stable);
  });

  test('is not begun with a Sluice that is another commit', async () => {
    const { code, log } = await pipeline({ variables: { SLUICE_COMMIT: '0'.repeat(40) } });
    expect({ code, log }).toMatchObject({ code: 2, log: expect.stringMatching(/Sluice is not at the commit 0{40}/) });
    expect(log).not.toContain('validate started');
  });
});

test('on Bitbucket and CircleCI it waits for its person, and a sweep in between leaves it', async () => {
  const waiting = await withPerson['bitbucket']?.();
  expect(waiting?.code).toBe(0);
  expect(waiting?.log).toMatch(/sweep \w+ in/);
  expect(await house.weight()).toBe(50);
  const swept = await circleWorkflow(onCircle({ CIRCLE_PIPELINE_ID: 'p2' }), example('circleci/config.yml'), 'scheduled-sweep');
  expect({ code: swept.code, ended: swept.ended }).toEqual({ code: 0, ended: { sweep: 'success' } });
  expect(await house.weight()).toBe(50);
}, 60_000);

/** onStable is true when nobody is split, and everybody gets what users got before. */
const onStable = async (): Promise<boolean> => {
  const [served = '', ...more] = Object.keys(await house.served());
  return (await house.weight()) === 0 && more.length === 0 && house.lab.dify.sameContent(house.app, served, house.stable);
};

describe('a release without a person', () => {
  const develop = bitbucketFile.pipelines['branches']?.['develop'] ?? [];

  test('of a step of Bitbucket ends with everybody on the new version', async () => {
    const { code, log, ran } = await bitbucketPipeline(onBitbucket({ BITBUCKET_BRANCH: 'develop' }), develop);
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/release passed in/) });
    expect(ran).toEqual(['Release to staging', 'Sweep staging']);
    expect(await house.served()).toEqual({ [house.lab.dify.published(house.app) ?? '']: 30 });
  });

  test('of a job of CircleCI ends with everybody on the new version', async () => {
    const { code, log, ended } = await circleWorkflow(onCircle({ CIRCLE_BRANCH: 'develop' }), example('circleci/config.yml'), 'staging');
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/release passed in/) });
    expect(ended).toEqual({ release: 'success', 'sweep-staging': 'success' });
  });

  /**
   * stopping sends a signal to the group of whatever runs once half of the users are on the candidate. What is killed leaves
   * its lease behind, for which a sweep waits up to three minutes; here they are over at once.
   */
  const stopping = (signal: NodeJS.Signals): { readonly watch: Watch; readonly sent: Promise<void> } => {
    let group = 0;
    const send = async (): Promise<void> => {
      await until('half of the users on the candidate', async () => (await house.weight()) === 50);
      process.kill(-group, signal);
      if (signal === 'SIGKILL') await house.expireLease();
    };
    const sent = send();
    return { watch: (started) => (group = started), sent };
  };

  const slow = (): void => {
    const path = join(house.folder, 'sluice.yml');
    const config = JSON.parse(readFileSync(path, 'utf8')) as { environments: Record<string, { canary: object }> };
    for (const environment of Object.values(config.environments)) environment.canary = { steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] };
    writeFileSync(path, JSON.stringify(config));
  };

  test('that is stopped on Bitbucket, which kills it, is taken back by the final step', async () => {
    slow();
    const { watch, sent } = stopping('SIGKILL');
    const { code, log, ran } = await bitbucketPipeline(onBitbucket({ BITBUCKET_BRANCH: 'develop' }), develop, { watch });
    await sent;
    expect({ code, ran }).toEqual({ code: null, ran: ['Release to staging', 'Sweep staging'] });
    expect(log).not.toContain('release cancelled');
    expect(log).toMatch(/sweep passed in/);
    expect(await onStable()).toBe(true);
  }, 60_000);

  test.each<[NodeJS.Signals, RegExp]>([['SIGTERM', /release cancelled in[^]*sweep (passed|skipped) in/], ['SIGKILL', /sweep passed in/]])('that is cancelled on CircleCI by %s is taken back, at the latest by the job after it', async (signal, words) => {
    slow();
    const { watch, sent } = stopping(signal);
    const { log, ended } = await circleWorkflow(onCircle({ CIRCLE_BRANCH: 'develop' }), example('circleci/config.yml'), 'staging', { watch });
    await sent;
    expect(ended['release']).not.toBe('success');
    expect({ log, swept: ended['sweep-staging'] }).toMatchObject({ log: expect.stringMatching(words), swept: 'success' });
    expect(await onStable()).toBe(true);
  }, 60_000);
});

describe('what a change of the code gets', () => {
  test('on Bitbucket: the gate, without a secret; a release of one does nothing', async () => {
    const change = without(onBitbucket({ BITBUCKET_PR_ID: '7' }), 'DIFY_EMAIL', 'DIFY_PASSWORD', 'SLUICE_HOSTS', 'SLACK_WEBHOOK');
    const pipelines = bitbucketFile.pipelines;
    expect(await bitbucketPipeline(change, pipelines['pull-requests']?.['**'] ?? [])).toMatchObject({ code: 0, log: expect.stringMatching(/validate passed in/) });
    const released = await bitbucketPipeline(onBitbucket({ BITBUCKET_PR_ID: '7', BITBUCKET_BRANCH: 'develop' }), pipelines['branches']?.['develop'] ?? []);
    expect(released.log).toMatch(/pull requests belong to no environment/);
    expect(house.lab.dify.published(house.app)).toBe(house.stable);
  });

  test('on CircleCI: the gate, without a secret', async () => {
    const change = without(onCircle({ CIRCLE_BRANCH: 'pull/7' }), 'DIFY_EMAIL', 'DIFY_PASSWORD', 'SLUICE_HOSTS', 'SLACK_WEBHOOK');
    expect(await circleWorkflow(change, example('circleci/config.yml'), 'change')).toMatchObject({ code: 0, ended: { validate: 'success' } });
  });
});

describe('a rollback by hand', () => {
  const hostile = `it's "bad" $(touch owned) \`touch owned\` 中文`;

  beforeEach(async () => {
    for (const step of [['deploy'], ['publish-version'], ['canary', '--mode=start']]) expect((await house.run(step)).code).toBe(0);
    rmSync(join(house.folder, '.sluice'), { recursive: true });
  });

  test.each<[string, () => Promise<Ended>]>([
    ['bitbucket', () => bitbucketPipeline(onBitbucket({ VERSION: house.stable, REASON: hostile }), bitbucketFile.pipelines['custom']?.['rollback'] ?? [])],
    ['circleci', () => circleWorkflow(onCircle(), example('circleci/config.yml'), 'rollback-by-hand', { parameters: { version: house.stable, reason: hostile } })],
  ])('on %s goes to the version that is named; its reason is a text', async (_, rollback) => {
    const { code, log } = await rollback();
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/rollback passed in/) });
    expect(existsSync(join(house.folder, 'owned'))).toBe(false);
    expect(await onStable()).toBe(true);
  });
});

describe('the smallest pipeline', () => {
  const smallest = (page: string): string => (/```yaml\n([^]*?)```/.exec(readFileSync(join(repository, `docs/${page}.md`), 'utf8'))?.[1] ?? '').replaceAll('/tmp/sluice', join(around, `sluice-of-${page}`));

  test.each<[string, (text: string) => Promise<Ended>]>([
    ['bitbucket', (text) => bitbucketPipeline(onBitbucket(), (parse(text) as typeof bitbucketFile).pipelines['branches']?.['main'] ?? [])],
    ['circleci', (text) => circleWorkflow(onCircle(), text, 'release')],
    ['yunxiao', (text) => flowPipeline(onFlow(), text)],
  ])('on the page of %s releases', async (page, run) => {
    const { code, log } = await run(smallest(page));
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/release passed in/) });
  });
});

test('the sweep of Yunxiao on a schedule', async () => {
  expect(await flowPipeline(onFlow(), example('yunxiao-sweep.yml'))).toMatchObject({ code: 0, log: expect.stringMatching(/sweep skipped in/) });
});
