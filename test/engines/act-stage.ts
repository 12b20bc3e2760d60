import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openProject, type LabProject } from '../lab-project.ts';
import { project, repository } from '../sluice-process.ts';

/* act in host mode: GitHub's workflows without a container and without a network. */

const program = join(repository, '.tools/bin/act');

/** actIsHere tells whether act was installed; where it was not, the suite says so. */
export const actIsHere = existsSync(program);
if (!actIsHere) process.stderr.write('test/engines/act: not shown, .tools/bin has no act (see .ci/run)\n');

interface Line {
  readonly msg?: string;
  readonly command?: string;
  readonly content?: string;
  readonly arg?: string;
  readonly kvPairs?: Readonly<Record<string, string>>;
  readonly jobID?: string;
  readonly jobResult?: string;
}

/** Run is one run of act. */
export interface Run {
  readonly code: number;
  /** said is all that the jobs printed. */
  readonly said: string;
  readonly summaries: string;
  /** annotations are the commands `error`, `warning` and `notice`, as `error title: text`. */
  readonly annotations: readonly string[];
  /** results are how each job ended. */
  readonly results: Readonly<Record<string, string>>;
}

/** RunOptions are what a run is given. */
export interface RunOptions {
  readonly secrets: Readonly<Record<string, string>>;
  readonly event?: readonly [name: string, payload: unknown];
  /** environment are variables of every job. */
  readonly environment?: Readonly<Record<string, string>>;
  /** actions are folders that stand for actions, by owner/repository@ref, beside acme/sluice@v1. */
  readonly actions?: Readonly<Record<string, string>>;
}

/** ActStage is a repository whose app and gateway are a lab's, and a checkout of Sluice beside it. */
export interface ActStage {
  readonly house: LabProject;
  /** sluice is the checkout that `acme/sluice@v1` stands for. */
  readonly sluice: string;
  /** run commits the files and runs a workflow of them; left out, the event is a push to main. */
  run(workflow: string, files: Readonly<Record<string, string>>, options: RunOptions): Promise<Run>;
}

/** openActStage makes both; `house.close` ends them. */
export const openActStage = async (): Promise<ActStage> => {
  const house = await openProject({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
  const around = await project({ 'home/.keep': '', 'cache/.keep': '' });
  const sluice = join(around, 'sluice');
  for (const part of ['action.yml', 'actions', 'dist']) cpSync(join(repository, part), join(sluice, part), { recursive: true });
  const git = (...argv: readonly string[]): void => void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', house.folder, ...argv]);
  git('init', '-q', '-b', 'main');
  writeFileSync(join(house.folder, '.gitignore'), '.sluice/\nstate/\n');
  return {
    house,
    sluice,
    run: (workflow, files, { secrets, event: [name, payload] = ['push', {}], environment = {}, actions = {} }) => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(house.folder, path)), { recursive: true });
        writeFileSync(join(house.folder, path), text);
      }
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', 'x');
      writeFileSync(join(around, 'event.json'), JSON.stringify(payload));
      const argv = [
        ...[name, '-W', workflow, '-e', join(around, 'event.json'), '-P', 'ubuntu-latest=-self-hosted', '--action-offline-mode', '--no-cache-server', '--action-cache-path', join(around, 'cache'), '--use-gitignore=false', '--json'],
        ...Object.entries({ 'acme/sluice@v1': sluice, ...actions }).flatMap(([action, folder]) => ['--local-repository', `${action}=${folder}`]),
        ...Object.entries(environment).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]),
        ...Object.entries(secrets).flatMap(([secret, value]) => ['-s', `${secret}=${value}`]),
      ];
      return new Promise((resolve) => {
        execFile(program, argv, { cwd: house.folder, env: { PATH: process.env['PATH'] ?? '', HOME: join(around, 'home') }, timeout: 170_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
          const seen = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
          resolve({
            code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
            said: seen.map(({ msg = '' }) => msg).join('\n'),
            summaries: seen.filter(({ command }) => command === 'summary').map(({ content = '' }) => content).join('\n'),
            annotations: seen.flatMap(({ command = '', kvPairs = {}, arg = '' }) => (['error', 'warning', 'notice'].includes(command) ? [`${command} ${kvPairs['title'] ?? ''}: ${arg}`] : [])),
            results: Object.fromEntries(seen.flatMap(({ jobID, jobResult }) => (jobID === undefined || jobResult === undefined ? [] : [[jobID, jobResult]]))),
          });
        });
      });
    },
  };
};
