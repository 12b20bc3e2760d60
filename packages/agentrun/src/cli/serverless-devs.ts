import { done, failed, type CommandAnswer, type CommandRequest, type CommandRunner, type Outcome } from '@sluice/core';
import type { Credentials } from '../server/sign.ts';
import { answerOf, type Ran } from './answer.ts';
import type { PrivateHome } from './private-home.ts';
import type { Template } from './template.ts';

/** cliVersion is the one version of the Serverless Devs CLI whose behaviour Sluice knows. */
export const cliVersion = '3.1.10';

/** buildComponent is what the component builds with, pinned as well: the component itself loads whichever is newest. */
const buildComponent = 'fc3@0.1.22';

// A variable whose name ends like this is read as credentials, and nothing is asked or stored.
const access = 'sluice_serverless_devs_key';

/** settingNames are the variables that the CLI, its components and Docker get from the CI. */
export const settingNames = ['DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH', 'ENGINE_PIPELINE_PORTAL_URL', 'FC_CODE_TEMP_OSS_ENDPOINT', 'HTTPS_PROXY', 'NO_PROXY'] as const;

/** CliOptions are what runs of the CLI share. */
export interface CliOptions {
  /** program is how the CLI is called, as in `[s]`. */
  readonly program: readonly string[];
  /** component is the name with its version, as in `agentrun@1.0.12`. */
  readonly component: string;
  readonly commands: CommandRunner;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** settings are those of settingNames that are set. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Caller is whose account the CLI works in. */
export interface Caller {
  readonly account: string;
  readonly credentials: Credentials;
}

const credentialJson = ({ account, credentials }: Caller): string =>
  JSON.stringify({
    AccountID: account,
    AccessKeyID: credentials.accessKeyId,
    AccessKeySecret: credentials.accessKeySecret,
    ...(credentials.securityToken === undefined ? {} : { SecurityToken: credentials.securityToken }),
  });

const template = 's.yaml';

/**
 * argumentsOf are the arguments of a run. With `-o json` failures would end with code 0 and without a word; the long
 * form does not do that.
 */
export const argumentsOf = (command: string): readonly string[] => [command, '-t', template, '-a', access, '--silent', '--output', 'json', '-y'];

/** lineOf is the command line of a run, for people. It holds no secret. */
export const lineOf = ({ program }: Pick<CliOptions, 'program'>, command: string): string => [...program, ...argumentsOf(command)].join(' ');

/**
 * environmentOf is all that a run sees beside PATH and HOME: so neither the variables AccountID, AccessKeyID and
 * AccessKeySecret, which would win over `-a` and lose the security token, nor an alias of the CI's own.
 */
const environmentOf = (options: CliOptions, home: PrivateHome, more: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  ...options.settings,
  ...more,
  serverless_devs_config_home: home.folder,
  // Without it questions are asked, and updates looked for.
  SERVERLESS_DEVS_CICD: 'true',
  core_load_serverless_devs_component: `${options.component};${buildComponent}`,
});

/** withoutValues takes the agent's own values out of what is quoted from the CLI. */
const withoutValues = (text: string, values: readonly string[]): string =>
  [...values].filter((value) => value.length > 3).sort((one, other) => other.length - one.length).reduce((rest, value) => rest.replaceAll(value, '***'), text);

const installHint = `Install it: npm install -g @serverless-devs/s@${cliVersion}. Or name the program in sluice.yml: agentrun.s, as in [npx, --yes, "@serverless-devs/s@${cliVersion}"].`;

const run = ({ commands, signal }: CliOptions, request: CommandRequest): Promise<Outcome<CommandAnswer>> => commands.run(request, signal);

/** requireVersion refuses every version of the CLI but the one that is known. */
export const requireVersion = async (options: CliOptions, home: PrivateHome): Promise<Outcome<void>> => {
  const argv = [...options.program, '--version'];
  const answer = await run(options, { argv, folder: home.folder, environment: environmentOf(options, home, {}), deadlineMs: Math.min(options.deadlineMs, 120_000) });
  if (!answer.ok) return answer.problem.category === 'input' ? failed({ ...answer.problem, hint: installHint }) : answer;
  const found = /@serverless-devs\/s: (\d+\.\d+\.\d+\S*),/.exec(answer.value.stdout)?.[1];
  if (found === cliVersion) return done(undefined);
  return failed({
    category: 'input',
    reason: found === undefined ? `${argv.join(' ')} does not answer as the Serverless Devs CLI does` : `the Serverless Devs CLI is version ${found}, and Sluice works with ${cliVersion}`,
    tried: `run ${argv.join(' ')}`,
    hint: installHint,
  });
};

/** runTemplate runs one command of the component on a template, in the private home. */
export const runTemplate = async (options: CliOptions, home: PrivateHome, caller: Caller, command: Ran['command'], { text, environment }: Template): Promise<Outcome<void>> => {
  await home.write(template, text);
  const answer = await run(options, {
    argv: [...options.program, ...argumentsOf(command)],
    folder: home.folder,
    environment: environmentOf(options, home, { ...environment, [access]: credentialJson(caller) }),
    deadlineMs: options.deadlineMs,
  });
  if (!answer.ok) return answer;
  const clean = (output: string): string => withoutValues(output, Object.values(environment));
  const failure = await home.failure();
  const { code, stdout, stderr } = answer.value;
  return answerOf(
    { code, stdout: clean(stdout), stderr: clean(stderr), ...(failure === undefined ? {} : { failure: clean(failure) }) },
    { command, line: lineOf(options, command), component: options.component },
  );
};
