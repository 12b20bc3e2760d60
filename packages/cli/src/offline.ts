import { failed, type Outcome, type StepContext } from '@sluice/core';

/** Surroundings are what a step may reach outside the files of its project. */
export type Surroundings = Pick<StepContext, 'http' | 'commands' | 'files' | 'state'>;

const reason = 'offline steps, and all steps for pull requests, connect to nothing and run no program';

const refused = (tried: string): Promise<Outcome<never>> =>
  Promise.resolve(failed({ category: 'defect', reason, tried, hint: 'Report this: an offline step asked for more than it may have.' }));

/** offlineSurroundings refuse everything, so that what an offline run may not do cannot happen. */
export const offlineSurroundings: Surroundings = {
  http: {
    send: ({ tried }) => refused(tried),
    stream: ({ tried }) => refused(tried),
    close: () => Promise.resolve(),
  },
  commands: { run: ({ argv }) => refused(`run ${argv[0] ?? 'a program'}`) },
  files: { read: (path) => refused(`read ${path}`), write: (path) => refused(`write ${path}`) },
  state: {
    where: 'offline',
    prove: () => refused('prove the store'),
    read: () => refused('read the record'),
    write: () => refused('write the record'),
  },
};
