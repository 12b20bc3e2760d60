import { done, failed, type CommandRunner } from '@sluice/core';
import type { Lab } from '@sluice/lab';

/** labCommands runs no program: what sluice.yml would tell nginx, the lab's gateway is told, and everything else is refused. */
export const labCommands = (lab: Lab): CommandRunner => ({
  run: async ({ argv }) => {
    if (argv[0]?.endsWith('nginx') === true) return done(await lab.gateway.run(argv));
    return failed({
      category: 'input',
      reason: `a rehearsal starts no program: ${argv[0] ?? ''}`,
      tried: `run ${argv.join(' ')}`,
      hint: 'Rehearse with the default nginx commands; the real ones run in the release.',
    });
  },
});
