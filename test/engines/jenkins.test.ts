import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openProject, until, type LabProject } from '../lab-project.ts';
import { project, repository } from '../sluice-process.ts';
import { bestMode, build as runBuild, modes, type Build } from './jenkins-engine.ts';

/* Our shared library, compiled and run by the release of Groovy that Jenkins embeds, with the real bundle below it. */

if (modes.length === 0) process.stderr.write('test/engines/jenkins: not shown, groovy and java are not installed\n');
else if (bestMode === 'plain') process.stderr.write('test/engines/jenkins: the CPS transform is not shown, .tools has no groovy-cps (see .ci/run)\n');

let house: LabProject;
let around: string;
let library: string;

/** build runs a pipeline in the project's folder as workspace. */
const build = (jenkinsfile: string, options: { readonly environment?: Readonly<Record<string, string>> } = {}): Promise<Build> => {
  const { email, password } = house.lab.dify.credentials;
  const credentials = { dify: { username: email, password }, slack: house.lab.inbox.slack.url };
  return runBuild({ jenkinsfile, library, workspace: house.folder, around, credentials, ...options, environment: { SLUICE_STATE: join(house.folder, 'state'), ...options.environment } });
};

const onAgent = (...lines: readonly string[]): string => ["@Library('sluice@v1') _", "node('linux') {", ...lines.map((line) => `  ${line}`), '}', ''].join('\n');

const signedIn = "login: 'dify', secrets: [SLACK_WEBHOOK: 'slack'], hosts: '127.0.0.1', environment: 'production'";

const steps = readdirSync(join(repository, 'vars')).filter((name) => /^sluice.*\.groovy$/.test(name) && !/Run|Bundle/.test(name)).map((name) => name.replace('.groovy', ''));

const groovyOf = (page: string): readonly string[] => [...readFileSync(join(repository, page), 'utf8').matchAll(/```groovy\n([^]*?)```/g)].map(([, text = '']) => text);

(modes.length > 0 ? describe : describe.skip)('the shared library on Groovy 2.4', () => {
  beforeEach(async () => {
    house = await openProject({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
    around = await project({});
    // A controller keeps `vars`, `src` and `resources` of a library, and nothing else.
    library = join(around, 'library');
    for (const part of ['vars', 'resources']) cpSync(join(repository, part), join(library, part), { recursive: true });
  });
  afterEach(() => house.close());

  test('every step of the library can be called', async () => {
    expect(steps.length).toBeGreaterThanOrEqual(13);
    const tries = steps.map((step) => `try { ${step}(nosuch: 'x') } catch (failure) { echo "${step} said: " + failure.message }`);
    const { log } = await build(onAgent(...tries), { environment: { SLUICE_HOME: repository } });
    for (const step of steps) expect(log).toMatch(new RegExp(`${step} said: Sluice .*nosuch.*\\(exit code 2\\)`));
  });

  test('a release in steps, from the bundle in resources: written once, secrets bound by id, the map is what that step said', async () => {
    const { code, log } = await build(
      onAgent(
        `Map deployed = sluiceDeploy(${signedIn})`,
        'echo "deployed ${deployed.status} ${deployed.version}"',
        `Map made = sluicePublishVersion(${signedIn})`,
        'echo "made ${made.version} status ${made.status}"',
        `Map told = sluiceNotify(${signedIn}, 'dry-run': true)`,
        'echo "told ${told.status} ${told.version}"',
        "sh(script: 'exit 9', returnStatus: true)",
        "withEnv(['PATH=/usr/sbin']) { sluiceValidate() }",
      ),
    );
    expect(log).toMatch(/deployed passed draft[^]*made [0-9a-f-]{36} status passed[^]*told passed null/);
    expect({ code, log }).toMatchObject({ code: 1, log: expect.stringMatching(/node: not found[^]*ERROR: script returned exit code 127\nFinished: FAILURE/) });
    expect(log).not.toContain(house.lab.dify.credentials.password);
    const [unpacked, ...more] = readdirSync(`${house.folder}@tmp`).filter((name) => name.startsWith('sluice-') && !name.endsWith('.txt') && readdirSync(join(`${house.folder}@tmp`, name)).includes('dist'));
    expect([unpacked, more]).toEqual([expect.stringMatching(/^sluice-[0-9a-f]{16}$/), []]);
  });

  test('a step that fails fails the build with its reason; not enough evidence makes it unstable', async () => {
    const failed = await build(onAgent(`sluiceRollback(${signedIn}, version: 'nosuch')`), { environment: { SLUICE_HOME: repository } });
    expect(failed).toMatchObject({ code: 1, log: expect.stringMatching(/ERROR: Sluice rollback: .*nosuch.*\(exit code [1-7]\)\nFinished: FAILURE/) });
    writeFileSync(join(house.folder, 'sluice.yml'), JSON.stringify(thinner(JSON.parse(readFileSync(join(house.folder, 'sluice.yml'), 'utf8')))));
    const thin = onAgent(`sluiceDeploy(${signedIn})`, `sluicePublishVersion(${signedIn})`, `Map seen = sluiceCanary(${signedIn}, deadline: '15s')`, 'echo "status ${seen.status}"');
    const unsure = await build(thin, { environment: { SLUICE_HOME: repository } });
    expect(unsure).toMatchObject({ code: 0, log: expect.stringMatching(/WARNING: Sluice canary: .*\nstatus inconclusive\n[^]*Finished: UNSTABLE/) });
  });

  // Jenkins puts variables into what withEnv sets, so that a name chosen by anybody would print a secret.
  test('an input reaches the step as it is, a dollar sign and Chinese included; a credential that is not there is named', async () => {
    const strange = '$DIFY_PASSWORD ${SLACK_WEBHOOK} $$ \\ " 中文';
    const lines = [
      "try { sluiceValidate(alibaba: 'ram') } catch (failure) { echo failure.message }",
      "withCredentials([string(credentialsId: 'slack', variable: 'SLACK_WEBHOOK')]) {",
      `  sluiceRollback(${signedIn}, version: '''${strange.replaceAll('\\', '\\\\')}''')`,
      '}',
    ];
    const { log } = await build(onAgent(...lines), { environment: { SLUICE_HOME: repository, DIFY_PASSWORD: 'hunter2hunter2' } });
    expect(log).toContain("Could not find credentials entry with ID 'ram'");
    expect(log).toContain(`has no version ${strange}`);
    expect(log).not.toContain('hunter2hunter2');
  });

  test('an agent with Windows gets a batch line', async () => {
    const { code, log } = await build(onAgent('sluiceValidate()'), { environment: { WINDOWS: 'yes' } });
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/bat @node "%SLUICE_DELIVERY%\/unpack\.cjs" "%SLUICE_UNPACKED%" "%SLUICE_SHA256%"\nbat @node "%SLUICE_BUNDLE%" validate\n/) });
  });

  test('a scripted pipeline sets no GIT_COMMIT: the version is named after the commit all the same', async () => {
    const git = (...argv: readonly string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', house.folder, ...argv], { encoding: 'utf8' }).trim();
    git('init', '-q');
    git('add', 'sluice.yml');
    git('commit', '-q', '-m', 'x');
    const { code, log } = await build(onAgent(`sluiceDeploy(${signedIn})`, `sluicePublishVersion(${signedIn})`), { environment: { SLUICE_HOME: repository } });
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringContaining(`published ${git('rev-parse', 'HEAD').slice(0, 7)}`) });
  });

  // An abort is SIGTERM to every process that has the cookie of the step, the youngest first, and no kill (durable-task, hudson.util.ProcessTree).
  test('a build that is aborted under a canary gives everybody stable before it ends', async () => {
    await house.run(['deploy']);
    await house.run(['publish-version']);
    const ended = build(onAgent(`sluiceCanary(${signedIn})`), { environment: { SLUICE_HOME: repository } });
    await until('the canary has users', async () => (await house.weight()) === 50);
    const cookie = `JENKINS_SERVER_COOKIE=durable-${house.folder.split('/').at(-1)}`;
    const found = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(cookie)).map(Number).sort((one, other) => other - one);
    expect(found.length).toBeGreaterThan(0);
    for (const pid of found) process.kill(pid, 'SIGTERM');
    const { code, log } = await ended;
    expect(await house.weight()).toBe(0);
    expect(Object.keys(await house.served())).toEqual([house.stable]);
    expect({ code, log }).toMatchObject({ code: 1, log: expect.stringMatching(/canary cancelled in[^]*\(exit code 130\)/) });
  });

  describe('the page on Jenkins', () => {
    const blocks = groovyOf('docs/jenkins.md').map((text) => text.replaceAll('dify.example.com', '127.0.0.1'));
    const block = (words: string): string => blocks.find((text) => text.includes(words)) ?? '';
    const here = { environment: { SLUICE_HOME: repository } };

    test('its smallest Jenkinsfile releases', async () => {
      quiet();
      expect(await build(blocks[0] ?? '', here)).toMatchObject({ code: 0, log: expect.stringMatching(/release passed[^]*Finished: SUCCESS/) });
    });

    test.each([['yes', 0, /release passed[^]*asked: Release[^]*release passed[^]*Finished: SUCCESS/], ['no', 1, /asked: Release(?![^]*release started)[^]*ERROR: Rejected by a person/]])('its release that a person approves, answered with %s, holds no agent', async (answer, code, words) => {
      quiet();
      const { log, ...ended } = await build(block("'dry-run': true"), { environment: { ...here.environment, APPROVED: answer } });
      expect({ ...ended, log }).toMatchObject({ code, log: expect.stringMatching(words) });
    });

    test.each([['yes', 0, /canary passed[^]*canary passed[^]*Finished: SUCCESS/], ['no', 1, /canary passed[^]*everybody[^]*ERROR: Rejected by a person/]])('its canary that a person promotes, answered with %s, holds no agent', async (answer, code, words) => {
      const { log, ...ended } = await build(block("mode: 'promote'"), { environment: { ...here.environment, APPROVED: answer } });
      expect({ ...ended, log }).toMatchObject({ code, log: expect.stringMatching(words) });
      expect(await house.weight()).toBe(0);
      const served = Object.keys(await house.served());
      expect([served.length, served[0] === house.stable]).toEqual([1, answer === 'no']);
    });

    test('its rollback button', async () => {
      quiet();
      const { code, log } = await build(block('sluiceRollback('), { environment: { ...here.environment, PARAMS: JSON.stringify({ VERSION: house.stable, REASON: 'worse' }) } });
      expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/rollback passed/) });
    });
  });

  test('a bundle that was changed on its way is not run; nor is one that was changed where it lies', async () => {
    expect(await build(onAgent('sluiceValidate()'))).toMatchObject({ code: 0 });
    const unpacked = join(`${house.folder}@tmp`, readdirSync(`${house.folder}@tmp`).find((name) => /^sluice-[0-9a-f]{16}$/.test(name)) ?? '');
    appendFileSync(join(unpacked, 'dist/index.js'), '\n');
    const touched = await build(onAgent('sluiceValidate()'));
    expect(touched).toMatchObject({ code: 1, log: expect.stringMatching(/The files of Sluice in .* have the SHA-256 [0-9a-f]{64}, and the library states [0-9a-f]{64}/) });
    expect(touched.log).not.toContain('validate started');
    rmSync(unpacked, { recursive: true });
    const archive = join(library, 'resources/sluice/bundle.json');
    writeFileSync(archive, readFileSync(archive, 'utf8').replace('use strict', 'use strictt'));
    const sent = await build(onAgent('sluiceValidate()'));
    expect(sent).toMatchObject({ code: 1, log: expect.stringMatching(/came to this agent has the SHA-256 [0-9a-f]{64}, and the library states [0-9a-f]{64}/) });
    expect(sent.log).not.toContain('validate started');
  });
});

(bestMode === 'cps' ? describe : describe.skip)('the CPS transform', () => {
  beforeEach(async () => {
    around = await project({});
    library = join(around, 'library');
    mkdirSync(join(library, 'vars'), { recursive: true });
    mkdirSync(join(around, 'work'));
  });
  const run = (variable: string): Promise<Build> => {
    writeFileSync(join(library, 'vars/ours.groovy'), variable);
    return runBuild({ jenkinsfile: onAgent('echo "it gave ${ours()}"'), library, workspace: join(around, 'work'), around, credentials: {}, mode: 'cps' });
  };

  test('finds what a var holds over a step and cannot be written down', async () => {
    expect(await run("def call() {\n  def found = ('a1' =~ /\\d/)\n  sh 'true'\n  return found.find()\n}\n")).toMatchObject({ code: 1, log: expect.stringContaining('java.io.NotSerializableException: java.util.regex.Matcher') });
  });

  test('and lets go on what can', async () => {
    const { code, log } = await run("def call() {\n  boolean found = digit('a1')\n  sh 'true'\n  return found\n}\n\n@NonCPS\nprivate boolean digit(String text) {\n  return (text =~ /\\d/).find()\n}\n");
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/it gave true[^]*written and read again [2-9]/) });
  });
});

/** environmentOf is a process's environment; empty when it is gone or somebody else's. */
const environmentOf = (pid: string): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

/** quiet takes the channels out of the project: the pipelines of the page have no credential for one. */
const quiet = (): void => {
  const file = join(house.folder, 'sluice.yml');
  const { notify: _channels, ...config } = JSON.parse(readFileSync(file, 'utf8')) as { notify?: unknown };
  writeFileSync(file, JSON.stringify(config));
};

/** thinner is the same project with a canary that cannot get the evidence that it asks for. */
const thinner = (config: { environments: { production: object } }): object => ({
  ...config,
  environments: { production: { ...config.environments.production, canary: { steps: ['50%'], every: '1s', minimum: 2000, pairs: 0, watch: ['errors'] } } },
});
