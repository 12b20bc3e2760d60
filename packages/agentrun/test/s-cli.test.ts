import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { answerOf, type Ended, type Ran } from '../src/cli/answer.ts';
import { buildIsNeeded, staleIn } from '../src/cli/build.ts';
import { templateOf } from '../src/cli/template.ts';
import { AgentRunSource } from '../src/source/source.ts';
import { agentrunPlatform } from '../src/index.ts';
import { readCode } from '../src/source/code.ts';
import { agentYaml, environmentOf, must, newProject, problemOf, secretsOf } from './fixture.ts';
import { symlinkSync } from 'node:fs';

const project = newProject();
afterAll(() => project.remove());

const ran: Ran = { command: 'deploy', line: 's deploy', component: 'agentrun@1.0.12' };
const ended = (code: number, stdout = '', failure?: string, stderr = ''): Ended => ({ code, stdout, stderr, ...(failure === undefined ? {} : { failure }) });
const failure = (message: string): string => JSON.stringify([{ prefix: '[agent] failed to [deploy]:', message, exitCode: 101 }]);
const result = JSON.stringify({ agent: { id: 'ar-1' }, __component: 'agentrun@1.0.12' }, null, 2);

describe('answerOf', () => {
  test.each<[string, Ended]>([
    ['the result alone', ended(0, `${result}\n`)],
    ['lines before it', ended(0, `NOISE {"a":1}\n{"half": \n${result}\n`)],
  ])('%s is done', (_name, answer) => expect(answerOf(answer, ran)).toEqual({ ok: true, value: undefined }));

  test.each<[string, Ended, string, RegExp]>([
    ['nothing at all, as after an unknown command', ended(0), 'platform', /says that all went well, and gives no result of "deploy"$/],
    ['output that was cut', ended(0, `${result.slice(0, -3)}\n[cut after 1 MB]`), 'platform', /gives no result/],
    ['JSON of nobody', ended(0, '{"agent":{}}'), 'platform', /gives no result/],
    ['another version of the component', ended(0, result.replace('1.0.12', '1.0.13')), 'platform', /ran the component agentrun@1\.0\.13 in place of agentrun@1\.0\.12$/],
    ['a missing template', ended(1, '', failure('The specified template file does not exist: s.yaml')), 'input', /^the Serverless Devs CLI failed to deploy: The specified template/],
    ['an option that is not known', ended(1, '', undefined, "error: unknown option '--alias'"), 'input', /unknown option '--alias'$/],
    ['a check of the CLI', ended(100, '', failure('edition is wrong')), 'input', /edition is wrong$/],
    ['a failing component', ended(101, '', failure('quota 用尽')), 'platform', /quota 用尽$/],
    ['error.json that is none', ended(101, 'Error Message:\nboom\n', 'x{'), 'platform', /boom$/],
    ['no access', ended(101, '', failure('Not found access: sluice_serverless_devs_key')), 'permission', /the credentials were refused$/],
    ['a wrong key', ended(101, '', failure('InvalidAccessKeyId.NotFound: Specified access key is not found.')), 'permission', /the credentials were refused$/],
    ['a missing right', ended(101, '', failure('NoPermission: You are not authorized')), 'permission', /the credentials lack a right$/],
    ['no Docker', ended(101, '', failure('Docker is not OK')), 'input', /there is no Docker to build with$/],
    ['no Docker, said on the way only', ended(101, '/bin/sh: docker: command not found\n', failure('exit code 127')), 'input', /there is no Docker to build with$/],
    ['no registry', ended(101, '', failure('request to https://api.devsapp.cn/v3/packages failed, getaddrinfo ENOTFOUND')), 'platform', /could not be reached$/],
    ['a code of nobody', ended(7, 'what'), 'platform', /failed to deploy: what$/],
  ])('%s', (_name, answer, category, reason) => {
    const problem = problemOf(answerOf(answer, ran));
    expect(problem).toMatchObject({ category, hint: expect.stringMatching(/\.$/) });
    expect(problem.reason).toMatch(reason);
  });

  test('whatever is printed, a result of the pinned component at the end is the only way to be done', () => {
    fc.assert(
      fc.property(fc.string(), (noise) => {
        expect(answerOf(ended(0, `${noise}\n${result}\n`), ran).ok).toBe(true);
        expect(answerOf(ended(0, noise), ran).ok).toBe(false);
        expect(answerOf(ended(101, `${noise}\n${result}`), ran).ok).toBe(false);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test('a build may give no result', () => expect(answerOf(ended(0), { ...ran, command: 'build' })).toMatchObject({ ok: true }));
});

const overlaid = (more: readonly string[], variables: Readonly<Record<string, string>>, secrets: Readonly<Record<string, string>> = {}): AgentRunSource => {
  const source = must(agentrunPlatform.overlay(project.source(agentYaml(more)), environmentOf({ endpoint: 'production' }, { variables }), secretsOf(secrets)));
  if (!(source instanceof AgentRunSource)) throw new Error('no source of an agent');
  return source;
};

describe('templateOf', () => {
  test('holds no value of the environment, no endpoints, and the network that Sluice compares', () => {
    const source = overlaid(["credentialName: ${env('NAME')}"], { A: 'planted-a', EMPTY: '' }, { NAME: 'planted-name' });
    const { text, environment } = must(templateOf(source, { component: 'agentrun@1.0.12', code: '/x/code.zip', checksum: '42' }));
    expect(text).not.toContain('planted');
    expect(text).not.toContain('endpoints');
    const { resources } = JSON.parse(text) as { resources: { agent: { component: string; props: { agent: Record<string, unknown> } } } };
    expect(resources.agent.component).toBe('agentrun@1.0.12');
    expect(resources.agent.props.agent).toMatchObject({ memory: 2048, internetAccess: true, code: { src: '/x/code.zip', checksum: '42', language: 'nodejs20' }, environmentVariables: { A: expect.stringMatching(/^\$\{env\('SLUICE_AGENT_VALUE_\d'\)\}$/), EMPTY: '' } });
    expect(Object.values(environment).sort()).toEqual(['planted-a', 'planted-name']);
  });

  test.each(['${env(HOME)}', 'a ${x', '<%= process.env %>'])('a value that the CLI would run as code is refused and not shown: %s', (value) => {
    const problem = problemOf(templateOf(overlaid([], { TOKEN: `planted ${value}` }), { component: 'agentrun@1.0.12' }));
    expect(problem).toMatchObject({ category: 'input', reason: expect.stringMatching(/^environmentVariables\.TOKEN holds/) });
    expect(JSON.stringify(problem)).not.toContain('planted');
  });
});

describe('build', () => {
  const at = (seconds: number): Date => new Date(1_700_000_000_000 + seconds * 1000);
  const put = (path: string, text: string, seconds: number): void => {
    project.write(path, text);
    utimesSync(join(project.folder, path), at(seconds), at(seconds));
  };

  test.each<[string, () => void, readonly string[]]>([
    ['nothing to build', () => put('b0/main.py', '', 0), []],
    ['no product', () => put('b1/requirements.txt', 'x', 0), ['requirements.txt']],
    ['an older product', () => { put('b2/requirements.txt', 'x', 9); mkdirSync(join(project.folder, 'b2/python')); utimesSync(join(project.folder, 'b2/python'), at(1), at(1)); }, ['requirements.txt']],
    ['a newer product', () => { put('b3/package.json', '{"dependencies":{"a":"1"}}', 1); put('b3/node_modules/.package-lock.json', '{}', 9); }, []],
    ['a package without dependencies', () => put('b4/package.json', '{"name":"a"}', 1), []],
    ['a package that cannot be read', () => put('b5/package.json', '{', 1), ['package.json']],
  ])('%s', (name, arrange, manifests) => {
    arrange();
    const folder = join(project.folder, `b${['nothing to build', 'no product', 'an older product', 'a newer product', 'a package without dependencies', 'a package that cannot be read'].indexOf(name)}`);
    expect(staleIn(folder).map(({ manifest }) => manifest)).toEqual(manifests);
  });

  const stale = [{ manifest: 'requirements.txt', product: 'python', missing: true }];
  test('auto builds, never does not, reuse wants what is there', () => {
    expect(buildIsNeeded('auto', stale, 'code')).toEqual({ ok: true, value: true });
    expect(buildIsNeeded('auto', [], 'code')).toEqual({ ok: true, value: false });
    expect(buildIsNeeded('never', stale, 'code')).toEqual({ ok: true, value: false });
    expect(buildIsNeeded('reuse', [], 'code')).toEqual({ ok: true, value: false });
    expect(problemOf(buildIsNeeded('reuse', stale, 'code')).reason).toBe('the code in code is not built: python is not there');
  });
});

describe('links that npm makes', () => {
  test('are kept as links when they stay in the code; others are refused', () => {
    project.write('linked/node_modules/tsx/cli.js', 'x');
    project.write('linked/node_modules/.bin/.keep', '');
    symlinkSync('../tsx/cli.js', join(project.folder, 'linked/node_modules/.bin/tsx'));
    const { bytes } = must(readCode(project.folder, 's.yaml', './linked'));
    const directory = bytes.lastIndexOf(Buffer.from('node_modules/.bin/tsx'));
    expect(bytes.readUInt32LE(directory - 8) >>> 16).toBe(0o120777);
    expect(bytes.includes('../tsx/cli.js')).toBe(true);
    symlinkSync('/etc/passwd', join(project.folder, 'linked/node_modules/.bin/out'));
    expect(problemOf(readCode(project.folder, 's.yaml', './linked')).reason).toContain('a symbolic link');
  });
});

describe('code in OSS', () => {
  const oss = (object: string, checksum?: string): string =>
    agentYaml([], ['code:', '  language: nodejs20', '  ossBucketName: builds', `  ossObjectName: ${object}`, ...(checksum === undefined ? [] : [`  checksum: "${checksum}"`])]);
  test('a checksum makes the content, wherever it lies; without one the object does', () => {
    expect(project.source(oss('a.zip', '42')).digest).toBe(project.source(oss('b.zip', '42')).digest);
    expect(project.source(oss('a.zip', '42')).digest).not.toBe(project.source(oss('a.zip', '43')).digest);
    expect(project.source(oss('a.zip')).digest).not.toBe(project.source(oss('b.zip')).digest);
  });
});
