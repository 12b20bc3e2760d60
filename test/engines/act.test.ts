import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openProject, type LabProject } from '../lab-project.ts';
import { project, repository } from '../sluice-process.ts';

/* Our actions, called by owner/repository/path@tag, run by act in host mode: no container, no network. */

const program = join(repository, '.tools/bin/act');
const ready = existsSync(program);
if (!ready) process.stderr.write('test/engines/act: not shown, .tools/bin has no act (see .ci/run)\n');

let house: LabProject;
let around: string;

interface Line {
  readonly msg?: string;
  readonly command?: string;
  readonly content?: string;
  readonly jobResult?: string;
}

interface Run {
  readonly code: number;
  /** said is all that the job printed. */
  readonly said: string;
  readonly summaries: string;
  readonly result: string | undefined;
}

/** run commits a workflow of these steps and lets act run it, with `path` in front of nothing: programs are found there alone. */
const run = (steps: string, { path = process.env['PATH'] ?? '', secrets = {} }: { readonly path?: string; readonly secrets?: Readonly<Record<string, string>> } = {}): Promise<Run> => {
  const folder = join(house.folder, '.github', 'workflows');
  mkdirSync(folder, { recursive: true });
  const lines = steps.split('\n').map((line) => `      ${line}`);
  const environment = { DIFY_EMAIL: '${{ secrets.DIFY_EMAIL }}', DIFY_PASSWORD: '${{ secrets.DIFY_PASSWORD }}', SLACK_WEBHOOK: '${{ secrets.SLACK_WEBHOOK }}', SLUICE_HOSTS: '127.0.0.1', SLUICE_STATE: join(house.folder, 'state') };
  writeFileSync(join(folder, 'x.yml'), ['on: { push: { branches: [main] } }', 'jobs:', '  release:', '    runs-on: ubuntu-latest', `    env: ${JSON.stringify(environment)}`, '    steps:', '      - uses: actions/checkout@v5', ...lines, ''].join('\n'));
  const git = (...argv: readonly string[]): void => void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', house.folder, ...argv]);
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'x');
  const { email, password } = house.lab.dify.credentials;
  const given = { DIFY_EMAIL: email, DIFY_PASSWORD: password, SLACK_WEBHOOK: house.lab.inbox.slack.url, ...secrets };
  const argv = [
    ...['push', '-W', '.github/workflows/x.yml', '-P', 'ubuntu-latest=-self-hosted', '--local-repository', `acme/sluice@v1=${join(around, 'sluice')}`],
    ...['--action-offline-mode', '--no-cache-server', '--action-cache-path', join(around, 'cache'), '--use-gitignore=false', '--json'],
    ...Object.entries(given).flatMap(([name, value]) => ['-s', `${name}=${value}`]),
  ];
  return new Promise((resolve) => {
    execFile(program, argv, { cwd: house.folder, env: { PATH: path, HOME: join(around, 'home') }, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      const seen = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        said: seen.map(({ msg = '' }) => msg).join('\n'),
        summaries: seen.filter(({ command }) => command === 'summary').map(({ content = '' }) => content).join('\n'),
        result: seen.find(({ jobResult }) => jobResult !== undefined)?.jobResult,
      });
    });
  });
};

(ready ? describe : describe.skip)('the actions on act', () => {
  beforeEach(async () => {
    house = await openProject({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
    around = await project({ 'home/.keep': '', 'cache/.keep': '' });
    for (const part of ['action.yml', 'actions', 'dist']) cpSync(join(repository, part), join(around, 'sluice', part), { recursive: true });
    execFileSync('git', ['-C', house.folder, 'init', '-q', '-b', 'main']);
    writeFileSync(join(house.folder, '.gitignore'), '.sluice/\nstate/\n');
  });
  afterEach(() => house.close());

  test('a sub-path action gets its inputs and gives its outputs to a later step', async () => {
    const { code, said, summaries, result } = await run(
      ['- id: deploy', '  uses: acme/sluice/actions/deploy@v1', '  with: { environment: production }', '- run: echo "it is ${{ steps.deploy.outputs.status }}, ${{ steps.deploy.outputs.category }}, $NOTE"', '  env: { NOTE: "${{ steps.deploy.outputs.reason }}" }'].join('\n'),
    );
    expect({ code, result, said }).toMatchObject({ code: 0, result: 'success', said: expect.stringMatching(/it is passed, passed, Lab app: deployed and read back/) });
    expect(summaries).toMatch(/## deploy: passed/);
    expect(said).not.toContain(house.lab.dify.credentials.password);
  });

  test('the root action releases; a failed step fails the job, with outputs, and a later step sees them', async () => {
    const { code, said } = await run(['- id: release', '  uses: acme/sluice@v1', '  with: { environment: production }', '- run: echo "released ${{ steps.release.outputs.status }}"'].join('\n'));
    expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining('released passed') });
    const failing = await run(['- id: back', '  uses: acme/sluice/actions/rollback@v1', '  with: { environment: production, version: nosuch }', '- if: always()', '  run: echo "it was ${{ steps.back.outputs.status }} ${{ steps.back.outputs.category }}"'].join('\n'));
    expect(failing.result).toBe('failure');
    expect(failing.said).toMatch(/it was (failed|error) \w+/);
  });

  // The real runner passes keys that action.yml does not know, too; act drops them, so that only values are tried here.
  test('a value that sluice.yml does not know is refused, with the ones that it does', async () => {
    const { result, said } = await run(['- uses: acme/sluice/actions/deploy@v1', '  with: { environment: prodution }'].join('\n'));
    expect({ result, said }).toMatchObject({ result: 'failure', said: expect.stringMatching(/there is no environment "prodution"[^]*production/) });
  });

  test('without Node 20 on PATH it is said what was passed over and what to add', async () => {
    const programs = join(around, 'programs');
    mkdirSync(programs);
    for (const name of ['bash', 'sh', 'git', 'cat', 'env', 'uname', 'mkdir', 'cp', 'rm', 'tar', 'dirname']) {
      symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(programs, name));
    }
    writeFileSync(join(programs, 'node'), '#!/bin/sh\ncase "$1" in -p) echo false;; *) echo v18.20.4;; esac\n', { mode: 0o755 });
    const { result, said } = await run('- uses: acme/sluice/actions/validate@v1', { path: programs });
    expect({ result, said }).toMatchObject({ result: 'failure', said: expect.stringMatching(/No Node\.js 20 or newer was found\. Passed over: \S+programs\/node \(v18\.20\.4\)[^]*actions\/setup-node/) });
  });
});
