import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabProject } from '../lab-project.ts';
import { repository } from '../sluice-process.ts';
import { build, modes } from './jenkins-engine.ts';

/* One release on four machines: this terminal, and three CI engines that we did not write. */

/** Told is what a run of an engine left: how it ended, the result documents by name, and the outputs as that engine hands them on. */
export interface Told {
  readonly passed: boolean;
  readonly log: string;
  readonly documents: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

/** Leg is an engine. `around` is an empty folder beside the project's. */
export interface Leg {
  readonly name: string;
  readonly ready: boolean;
  readonly run: (house: LabProject, around: string) => Promise<Told>;
}

/** inputs are those of the release, the same everywhere. */
export const inputs = { environment: 'production', name: 'v1.2.3' } as const;

/** documentsIn reads the result documents of a results folder. */
const documentsIn = (folder: string): Readonly<Record<string, string>> =>
  existsSync(folder) ? Object.fromEntries(readdirSync(folder).filter((name) => /^\d\d-.*\.json$/.test(name)).sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')])) : {};

const secrets = ({ lab }: LabProject): Readonly<Record<string, string>> => ({ DIFY_EMAIL: lab.dify.credentials.email, DIFY_PASSWORD: lab.dify.credentials.password, SLACK_WEBHOOK: lab.inbox.slack.url });

const settings = ({ folder }: LabProject): Readonly<Record<string, string>> => ({ SLUICE_HOSTS: '127.0.0.1', SLUICE_STATE: join(folder, 'state') });

const git = (folder: string, ...argv: readonly string[]): void => void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', folder, ...argv]);

const commit = (folder: string, ignored: string): void => {
  git(folder, 'init', '-q', '-b', 'main');
  writeFileSync(join(folder, '.gitignore'), ignored);
  git(folder, 'add', '-A');
  git(folder, 'commit', '-q', '-m', 'x');
};

const start = (program: string, argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<{ readonly passed: boolean; readonly log: string }> =>
  new Promise((resolve) => {
    execFile(program, argv, { cwd, env, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => resolve({ passed: error === null, log: stdout + stderr }));
  });

const path = process.env['PATH'] ?? '';

const terminal: Leg = {
  name: 'terminal',
  ready: true,
  run: async (house) => {
    const { code, document, stderr } = await house.run(['release', '--name', inputs.name], { environment: settings(house) });
    const { status, category, reason } = document;
    return { passed: code === 0, log: stderr, documents: documentsIn(join(house.folder, '.sluice/results')), outputs: { ...document.outputs, status, category, reason } };
  },
};

const act = join(repository, '.tools/bin/act');

const github: Leg = {
  name: 'GitHub (act)',
  ready: existsSync(act),
  run: async (house, around) => {
    for (const name of ['home', 'cache', 'sluice']) mkdirSync(join(around, name));
    for (const part of ['action.yml', 'actions', 'dist']) cpSync(join(repository, part), join(around, 'sluice', part), { recursive: true });
    mkdirSync(join(house.folder, '.github/workflows'), { recursive: true });
    const save = `cp -r "$RUNNER_TEMP/sluice" '${around}/results'; printf '%s' "$OUTPUTS" > '${around}/outputs.json'`;
    const environment = { ...settings(house), ...Object.fromEntries(Object.keys(secrets(house)).map((name) => [name, `\${{ secrets.${name} }}`])) };
    const steps = [{ uses: 'actions/checkout@v5' }, { id: 'release', uses: 'acme/sluice@v1', with: inputs }, { if: 'always()', env: { OUTPUTS: '${{ toJSON(steps.release.outputs) }}' }, run: save }];
    writeFileSync(join(house.folder, '.github/workflows/x.yml'), JSON.stringify({ on: { push: { branches: ['main'] } }, concurrency: 'production', jobs: { release: { 'runs-on': 'ubuntu-latest', env: environment, steps } } }));
    commit(house.folder, '.sluice/\nstate/\n');
    const argv = [
      ...['push', '-W', '.github/workflows/x.yml', '-P', 'ubuntu-latest=-self-hosted', '--local-repository', `acme/sluice@v1=${join(around, 'sluice')}`],
      ...['--action-offline-mode', '--no-cache-server', '--action-cache-path', join(around, 'cache'), '--use-gitignore=false'],
      ...Object.entries(secrets(house)).flatMap(([name, value]) => ['-s', `${name}=${value}`]),
    ];
    const ended = await start(act, argv, house.folder, { PATH: path, HOME: join(around, 'home') });
    const outputs = existsSync(join(around, 'outputs.json')) ? (JSON.parse(readFileSync(join(around, 'outputs.json'), 'utf8')) as Record<string, string>) : {};
    return { ...ended, documents: documentsIn(join(around, 'results')), outputs };
  },
};

const gitlabProgram = join(repository, '.tools/gitlab-ci-local/node_modules/.bin/gitlab-ci-local');

/** outputNames are the outputs by the variable that GitLab's dotenv report has for them. */
const outputName = (variable: string): string => variable.replace(/^SLUICE_/, '').toLowerCase().replaceAll('_', '-');

const gitlab: Leg = {
  name: 'GitLab (gitlab-ci-local)',
  ready: existsSync(gitlabProgram),
  run: async (house, around) => {
    const library = join(around, 'library');
    mkdirSync(library);
    cpSync(join(repository, 'templates'), join(library, 'templates'), { recursive: true });
    commit(library, '');
    git(library, 'tag', '1.0.0');
    const bare = join(around, 'sluice.git');
    execFileSync('git', ['clone', '-q', '--bare', library, bare]);
    for (const key of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant']) git(bare, 'config', key, 'true');
    const addresses = ['https://gitlab.example.com:443/acme/sluice.git', 'https://gitlab.example.com/acme/sluice'].map((address) => `  insteadOf = ${address}`);
    writeFileSync(join(around, 'gitconfig'), ['[protocol "file"]', '  allow = always', `[url "file://${bare}"]`, ...addresses, '[user]', '  name = a', '  email = a@example.com', ''].join('\n'));
    writeFileSync(join(house.folder, '.gitlab-ci.yml'), JSON.stringify({ include: [{ component: 'gitlab.example.com/acme/sluice/release@1.0.0', inputs }] }));
    commit(house.folder, '.gitlab-ci-local/\n.sluice/\nstate/\nsluice.env\n');
    git(house.folder, 'remote', 'add', 'origin', 'https://gitlab.example.com/acme/bot.git');
    const variables = { GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main', SLUICE_HOME: repository, ...settings(house), ...secrets(house) };
    const argv = ['--force-shell-executor', '--shell-isolation', '--ignore-predefined-vars', 'GITLAB_CI,CI_PIPELINE_SOURCE,CI_COMMIT_BRANCH', ...Object.entries(variables).flatMap(([name, value]) => ['--variable', `${name}=${value}`]), 'sluice release'];
    const ended = await start(gitlabProgram, argv, house.folder, { PATH: path, HOME: around, GIT_CONFIG_GLOBAL: join(around, 'gitconfig') });
    const kept = join(house.folder, '.gitlab-ci-local/artifacts/sluiceIArelease');
    const report = join(kept, '.gitlab-ci-reports/dotenv/sluice.env');
    const lines = existsSync(report) ? readFileSync(report, 'utf8').trimEnd().split('\n') : [];
    return { ...ended, documents: documentsIn(join(kept, '.sluice/results')), outputs: Object.fromEntries(lines.map((line) => [outputName(line.slice(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)])) };
  },
};

const jenkins: Leg = {
  name: 'Jenkins (Groovy)',
  ready: modes.length > 0,
  run: async (house, around) => {
    const library = join(around, 'library');
    for (const part of ['vars', 'resources']) cpSync(join(repository, part), join(library, part), { recursive: true });
    const { DIFY_EMAIL: username = '', DIFY_PASSWORD: password = '', SLACK_WEBHOOK: slack = '' } = secrets(house);
    const jenkinsfile = `@Library('sluice@v1') _
node('linux') {
  Map said = sluiceRelease(environment: '${inputs.environment}', name: '${inputs.name}', login: 'dify', secrets: [SLACK_WEBHOOK: 'slack'], hosts: '127.0.0.1')
  echo "it gave \${groovy.json.JsonOutput.toJson(said)}"
}
`;
    const { code, log } = await build({ jenkinsfile, library, workspace: house.folder, around, credentials: { dify: { username, password }, slack }, environment: settings(house) });
    const [, given] = /^it gave (.*)$/m.exec(log) ?? [];
    const file = `${house.folder}@tmp/sluice-outputs.txt`;
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    // A step that fails throws, so that its map is not there: then what it was made from.
    const outputs = given === undefined ? Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])) : (JSON.parse(given) as Record<string, string>);
    return { passed: code === 0, log, documents: documentsIn(join(house.folder, '.sluice/results')), outputs };
  },
};

/** legs are all engines, the one to compare with first. */
export const legs: readonly Leg[] = [terminal, github, gitlab, jenkins];
