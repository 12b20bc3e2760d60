import type { Outcome } from './outcome.ts';

/** CommandRequest is a program to run: an argument list, never a shell line. */
export interface CommandRequest {
  readonly argv: readonly string[];
  /** environment is all that the program sees beside PATH and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly input?: string;
  /** deadlineMs ends the program and its children. */
  readonly deadlineMs: number;
}

/** CommandAnswer is how a program ended. */
export interface CommandAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** CommandRunner runs programs; a rehearsal gives one that runs none. */
export interface CommandRunner {
  /**
   * run fails with `input` when the program is not there, with `timeout` at the deadline, with `cancelled` when the run
   * is, and with `platform` when something else ended the program by a signal; a non-zero code is an answer.
   */
  run(request: CommandRequest, signal?: AbortSignal): Promise<Outcome<CommandAnswer>>;
}
