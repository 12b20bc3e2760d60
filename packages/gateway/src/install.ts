import type { Connection, EnvironmentConfig, Problem } from '@sluice/core';

/** NginxConfig is `gateway.nginx` of sluice.yml. */
export type NginxConfig = NonNullable<EnvironmentConfig['gateway']>['nginx'];

const deadlineMs = 30_000;

/** lastLines are the end of a program's output: there nginx says what is wrong. */
const lastLines = (text: string): string => text.trim().split('\n').slice(-5).join('\n');

const runNginx = async (connection: Connection, argv: readonly string[], include: string, tried: string): Promise<Problem | undefined> => {
  // The run's signal is left out on purpose: a cancelled run must still be able to close the gate.
  const ended = await connection.commands.run({ argv, deadlineMs });
  if (!ended.ok) return { ...ended.problem, tried };
  const { code, stdout, stderr } = ended.value;
  if (code === 0) return undefined;
  return {
    category: 'platform',
    reason: `"${argv.join(' ')}" ended with exit code ${code}`,
    tried,
    where: include,
    answer: { message: lastLines(stderr.trim() === '' ? stdout : stderr) },
    hint: 'Run the command by hand where nginx runs. gateway.nginx.test and gateway.nginx.reload say how Sluice calls it, as in [sudo, nginx, -t].',
  };
};

/** install puts an include file into place and has nginx test and load it. After a refusal the text of before is put back. */
export const install = async (
  connection: Connection,
  nginx: NginxConfig,
  text: string,
  before: string,
  tried: string,
): Promise<Problem | undefined> => {
  const { include } = nginx;
  const written = await connection.files.write(include, text);
  if (!written.ok) return { ...written.problem, tried };
  const refused =
    (await runNginx(connection, nginx.test, include, tried)) ?? (await runNginx(connection, nginx.reload, include, tried));
  if (refused === undefined) return undefined;
  const restored = await connection.files.write(include, before);
  if (restored.ok) return { ...refused, reason: `${refused.reason}; the include file of before was put back` };
  const lost = `the include file of before could not be put back: ${restored.problem.reason}`;
  return { ...refused, others: [{ ...restored.problem, reason: lost }] };
};
