import type { CommandAnswer, EnvironmentConfig, Problem } from '@sluice/core';

/** NginxConfig is `gateway.nginx` of sluice.yml. */
export type NginxConfig = NonNullable<EnvironmentConfig['gateway']>['nginx'];

/** lastLines are the end of a program's output: there nginx says what is wrong. */
const lastLines = (text: string): string => text.trim().split('\n').slice(-5).join('\n');

/** commandProblem is the problem of a program that ended with another exit code than 0. */
export const commandProblem = (argv: readonly string[], { code, stdout, stderr }: CommandAnswer, where: string): Problem => ({
  category: 'platform',
  // ssh says 255 when it did not come to run the command.
  reason: `"${argv.join(' ')}" ended with exit code ${code}${code === 255 && argv[0]?.endsWith('ssh') === true ? ': no connection' : ''}`,
  where,
  answer: { message: lastLines(stderr.trim() === '' ? stdout : stderr) },
});
