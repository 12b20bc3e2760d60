import { describe, expect, test } from '@jest/globals';
import { disablingsIn } from '../src/lint/comments.ts';
import { ruleSettingFindings, settleFindings, type Finding, type LintConfig, type Rule } from '@sluice/core';

const rules: readonly Rule[] = [
  { id: 'dify/cycle', summary: 'A circle.', scope: 'free' },
  { id: 'dify/secret-plain', summary: 'A secret.', scope: 'secret' },
  { id: 'dify/yaml', summary: 'No YAML.', scope: 'shape' },
];
const at = (rule: string, line: number): Finding => ({ rule, severity: 'error', message: 'Wrong.', place: { file: 'app.yml', line } });
const text = ['a: 1 # sluice-disable dify/cycle -- drawn on purpose', '# sluice-disable dify/cycle, dify/secret-plain -- a key of the sandbox', 'b: 2', 'c: 3 # sluice-disable dify/cycle', 'd: 4 # sluice-disable -- no rule'].join('\n');

const settled = (lint: LintConfig, pullRequest: boolean, findings: readonly Finding[], content = '') =>
  settleFindings({ findings, rules, path: 'app.yml', text: content }, { lint, pullRequest }).map(({ rule, severity, place }) => `${rule} ${severity} ${place.line}`);

describe('severities in sluice.yml', () => {
  test.each<[string, LintConfig, boolean, readonly string[]]>([
    ['nothing set', {}, false, ['dify/cycle error 1', 'dify/secret-plain error 1', 'dify/yaml error 1']],
    ['off and warning', { rules: { 'dify/cycle': 'off', 'dify/secret-plain': 'warning' } }, false, ['dify/secret-plain warning 1', 'dify/yaml error 1']],
    ['a pull request and secrets', { rules: { 'dify/cycle': 'warning', 'dify/secret-plain': 'off' } }, true, ['dify/cycle warning 1', 'dify/secret-plain error 1', 'dify/yaml error 1']],
    ['what cannot be read stays', { rules: { 'dify/yaml': 'off' } }, false, ['dify/cycle error 1', 'dify/secret-plain error 1', 'dify/yaml error 1']],
  ])('%s', (_name, lint, pullRequest, wanted) => {
    expect(settled(lint, pullRequest, rules.map(({ id }) => at(id, 1)))).toEqual(wanted);
  });

  test('unknown and locked rules are told, at their line of sluice.yml', () => {
    const placeOf = (path: readonly (string | number)[]) => ({ file: 'sluice.yml', line: path.length });
    const lint: LintConfig = { rules: { 'dify/cicle': 'off', 'dify/yaml': 'off', 'dify/secret-plain': 'off', 'agentrun/any': 'off', 'dify/cycle': 'off' } };
    const found = ruleSettingFindings('dify', rules, { lint, pullRequest: true, placeOf });
    expect(found.map(({ rule, severity, hint }) => [rule, severity, hint])).toEqual([
      ['config/unknown-rule', 'error', 'Did you mean dify/cycle?'],
      ['config/locked-rule', 'warning', undefined],
      ['config/locked-rule', 'warning', undefined],
    ]);
    expect(found.every(({ place }) => place.file === 'sluice.yml' && place.line === 3)).toBe(true);
    expect(ruleSettingFindings('dify', rules, { lint, pullRequest: false, placeOf })).toHaveLength(2);
  });
});

describe('sluice-disable', () => {
  test('is about its line, or about the next one when it stands alone', () => {
    expect(settled({}, false, [at('dify/cycle', 1), at('dify/cycle', 2), at('dify/cycle', 3), at('dify/secret-plain', 3), at('dify/secret-plain', 1)], text)).toEqual([
      'dify/cycle error 2',
      'dify/secret-plain error 1',
      'config/disable-without-reason error 4',
      'config/disable-without-reason error 5',
    ]);
  });

  test('without a reason disables nothing', () => {
    expect(settled({}, false, [at('dify/cycle', 4)], text)).toContain('dify/cycle error 4');
  });

  test('of a pull request hides no secret', () => {
    expect(settled({}, true, [at('dify/cycle', 3), at('dify/secret-plain', 3)], text)).toEqual(expect.arrayContaining(['dify/secret-plain error 3']));
    expect(settled({}, true, [at('dify/cycle', 3)], text)).not.toContain('dify/cycle error 3');
  });

  test('reads rules and reasons with blanks and hyphens', () => {
    expect(disablingsIn('x: 1\t#sluice-disable  dify/a,dify/b --  第一 -- second  \r\ny: 2 # sluice-disabled dify/a -- no\n')).toEqual([{ rules: ['dify/a', 'dify/b'], reason: '第一 -- second', line: 1, covers: 1 }]);
  });
});
