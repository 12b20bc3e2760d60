import type { Severity } from '@sluice/core';
import { anyCommand } from './our-commands.ts';

/** ShellRule finds one habit in a command line; `found` gives the column, from 0, or undefined. */
export interface ShellRule {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  found(line: string, file: string): number | undefined;
}

const column = (pattern: RegExp) => (line: string): number | undefined => pattern.exec(line)?.index;

/** The Serverless Devs CLI by its short name, with a subcommand that only it has. */
const s = String.raw`(?<![\w./-])(?:npx\s+(?:-y\s+|--yes\s+)?)?(?:@serverless-devs\/)?s(?:@[\w.-]+)?\s+(?:cli\s+)?(?:deploy|info|version|endpoint|invoke|logs|build|remove|preview|plan|local|config)\b`;

/** swallowed is an end that turns a failure into success; one that leaves with a code of its own does not. */
const swallowed = String.raw`\|\|\s*(?:echo|printf|true|:(?=\s|$|['"])|exit\s+0)`;
const leaves = /\bexit\s+[1-9]/;

/** within says that the match stands in a command substitution: its text is judged later, its failure is not the point. */
const within = (line: string, at: number): boolean => {
  const before = line.slice(0, at);
  return before.split('$(').length > before.split(')').length;
};

/** sends are the options of curl and wget that change something on the other side: a failed notice or clean-up need not fail the job. */
const sends = /\s(?:(?:-X|--request)[\s=]*["']?(?!GET|HEAD)[A-Z]|-d\b|--data\b|--json\b|-F\b|--form\b|-T\b|--upload-file\b|--post-(?:data|file)\b)/;
const keeps = /\s(?:-[A-Za-z]*O(?=\s)(?!\s*(?:-|\/dev\/null))|--remote-name\b|(?:-[A-Za-z]*o|--output)[\s=]+(?!\/dev\/null))/;
const failsOnStatus = /\s(?:-[A-Za-z]*f[A-Za-z]*(?=\s)|--fail\b|--spider\b)/;
const asksHealth = /\b(?:health\w*|ready|readyz|readiness|live|livez|liveness|alive|ping|status)\b/i;

/** isCheck says whether a command of curl or wget asks if something answers: it sends and keeps nothing, and fails by the status or asks an address that is there to be asked. */
const isCheck = (command: string): boolean => !sends.test(command) && !keeps.test(command) && (failsOnStatus.test(command) || asksHealth.test(command));

/**
 * shellRules are habits that make a gate pass whatever happens, or a release depend on luck. What `s` does was seen with
 * @serverless-devs/s 3.1.10 and its agentrun component 1.0.12.
 */
export const shellRules: readonly ShellRule[] = [
  {
    rule: 'pipeline/check-cannot-fail',
    severity: 'warning',
    message: 'This check ends well when the endpoint is down, so it is no gate.',
    hint: 'Take away what follows ||, or use the step health-check, which judges status, content and latency.',
    found: (line) => {
      const at = new RegExp(String.raw`\b(?:curl|wget)\b.*${swallowed}`).exec(line)?.index;
      return at === undefined || leaves.test(line) || within(line, at) || !isCheck(line.slice(at)) ? undefined : at;
    },
  },
  {
    rule: 'pipeline/gate-cannot-fail',
    severity: 'error',
    message: 'This step of Sluice ends well whatever it finds, so the release goes on after a refusal.',
    hint: 'Take away what follows ||. Where a code is no failure for you, compare it: 6 is too little evidence.',
    found: (line) => {
      const at = new RegExp(`${anyCommand}.*${swallowed}`).exec(line)?.index;
      return at === undefined || leaves.test(line) ? undefined : at;
    },
  },
  {
    rule: 'pipeline/exit-code-lost',
    severity: 'warning',
    message: 'The exit code of this step is lost: a pipe ends as its last command does.',
    hint: 'Write set -o pipefail before it. Sluice keeps a copy of what it says in its results folder.',
    found: (line, file) => {
      const at = new RegExp(String.raw`${anyCommand}[^|]*\|(?!\|)`).exec(line)?.index;
      return at === undefined || /pipefail|shell:\s*bash/.test(file) ? undefined : at;
    },
  },
  {
    rule: 'pipeline/s-json-hides-failure',
    severity: 'warning',
    message: 'With this option s ends with code 0 and without output when it fails.',
    hint: 'Write --silent --output json: then a failure is a failure, and standard output is the JSON alone.',
    found: column(new RegExp(String.raw`${s}.*\s(?:-o|--output-format)\s+json\b`)),
  },
  {
    rule: 'pipeline/s-config-alias',
    severity: 'error',
    message: 's config add has no option --alias; it ends with code 1, and the pipeline with it.',
    hint: 'The option is -a or --access. Sluice needs no such file: it takes the keys, or a role by OIDC, from the environment.',
    found: column(/(?<![\w./-])s(?:@[\w.-]+)?\s+config\s+add\b.*--alias\b/),
  },
  {
    rule: 'pipeline/keys-in-arguments',
    severity: 'warning',
    message: 'The keys stand in the arguments, where every process of the machine can read them.',
    hint: 'Take a role by OIDC, or give the keys as environment variables.',
    found: column(/(?<![\w./-])s(?:@[\w.-]+)?\s+config\s+add\b.*--AccessKey(?:ID|Secret)\b/i),
  },
  {
    rule: 'pipeline/address-by-grep',
    severity: 'warning',
    message: 'An address is taken from what s prints for people: after a failure that is the address of its issue page, after a success that of any endpoint.',
    hint: 'Use the output address of the steps info, deploy or release.',
    found: column(new RegExp(String.raw`${s}.*\|\s*(?:e|f)?(?:grep|sed|awk)\b.*https?`)),
  },
  {
    rule: 'pipeline/errors-thrown-away',
    severity: 'warning',
    message: 's writes its errors to standard output, so this hides nothing of them, and what is read next may be an error.',
    hint: 'Take away 2>/dev/null and look at the exit code; --silent --output json gives JSON alone.',
    found: column(new RegExp(String.raw`${s}.*2>\s*\/dev\/null`)),
  },
  {
    rule: 'pipeline/cli-unpinned',
    severity: 'warning',
    message: 'The Serverless Devs CLI is installed in whatever version is newest that day.',
    hint: 'Name a version, as in @serverless-devs/s@3.1.10; with deploy: api Sluice needs no CLI.',
    found: column(/\b(?:npm\s+(?:i|install|add)|yarn\s+(?:global\s+)?add|pnpm\s+(?:i|install|add)|npx)\b.*@serverless-devs\/s(?:@latest\b|(?![@\w-]))/),
  },
  {
    rule: 'pipeline/import-by-hand',
    severity: 'warning',
    message: "Dify's import blanks the secrets of the app that it overwrites, and answers 202 while it still waits for a confirmation.",
    hint: 'Use the step deploy, which keeps the secrets, confirms, and reads back what is there.',
    found: column(/\bcurl\b.*\/console\/api\/apps\/imports?\b/),
  },
];
