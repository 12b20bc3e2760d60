import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { detectHost } from '../src/index.ts';
import { inertLines, isInert } from '../src/variables.ts';
import { yunxiaoContext } from '../src/yunxiao.ts';
import { captures, steppedClock, temporaryFolder } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const build = { PIPELINE_ID: '101', BUILD_NUMBER: '7', BUILD_EXECUTOR: '张三', BUILD_MESSAGE: '张三·页面手动触发', PIPELINE_NAME: '客服机器人', CI_SOURCE_NAME: 'support-bot', CI_COMMIT_SHA: 'a'.repeat(40), CI_COMMIT_REF_NAME: 'main' };

const open = async (environment: Record<string, string> = {}) => {
  const own = join(folder.path, String(Math.random()).slice(2));
  const streams = captures();
  const shared = `${own}-flow-env`;
  const host = await detectHost({ ...build, FLOW_ENV: shared, SLUICE_RESULTS: own, ...environment }, streams, { folder: folder.path, clock: steppedClock() });
  return { host, streams, shared, outputs: async () => JSON.parse(await readFile(join(own, 'outputs.json'), 'utf8')) as unknown };
};

describe('the context of', () => {
  test.each<[string, Record<string, string>, object]>([
    ['a branch', {}, { branch: 'main', actor: '张三', repository: 'support-bot', event: '张三·页面手动触发' }],
    ['a merge request that is built from its ref', { CI_COMMIT_REF_NAME: 'refs/merge-requests/27/head' }, { branch: '', pullRequest: { number: 27, fork: true } }],
    ['a pipeline without a source', { CI_COMMIT_REF_NAME: '', CI_COMMIT_SHA: '' }, { branch: '', commit: '' }],
  ])('%s', (_, environment, expected) => {
    const context = yunxiaoContext({ ...build, ...environment });
    expect(context).toMatchObject({ runId: '101/7', runUrl: 'https://flow.aliyun.com/pipelines/101/builds/7', tag: '', onCi: true, ...expected });
  });
});

test.each<[Record<string, string>, string]>([
  [build, 'yunxiao'],
  [{ PIPELINE_ID: '1', BUILD_NUMBER: '2' }, 'terminal'],
  [{ ...build, JENKINS_URL: 'https://ci/' }, 'jenkins'],
  [{ ...build, GITLAB_CI: 'true' }, 'gitlab'],
])('%j is %s', async (environment, name) => {
  expect((await detectHost(environment, captures(), { folder: folder.path, clock: steppedClock() })).name).toBe(name);
});

describe('outputs', () => {
  test('of one word are handed on, and all of them are one object', async () => {
    const { host, shared, outputs } = await open();
    await host.outputs({ status: 'passed', reason: '版本 12 已发布', url: 'https://dify.example.com/app/1?x=1' });
    expect(await readFile(shared, 'utf8')).toBe('SLUICE_STATUS=passed\n');
    expect(await outputs()).toEqual({ status: 'passed', reason: '版本 12 已发布', url: 'https://dify.example.com/app/1?x=1' });
  });

  test('without FLOW_ENV are in the object', async () => {
    const { host, outputs, streams } = await open({ FLOW_ENV: '' });
    await host.outputs({ version: '12' });
    expect(await outputs()).toEqual({ version: '12' });
    expect(streams.stdout.text()).toBe('');
  });

  test('that are handed on are the same to a shell and to whoever splits at the first "="', () => {
    const values = fc.sample(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.array(fc.constantFrom('$', '(', ')', "'", '"', '`', '\\', ' ', '\t', '\n', ';', '&', '~', '*', '?', '[', '{', 'a,b', '中文', '=', '-', '.', '/', ':', '1'), { maxLength: 5 }).map((parts) => parts.join(''))), { numRuns: 500, seed: 23 }).filter(isInert);
    expect(values.length).toBeGreaterThan(100);
    const lines = inertLines(Object.fromEntries(values.map((value, index) => [`v${index}`, value])));
    const names = values.map((_, index) => `"\${SLUICE_V${index}}"`).join(' ');
    const read = execFileSync('/bin/bash', ['-c', `${lines}printf '%s\\0' ${names}`], { cwd: folder.path, env: { PATH: process.env['PATH'] ?? '', HOME: '/root', LC_ALL: 'C.UTF-8' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    expect(read.split('\0').slice(0, -1)).toEqual(values);
    expect(lines.split('\n').slice(0, -1).map((line) => line.slice(line.indexOf('=') + 1))).toEqual(values);
  });
});
