import { execFile, execFileSync } from 'node:child_process';
import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from '../sluice-process.ts';

/** Mode is how a pipeline is run: as plain Groovy, or through the CPS transform of Jenkins, written down at every step. */
export type Mode = 'plain' | 'cps';

const programPath = (program: string): string | undefined => {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
};

const java = programPath('java');
const jars = ['groovy-cps-1.31.jar', 'guava-11.0.1.jar'].map((name) => join(repository, '.tools/groovy-cps', name));

/** modes are those that can be run here. */
export const modes: readonly Mode[] = java === undefined || programPath('groovy') === undefined ? [] : jars.every((path) => existsSync(path)) ? ['plain', 'cps'] : ['plain'];

/** bestMode is the one that is most like Jenkins. */
export const bestMode: Mode = modes.at(-1) ?? 'plain';

/** javaHome is where the Java on PATH is at home. */
export const javaHome = java === undefined ? '' : dirname(dirname(realpathSync(java)));

/** quickly is for a Java that runs for some seconds only. */
export const quickly = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData';

/** BuildOptions are a pipeline and what is around it. */
export interface BuildOptions {
  readonly jenkinsfile: string;
  /** library is the folder that holds `vars` and `resources`. */
  readonly library: string;
  readonly workspace: string;
  /** around is a folder for the pipeline, the credentials and HOME. */
  readonly around: string;
  /** credentials by id: a secret text, or a name with a password. */
  readonly credentials: Readonly<Record<string, string | { readonly username: string; readonly password: string }>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly mode?: Mode;
}

/** Build is how a pipeline ended. */
export interface Build {
  readonly code: number;
  readonly log: string;
}

/** build runs a pipeline, with nothing in the environment but what a Jenkins agent has. */
export const build = ({ jenkinsfile, library, workspace, around, credentials, environment = {}, mode = bestMode }: BuildOptions): Promise<Build> => {
  writeFileSync(join(around, 'Jenkinsfile'), jenkinsfile);
  writeFileSync(join(around, 'credentials.json'), JSON.stringify(credentials));
  const all = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: around, LANG: 'C.UTF-8', JAVA_HOME: javaHome, JAVA_OPTS: `-Dfile.encoding=UTF-8 ${quickly}` },
    ...{ CI: 'true', JENKINS_HOME: '/var/jenkins_home', JENKINS_URL: 'https://jenkins.example.com/', BUILD_URL: 'https://jenkins.example.com/job/bot/7/', BUILD_TAG: 'jenkins-bot-7', BRANCH_NAME: 'main' },
    ...environment,
  };
  const folder = join(repository, 'test/engines/jenkins');
  const controller = mode === 'cps' ? 'cps-controller.groovy' : 'controller.groovy';
  const argv = ['-cp', [folder, ...(mode === 'cps' ? jars : [])].join(':'), join(folder, controller), library, workspace, join(around, 'Jenkinsfile'), join(around, 'credentials.json')];
  return new Promise((resolve) => {
    execFile('groovy', argv, { env: all, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, log: stdout + stderr }));
  });
};
