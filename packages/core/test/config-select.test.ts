import { describe, expect, test } from '@jest/globals';
import type { HostContext } from '../src/host.ts';
import { matchesPattern } from '../src/config/branch-pattern.ts';
import { readConfig } from '../src/config/read.ts';
import { selectEnvironment } from '../src/config/select.ts';
import { timed } from '../../../test/cpu-time.ts';

const context = (change: Partial<HostContext> = {}): HostContext => ({
  commit: '',
  branch: '',
  tag: '',
  repository: '',
  actor: '',
  runUrl: '',
  runId: '',
  event: 'push',
  onCi: true,
  ...change,
});

const select = (environments: Readonly<Record<string, string>>, change: Partial<HostContext>, input?: string): string => {
  const lines = Object.entries(environments).map(([name, branches]) => `  ${name}: { dify: 'https://d.example.com'${branches === '' ? '' : `, branches: [${branches}]`} }`);
  const project = readConfig('sluice.yml', `name: a\nsource: b.yml\nenvironments:\n${lines.join('\n')}\n`, '/w');
  if (!project.ok) throw new Error(project.problem.reason);
  const selected = selectEnvironment(project.value, { context: context(change), ...(input === undefined ? {} : { input }) });
  if (!selected.ok) return `${selected.problem.category}: ${selected.problem.reason} / ${selected.problem.hint ?? ''}`;
  return 'skipped' in selected.value ? `skipped: ${selected.value.skipped}` : selected.value.name;
};

const two = { staging: 'develop', production: "main, 'release/*'" };

describe('selectEnvironment', () => {
  test.each<[string, Readonly<Record<string, string>>, Partial<HostContext>, string | undefined, RegExp]>([
    ['a name wins over the branch', two, { branch: 'main' }, 'staging', /^staging$/],
    ['an unknown name', two, {}, 'prodution', /^input: there is no environment "prodution"; did you mean "production"\? .*staging, production/],
    ['a name that every object has', two, {}, 'constructor', /^input: there is no environment "constructor"/],
    ['the branch', two, { branch: 'main' }, undefined, /^production$/],
    ['an empty input is none', two, { branch: 'main' }, '', /^production$/],
    ['a pattern', two, { branch: 'release/2.1' }, undefined, /^production$/],
    ['a plain name before a pattern', { a: "'*'", b: 'main' }, { branch: 'main' }, undefined, /^b$/],
    ['two plain names', { a: 'main', b: 'main' }, { branch: 'main' }, undefined, /^input: the branch main belongs to several environments: a, b/],
    ['two patterns', { a: "'m*'", b: "'*n'" }, { branch: 'main' }, undefined, /^input: the branch main belongs to several/],
    ['a branch of nobody', two, { branch: 'feature/x' }, undefined, /^skipped: the branch feature\/x belongs to no environment of sluice.yml/],
    ['a branch of nobody on a terminal', two, { branch: 'feature/x', onCi: false }, undefined, /^input: .*staging, production/],
    ['a pull request from a branch called main', two, { branch: 'main', pullRequest: { number: 1, fork: true } }, undefined, /^skipped: pull requests/],
    ['a pull request with a name', two, { pullRequest: { number: 1, fork: false } }, 'production', /^skipped: pull requests/],
    ['a pull request with a wrong name', two, { pullRequest: { number: 1, fork: false } }, 'prod', /^input: there is no environment "prod"/],
    ['the only one on a terminal', { only: '' }, { onCi: false }, undefined, /^only$/],
    ['the only one on a CI', { only: '' }, { branch: 'main' }, undefined, /^input: it is not said which environment is meant: only/],
    ['a tag', two, { tag: 'v1' }, undefined, /^input: it is not said .* This run has no branch/],
  ])('%s', (_name, environments, change, input, expected) => {
    expect(select(environments, change, input)).toMatch(expected);
  });
});

describe('matchesPattern', () => {
  test.each([
    ['main', 'main', true],
    ['main', 'maint', false],
    ['release/*', 'release/1', true],
    ['release/*', 'release/', true],
    ['release/*', 'release/1/2', false],
    ['release/**', 'release/1/2', true],
    ['*', 'feature', true],
    ['*', 'a/b', false],
    ['**', 'a/b', true],
    ['*-fix', 'hot-fix', true],
    ['a*b*c', 'abbc', true],
    ['a*b*c', 'abb', false],
    ['a.c', 'abc', false],
    ['功能/*', '功能/登录', true],
    ['', '', true],
    ['', 'a', false],
  ])('%j with %j is %p', (pattern, branch, expected) => {
    expect(matchesPattern(pattern, branch)).toBe(expected);
  });

  test('stays quick on patterns made to be slow', () => {
    const { value, ms } = timed(() => matchesPattern(`${'*a'.repeat(100)}b`, 'a'.repeat(1000)));
    expect(value).toBe(false);
    expect(ms).toBeLessThan(1000);
  });
});
