import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { localUses } from '../src/github-calls.ts';
import { lintPipeline, pipelineFiles, pipelineLinter } from '../src/index.ts';
import { fits } from '../src/pipeline-files.ts';
import { timed, timedRun } from '../../../test/cpu-time.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-neighbours-'));
  await mkdir(join(root, '.git'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
};

/** foundIn writes files and gives what is found in them, as `file:line rule`. */
const foundIn = async (files: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  await write(files);
  return (await pipelineFiles(root, '')).flatMap(lintPipeline).map(({ rule, place }) => `${place.file}:${place.line ?? 0} ${rule.replace('pipeline/', '')}`);
};

const release = 'node "$SLUICE_HOME/dist/index.js" release';
const ci = (text: string): Promise<readonly string[]> => foundIn({ '.gitlab-ci.yml': text });

test.each<[string, string, boolean]>([
  ['a.yml', 'a.yml', true],
  ['a.yml', '*.yml', true],
  ['a.yml', '**', true],
  ['a.yml', 'a*.yml', true],
  ['a.yml', 'a.yml*', true],
  ['a.yaml', '*.yml', false],
  ['aa', 'a*a', true],
  ['a', 'a*a', false],
  ['abcabd', 'a*b*d', true],
  ['abc', 'a*c*b', false],
  ['axyml', 'a*.yml', false],
])('the file %s and the pattern %s', (name, pattern, wanted) => expect(fits(name, pattern)).toBe(wanted));

test('a file that many include, and that includes many, is read once', async () => {
  const files = Array.from({ length: 30 }, (_, file) => ({ at: `ci/${file}.yml`, text: Array.from({ length: 30 }, (_one, job) => `job-${file}-${job}:\n  script: [make all]\n`).join('') }));
  const lint = pipelineLinter();
  const file = (index: number) => ({ kind: 'gitlab' as const, path: files[index]?.at ?? '', text: files[index]?.text ?? '', beside: files.filter((_, other) => other !== index) });
  const first = await timedRun(async () => void lint(file(0)));
  const others = await timedRun(async () => files.slice(1).forEach((_, index) => void lint(file(index + 1))));
  expect(others.ms).toBeLessThan(first.ms * 5);
});

test('no name and no pattern takes long', () => {
  const { value, ms } = timed(() => ({ fitting: fits('a'.repeat(250), `${'a*'.repeat(60)}b`), uses: localUses(`uses: ./${'/'.repeat(200_000)}a`) }));
  expect(value).toMatchObject({ fitting: false, uses: { length: 2 } });
  expect(ms).toBeLessThan(1000);
});

describe('GitLab: references', () => {
  test.each<[string, string, string[]]>([
    ['to the lines of another job', `.release:\n  script: [${release}]\nproduction:\n  script:\n    - echo on\n    - !reference [.release, script]\n`, ['.gitlab-ci.yml:3 no-concurrency']],
    ['with a group of its own', `.release:\n  script: [${release}]\nproduction:\n  resource_group: production\n  script: [!reference [.release, script]]\n`, []],
    ['to a group', `.shared: { resource_group: production }\nproduction:\n  script: [${release}]\n  resource_group: !reference [.shared, resource_group]\n`, []],
    ['to a group that is not here', `production:\n  script: [${release}]\n  resource_group: !reference [.elsewhere, resource_group]\n`, []],
    ['to lines that are not here', 'production:\n  script: [!reference [.elsewhere, script]]\n', []],
    ['to what may fail', `.soft: { allow_failure: true }\nproduction:\n  script: [${release}]\n  resource_group: x\n  allow_failure: !reference [.soft, allow_failure]\n`, ['.gitlab-ci.yml:5 gate-ignored']],
    ['to what a job takes by extends', `.base: { script: [${release}] }\n.mid: { extends: .base }\nproduction:\n  script: !reference [.mid, script]\n`, ['.gitlab-ci.yml:3 no-concurrency']],
    ['through three others', `.a: { script: [${release}] }\n.b: { script: [!reference [.a, script]] }\n.c: { script: [!reference [.b, script]] }\nproduction: { script: [!reference [.c, script]] }\n`, ['.gitlab-ci.yml:4 no-concurrency']],
    ['to a deeper place', `.a: { variables: { lines: [${release}] } }\nproduction: { script: !reference [.a, variables, lines] }\n`, ['.gitlab-ci.yml:2 no-concurrency']],
    ['to itself', 'production:\n  script: !reference [production, script]\n', []],
    ['in a circle', '.a: { script: [!reference [.b, script]] }\n.b: { script: [!reference [.a, script]] }\nproduction: { script: [!reference [.a, script]] }\n', []],
    ['beside an anchor and a merge', `.group: &group\n  resource_group: production\n.lines: &lines\n  - ${release}\nproduction:\n  <<: *group\n  script: *lines\n  rules: [!reference [.rules, default]]\n`, []],
    ['beside an anchor without a group', `.lines: &lines\n  - ${release}\nproduction:\n  script: *lines\n  rules: [!reference [.rules, default]]\n`, ['.gitlab-ci.yml:3 no-concurrency']],
    ['in a file with a broken habit', 'check:\n  script:\n    - curl -f https://a.example.com || true\n    - !reference [.more, script]\n', ['.gitlab-ci.yml:3 check-cannot-fail']],
    ['and an unknown tag', `production:\n  script: [${release}]\n  image: !mine [a]\n`, []],
  ])('%s', async (_name, text, found) => {
    expect(await ci(text)).toEqual(found);
  });

  test.each<[string, string]>([
    ['that stand for 9^20 lines', `.l0: { script: [echo] }\n${Array.from({ length: 20 }, (_, at) => `.l${at + 1}: { script: [${Array.from({ length: 9 }, () => `!reference [.l${at}, script]`).join(', ')}] }\n`).join('')}production: { script: !reference [.l20, script] }\nstaging: { script: !reference [.l9, script] }\n`],
    ['in a row of 6,000', Array.from({ length: 6000 }, (_, at) => `a${at}: { script: [!reference [a${at + 1}, script]] }\n`).join('')],
    ['of jobs that extend each other 6,000 times', Array.from({ length: 6000 }, (_, at) => `a${at}: { extends: a${at + 1} }\n`).join('')],
    ['of 3,000 jobs that share 5,000 lines', `.a: { script: [${'echo, '.repeat(5000)}echo] }\n${Array.from({ length: 3000 }, (_, at) => `a${at}: { extends: .a }\n`).join('')}`],
  ])('%s are read in a moment', async (_name, text) => {
    const before = process.cpuUsage();
    expect(await ci(text)).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(8);
  });
});

describe('GitLab: what a job takes from elsewhere', () => {
  test.each<[string, Readonly<Record<string, string>>, string[]]>([
    ['a default that a newer pipeline ends', { '.gitlab-ci.yml': `default: { interruptible: true }\nproduction: { script: [${release}], resource_group: x }\n` }, ['.gitlab-ci.yml:2 release-cancelled']],
    ['a default that the job does not take', { '.gitlab-ci.yml': `default: { interruptible: true }\nproduction: { inherit: { default: false }, script: [${release}], resource_group: x }\n` }, []],
    ['one of which it takes another part', { '.gitlab-ci.yml': `default: { interruptible: true }\nproduction: { inherit: { default: [image] }, script: [${release}], resource_group: x }\n` }, []],
    ['a group from an included file', { '.gitlab-ci.yml': `include: /ci/shared.yml\nproduction: { extends: .release, script: [${release}] }\n`, 'ci/shared.yml': '.release: { resource_group: production }\n' }, []],
    ['no group in the included file', { '.gitlab-ci.yml': `include: [{ local: ci/shared.yml }]\nproduction:\n  extends: .release\n  script: [${release}]\n`, 'ci/shared.yml': '.release: { stage: deploy }\n' }, ['.gitlab-ci.yml:2 no-concurrency']],
    ['a release in an included file', { '.gitlab-ci.yml': 'include: [{ local: /ci/*.yml }]\n', 'ci/shared.yml': `production: { script: [${release}] }\n`, 'ci/other.yaml': `production: { script: [${release}] }\n` }, ['ci/shared.yml:1 no-concurrency']],
    ['a release in an included file, its group in the file that includes', { '.gitlab-ci.yml': 'include: ci/shared.yml\nproduction: { resource_group: production }\n', 'ci/shared.yml': `production: { script: [${release}] }\n` }, []],
    ['a file that includes another', { '.gitlab-ci.yml': 'include: ci/a.yml\n', 'ci/a.yml': 'include: ci/b.yml\n', 'ci/b.yml': `a: { script: [curl -f https://a || true] }\n` }, ['ci/b.yml:1 check-cannot-fail']],
    ['files that include each other', { '.gitlab-ci.yml': 'include: ci/a.yml\n', 'ci/a.yml': 'include: .gitlab-ci.yml\n' }, []],
    ['a template with inputs', { '.gitlab-ci.yml': 'include: ci/a.yml\n', 'ci/a.yml': `# 发布\nspec:\n  inputs:\n    job: { default: production }\n---\n"$[[ inputs.job ]]":\n  script: [${release}]\n` }, ['ci/a.yml:6 no-concurrency']],
    ['names with variables, remote files and paths out of the repository', { '.gitlab-ci.yml': `include: ['$FILE', https://a.example.com/x.yml, ../../etc/hosts, { remote: https://a }, { template: A.yml }]\nproduction: { extends: .release, script: [${release}] }\n` }, []],
  ])('%s', async (_name, files, found) => {
    expect(await foundIn(files)).toEqual(found);
  });

  test('a link out of the repository is not followed', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'sluice-outside-'));
    await writeFile(join(outside, 'x.yml'), `production: { script: [${release}] }\n`);
    await write({ '.gitlab-ci.yml': 'include: x.yml\n' });
    await symlink(join(outside, 'x.yml'), join(root, 'x.yml'));
    expect((await pipelineFiles(root, '')).map(({ path }) => path)).toEqual(['.gitlab-ci.yml']);
    await rm(outside, { recursive: true });
  });
});

describe('GitHub: what a workflow calls', () => {
  const action = 'runs:\n  using: composite\n  steps:\n    - uses: acme/sluice@v1\n';
  const called = 'on: workflow_call\njobs:\n  a:\n    steps: [{ uses: acme/sluice@v1 }]\n';
  const caller = (more = ''): string => `on: push\n${more}jobs:\n  b:\n    uses: ./.github/workflows/release.yml\n`;
  test.each<[string, Readonly<Record<string, string>>, string[]]>([
    ['an action that releases', { '.github/workflows/a.yml': 'on: push\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/release\n', '.github/actions/release/action.yml': action }, ['.github/workflows/a.yml:3 no-concurrency']],
    ['an action that releases, in a group', { '.github/workflows/a.yml': 'on: push\nconcurrency: x\njobs:\n  a:\n    steps:\n      - uses: "./.github/actions/release"\n', '.github/actions/release/action.yaml': action }, []],
    ['an action of a branch', { '.github/workflows/a.yml': 'on: push\nconcurrency: x\njobs:\n  a:\n    steps:\n      - uses: ./actions/release\n', 'actions/release/action.yml': action.replace('v1', 'main') }, ['actions/release/action.yml:4 sluice-unpinned']],
    ['an action that is not here', { '.github/workflows/a.yml': 'on: push\njobs:\n  a:\n    steps:\n      - uses: ./actions/release\n' }, []],
    ['actions that use each other', { '.github/workflows/a.yml': 'on: push\njobs:\n  a:\n    steps:\n      - uses: ./a\n', 'a/action.yml': 'runs: { steps: [{ uses: ./b }, { uses: ./b }] }\n', 'b/action.yml': 'runs:\n  steps:\n    - uses: ./a\n    - uses: ./a\n' }, []],
    ['a workflow without a group, from a job without one', { '.github/workflows/release.yml': called, '.github/workflows/a.yml': caller() }, ['.github/workflows/a.yml:3 no-concurrency']],
    ['a workflow without a group, from a workflow with one', { '.github/workflows/release.yml': called, '.github/workflows/a.yml': caller('concurrency: x\n') }, []],
    ['a workflow with a group', { '.github/workflows/release.yml': `concurrency: x\n${called}`, '.github/workflows/a.yml': caller() }, []],
    ['a workflow that only repositories elsewhere call', { '.github/workflows/release.yml': called }, []],
    ['a workflow that also runs by itself', { '.github/workflows/release.yml': called.replace('workflow_call', '[workflow_call, push]') }, ['.github/workflows/release.yml:3 no-concurrency']],
    ['a workflow that also runs by itself, and is called', { '.github/workflows/release.yml': called.replace('workflow_call', '[workflow_call, push]'), '.github/workflows/a.yml': caller() }, ['.github/workflows/release.yml:3 no-concurrency']],
    ['a called workflow that cancels', { '.github/workflows/release.yml': `${called}    concurrency: { group: x, cancel-in-progress: true }\n` }, ['.github/workflows/release.yml:5 release-cancelled']],
    ['workflows that call each other', { '.github/workflows/release.yml': 'on: workflow_call\njobs:\n  a:\n    uses: ./.github/workflows/release.yml\n', '.github/workflows/a.yml': caller() }, []],
  ])('%s', async (_name, files, found) => {
    expect(await foundIn(files)).toEqual(found);
  });
});

test('no more than 8 MiB are read together', async () => {
  const big = `# ${'x'.repeat(1000 * 1024)}\n`;
  await write(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`.github/workflows/w${at}.yml`, big])));
  expect(await pipelineFiles(root, '')).toHaveLength(8);
});
