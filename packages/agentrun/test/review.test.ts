import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { configSchema, type EnvironmentConfig } from '@sluice/core';
import { agentrunPlatform } from '../src/index.ts';
import { looksSecret } from '../src/source/packed-secrets.ts';
import { agentYaml, newProject, type TestProject } from './fixture.ts';

let project: TestProject;
beforeAll(() => {
  project = newProject();
});
afterAll(() => project.remove());

const parsed = (environment: object) => configSchema.safeParse({ name: 'orders', source: 's.yaml', environments: { production: environment } });

const environmentOf = (settings: object, more: object = {}): EnvironmentConfig => {
  const config = parsed({ agentrun: { endpoint: 'production', ...settings }, ...more });
  const environment = config.data?.environments['production'];
  if (environment === undefined) throw new Error(JSON.stringify(config.error?.issues));
  return environment;
};

const image = ['customContainerConfig:', '  image: registry.example.com/a/b:1.4'];
const object = ['code:', '  language: nodejs20', '  ossBucketName: builds', '  ossObjectName: a.zip'];
const review = (environment: EnvironmentConfig, yaml: string) => agentrunPlatform.review?.(environment, project.source(yaml)) ?? [];

describe('settings that cannot be meant', () => {
  test.each([
    ['cleared on the scale of per cents', { weights: 'percent', cleared: 'empty' }, 'cleared has no meaning with `weights: percent`'],
    ['build without s', { build: 'auto' }, 'build, s and component are for `deploy: s` alone'],
    ['a program without s', { deploy: 'api', s: ['s'] }, 'build, s and component are for `deploy: s` alone'],
    ['a component without s', { component: '1.0.12' }, 'build, s and component are for `deploy: s` alone'],
  ])('%s is refused by every step', (_name, settings, words) => {
    expect(parsed({ agentrun: { endpoint: 'production', ...settings } }).error?.issues.map(({ message }) => message).join()).toContain(words);
  });

  test.each<[string, object, object, string, string, readonly string[]]>([
    ['two versions of the component', { deploy: 's', component: '1.0.11' }, {}, agentYaml(), 's.yaml pins agentrun@1.0.12, so component 1.0.11 is never used.', ['agentrun', 'component']],
    ['a build of an image', { deploy: 's', build: 'reuse' }, {}, agentYaml([], image), 'build is reuse, and s.yaml names an image, which nobody builds here.', ['agentrun', 'build']],
    ['a build of what lies in OSS', { deploy: 's', build: 'reuse' }, {}, agentYaml([], object), 'build is reuse, and s.yaml names an object in OSS, which nobody builds here.', ['agentrun', 'build']],
    ['no proof where one is wanted', { auth: 'none' }, {}, agentYaml(['credentialName: orders-key']), 'auth is none, and s.yaml names credentialName: AgentRun refuses calls without that credential.', ['agentrun', 'auth']],
    ['nobody to evict', { evict: true }, {}, agentYaml(['disableSessionAffinity: true']), 'evict has nobody to end: s.yaml turns session affinity off, so no session stays on a version.', ['agentrun', 'evict']],
    ['one per cent on the scale of per cents', { weights: 'percent' }, { canary: { steps: ['1%', '50%'] } }, agentYaml(), 'With `weights: percent` a step of a canary is above 1 % and below 99 %: a server that counts in shares would take 1 for everybody.', ['canary']],
    ['a role without an account', {}, {}, agentYaml(['role: runner']), 'The role "runner" is a bare name, and the account is not known.', ['agentrun']],
    ['an address of a role without an account', {}, {}, agentYaml(['role: acs:ram::${config("AccountID")}:role/runner']), '${config("AccountID")} needs the account, which is not known.', ['agentrun']],
    ['a log store without an account', {}, {}, agentYaml(['logConfig: auto']), 'logConfig: auto needs the account, which is not known.', ['agentrun']],
    ['datasets', {}, { datasets: { a: 'b' } }, agentYaml(), 'datasets belongs to Dify and has no meaning for an agent.', ['datasets']],
    ['triggers', {}, { triggers: { a: 'b' } }, agentYaml(), 'triggers belongs to Dify and has no meaning for an agent.', ['triggers']],
    ['live at once', {}, { 'live-at-once': true }, agentYaml(), 'live-at-once belongs to Dify: what is deployed to AgentRun serves nobody before it is routed.', ['live-at-once']],
  ])('%s is found', (_name, settings, more, yaml, message, path) => {
    expect(review(environmentOf(settings, more), yaml)).toEqual([expect.objectContaining({ message, path, hint: expect.stringMatching(/\.$/) })]);
  });

  test.each<[string, object, object, string]>([
    ['the same version twice', { deploy: 's', component: '1.0.12' }, {}, agentYaml()],
    ['a build of an image where one is needed', { deploy: 's', build: 'auto' }, {}, agentYaml([], image)],
    ['a build of code', { deploy: 's', build: 'reuse', s: ['npx', 's'] }, {}, agentYaml()],
    ['a key where one is wanted', { auth: 'key' }, {}, agentYaml(['credentialName: orders-key'])],
    ['signed calls where a key is wanted', { auth: 'ram' }, {}, agentYaml(['credentialName: orders-key'])],
    ['per cents', { weights: 'percent', evict: true }, { canary: { steps: ['2%', '98%'] } }, agentYaml()],
    ['shares', { weights: 'ratio', cleared: 'zero' }, { canary: { steps: ['1%'] } }, agentYaml()],
    ['an account', { account: '1234567890' }, {}, agentYaml(['role: runner', 'logConfig: auto'])],
    ['addresses of a private cloud', { control: 'https://c.example.com', data: 'https://d.example.com', sts: 'https://s.example.com', logs: 'https://l.example.com', metrics: 'https://m.example.com', auth: 'ram' }, { canary: false }, agentYaml()],
  ])('%s: nothing is found', (_name, settings, more, yaml) => {
    expect(review(environmentOf(settings, more), yaml)).toEqual([]);
  });

  test('code that is too large for a request is found, and is for the CLI to upload', () => {
    writeFileSync(join(project.folder, 'code', 'model.bin'), randomBytes(51 * 1024 * 1024));
    try {
      const source = project.source(agentYaml());
      expect(agentrunPlatform.review?.(environmentOf({}), source)).toEqual([expect.objectContaining({ rule: 'agentrun/code-size', severity: 'error', message: 'The code archive has 52 MB; the limit is 50 MB where it goes with the request.', hint: expect.stringContaining('deploy: s') })]);
      expect(agentrunPlatform.review?.(environmentOf({ deploy: 's' }), source)).toEqual([]);
    } finally {
      writeFileSync(join(project.folder, 'code', 'model.bin'), '');
    }
  }, 60_000);
});

describe('actions', () => {
  test.each([
    ['of the file', agentYaml().replace('name: orders', 'actions: { pre-deploy: [{ run: ./build.sh }], success-deploy: [{ run: "true" }] }\nname: orders'), 'pre-deploy, success-deploy', 2],
    ['of the agent', agentYaml().replace('    component:', '    actions: { pre-deploy: [{ run: ./build.sh }] }\n    component:'), 'pre-deploy', 8],
  ])('%s are said not to be run', (_name, yaml, names, line) => {
    const { source, findings } = project.parse(yaml);
    expect(source).toBeDefined();
    expect(findings).toEqual([{ rule: 'agentrun/actions', severity: 'warning', message: `Sluice does not run ${names}, not with "deploy: s" either.`, place: expect.objectContaining({ file: 's.yaml', line }), hint: expect.stringContaining('steps of the pipeline') }]);
  });

  test('that hold nothing are no finding', () => {
    expect(project.parse(agentYaml().replace('name: orders', 'actions: {}\nname: orders')).findings).toEqual([]);
  });
});

describe('keys and passwords in the code', () => {
  const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n';
  test.each([
    ['.env', 'TOKEN=abc', true],
    ['conf/.env.production', 'export TOKEN="abc"', true],
    ['.env', '# TOKEN=abc\nTOKEN=\n', false],
    ['.env.example', 'TOKEN=abc', false],
    ['.envrc.md', 'TOKEN=abc', false],
    ['.npmrc', '//registry.example.com/:_authToken=abc', true],
    ['node_modules/a/.npmrc', '_password = "abc"', true],
    ['.npmrc', '//registry.example.com/:_authToken=${NPM_TOKEN}', false],
    ['.npmrc', 'registry=https://registry.example.com', false],
    ['.yarnrc.yml', 'npmAuthToken: abc', false],
    ['.pypirc', 'password = abc', true],
    ['pip.conf', 'index-url = https://me:abc@pypi.example.com/simple', true],
    ['pip.conf', 'index-url = https://pypi.example.com/simple', false],
    ['.netrc', 'machine a login b password c', true],
    ['.git-credentials', 'https://me:abc@git.example.com', true],
    ['.aws/credentials', '[default]', true],
    ['id_rsa', key, true],
    ['id_rsa.pub', 'ssh-rsa AAAA', false],
    ['tls/server.key', key, true],
    ['tls/server.pem', '-----BEGIN PRIVATE KEY-----\n', true],
    ['tls/ca.pem', '-----BEGIN CERTIFICATE-----\n', false],
    ['python/certifi/cacert.pem', '-----BEGIN CERTIFICATE-----\n', false],
    ['node_modules/a/test/key.pem', key, false],
    ['store.p12', 'x', true],
    ['index.js', key, false],
    ['public.key', '', false],
  ])('%s with %j: %s', (path, text, secret) => {
    expect(looksSecret(path, Buffer.from(text))).toBe(secret);
  });

  test('are named, until an ignore file leaves them out', () => {
    const other = newProject();
    try {
      other.write('code/.env', 'TOKEN=abc\n');
      other.write('code/tls/a.key', key);
      other.write('code/.git/config', 'url = https://me:abc@git.example.com\n');
      const found = other.parse(agentYaml());
      expect(found.source).toBeDefined();
      expect(found.findings).toEqual([{ rule: 'agentrun/packed-secret', severity: 'warning', message: 'The code that is deployed holds .env, tls/a.key, which look like keys or passwords.', place: expect.objectContaining({ file: 's.yaml', line: 19 }), hint: expect.stringContaining('./code/.fcignore (or .arignore)') }]);
      other.write('code/.arignore', '.env\n*.key\n');
      expect(other.parse(agentYaml()).findings).toEqual([]);
    } finally {
      other.remove();
    }
  });
});
