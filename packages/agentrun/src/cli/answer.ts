import { clause, done, failed, oneLine, type CommandAnswer, type Outcome, type Problem } from '@sluice/core';
import { isRecord } from '../source/json.ts';

/** ComponentResult is what a component gave back; the CLI adds the name and version of the component that ran. */
type ComponentResult = Readonly<Record<string, unknown>> & { readonly __component: string };

/** Ended is how the CLI ended, and what it wrote about a failure. */
export interface Ended extends CommandAnswer {
  /** failure is the text of error.json. */
  readonly failure?: string;
}

/** Ran says what was run, for people. */
export interface Ran {
  readonly command: 'build' | 'deploy';
  /** line is the command line. It holds no secret. */
  readonly line: string;
  /** component is the one that was meant, with its version. */
  readonly component: string;
}

const longest = 500;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is looked for further on.
    return undefined;
  }
};

const isResult = (value: unknown): value is ComponentResult => isRecord(value) && typeof value['__component'] === 'string';

/** resultIn finds the result at the end of what was printed; a component may print lines of its own before it. */
const resultIn = (stdout: string): ComponentResult | undefined => {
  for (let at = stdout.lastIndexOf('\n{'); ; at = stdout.lastIndexOf('\n{', at - 1)) {
    const value = parsed(stdout.slice(at + 1));
    if (isResult(value)) return value;
    if (at <= 0) break;
  }
  const whole = parsed(stdout);
  return isResult(whole) ? whole : undefined;
};

const messageOf = ({ failure, stdout, stderr }: Ended): string => {
  const list = failure === undefined ? undefined : parsed(failure);
  const entries: readonly unknown[] = Array.isArray(list) ? list : [list];
  const messages = entries.flatMap((entry) => (isRecord(entry) && typeof entry['message'] === 'string' ? [entry['message']] : []));
  if (messages.length > 0) return oneLine(messages.join('; '), longest);
  const last = stderr.trim() === '' ? stdout : stderr;
  return oneLine(last.trimEnd().slice(-longest), longest);
};

const dockerHint =
  'Docker is needed to build. GitHub: the hosted runners have it (ubuntu-latest). GitLab: add the service docker:dind on a privileged runner, and DOCKER_HOST. Jenkins: choose an agent with Docker by its label. Yunxiao: its build machines build without Docker. Or install what the agent needs in a step before, and set `build: never`.';

const credentialsHint = 'Check the credentials and the rights of "deploy with s" in docs/ram-policies.md.';

interface Kind {
  readonly matches: RegExp;
  readonly category: Problem['category'];
  readonly reason: string;
  readonly hint: string;
}

const kinds: readonly Kind[] = [
  { matches: /docker is not (?:ok|installed|running)|docker daemon|docker: (?:command )?not found|spawn docker ENOENT/i, category: 'input', reason: 'there is no Docker to build with', hint: dockerHint },
  { matches: /not found access|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSecurityToken|SecurityToken.*(?:expired|malformed)/i, category: 'permission', reason: 'the credentials were refused', hint: credentialsHint },
  { matches: /NoPermission|Forbidden|AccessDenied|not authorized/i, category: 'permission', reason: 'the credentials lack a right', hint: credentialsHint },
  { matches: /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|api\.devsapp\.cn/, category: 'platform', reason: 'the component or the platform could not be reached', hint: 'Try again. A folder with the components, kept by the CI (SLUICE_S_COMPONENTS), does without the registry of Serverless Devs.' },
];

// Exit codes of 3.1.10: 1 is a wrong command line or template, 100 one of the CLI's own checks, 101 a component's failure.
const meanings: Readonly<Record<number, { readonly category: Problem['category']; readonly hint: string }>> = {
  1: { category: 'input', hint: 'Correct what it names in s.yaml.' },
  100: { category: 'input', hint: 'Correct what it names in s.yaml.' },
  101: { category: 'platform', hint: 'Correct what it names, and deploy again. Users keep what they had.' },
};

const failureOf = (ended: Ended, { command, line }: Ran): Problem => {
  const message = messageOf(ended);
  // What a component prints on its way to a failure often names the cause; its error does not.
  const kind = kinds.find(({ matches }) => matches.test(message)) ?? kinds.find(({ matches, category }) => category === 'input' && matches.test(ended.stdout));
  const meaning = kind ?? meanings[ended.code] ?? { category: 'platform', hint: 'Run the command by hand on this machine.' };
  const reason = kind === undefined ? `the Serverless Devs CLI failed to ${command}${message === '' ? '' : `: ${clause(message)}`}` : `the Serverless Devs CLI failed to ${command}: ${kind.reason}`;
  return { category: meaning.category, reason, tried: `run ${line}`, answer: { code: `exit code ${ended.code}`, ...(kind === undefined || message === '' ? {} : { message }) }, hint: meaning.hint };
};

/**
 * answerOf decides whether the CLI did what it was told. Code 0 alone says little: an unknown command ends with it as
 * well, so a deployment must have the component's result, and of the component that was pinned. A build may give none;
 * what it made tells whether there was one.
 */
export const answerOf = (ended: Ended, ran: Ran): Outcome<void> => {
  if (ended.code !== 0) return failed(failureOf(ended, ran));
  const result = resultIn(ended.stdout);
  if (result === undefined && ran.command === 'build') return done(undefined);
  const tried = `run ${ran.line}`;
  if (result === undefined) {
    const message = oneLine(ended.stdout.trimEnd().slice(-longest), longest);
    return failed({
      category: 'platform',
      reason: `the Serverless Devs CLI says that all went well, and gives no result of "${ran.command}"`,
      tried,
      answer: { code: 'exit code 0', ...(message === '' ? {} : { message }) },
      hint: `That is how it ends when the component has no command "${ran.command}". Check the component's version in s.yaml, or agentrun.component in sluice.yml.`,
    });
  }
  if (result.__component === ran.component) return done(undefined);
  return failed({ category: 'platform', reason: `the Serverless Devs CLI ran the component ${oneLine(result.__component, 80)} in place of ${ran.component}`, tried, hint: 'Empty the folder with the components, and deploy again.' });
};
