import type { Clock } from './clock.ts';
import type { CommandRunner } from './command.ts';

/** CommandSurroundings are what every program sees of the environment beside what its request names. */
export interface CommandSurroundings {
  readonly path: string;
  readonly home: string;
  /** clock times the deadlines, in real time; the system's own when absent. */
  readonly clock?: Clock;
  /** cancelled fires when the run is cancelled. It ends no program: that is the signal of a request. It tells why another one ended it. */
  readonly cancelled?: AbortSignal;
}

/** createCommandRunner runs programs as `spawningRunner` does; what starts processes is loaded with the first program only. */
export const createCommandRunner = (surroundings: CommandSurroundings): CommandRunner => ({
  run: async (request, signal) => (await import('./spawning-runner.ts')).spawningRunner(surroundings).run(request, signal),
});
