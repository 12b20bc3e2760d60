import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { agentrunPlatform } from '../src/index.ts';
import { filesOf } from '../src/source/diff-files.ts';
import { zip } from '../src/source/zip.ts';
import { agentYaml, newProject, type TestProject } from './fixture.ts';

let project: TestProject;
beforeAll(() => {
  project = newProject();
});
afterAll(() => project.remove());

const image = (tag: string): string[] => ['customContainerConfig:', `  image: registry.example.com/a/b:${tag}`, '  command: [python, app.py]'];

test('an agent differs by name, region and settings, in the words of s.yaml', () => {
  const before = project.source(agentYaml(['description: 订单助手', ...image('1.4')], []));
  const after = project.source(agentYaml([...image('1.5'), 'diskSize: 10240'], []).replace('order-agent', 'orders').replace('region: cn-hangzhou', 'region: cn-shanghai').replace('memory: ${vars.size}', 'memory: 4096'));
  expect(agentrunPlatform.diff(before, after)).toEqual([
    { kind: 'changed', about: 'application', subject: 'name', before: 'order-agent', after: 'orders' },
    { kind: 'changed', about: 'application', subject: 'region', before: 'cn-hangzhou', after: 'cn-shanghai' },
    { kind: 'removed', about: 'application', subject: 'description', before: '订单助手' },
    { kind: 'changed', about: 'setting', subject: 'container image', before: 'registry.example.com/a/b:1.4', after: 'registry.example.com/a/b:1.5' },
    { kind: 'changed', about: 'setting', subject: 'memory', before: '2048', after: '4096' },
    { kind: 'added', about: 'setting', subject: 'diskSize', after: '10240' },
  ]);
  expect(agentrunPlatform.graph).toBeUndefined();
});

test('code differs by its files, with their sizes; the checksum is told only where no file is', () => {
  const before = project.source(agentYaml());
  project.write('code/index.js', 'console.log(12);\n');
  project.write('code/提示.txt', '你好');
  const after = project.source(agentYaml());
  expect(agentrunPlatform.diff(before, after)).toEqual([
    { kind: 'changed', about: 'setting', subject: 'file index.js of the code', before: '16 bytes', after: '17 bytes' },
    { kind: 'added', about: 'setting', subject: 'file 提示.txt of the code', after: '6 bytes' },
  ]);
  expect(agentrunPlatform.diff(after, before)).toMatchObject([{ kind: 'changed' }, { kind: 'removed', before: '6 bytes' }]);
  const oss = (sum: string): string => agentYaml([], ['code:', '  language: nodejs20', '  command: [node, index.js]', '  ossBucketName: b', '  ossObjectName: o', `  checksum: "${sum}"`]);
  expect(agentrunPlatform.diff(project.source(oss('1')), project.source(oss('2')))).toEqual([{ kind: 'changed', about: 'setting', subject: 'code checksum', before: '1', after: '2' }]);
  expect(agentrunPlatform.diff(project.source(oss('1')), project.source(oss('1').replace('ossObjectName: o', 'ossObjectName: p')))).toEqual([]);
});

test('many files are counted and not listed', () => {
  const before = project.source(agentYaml());
  for (let index = 0; index < 130; index += 1) project.write(`code/package/${index}.js`, `${index}`);
  const changes = agentrunPlatform.diff(before, project.source(agentYaml()));
  expect(changes).toHaveLength(101);
  expect(changes.at(-1)).toEqual({ kind: 'changed', about: 'setting', subject: '30 more files of the code' });
});

test('a secret in a command or an address is not shown, and of variables only the name', () => {
  const key = ['sk', 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe'].join('-');
  const before = project.source(agentYaml(['environmentVariables: { MODEL: gpt-4o }']));
  const after = project.source(agentYaml(['environmentVariables: { MODEL: gpt-5, TOKEN: abc }', `description: use ${key}`]).replace('[node, index.js]', `[node, index.js, "--api-key=${key}"]`));
  const changes = agentrunPlatform.diff(before, after);
  expect(changes).toContainEqual({ kind: 'changed', about: 'setting', subject: 'code command', before: 'node index.js', after: 'node index.js --api-key=•••' });
  expect(changes).toContainEqual({ kind: 'changed', about: 'variable', subject: 'environment variable MODEL' });
  expect(JSON.stringify(changes)).not.toMatch(/q7Rk2m|gpt-|abc/);
});

test('an archive that cannot be read has no list of files', () => {
  const archive = zip([{ path: 'a.py', bytes: Buffer.from('x'), executable: false }]);
  expect([...(filesOf(archive)?.keys() ?? [])]).toEqual(['a.py']);
  for (let length = 0; length < archive.length; length += 1) expect(filesOf(archive.subarray(0, length))).toBeUndefined();
  expect(filesOf(Buffer.from('no archive at all'))).toBeUndefined();
});
