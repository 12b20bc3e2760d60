import { failed, type CommandRunner } from '@sluice/core';

/** gitOnly runs git and no other program; without a runner it runs none. */
export const gitOnly = (programs: CommandRunner | undefined): CommandRunner => ({
  run: (request, signal) =>
    programs !== undefined && request.argv[0] === 'git'
      ? programs.run(request, signal)
      : Promise.resolve(failed({ category: 'defect', reason: 'this step asked for a program that it may not have', tried: `run ${request.argv[0] ?? 'a program'}` })),
});
