import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { project, repository } from './sluice-process.ts';
import { git, openLibrary, writeGitConfig } from './tagged-library.ts';
import { flowFile } from './yunxiao-shape.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const blocks = (page: string, language: string): readonly string[] => [...read(`docs/${page}.md`).matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

describe('the same release on three CIs is the smallest file of', () => {
  test.each([['github', 'yaml', 0], ['gitlab', 'yaml', 1], ['jenkins', 'groovy', 0]] as const)('the page of %s, which is run there', (page, language, index) => {
    const [smallest = 'none'] = blocks(page, language);
    expect(blocks('same-release', language)[index]).toBe(smallest);
  });
});

describe('a pipeline of Yunxiao has nothing that the documentation does not name', () => {
  test.each([
    ['yunxiao-flow.yml', read('examples/pipelines/yunxiao-flow.yml')],
    ['yunxiao-sweep.yml', read('examples/pipelines/yunxiao-sweep.yml')],
    ['the page', blocks('yunxiao', 'yaml')[0] ?? ''],
  ])('%s', (_, text) => {
    const file = parse(text) as { readonly stages: Readonly<Record<string, { readonly jobs: Readonly<Record<string, { readonly needs?: string; readonly condition?: string }>> }>> };
    expect(flowFile.safeParse(file).error?.issues ?? []).toEqual([]);
    const jobs = Object.values(file.stages).flatMap((stage) => Object.entries(stage.jobs));
    const names = jobs.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [, { needs, condition }] of jobs) {
      for (const named of [needs, /\((\w+)\)/.exec(condition ?? '')?.[1]]) if (named !== undefined) expect(names).toContain(named);
    }
  });

  test.each([['triggerEvents: [push]', 'triggerEvents: [schedule]'], ['timeoutMinutes: 75', 'timeoutMinutes: 0'], ['step: Command', 'step: Shell'], ['variableGroups:', 'envs:']])('%s would not pass as %s', (right, wrong) => {
    const text = blocks('yunxiao', 'yaml')[0] ?? '';
    expect(text).toContain(right);
    expect(flowFile.safeParse(parse(text.replace(right, wrong))).success).toBe(false);
  });
});

describe('the page on the bundle', () => {
  const [clone = '', mirror = '', pack = '', unpack = ''] = blocks('bundle', 'sh');
  let around: string;
  let commit: string;

  /** run gives a script of the page to bash in a folder of its own, which is that machine's home as well. */
  const run = (script: string, folder: string, variables: Readonly<Record<string, string>> = {}): string => {
    mkdirSync(join(around, folder), { recursive: true });
    return execFileSync('/bin/bash', ['-eo', 'pipefail', '-c', script], {
      cwd: join(around, folder),
      env: { PATH: process.env['PATH'] ?? '', HOME: join(around, folder), GIT_CONFIG_GLOBAL: join(around, 'gitconfig'), ...variables },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };

  const shows = /info: Say what runs/;

  beforeAll(async () => {
    around = await project({});
    const origin = openLibrary(around, ['dist'], ['v1.0.0']);
    commit = git(origin, 'rev-parse', 'HEAD');
    const empty = join(around, 'mirror.git');
    execFileSync('git', ['init', '-q', '--bare', empty]);
    writeGitConfig(around, { 'https://github.com/OWNER/sluice': origin, 'https://git.example.com/mirrors/sluice.git': empty });
  });

  test('clones at a tag, and runs nothing that is another commit', () => {
    expect(run(clone, 'job', { SLUICE_COMMIT: commit })).toMatch(shows);
    expect(() => run(clone, 'other', { SLUICE_COMMIT: '0'.repeat(40) })).toThrow(/Sluice is not at the commit 0{40}/);
  });

  test('mirrors it, with the same commits', () => {
    run(mirror, 'between');
    const there = clone.replace('https://github.com/OWNER/sluice', 'https://git.example.com/mirrors/sluice.git');
    expect(run(there, 'inside', { SLUICE_COMMIT: commit })).toMatch(shows);
  });

  test('carries it as a file, and unpacks none that was changed', () => {
    run(mirror.split('\n')[0] ?? '', 'packing');
    run(pack, 'packing');
    expect(run(unpack, 'packing')).toMatch(shows);
    writeFileSync(join(around, 'packing/sluice.tar'), 'another file');
    expect(() => run(unpack, 'packing')).toThrow(/computed checksum did NOT match/);
  });

  test('tells nobody to run a name of npm that is not ours', () => {
    const pages = ['bundle', 'same-release', 'bitbucket', 'circleci', 'yunxiao'].map((page) => blocks(page, '(?:sh|yaml|groovy)').join('\n'));
    const examples = ['bitbucket-pipelines.yml', 'circleci/config.yml', 'yunxiao-flow.yml', 'yunxiao-sweep.yml'].map((name) => read(`examples/pipelines/${name}`));
    for (const text of [...pages, ...examples]) expect(text).not.toMatch(/npx|npm (?:i|install) /);
  });
});
