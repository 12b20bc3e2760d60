import { done, failed, type Clock, type CommandAnswer, type CommandRunner, type Outcome } from '@sluice/core';

/** oldest is the first git whose `push --porcelain` and credential configuration this room relies on. */
const oldest: readonly [number, number] = [2, 17];

/** GitCall is one run of git. */
export interface GitCall {
  readonly argv: readonly string[];
  readonly input?: string;
}

/** Git runs git in a repository of Sluice's own, until a deadline. */
export interface Git {
  run(call: GitCall, deadline: Deadline): Promise<Outcome<CommandAnswer>>;
}

/** Deadline is until when one read or write may take; every call of git within it has its own, too. */
export interface Deadline {
  leftMs(): number;
}

/** deadlineIn makes a deadline, in real time also where waits are compressed. */
export const deadlineIn = (clock: Clock, milliseconds: number): Deadline => {
  const end = clock.elapsed() + milliseconds;
  return { leftMs: () => Math.max(1, end - clock.elapsed()) };
};

/** GitSurroundings are what git needs of the machine. */
export interface GitSurroundings {
  readonly commands: CommandRunner;
  /** environment is what git sees beside PATH and HOME: where its keys, helpers, proxies and authorities are, and the credentials. */
  readonly environment: Readonly<Record<string, string>>;
  readonly callMs: number;
}

/** quiet makes git ask nobody, speak English, and look for nothing in the folder that it runs in. */
const quiet = {
  LC_ALL: 'C',
  LANGUAGE: '',
  GIT_TERMINAL_PROMPT: '0',
  GCM_INTERACTIVE: 'never',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
} as const;

/** gitIn runs git on a folder that belongs to Sluice; the user's checkout is never its repository. */
export const gitIn = (folder: string, { commands, environment, callMs }: GitSurroundings): Git => ({
  run: ({ argv, input }, deadline) =>
    commands.run({
      argv: ['git', `--git-dir=${folder}`, ...argv],
      environment: { ...environment, ...quiet },
      folder,
      ...(input === undefined ? {} : { input }),
      deadlineMs: Math.min(callMs, deadline.leftMs()),
    }),
});

/** gitVersion finds git and its version; one that is not there or too old is an `input` problem that says what to install. */
export const gitVersion = async ({ commands, callMs }: GitSurroundings): Promise<Outcome<string>> => {
  const tried = 'find git, which keeps the state on a branch';
  const hint = `Install git ${oldest.join('.')} or newer on this machine, or in the image of this job; or point SLUICE_STATE at a folder that is kept between runs.`;
  const answered = await commands.run({ argv: ['git', '--version'], environment: quiet, deadlineMs: callMs });
  if (!answered.ok) return failed({ ...answered.problem, tried, ...(answered.problem.category === 'input' ? { hint } : {}) });
  const [, major, minor] = /^git version (\d+)\.(\d+)/.exec(answered.value.stdout) ?? [];
  const found = [Number(major ?? 0), Number(minor ?? 0)] as const;
  const newEnough = found[0] > oldest[0] || (found[0] === oldest[0] && found[1] >= oldest[1]);
  if (newEnough) return done(`${found[0]}.${found[1]}`);
  const reason = major === undefined ? 'what is called git on this machine does not say its version' : `git ${found.join('.')} is too old to keep the state on a branch`;
  return failed({ category: 'input', reason, tried, hint });
};
