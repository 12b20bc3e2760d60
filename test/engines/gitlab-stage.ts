import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { openProject, type LabProject } from '../lab-project.ts';
import { project, repository } from '../sluice-process.ts';
import { git, openLibrary, writeGitConfig } from '../tagged-library.ts';

const program = join(repository, '.tools/gitlab-ci-local/node_modules/.bin/gitlab-ci-local');

/** ready tells whether there is a gitlab-ci-local. */
export const ready = existsSync(program);

/** Pipeline is how a run of gitlab-ci-local ended. */
export interface Pipeline {
  readonly code: number;
  readonly log: string;
}

/** Job is the part of an expanded job that tests look at. */
export interface Job {
  readonly stage: string;
  readonly before_script: readonly string[];
  readonly script: readonly string[];
  readonly variables?: Readonly<Record<string, string | { readonly value: string }>>;
  readonly artifacts: { readonly paths: readonly string[]; readonly when: string; readonly reports: Readonly<Record<string, string>> };
  readonly [key: string]: unknown;
}

/** GitlabStage is a lab's project on a GitLab, `gitlab.example.com/acme/bot`, beside ours at 1.0.0 and v1, `acme/sluice`. */
export interface GitlabStage {
  readonly house: LabProject;
  /** home is a folder with a Git configuration that finds acme/sluice. */
  readonly home: string;
  /** bare is the clone that acme/sluice is. */
  readonly bare: string;
  /** variables are those of the project's settings. */
  readonly variables: Readonly<Record<string, string>>;
  git(folder: string, ...argv: readonly string[]): string;
  /** write replaces .gitlab-ci.yml and commits. */
  write(pipeline: unknown): void;
  /** local runs gitlab-ci-local. */
  local(argv: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Pipeline>;
  /** run writes a pipeline and runs one of its jobs, or with `--needs` also those before it. */
  run(job: string, pipeline: unknown, variables?: Readonly<Record<string, string>>, ...needs: readonly '--needs'[]): Promise<Pipeline>;
  /** expanded is the pipeline without includes, inputs and `extends`. */
  expanded(pipeline: unknown, variables?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, Job>>>;
}

/** component is the address of one of ours. */
export const component = (step: string, version: string, inputs: Readonly<Record<string, string>>): { readonly include: readonly [object] } => ({ include: [{ component: `gitlab.example.com/acme/sluice/${step}@${version}`, inputs }] });

/** openStage starts a lab and makes both repositories. */
export const openStage = async (canary: unknown): Promise<GitlabStage> => {
  const house = await openProject(canary);
  const home = await project({});
  const bare = openLibrary(home, ['templates', 'gitlab', 'dist'], ['1.0.0', 'v1']);
  for (const key of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant']) git(bare, 'config', key, 'true');
  writeGitConfig(home, { 'https://gitlab.example.com:443/acme/sluice.git': bare, 'https://gitlab.example.com/acme/sluice': bare });
  git(house.folder, 'init', '-q', '-b', 'main');
  git(house.folder, 'remote', 'add', 'origin', 'https://gitlab.example.com/acme/bot.git');
  writeFileSync(join(house.folder, '.gitignore'), '.gitlab-ci-local/\n.sluice/\nstate/\nsluice.env\n');
  // gitlab-ci-local 4.72.0 fetches the components of one tag side by side, and two that make their common folder at once fail.
  for (const tag of ['1.0.0', 'v1']) mkdirSync(join(house.folder, '.gitlab-ci-local/includes/gitlab.example.com/acme/sluice', tag, 'templates'), { recursive: true });
  const variables = {
    SLUICE_HOSTS: '127.0.0.1',
    SLUICE_STATE: join(house.folder, 'state'),
    DIFY_EMAIL: house.lab.dify.credentials.email,
    DIFY_PASSWORD: house.lab.dify.credentials.password,
    SLACK_WEBHOOK: house.lab.inbox.slack.url,
  };
  const write = (pipeline: unknown): void => {
    writeFileSync(join(house.folder, '.gitlab-ci.yml'), typeof pipeline === 'string' ? pipeline : JSON.stringify(pipeline));
    git(house.folder, 'add', '-A');
    git(house.folder, 'commit', '-q', '--allow-empty', '-m', 'x');
  };
  const local = (argv: readonly string[], own: Readonly<Record<string, string>> = {}): Promise<Pipeline> => {
    const set = { GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main', ...variables, ...own };
    const given = Object.entries(set).flatMap(([name, value]) => ['--variable', `${name}=${value}`]);
    const environment = { PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_GLOBAL: join(home, 'gitconfig') };
    const options = ['--force-shell-executor', '--shell-isolation', '--ignore-predefined-vars', 'GITLAB_CI,CI_PIPELINE_SOURCE,CI_COMMIT_BRANCH,CI_SERVER_URL'];
    return new Promise((resolve) => {
      execFile(program, [...options, ...given, ...argv], { cwd: house.folder, env: environment, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, log: stdout + stderr }));
    });
  };
  return {
    ...{ house, home, bare, variables, git, write, local },
    run: (job, pipeline, own, ...needs) => {
      write(pipeline);
      return local([job, ...needs], own);
    },
    expanded: async (pipeline, own) => {
      write(pipeline);
      const { log } = await local(['--preview'], own);
      return parseAllDocuments(log.slice(log.indexOf('---'))).at(-1)?.toJS() as Readonly<Record<string, Job>>;
    },
  };
};
