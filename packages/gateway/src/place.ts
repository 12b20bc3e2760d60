import { done, failed, type CommandAnswer, type Connection, type Outcome } from '@sluice/core';
import { commandProblem, type NginxConfig } from './command.ts';

/** IncludePlace is where nginx has the include file: on this machine's disk, or behind commands, as over SSH. */
export interface IncludePlace {
  /** read gives undefined when there is no file; commands cannot tell that from a failure, so there it is a problem. */
  read(): Promise<Outcome<string | undefined>>;
  write(text: string): Promise<Outcome<void>>;
  /** torn says that a write that failed may have left half a file. */
  readonly torn: boolean;
}

const deadlineMs = 30_000;

const first = 'Run the command by hand from this machine. The file must be there before the first release; docs/gateway-nginx.md shows it.';

const behindCommands = ({ commands }: Connection, include: string, reading: readonly string[], writing: readonly string[]): IncludePlace => {
  // The run's signal is left out on purpose: a cancelled run must still be able to close the gate.
  const run = async (argv: readonly string[], tried: string, input?: string): Promise<Outcome<CommandAnswer>> => {
    const ended = await commands.run({ argv, deadlineMs, ...(input === undefined ? {} : { input }) });
    if (!ended.ok) return failed({ ...ended.problem, tried });
    return ended.value.code === 0 ? ended : failed({ ...commandProblem(argv, ended.value, include), tried, hint: first });
  };
  const read = async (): Promise<Outcome<string>> => {
    const printed = await run(reading, `read ${include} by gateway.nginx.read`);
    return printed.ok ? done(printed.value.stdout) : printed;
  };
  return {
    torn: true,
    read,
    write: async (text) => {
      const tried = `write ${include} by gateway.nginx.write`;
      const written = await run(writing, tried, text);
      if (!written.ok) return written;
      const found = await read();
      if (!found.ok || found.value === text) return found.ok ? done(undefined) : found;
      return failed({
        category: 'platform',
        reason: `gateway.nginx.write ended well, but gateway.nginx.read does not print what it was given`,
        tried,
        where: include,
        hint: 'Let both commands name the same file, and let neither print anything else on its standard output.',
      });
    },
  };
};

/** includePlace opens the place that sluice.yml names: behind its commands when it gives some, else the disk. */
export const includePlace = (connection: Connection, { include, read, write }: NginxConfig): IncludePlace =>
  read === undefined || write === undefined
    ? { torn: false, read: () => connection.files.read(include), write: (text) => connection.files.write(include, text) }
    : behindCommands(connection, include, read, write);
