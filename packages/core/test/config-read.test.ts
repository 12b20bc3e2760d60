import { describe, expect, test } from '@jest/globals';
import { problemLines, type Problem } from '../src/problem.ts';
import type { Project } from '../src/project.ts';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { keyPathText, readConfig } from '../src/config/read.ts';

const good = `name: support-bot
source: app/support-bot.yml
environments:
  staging:
    branches: [develop]
    dify: https://dify.staging.example.com/app/0b9c
    variables: { KB_URL: https://kb.staging.example.com, CRM_TOKEN: { env: CRM_TOKEN }, LIMIT: 5 }
  production:
    branches: [main, 'release/*']
    dify: { console: https://dify.example.com, app: 5f6c }
    gateway: { nginx: { include: /etc/nginx/sluice/support-bot.conf, sticky: user } }
    canary: { steps: [5%, 25%, 50%], every: 10m, false-abort: 5%, miss: 10%, watch: [errors, latency] }
health: { ask: [{ query: ping, expect: { contains: pong, within: 20s } }] }
notify: [{ dingtalk: { env: DINGTALK_WEBHOOK }, at-least: P1 }]
`;

const read = (text: string): Project => {
  const project = readConfig('sluice.yml', text, '/work');
  if (!project.ok) throw new Error(problemLines(project.problem).join('\n'));
  return project.value;
};

const problems = (text: string): readonly Problem[] => {
  const project = readConfig('sluice.yml', text, '/work');
  if (project.ok) throw new Error('expected problems');
  return [project.problem, ...(project.problem.others ?? [])];
};

const withEnvironment = (lines: string): string =>
  `name: bot\nsource: a.yml\nenvironments:\n  production:\n${lines.replace(/^/gm, '    ')}\n`;

describe('readConfig', () => {
  test('reads the example of the design', () => {
    const project = read(good);
    expect(project.config.environments['production']?.canary).toMatchObject({ steps: [5, 25, 50], every: 600_000, 'false-abort': 5 });
    expect(project.config.health?.ask?.[0]?.expect?.within).toBe(20_000);
    expect(project).toMatchObject({ folder: '/work', file: 'sluice.yml' });
    expect(project.placeOf(['environments', 'production', 'canary'])).toEqual({ file: 'sluice.yml', line: 12, column: 5 });
  });

  test.each<[string, string, RegExp, string]>([
    ['an unknown key', good.replace('source:', 'sauce:'), /the key "sauce" is unknown; did you mean "source"\?/, 'sluice.yml:2:1'],
    ['an unknown key below', good.replace('every:', 'evry:'), /environments > production > canary: the key "evry" is unknown; did you mean "every"\?/, 'sluice.yml:12:38'],
    ['a missing key', good.replace('source: app/support-bot.yml', ''), /^sluice.yml: source is missing$/, 'sluice.yml:1:1'],
    ['a bad duration', good.replace('every: 10m', 'every: ten'), /canary > every must be a duration such as 30s, 10m or 1h/, 'sluice.yml:12:38'],
    ['a bad percentage', good.replace('25%', '250%'), /canary > steps > entry 2 must be a percentage such as 5%/, 'sluice.yml:12:27'],
    ['a bad guard', good.replace('[errors, latency]', '[errors, cost]'), /watch > entry 2 must be errors, latency or tokens, got text/, 'sluice.yml:12:94'],
    ['falling steps', good.replace('[5%, 25%, 50%]', '[5%, 50%, 25%]'), /canary > steps > entry 3 must be more than the step before it/, 'sluice.yml:12:32'],
    ['a step of nothing', good.replace('[5%, 25%, 50%]', '[0%]'), /entry 1 must be more than 0%/, 'sluice.yml:12:23'],
    ['a list for text', good.replace('name: support-bot', 'name: [a]'), /name must be text, got a list/, 'sluice.yml:1:1'],
    ['a name in capitals', good.replace('production:', 'Production:'), /environments > Production as a name must be lower-case/, 'sluice.yml:8:3'],
    ['no configuration', '', /the configuration must be a mapping, got nothing/, 'sluice.yml:1:1'],
    ['a list', '- a\n', /the configuration must be a mapping, got a list/, 'sluice.yml:1:1'],
    ['no address', withEnvironment('dify: dify.example.com/app/1'), /dify must be an http or https address/, 'sluice.yml:5:5'],
    ['an address with a password', withEnvironment('dify: https://a:hunter2@dify.example.com'), /dify must not carry credentials/, 'sluice.yml:5:5'],
    ['no environments', 'name: bot\nsource: a.yml\nenvironments: {}\n', /environments needs at least one environment/, 'sluice.yml:3:1'],
    ['both platforms', withEnvironment('dify: https://d.example.com\nagentrun: { endpoint: live }'), /needs exactly one of dify and agentrun/, 'sluice.yml:4:3'],
    ['the long form with a typo', withEnvironment('dify: { consol: https://d.example.com }'), /production > dify: the key "consol" is unknown; did you mean "console"\?/, 'sluice.yml:5:13'],
    ['a number for dify', withEnvironment('dify: 5'), /dify must be text or a mapping, got a number/, 'sluice.yml:5:5'],
    ['yes for canary', withEnvironment('dify: https://d.example.com\ncanary: yes'), /canary must be true, false or a mapping, got text/, 'sluice.yml:6:5'],
    ['a webhook in the open', good.replace('{ env: DINGTALK_WEBHOOK }', 'https://oapi.example.com/robot?access_token=hunter2'), /dingtalk must be a mapping, got text/, 'sluice.yml:14:12'],
    ["a variable of the CI's", good.replace('env: CRM_TOKEN', 'env: GITHUB_TOKEN'), /variables > CRM_TOKEN > env may not name one of the CI's/, 'sluice.yml:7:71'],
    ['an empty watch', good.replace('[errors, latency]', '[]'), /watch must have at least 1 entry/, 'sluice.yml:12:78'],
  ])('refuses %s', (_name, text, reason, where) => {
    const found = problems(text);
    const match = found.find((problem) => reason.test(problem.reason));
    expect(found.map((problem) => problem.reason).join('\n')).toMatch(reason);
    expect(match).toMatchObject({ category: 'input', where });
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test('reports everything at once, in the order of the lines', () => {
    const found = problems(good.replace('name:', 'nam:').replace('every: 10m', 'every: ten').replace('query: ping', 'query: 5'));
    expect(found.map((problem) => problem.where?.split(':')[1])).toEqual(['1', '1', '12', '13']);
  });
});

test('keyPathText counts entries from 1 and keeps one line', () => {
  expect(keyPathText(['health', 'ask', 0, 'que\nry'])).toBe('health > ask > entry 1 > que ry');
});

describe('configJsonSchema', () => {
  const undescribed = (schema: unknown, path: string): string[] => {
    if (Array.isArray(schema)) return schema.flatMap((one) => undescribed(one, path));
    if (typeof schema !== 'object' || schema === null) return [];
    return Object.entries(schema).flatMap(([keyword, value]: [string, unknown]) => {
      if (keyword !== 'properties') return undescribed(value, path);
      return Object.entries(value as Record<string, { description?: string }>).flatMap(([name, property]) => [
        ...(property.description === undefined ? [`${path}.${name}`] : []),
        ...undescribed(property, `${path}.${name}`),
      ]);
    });
  };

  test('describes every key and names itself', () => {
    const schema = configJsonSchema();
    expect(undescribed(schema, '')).toEqual([]);
    expect(schema).toMatchObject({ title: 'sluice.yml', $schema: 'https://json-schema.org/draft/2020-12/schema' });
    expect(JSON.stringify(schema)).toContain('"every":{"anyOf":[{"type":"string","pattern":"^');
  });
});
