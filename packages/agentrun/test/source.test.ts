import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { agentrunPlatform } from '../src/index.ts';
import { readCode } from '../src/source/code.ts';
import { crc64 } from '../src/source/crc64.ts';
import { agentrunRules } from '../src/source/rules.ts';
import { AgentRunSource } from '../src/source/source.ts';
import { zip } from '../src/source/zip.ts';
import { agentYaml, environmentOf, must, newProject, problemOf, secretsOf, type TestProject } from './fixture.ts';

let project: TestProject;
beforeAll(() => {
  project = newProject();
});
afterAll(() => project.remove());

const image = ['customContainerConfig:', '  image: registry.example.com/a/b:1.4'];
const own = (source: unknown): AgentRunSource => {
  if (source instanceof AgentRunSource) return source;
  throw new Error('not a source of AgentRun');
};

describe('parse', () => {
  test('a good file has a source and no finding', () => {
    const { source, findings } = project.parse(agentYaml(['environmentVariables:', '  KEY: ${env(ORDERS_KEY)}', "  LEVEL: ${env('LEVEL', 'info')}"]));
    expect(findings).toEqual([]);
    expect(source).toMatchObject({ platform: 'agentrun', kind: 'agent', title: 'order-agent', path: 's.yaml' });
    expect(own(source).configuration).toMatchObject({ memory: 2048, networkConfiguration: { networkMode: 'PUBLIC' }, codeConfiguration: { checksum: expect.stringMatching(/^\d+$/) } });
  });

  test.each<[string, string, string, string]>([
    ['an unknown region', agentYaml().replace('region: cn-hangzhou', 'region: cn-hangzou'), 'region', 'error'],
    ['a missing memory', agentYaml().replace(/ +memory:.*\n/, ''), 'missing-key', 'error'],
    ['too little cpu', agentYaml().replace('cpu: 1', 'cpu: 0.01'), 'value', 'error'],
    ['a wrong name', agentYaml().replace('order-agent', '1-agent'), 'value', 'error'],
    ['code and image', agentYaml(image), 'code-or-image', 'error'],
    ['neither code nor image', agentYaml([], []), 'code-or-image', 'error'],
    ['two kinds of code', agentYaml([], ['code:', '  language: nodejs20', '  src: ./code', '  ossBucketName: b', '  ossObjectName: o']), 'code-source', 'error'],
    ['half an object in OSS', agentYaml([], ['code:', '  language: nodejs20', '  ossBucketName: b']), 'code-source', 'error'],
    ['code that is not there', agentYaml([], ['code:', '  language: nodejs20', '  src: ./nowhere']), 'code', 'error'],
    ['code outside', agentYaml([], ['code:', '  language: nodejs20', '  src: ../..']), 'code', 'error'],
    ['a number as variable', agentYaml(['environmentVariables:', '  RETRIES: 3']), 'value', 'error'],
    ['a typo', agentYaml(['memroy: 4096']), 'unknown-key', 'warning'],
    ['an endpoint on LATEST', agentYaml(['endpoints:', '  - name: production']), 'endpoint-latest', 'error'],
    ['an endpoint with a weight', agentYaml(['endpoints:', '  - name: canary', '    version: 2', '    weight: 0.2']), 'endpoint-weight', 'error'],
    ['a pinned endpoint', agentYaml(['endpoints:', '  - name: production', '    version: 2']), 'endpoint-pinned', 'error'],
    ['another file to extend', agentYaml().replace('name:', 'extend: [s.base.yaml]\nname:'), 'inheritance', 'error'],
    ['the tag latest', agentYaml([], ['customContainerConfig:', '  image: registry.example.com:5000/a/b']), 'image-tag', 'warning'],
    ['a custom domain', agentYaml(['customDomain:', '  domainName: auto']), 'not-applied', 'warning'],
    ["the pipeline's token", agentYaml(['environmentVariables:', '  T: ${env(GITHUB_TOKEN)}']), 'environment-name', 'error'],
    ["the platform's secret", agentYaml(['environmentVariables:', "  T: ${env('ALIBABA_CLOUD_ACCESS_KEY_SECRET', '')}"]), 'environment-name', 'error'],
    ['an unknown variable', agentYaml(['description: ${vars.none}']), 'placeholder', 'error'],
    ['the old edition', agentYaml().replace('3.0.0', '1.0.0'), 'edition', 'error'],
    ['another component', agentYaml().replace('agentrun@1.0.12', 'fc3'), 'no-agent', 'error'],
    ['no version of the component', agentYaml().replace('agentrun@1.0.12', 'devsapp/agentrun'), 'component-version', 'notice'],
    ['no YAML', 'edition: [', 'yaml', 'error'],
    ['a key that the component refuses', agentYaml(['logConfig: { project: p, logstore: l, topic: t }']), 'key-refused', 'error'],
    ['a mount with a typo', agentYaml(['ossMountConfig: { mountPoints: [{ bucketName: b, mountDir: /mnt, readonly: true }] }']), 'key-refused', 'error'],
    ['a mount without a bucket', agentYaml(['ossMountConfig: { mountPoints: [{ mountDir: /mnt }] }']), 'missing-key', 'error'],
    ['a number in quotes', agentYaml().replace('cpu: 1', 'cpu: "1"'), 'number-as-text', 'warning'],
    ['a number from the environment', agentYaml().replace('port: 9000', "port: ${env('PORT', 9000)}").replace('cpu: 1', "cpu: ${env('CPU', '1')}"), 'number-as-text', 'warning'],
    ['a key beside agent', agentYaml().replace('      agent:', '      cpu: 1\n      agent:'), 'unknown-key', 'warning'],
    ['a typo of the file', agentYaml().replace('vars:', 'acess: default\nvars:'), 'unknown-key', 'warning'],
    ['two endpoints of one name', agentYaml(['endpoints: [{ name: a, version: 1 }, { name: a, version: 2 }]']), 'endpoint-duplicate', 'error'],
    ['an endpoint of version 0', agentYaml(['endpoints: [{ name: a, version: 0 }]']), 'value', 'error'],
    ['a workspace without a name', agentYaml(['workspace: { description: d }']), 'value', 'error'],
    ['a function beside the agent', `${agentYaml()}  other:\n    component: fc3\n    props: { region: cn-hangzhou }\n`, 'other-resource', 'warning'],
    ['an access key', agentYaml(['environmentVariables: { ID: LTAI5tQnKx8vRm3ZyWp7BdCe }']), 'secret-plain', 'error'],
    ['a key by its name', agentYaml(["environmentVariables: { LLM_API_KEY: 'q7Rk2mZx9LpW4vTs8BnY3cHd' }"]), 'secret-plain', 'error'],
    ['a key as a default', agentYaml(["environmentVariables: { KEY: \"${env('LLM_API_KEY', 'q7Rk2mZx9LpW4vTs8BnY3cHd')}\" }"]), 'secret-plain', 'error'],
    ['a key in vars', agentYaml().replace('vars:', 'vars:\n  dashscopeApiKey: q7Rk2mZx9LpW4vTs8BnY3cHd'), 'secret-plain', 'error'],
    ['a key in a comment', `# was LTAI5tQnKx8vRm3ZyWp7BdCe\n${agentYaml()}`, 'secret-plain', 'error'],
    ['an enterprise registry without an instance', agentYaml([], ['customContainerConfig:', '  image: a.example.com/b/c:1', '  imageRegistryType: ACREE']), 'acr-instance', 'warning'],
    ['a login for a registry that asks for none', agentYaml([], ['customContainerConfig:', '  image: a.example.com/b/c:1', '  registryConfig: { authConfig: { userName: u } }']), 'registry-unused', 'warning'],
    ['a list', '- a', 'not-a-mapping', 'error'],
    ['nasConfig without vpcConfig', agentYaml(['nasConfig:', '  mountPoints:', '    - serverAddr: x', '      mountDir: /mnt']), 'nas-without-vpc', 'error'],
  ])('%s', (_name, yaml, rule, severity) => {
    const { source, findings } = project.parse(yaml);
    expect(findings).toContainEqual(expect.objectContaining({ rule: `agentrun/${rule}`, severity }));
    expect(source === undefined).toBe(severity === 'error' && agentrunRules.find(({ id }) => id === `agentrun/${rule}`)?.scope === 'shape');
    for (const { place } of findings) expect(place.file).toBe('s.yaml');
  });

  test('two agents in one file are an error', () => {
    const second = agentYaml().split('\n').slice(6).join('\n').replace('  agent:', '  other:');
    expect(project.parse(agentYaml() + second).findings).toContainEqual(expect.objectContaining({ rule: 'agentrun/several-agents' }));
  });

  test.each([
    ['what stands elsewhere for Function Compute', agentYaml(['memorySize: 512']), 'Did you mean memory?'],
    ['a key one level too high', agentYaml().replace('      agent:', '      internetAccess: true\n      agent:'), 'It belongs into agent, one level deeper.'],
    ['a language', agentYaml().replace('nodejs20', 'nodejs21'), 'Did you mean nodejs20?'],
    ['a key of a mount', agentYaml(['ossMountConfig: { mountPoints: [{ bucketName: b, mountDir: /mnt, readonly: true }] }']), 'Did you mean readOnly?'],
    ['a key of a registry', agentYaml([], ['customContainerConfig:', '  image: a.example.com/b/c:1', '  imageRegistryType: CUSTOM', '  registryConfig: { authConfig: { username: u } }']), 'Did you mean userName?'],
  ])('%s has a hint', (_name, yaml, hint) => {
    expect(project.parse(yaml).findings.map((finding) => finding.hint)).toContain(hint);
  });

  test('keys that only look a little like others, and a name that is no placeholder, are left alone', () => {
    const own = agentYaml(['environmentVariables: { API_KEY_NAME: orders, TOKEN: your-token-here, PASSWORD: changeme1 }']).replace('vars:', 'x-common: { a: 1 }\nvars:');
    expect(project.parse(own).findings).toEqual([]);
  });

  test('a finding stands at its line and names what was meant', () => {
    const yaml = agentYaml(['memroy: 4096']);
    const line = yaml.split('\n').findIndex((text) => text.includes('memroy')) + 1;
    expect(project.parse(yaml).findings).toEqual([
      { rule: 'agentrun/unknown-key', severity: 'warning', message: 'agent.memroy is not known and has no effect.', hint: 'Did you mean memory?', place: { file: 's.yaml', line, column: 9 } },
    ]);
  });

  test('the digest follows content and code, not layout', () => {
    const base = project.source(agentYaml(image, []));
    const shuffled = project.source(agentYaml([], []).replace('        cpu: 1\n', '').concat('        cpu:   1\n', image.map((line) => `        ${line}\n`).join('')));
    expect(shuffled.digest).toBe(base.digest);
    expect(project.source(agentYaml([...image, 'diskSize: 10240'], [])).digest).not.toBe(base.digest);
    const before = project.source(agentYaml()).digest;
    project.write('code/index.js', 'console.log(2);\n');
    const after = project.source(agentYaml()).digest;
    project.write('code/index.js', 'console.log(1);\n');
    expect(after).not.toBe(before);
    expect(project.source(agentYaml()).digest).toBe(before);
  });
});

describe('overlay', () => {
  const yaml = agentYaml(['environmentVariables:', '  KEY: ${env(ORDERS_KEY)}', "  LEVEL: ${env('LEVEL', 'info')}", '  KEPT: kept', 'role: OrderRole', 'logConfig: auto']);
  const environment = environmentOf({ endpoint: 'production', account: '1234567890' }, { variables: { LEVEL: 'debug', LIMIT: 5, TOKEN: { env: 'ORDER_TOKEN' } } });

  test('puts variables, secrets and account names in', () => {
    const overlaid = own(must(agentrunPlatform.overlay(project.source(yaml), environment, secretsOf({ ORDERS_KEY: 'key-value-1', ORDER_TOKEN: 'token-value-2' }))));
    expect(overlaid.configuration).toMatchObject({
      environmentVariables: { KEY: 'key-value-1', LEVEL: 'debug', KEPT: 'kept', LIMIT: '5', TOKEN: 'token-value-2' },
      executionRoleArn: 'acs:ram::1234567890:role/OrderRole',
      logConfiguration: { project: 'aliyun-serverless-1234567890-cn-hangzhou', logstore: 'default-logs' },
    });
    expect(JSON.stringify(agentrunPlatform.diff(project.source(yaml), overlaid))).not.toMatch(/key-value|token-value|debug/);
  });

  test('the id of the account in the address of a role is that of sluice.yml', () => {
    const source = project.source(agentYaml(['role: acs:ram::${config("AccountID")}:role/runner']));
    expect(own(must(agentrunPlatform.overlay(source, environmentOf({ endpoint: 'production', account: '1234567890' }), secretsOf({})))).configuration).toMatchObject({ executionRoleArn: 'acs:ram::1234567890:role/runner' });
    expect(problemOf(agentrunPlatform.overlay(source, environmentOf({ endpoint: 'production' }), secretsOf({}))).reason).toContain('needs the account');
  });

  test('names every secret that is missing', () => {
    const outcome = agentrunPlatform.overlay(project.source(yaml), environment, secretsOf({}));
    expect(problemOf(outcome).category).toBe('input');
    expect(JSON.stringify(outcome)).toMatch(/ORDERS_KEY/);
    expect(JSON.stringify(outcome)).toMatch(/ORDER_TOKEN/);
  });

  test.each([
    ['a bare role without the account', environmentOf({ endpoint: 'production' }), 'account'],
    ['parts of Dify', environmentOf({ endpoint: 'production', account: '12345' }, { models: { a: 'b' } }), 'models'],
    ['a wrong endpoint name', environmentOf({ endpoint: '../x', account: '12345' }), 'endpoint'],
  ])('refuses %s', (_name, given, said) => {
    const outcome = agentrunPlatform.overlay(project.source(yaml), given, secretsOf({ ORDERS_KEY: 'key-value-1' }));
    expect(problemOf(outcome)).toMatchObject({ category: 'input', reason: expect.stringContaining(said) });
  });

  test('checks what came out of the environment', () => {
    const source = project.source(agentYaml().replace('memory: ${vars.size}', "memory: ${env('MEMORY', '2048')}"));
    const at = (value: string): ReturnType<typeof agentrunPlatform.overlay> => agentrunPlatform.overlay(source, environmentOf({ endpoint: 'production' }), secretsOf({ MEMORY: value }));
    expect(own(must(at('4096'))).configuration['memory']).toBe(4096);
    expect(problemOf(at('lots')).reason).toContain('agent.memory must be');
  });
});

test('diff names keys and, of environment variables, names alone', () => {
  const before = project.source(agentYaml(['environmentVariables:', '  A: first-secret', '  B: same']));
  const after = project.source(agentYaml(['diskSize: 10240', 'environmentVariables:', '  A: second-secret', '  B: same', '  C: third-secret']));
  expect(agentrunPlatform.diff(before, after)).toEqual([
    { kind: 'changed', about: 'variable', subject: 'environment variable A' },
    { kind: 'added', about: 'setting', subject: 'diskSize', after: '10240' },
    { kind: 'added', about: 'variable', subject: 'environment variable C' },
  ]);
  expect(agentrunPlatform.diff(before, before)).toEqual([]);
});

describe('the code archive', () => {
  test('crc64 is that of ECMA-182 as OSS uses it', () => {
    expect(crc64(Buffer.from('123456789'))).toBe('11051210869376104954');
    expect(crc64(Buffer.alloc(0))).toBe('0');
  });

  test.each([
    ['stored', 1000],
    ['deflated', 5 * 1024 * 1024],
  ])('a %s archive can be read by another program', (_name, size) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-zip-'));
    try {
      const big = Buffer.alloc(size, 'abc');
      const archive = zip([
        { path: 'b/订单.txt', bytes: big, executable: false },
        { path: 'a.sh', bytes: Buffer.from('#!/bin/sh\n'), executable: true },
      ]);
      expect(archive.equals(zip([{ path: 'a.sh', bytes: Buffer.from('#!/bin/sh\n'), executable: true }, { path: 'b/订单.txt', bytes: big, executable: false }]))).toBe(true);
      writeFileSync(join(folder, 'a.zip'), archive);
      const script = 'import json,sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(json.dumps([[i.filename,i.file_size,i.external_attr>>16,list(i.date_time)] for i in z.infolist()]))';
      expect(JSON.parse(execFileSync('python3', ['-c', script, join(folder, 'a.zip')], { encoding: 'utf8' }))).toEqual([
        ['a.sh', 10, 0o100755, [1980, 1, 1, 0, 0, 0]],
        ['b/订单.txt', size, 0o100644, [1980, 1, 1, 0, 0, 0]],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('does not depend on times, and leaves ignored files and .git out', () => {
    const tree = newProject();
    try {
      tree.write('code/lib/a.js', 'a');
      tree.write('code/.env', 'SECRET=1');
      tree.write('code/.git/config', 'x');
      tree.write('code/.fcignore', '.env\n');
      chmodSync(join(tree.folder, 'code/lib/a.js'), 0o755);
      const first = must(readCode(tree.folder, 's.yaml', './code'));
      utimesSync(join(tree.folder, 'code/lib/a.js'), 1, 1);
      expect(must(readCode(tree.folder, 's.yaml', 'code')).checksum).toBe(first.checksum);
      expect(first.bytes.includes('SECRET')).toBe(false);
      expect(first.bytes.includes('.git')).toBe(false);
      expect(first.bytes.includes('lib/a.js')).toBe(true);
    } finally {
      tree.remove();
    }
  });

  test('counts from the folder of s.yaml, takes a zip as it is, and packs a single file', () => {
    const tree = newProject();
    try {
      const ready = zip([{ path: 'x', bytes: Buffer.from('x'), executable: false }]);
      writeFileSync(join(tree.folder, 'code', 'app.zip'), ready);
      expect(must(readCode(tree.folder, 'code/s.yaml', 'app.zip')).bytes.equals(ready)).toBe(true);
      expect(must(readCode(tree.folder, 'code/s.yaml', './index.js')).bytes.equals(zip([{ path: 'index.js', bytes: readFileSync(join(tree.folder, 'code/index.js')), executable: false }]))).toBe(true);
    } finally {
      tree.remove();
    }
  });

  test.each([
    ['a link inside', (folder: string) => symlinkSync('/etc/hostname', join(folder, 'code/link')), './code', 'symbolic link'],
    ['a link as the folder', (folder: string) => symlinkSync('/etc', join(folder, 'away')), './away', 'neither a folder'],
    ['a link on the way', (folder: string) => symlinkSync('/etc', join(folder, 'way')), './way/hostname', 'outside'],
    ['the outside', () => undefined, '../', 'outside'],
    ['an empty folder', (folder: string) => rmSync(join(folder, 'code/index.js')), './code', 'no file'],
    ['nothing', () => undefined, './none', 'is not there'],
  ])('refuses %s', (_name, prepare, src, said) => {
    const tree = newProject();
    try {
      prepare(tree.folder);
      expect(problemOf(readCode(tree.folder, 's.yaml', src))).toMatchObject({ category: 'input', reason: expect.stringContaining(said) });
    } finally {
      tree.remove();
    }
  });

  test('the checksum of an entry is that of its bytes', () => {
    const bytes = Buffer.alloc(5 * 1024 * 1024, 'x');
    const archive = zip([{ path: 'x', bytes, executable: false }]);
    expect(archive.readUInt32LE(14)).toBe(crc32(bytes));
    expect(inflateRawSync(archive.subarray(31, 31 + archive.readUInt32LE(18))).equals(bytes)).toBe(true);
  });
});
