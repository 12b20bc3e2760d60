import type { Connection, Problem } from '@sluice/core';
import { commandProblem, type NginxConfig } from './command.ts';
import type { IncludePlace } from './place.ts';

const deadlineMs = 30_000;

const runNginx = async (connection: Connection, argv: readonly string[], include: string): Promise<Problem | undefined> => {
  // The run's signal is left out on purpose: a cancelled run must still be able to close the gate.
  const ended = await connection.commands.run({ argv, deadlineMs });
  if (!ended.ok) return ended.problem;
  if (ended.value.code === 0) return undefined;
  return {
    ...commandProblem(argv, ended.value, include),
    hint: 'Run the command by hand where nginx runs. gateway.nginx.test and gateway.nginx.reload say how Sluice calls it, as in [sudo, nginx, -t].',
  };
};

/** install puts an include file into place and has nginx test and load it. After a refusal the text of before is put back. */
export const install = async (
  connection: Connection,
  place: IncludePlace,
  nginx: NginxConfig,
  text: string,
  before: string,
  tried: string,
): Promise<Problem | undefined> => {
  const written = await place.write(text);
  if (!written.ok && !place.torn) return { ...written.problem, tried };
  const refused = written.ok
    ? ((await runNginx(connection, nginx.test, nginx.include)) ?? (await runNginx(connection, nginx.reload, nginx.include)))
    : written.problem;
  if (refused === undefined) return undefined;
  const restored = await place.write(before);
  if (restored.ok) return { ...refused, tried, reason: `${refused.reason}; the include file of before was put back` };
  const lost = `the include file of before could not be put back: ${restored.problem.reason}`;
  return { ...refused, tried, others: [{ ...restored.problem, reason: lost }] };
};
