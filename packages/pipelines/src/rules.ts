import type { Rule } from '@sluice/core';

const free = (id: string, summary: string): Rule => ({ id: `pipeline/${id}`, summary, scope: 'free' });

/** pipelineRules are all that is looked for in CI files. */
export const pipelineRules: readonly Rule[] = [
  free('check-cannot-fail', 'A check by curl or wget ends well when the endpoint is down.'),
  free('gate-cannot-fail', 'A step of Sluice ends well whatever it finds.'),
  free('gate-ignored', 'The pipeline goes on whatever a step of Sluice finds.'),
  free('exit-code-lost', 'The exit code of a step of Sluice is lost in a pipe.'),
  free('no-concurrency', 'Two runs release at once.'),
  free('release-cancelled', 'A newer push ends a release in the middle of its canary.'),
  free('sluice-unpinned', 'Sluice is taken from a branch, or from whatever version is newest.'),
  free('cli-unpinned', 'The Serverless Devs CLI is installed in whatever version is newest.'),
  free('s-json-hides-failure', 'With -o json or --output-format json, s ends well when it fails.'),
  free('s-config-alias', 's config add is called with the option --alias, which it does not have.'),
  { id: 'pipeline/keys-in-arguments', summary: 'Access keys stand in the arguments of a program.', scope: 'secret' },
  free('address-by-grep', 'An address is taken from what s prints for people.'),
  free('errors-thrown-away', 'The standard error of s is thrown away, where its errors are not.'),
  free('import-by-hand', "Dify's import is called by hand, which blanks secrets."),
];
