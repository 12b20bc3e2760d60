import { done, failed, mayReceiveCredentials, type Clock, type CommandRunner, type CredentialHosts, type Host, type Outcome, type Project, type StateStore } from '@sluice/core';
import { gitStore, remoteOf } from '@sluice/state';
import { sealKey } from './seal-key.ts';

/** GitStateParts are what the branch of the state is opened with. */
export interface GitStateParts {
  readonly host: Host;
  readonly project: Project;
  readonly clock: Clock;
  readonly commands: CommandRunner;
  /** hosts are where credentials may go, from SLUICE_HOSTS. */
  readonly hosts: CredentialHosts;
}

/** passed are the variables that git and ssh find their keys, helpers, proxies and authorities by. */
const passed = [
  ...['SSH_AUTH_SOCK', 'SSH_AGENT_PID', 'GIT_SSH', 'GIT_SSH_COMMAND', 'GIT_SSH_VARIANT', 'GIT_ASKPASS', 'SSH_ASKPASS', 'GIT_USERNAME', 'GIT_PASSWORD'],
  ...['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM', 'GIT_CONFIG_NOSYSTEM', 'XDG_CONFIG_HOME', 'GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_EMAIL'],
  ...['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CERT', 'GIT_SSL_KEY'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
  ...['USER', 'LOGNAME', 'TMPDIR', 'SystemRoot', 'USERPROFILE', 'APPDATA', 'TEMP', 'TMP'],
];

const environmentOf = ({ environment }: Host): Readonly<Record<string, string>> =>
  Object.fromEntries(
    passed.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );

/** rights say for each CI what to add so that a run may push to the branch. */
const rights: Readonly<Record<Host['name'], string>> = {
  github: 'Add to the job: `permissions: { contents: write }`, and to the step: `env: { GITHUB_TOKEN: "${{ github.token }}" }`. For another repository set the secret SLUICE_STATE_TOKEN to a token that may write its contents.',
  gitlab: 'Turn on Settings > CI/CD > Job token permissions > "Allow Git push requests to the repository" (GitLab 17.2 and newer). Else set the masked variable SLUICE_STATE_TOKEN to a project access token with the scope write_repository.',
  jenkins: "Put the step into `withCredentials([gitUsernamePassword(credentialsId: 'git', gitToolName: 'Default')])` or `sshagent(['git'])`, with credentials that may push to the branch; or set SLUICE_STATE_TOKEN.",
  bitbucket: 'Set the secured variable SLUICE_STATE_TOKEN to an access token of the repository with the scope repository:write. Or name the address that a key of yours may push to: `repository: git@bitbucket.org:team/bot.git`.',
  circleci: 'Add a deploy key with write access under Project Settings > SSH Keys, and to the job, before `checkout`: `- add_ssh_keys: { fingerprints: [...] }`. Or set SLUICE_STATE_TOKEN in the context of the job.',
  yunxiao: 'Let the job have an SSH key that may push, and name the address that it belongs to: `repository: git@codeup.aliyun.com:team/bot.git`. Or set the private variable SLUICE_STATE_TOKEN.',
  terminal: 'Use an account that may push to the branch: look whether `git push` works by hand; or set SLUICE_STATE_TOKEN.',
};

interface Login {
  readonly username: string;
  readonly password: string;
}

/** home is the CI's own server and this run's repository there, with the token that the CI gave the job. */
const home = ({ environment }: Host): { readonly server: string; readonly repository: string; readonly login: Login } => {
  const value = (name: string): string => environment[name] ?? '';
  const github = value('GITHUB_SERVER_URL');
  if (github !== '') return { server: github, repository: `${github}/${value('GITHUB_REPOSITORY')}.git`, login: { username: 'x-access-token', password: value('GITHUB_TOKEN') } };
  const gitlab = value('CI_PROJECT_URL');
  if (gitlab !== '') return { server: value('CI_SERVER_URL') === '' ? gitlab : value('CI_SERVER_URL'), repository: `${gitlab}.git`, login: { username: 'gitlab-ci-token', password: value('CI_JOB_TOKEN') } };
  const bitbucket = value('BITBUCKET_REPO_FULL_NAME');
  // Pipelines gives a step no token to push with; an access token goes by this name.
  if (bitbucket !== '') return { server: 'https://bitbucket.org', repository: `https://bitbucket.org/${bitbucket}.git`, login: { username: 'x-token-auth', password: '' } };
  return { server: '', repository: value('GIT_URL'), login: { username: '', password: '' } };
};

/** originOf is the address of the checkout's own remote, empty when it has none. */
const originOf = async ({ project, commands, host }: GitStateParts): Promise<Outcome<string>> => {
  const asked = await commands.run({ argv: ['git', 'config', '--get', 'remote.origin.url'], folder: project.folder, environment: environmentOf(host), deadlineMs: 10_000 });
  return asked.ok ? done(asked.value.stdout.trim()) : asked;
};

const sameOrigin = (one: string, other: string): boolean => URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;

/**
 * loginOf is what proves this run to the repository: SLUICE_STATE_TOKEN, where SLUICE_HOSTS lets it go; else the CI's own
 * token, for the CI's own server alone; else nothing, and git uses what it finds on this machine.
 */
const loginOf = ({ host, hosts }: GitStateParts, address: string): Outcome<Login | undefined> => {
  if (!/^https?:/i.test(address)) return done(undefined);
  const own = home(host);
  const atHome = own.server !== '' && sameOrigin(own.server, address);
  const token = host.environment['SLUICE_STATE_TOKEN'] ?? '';
  if (token === '') return done(atHome && own.login.password !== '' ? own.login : undefined);
  const allowed: ReturnType<typeof mayReceiveCredentials> = atHome ? done({}) : mayReceiveCredentials(address, hosts, { onCi: host.context.onCi });
  if (!allowed.ok) return allowed;
  if (allowed.value.warning !== undefined) host.warn(allowed.value.warning);
  return done({ username: own.login.username === '' ? 'sluice' : own.login.username, password: token });
};

/** gitState opens the branch that sluice.yml names: of the repository that it names, else of the one that this run comes from. */
export const gitState = async (parts: GitStateParts): Promise<Outcome<StateStore>> => {
  const { host, project, clock, commands } = parts;
  const { git: branch = '', repository } = project.config.state ?? {};
  const ofCi = home(host).repository;
  const given = repository ?? (ofCi === '' ? await originOf(parts) : ofCi);
  const address = typeof given === 'string' ? done(given) : given;
  if (!address.ok) return address;
  const remote = remoteOf(address.value);
  if (remote === undefined) {
    return failed({ category: 'input', reason: 'it is not known which repository keeps the state', tried: 'find the branch of the state', where: project.file, hint: 'Write its address: `state: { git: sluice-state, repository: https://git.example.com/team/bot.git }`.' });
  }
  const login = loginOf(parts, remote.address);
  if (!login.ok) return login;
  for (const secret of [login.value?.password, remote.password]) if (secret !== undefined) host.mask(secret);
  const { actor, runUrl, commit } = host.context;
  return done(
    gitStore({
      address: address.value,
      branch,
      ...(login.value === undefined ? {} : { credentials: login.value }),
      environment: environmentOf(host),
      commands,
      clock,
      who: { actor, runUrl, commit },
      rights: rights[host.name],
      redact: (text) => host.redact(text),
      ...sealKey(host),
    }),
  );
};
