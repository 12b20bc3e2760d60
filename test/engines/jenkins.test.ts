import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openProject, type LabProject } from '../lab-project.ts';
import { project, repository } from '../sluice-process.ts';

/* Our shared library, compiled and run by the release of Groovy that Jenkins embeds, with the real bundle below it. */

const present = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};

const java = present('java') ? realpathSync(execFileSync('sh', ['-c', 'command -v java'], { encoding: 'utf8' }).trim()) : undefined;
const ready = java !== undefined && present('groovy');
if (!ready) process.stderr.write('test/engines/jenkins: not shown, groovy and java are not installed\n');

interface Build {
  readonly code: number;
  readonly log: string;
}

let house: LabProject;
let around: string;

/** build runs a Jenkinsfile in the project's folder as workspace, with nothing in the environment but what a Jenkins agent has. */
const build = (jenkinsfile: string, options: { readonly library?: string; readonly environment?: Readonly<Record<string, string>> } = {}): Promise<Build> => {
  writeFileSync(join(around, 'Jenkinsfile'), jenkinsfile);
  const credentials = { dify: { username: house.lab.dify.credentials.email, password: house.lab.dify.credentials.password }, slack: house.lab.inbox.slack.url };
  writeFileSync(join(around, 'credentials.json'), JSON.stringify(credentials));
  const environment = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: around, LANG: 'C.UTF-8', JAVA_HOME: dirname(dirname(java ?? '')), JAVA_OPTS: '-Dfile.encoding=UTF-8' },
    ...{ JENKINS_URL: 'https://jenkins.example.com/', BUILD_URL: 'https://jenkins.example.com/job/bot/7/', BUILD_TAG: 'jenkins-bot-7', BRANCH_NAME: 'main', SLUICE_STATE: join(house.folder, 'state') },
    ...options.environment,
  };
  const argv = [join(repository, 'test/engines/jenkins/controller.groovy'), options.library ?? repository, house.folder, join(around, 'Jenkinsfile'), join(around, 'credentials.json')];
  return new Promise((resolve) => {
    execFile('groovy', argv, { env: environment, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, log: stdout + stderr }));
  });
};

const signedIn = "login: 'dify', secrets: [SLACK_WEBHOOK: 'slack'], hosts: '127.0.0.1', environment: 'production'";

(ready ? describe : describe.skip)('the shared library on Groovy 2.4', () => {
  beforeEach(async () => {
    house = await openProject({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
    around = await project({});
  });
  afterEach(() => house.close());

  test('every step of the library can be called', async () => {
    const steps = JSON.parse(execFileSync(process.execPath, ['-e', `const fs=require('fs');console.log(JSON.stringify(fs.readdirSync('vars').filter((f)=>/^sluice.*\\.groovy$/.test(f)&&!/Run|Bundle/.test(f)).map((f)=>f.replace('.groovy',''))))`], { cwd: repository, encoding: 'utf8' })) as readonly string[];
    expect(steps.length).toBeGreaterThanOrEqual(13);
    const tries = steps.map((step) => `try { ${step}(nosuch: 'x') } catch (StepFailed failure) { echo "${step} said: " + failure.message }`);
    const { log } = await build(tries.join('\n'), { environment: { SLUICE_HOME: repository } });
    for (const step of steps) expect(log).toMatch(new RegExp(`${step} said: Sluice .*nosuch.*\\(exit code 2\\)`));
  });

  test('a release in steps, from the bundle in resources: written once, checked, secrets bound by id, outputs as a map', async () => {
    const lines = [
      `Map deployed = sluiceDeploy(${signedIn})`,
      `Map made = sluicePublishVersion(${signedIn})`,
      'echo "made ${made.version} status ${made.status}"',
      `sluiceNotify(${signedIn}, 'dry-run': true)`,
    ];
    const { code, log } = await build(lines.join('\n'));
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringMatching(/made [0-9a-f-]{36} status passed[^]*Finished: SUCCESS/) });
    expect(log.match(/unpack\.js/g)).toHaveLength(1);
    expect(log).not.toContain(house.lab.dify.credentials.password);
    expect(readFileSync(join(house.folder, '.sluice/results/outputs.json'), 'utf8')).toContain('"status"');
  });

  test('a step that fails fails the build with its reason; not enough evidence makes it unstable', async () => {
    const failed = await build(`sluiceRollback(${signedIn}, version: 'nosuch')`, { environment: { SLUICE_HOME: repository } });
    expect(failed).toMatchObject({ code: 1, log: expect.stringMatching(/ERROR: Sluice rollback: .*nosuch.*\(exit code [1-7]\)\nFinished: FAILURE/) });
    const thin = [`sluiceDeploy(${signedIn})`, `sluicePublishVersion(${signedIn})`, `Map seen = sluiceCanary(${signedIn}, deadline: '15s')`, 'echo "status ${seen.status}"'];
    writeFileSync(join(house.folder, 'sluice.yml'), JSON.stringify(thinner(JSON.parse(readFileSync(join(house.folder, 'sluice.yml'), 'utf8')))));
    const unsure = await build(thin.join('\n'), { environment: { SLUICE_HOME: repository } });
    expect(unsure).toMatchObject({ code: 0, log: expect.stringMatching(/WARNING: Sluice canary: .*\nstatus inconclusive\nFinished: UNSTABLE/) });
  });

  describe('the page on Jenkins', () => {
    const [smallest = '', approval = ''] = [...readFileSync(join(repository, 'docs/jenkins.md'), 'utf8').matchAll(/```groovy\n([^]*?)```/g)].map(([, text = '']) => text.replaceAll('dify.example.com', '127.0.0.1'));
    const here = { environment: { SLUICE_HOME: repository } };

    test('its smallest Jenkinsfile releases', async () => {
      writeFileSync(join(house.folder, 'sluice.yml'), JSON.stringify(silent(JSON.parse(readFileSync(join(house.folder, 'sluice.yml'), 'utf8')))));
      expect(await build(smallest, here)).toMatchObject({ code: 0, log: expect.stringMatching(/release passed[^]*Finished: SUCCESS/) });
    });

    test.each([['yes', 0, /canary passed[^]*canary passed[^]*Finished: SUCCESS/], ['no', 1, /canary passed[^]*everybody[^]*ERROR: Rejected by a person/]])('its approval, answered with %s', async (answer, code, words) => {
      const { log, ...ended } = await build(approval, { environment: { ...here.environment, APPROVED: answer } });
      expect({ ...ended, log }).toMatchObject({ code, log: expect.stringMatching(words) });
      expect(await house.weight()).toBe(0);
      const served = Object.keys(await house.served());
      expect([served.length, served[0] === house.stable]).toEqual([1, answer === 'no']);
    });
  });

  test('a bundle that was changed on its way is not run', async () => {
    const library = join(around, 'library');
    mkdirSync(library);
    for (const part of ['vars', 'resources']) cpSync(join(repository, part), join(library, part), { recursive: true });
    const archive = join(library, 'resources/sluice/bundle.json');
    writeFileSync(archive, readFileSync(archive, 'utf8').replace('use strict', 'use strictt'));
    const { code, log } = await build(`sluiceValidate()`, { library });
    expect({ code, log }).toMatchObject({ code: 1, log: expect.stringMatching(/SHA-256 [0-9a-f]{64}, and the library states [0-9a-f]{64}/) });
    expect(log).not.toContain('validate started');
    expect(existsSync(`${house.folder}@tmp`)).toBe(true);
  });
});

/** silent is the same project with nobody to tell. */
const silent = ({ notify: _channels, ...config }: { notify?: unknown }): object => config;

/** thinner is the same project with a canary that cannot get the evidence that it asks for. */
const thinner = (config: { environments: { production: object } }): object => ({
  ...config,
  environments: { production: { ...config.environments.production, canary: { steps: ['50%'], every: '1s', minimum: 2000, pairs: 0, watch: ['errors'] } } },
});
